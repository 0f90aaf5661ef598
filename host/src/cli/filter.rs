//! `postern filter`: for those who write filters.

use super::Failure;
use crate::error::Chain;
use std::path::PathBuf;

/// Build filters
#[derive(clap::Subcommand)]
pub enum Filter {
    /// Build the Rust filter in a directory to a component, and print where it is
    Build {
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
}

impl Filter {
    pub fn execute(self) -> Result<(), Failure> {
        let Self::Build { directory } = self;
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
