//! `postern filter`: for those who write filters.

mod build;

use super::Failure;

/// Begin, build and try filters
#[derive(clap::Subcommand)]
pub enum Filter {
    Build(build::Build),
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        match self {
            Self::Build(build) => build.execute(),
        }
    }
}
