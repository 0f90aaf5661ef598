//! `postern filter new`: a project to begin with, in the language of choice.

use crate::cli::{Failure, print};
use crate::error::Chain;
use postern_guest_build::Language;
use std::path::PathBuf;

/// Begin a filter in a new directory, with its SDK, its tests and a README, and say what to type next
#[derive(clap::Args)]
pub struct New {
    /// c, go, javascript, python, rust, typescript or zig
    #[arg(short, long, value_name = "LANGUAGE")]
    lang: String,
    /// What it is called is how the directory is called
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

impl New {
    pub fn execute(self) -> Result<(), Failure> {
        let language = Language::named(&self.lang.to_ascii_lowercase()).ok_or_else(|| unknown(&self.lang))?;
        let begun = postern_guest_build::new(language, &self.directory)
            .map_err(|error| Failure::new(Failure::FAILED, Chain(&error).to_string()))?;
        print(format_args!("{} is a filter in {language} that works. Its README says how; next:\n", begun.name))?;
        begun.next.iter().try_for_each(|command| print(format_args!("    {command}")))
    }
}

/// The languages there are, and the one that was meant.
fn unknown(given: &str) -> Failure {
    let known = Language::ALL.map(Language::name);
    let near = known.iter().map(|name| (strsim::jaro_winkler(name, given), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    let meant = near.filter(|(likeness, _)| *likeness > 0.8).map(|(_, name)| format!("did you mean `{name}`? "));
    let hint = format!("{}there are `{}`", meant.unwrap_or_default(), known.join("`, `"));
    Failure::new(Failure::USAGE, format!("unknown language: `{given}`\nhint: {hint}"))
}
