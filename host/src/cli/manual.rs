//! `postern completions` and `postern man`: what shells and `man` are to know of the command line, made from the command line
//! itself.

use super::{Failure, command};
use clap_complete::Shell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Print a script that completes commands and options in a shell
#[derive(clap::Args)]
pub struct Completions {
    /// For which
    shell: Shell,
}

/// Print the manual page, or write those of all commands into a directory
#[derive(clap::Args)]
pub struct Manual {
    /// Where to write `postern.1`, `postern-run.1` and so on; it is made if it is not there
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Completions {
    pub fn execute(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "postern", &mut script);
        write(&script)
    }
}

impl Manual {
    pub fn execute(self) -> Result<(), Failure> {
        // `help` needs no page for each command it helps with.
        let command = command().disable_help_subcommand(true);
        match self.directory {
            Some(directory) => std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(command, &directory))
                .map_err(|error| unwritten(&directory, &error)),
            None => {
                let mut page = Vec::new();
                let rendered = clap_mangen::Man::new(command).render(&mut page);
                rendered.map_err(|error| Failure::new(Failure::FAILED, format!("failed to make the page: {error}")))?;
                write(&page)
            }
        }
    }
}

/// All at once. When whoever reads it has had enough, as `head` has, so have we.
fn write(bytes: &[u8]) -> Result<(), Failure> {
    match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Failure::FAILED, format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn unwritten(directory: &Path, error: &io::Error) -> Failure {
    Failure::new(Failure::FAILED, format!("failed to write the pages into `{}`: {error}", directory.display()))
}
