//! `postern filter`: for those who write filters.

mod build;
mod component;
mod new;
mod test;

use super::Failure;

/// Begin, build and try filters
#[derive(clap::Subcommand)]
pub enum Filter {
    New(new::New),
    Build(build::Build),
    Test(test::Test),
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        match self {
            Self::New(new) => new.execute(),
            Self::Build(build) => build.execute(),
            Self::Test(test) => test.execute(),
        }
    }
}
