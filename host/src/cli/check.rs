//! `postern check`: all that `run` does before it opens a socket, and nothing else.

use super::Failure;
use crate::app::Plan;
use crate::config::{self, Config, Override, Source};
use std::path::{Path, PathBuf};

/// Check the configuration, certificates, filters and data directory, and print every problem
#[derive(clap::Args)]
pub struct Check {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
}

/// What may be said of this start on the command line; the rest is for the file.
#[derive(clap::Args, Default)]
pub struct Overrides {
    /// Listen here instead; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Keep data here instead
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<String>,
    /// What to log: error, warn, info, debug, trace, or directives such as postern=debug
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

impl From<Overrides> for Vec<Override> {
    fn from(overrides: Overrides) -> Self {
        let Overrides { listen, data, log } = overrides;
        let listen = (!listen.is_empty()).then(|| listen.join(","));
        [("--listen", "listen", listen), ("--data", "data", data), ("--log", "log.level", log)]
            .into_iter()
            .filter_map(|(flag, key, value)| Some(Override { flag, key, value: value? }))
            .collect()
    }
}

impl Check {
    pub fn execute(self) -> Result<(), Failure> {
        let config = load(self.config, self.overrides)?;
        let plan = Plan::new(config).map_err(|problems| Failure::config(&problems))?;
        let config = &plan.config;
        println!(
            "ok (webhooks: {}, streams: {}, filters: {})",
            config.webhooks.len(),
            config.streams.len(),
            config.filters.len()
        );
        for intention in plan.intentions() {
            println!("{intention}");
        }
        Ok(())
    }
}

/// Reads the file named, or else `postern.toml` where there is one; the environment may be enough by itself.
pub(super) fn load(file: Option<PathBuf>, overrides: Overrides) -> Result<Config, Failure> {
    let default = Path::new(config::DEFAULT_FILE);
    let file = file.or_else(|| default.exists().then(|| default.to_owned()));
    let from_nothing = file.is_none();
    let source = Source { overrides: overrides.into(), ..Source::of_process(file) };
    config::load(&source).map_err(|problems| {
        let mut failure = Failure::config(&problems);
        if from_nothing {
            failure.message.push_str(
                "\nhint: there is no `postern.toml` here; name a file with `-c FILE`, or try `postern run --dev`",
            );
        }
        failure
    })
}
