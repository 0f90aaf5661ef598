//! `postern check`: all that `run` does before it opens a socket, and nothing else.

use super::Failure;
use crate::app::Plan;
use crate::config::{self, Config, Source};
use std::path::{Path, PathBuf};

/// Check the configuration, certificates, filters and data directory, and print every problem
#[derive(clap::Args)]
pub struct Check {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Check {
    pub fn execute(self) -> Result<(), Failure> {
        let config = load(self.config)?;
        let plan = Plan::new(config).map_err(|problems| Failure::config(&problems))?;
        let config = &plan.config;
        println!(
            "ok: {} webhooks, {} streams, {} filters",
            config.webhooks.len(),
            config.streams.len(),
            config.filters.len()
        );
        Ok(())
    }
}

/// Reads the file named, or else `postern.toml` where there is one; the environment may be enough by itself.
pub(super) fn load(file: Option<PathBuf>) -> Result<Config, Failure> {
    let default = Path::new(config::DEFAULT_FILE);
    let file = file.or_else(|| default.exists().then(|| default.to_owned()));
    let from_nothing = file.is_none();
    config::load(&Source::of_process(file)).map_err(|problems| {
        let mut failure = Failure::config(&problems);
        if from_nothing {
            failure.message.push_str("\nhint: there is no `postern.toml` here; name a file with `-c FILE`, or try `postern run --dev`");
        }
        failure
    })
}
