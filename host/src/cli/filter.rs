//! `postern filter`: for those who write filters.

mod bench;
mod component;
mod configured;
mod diff;
mod inspect;
mod table;
mod test;

use super::Failure;
use crate::error::Chain;
use std::path::PathBuf;

/// Build and try filters
#[derive(clap::Subcommand)]
pub enum Filter {
    /// Build the Rust filter in a directory to a component, and print where it is
    Build {
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
    Test(test::Test),
    Inspect(inspect::Inspect),
    Bench(bench::Bench),
    Diff(Box<diff::Diff>),
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        match self {
            Self::Build { directory } => build(&directory),
            Self::Test(test) => test.execute(),
            Self::Inspect(inspect) => inspect.execute(),
            Self::Bench(bench) => bench.execute(),
            Self::Diff(diff) => diff.execute(),
        }
    }
}

fn build(directory: &std::path::Path) -> Result<(), Failure> {
    let target = directory.join("target").join("postern");
    match postern_guest_build::build(directory, &target) {
        Ok(component) => {
            println!("{}", component.display());
            Ok(())
        }
        Err(error) => Err(Failure::new(Failure::FAILED, Chain(&error).to_string())),
    }
}
