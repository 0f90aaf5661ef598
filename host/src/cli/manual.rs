//! `postern completions` and `postern man`: what shells and `man` are to know of the command line, made from the command line
//! itself.

use super::{Failure, command, examples};
use clap::Command;
use clap::builder::Resettable;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
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
        let mut command = command().disable_help_subcommand(true);
        command.build();
        match self.directory {
            Some(directory) => std::fs::create_dir_all(&directory)
                .and_then(|()| pages(&command, "", &directory))
                .map_err(|error| unwritten(&directory, &error)),
            None => {
                let rendered = page(&Man::new(bare(&command)), "");
                let page = rendered
                    .map_err(|error| Failure::new(Failure::FAILED, format!("failed to make the page: {error}")))?;
                write(&page)
            }
        }
    }
}

/// Writes the page of a command, and those of all below it.
fn pages(command: &Command, path: &str, directory: &Path) -> io::Result<()> {
    for below in command.get_subcommands() {
        pages(below, format!("{path} {}", below.get_name()).trim_start(), directory)?;
    }
    let man = Man::new(bare(command));
    std::fs::write(directory.join(man.get_filename()), page(&man, path)?)
}

/// Without the examples: `man` would fill their lines as it does those of text.
fn bare(command: &Command) -> Command {
    command.clone().after_long_help(Resettable::Reset)
}

/// With the examples, line by line.
fn page(man: &Man, path: &str) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    if let Some(examples) = examples::of(path) {
        let mut section = Roff::new();
        section.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in examples.lines() {
            section.text([roman(line)]);
        }
        section.control("fi", []).to_writer(&mut page)?;
    }
    Ok(page)
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
