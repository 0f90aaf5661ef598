//! `postern filter build`: a project to a component.

use crate::cli::Failure;
use crate::error::Chain;
use std::path::PathBuf;

/// Build the filter in a directory to a component, and print where it is
#[derive(clap::Args)]
pub struct Build {
    #[arg(default_value = ".")]
    directory: PathBuf,
}

impl Build {
    pub fn execute(self) -> Result<(), Failure> {
        let target = self.directory.join("target").join("postern");
        match postern_guest_build::build(&self.directory, &target) {
            Ok(component) => {
                println!("{}", component.display());
                Ok(())
            }
            Err(error) => Err(Failure::new(Failure::FAILED, Chain(&error).to_string())),
        }
    }
}
