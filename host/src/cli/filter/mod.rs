//! `postern filter`: for those who write filters.

mod bench;
mod build;
mod component;
mod configured;
mod diff;
mod inspect;
mod new;
mod push;
mod table;
mod test;

use super::Failure;

/// Begin, build, try, measure and publish filters
#[derive(clap::Subcommand)]
pub enum Filter {
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Inspect(inspect::Inspect),
    Bench(bench::Bench),
    Diff(diff::Diff),
    Push(push::Push),
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        match self {
            Self::New(new) => new.execute(),
            Self::Build(build) => build.execute(),
            Self::Test(test) => test.execute(),
            Self::Inspect(inspect) => inspect.execute(),
            Self::Bench(bench) => bench.execute(),
            Self::Diff(diff) => diff.execute(),
            Self::Push(push) => push.execute(),
        }
    }
}
