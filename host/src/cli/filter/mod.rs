//! `postern filter`: for those who write filters.

mod build;
mod component;
mod new;
mod push;
mod test;

use super::Failure;

/// Begin, build, try and publish filters
#[derive(clap::Subcommand)]
pub enum Filter {
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Push(push::Push),
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        match self {
            Self::New(new) => new.execute(),
            Self::Build(build) => build.execute(),
            Self::Test(test) => test.execute(),
            Self::Push(push) => push.execute(),
        }
    }
}
