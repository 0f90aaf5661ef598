//! `postern filter`: for those who write filters.

mod push;

use super::Failure;
use crate::error::Chain;
use std::path::PathBuf;

/// Build filters, and put them into registries
#[derive(clap::Subcommand)]
pub enum Filter {
    /// Build the Rust filter in a directory to a component, and print where it is
    Build {
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
    Push(push::Push),
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        let directory = match self {
            Self::Build { directory } => directory,
            Self::Push(push) => return push.execute(),
        };
        let target = directory.join("target").join("postern");
        match postern_guest_build::build(&directory, &target) {
            Ok(component) => {
                println!("{}", component.display());
                Ok(())
            }
            Err(error) => Err(Failure::new(Failure::FAILED, Chain(&error).to_string())),
        }
    }
}
