//! The command line: what was typed becomes a struct, and each struct does one thing. Exit codes: 0; 1 failed; 64
//! usage; 69 could not start; 78 configuration.

mod check;
mod config;
mod dev;
mod events;
mod examples;
mod filter;
mod listen;
mod log;
mod manual;
mod operate;
mod outward;
mod run;
mod send;
mod status;

use crate::config::Problem;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// A WebAssembly-extensible edge gateway: webhooks in, durable; WebSocket clients out; filters in between.
#[derive(Parser)]
#[command(name = "postern", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Config(config::Show),
    Listen(listen::Listen),
    Send(send::Send),
    #[command(subcommand)]
    Events(events::Events),
    #[command(subcommand)]
    Filter(filter::Filter),
    Status(status::Status),
    Reload(operate::Reload),
    Pause(operate::Pause),
    Resume(operate::Resume),
    Drain(operate::Drain),
    Completions(manual::Completions),
    Man(manual::Manual),
}

/// Why a command did not do what it was asked, for standard error.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 64;
    pub const CANNOT_START: u8 = 69;
    pub const CONFIG: u8 = 78;

    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// All that is wrong with a configuration.
    fn config(problems: &[Problem]) -> Self {
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        Self::new(Self::CONFIG, lines.join("\n"))
    }
}

/// Prints a line of data. When whoever reads it has had enough, as `head` has, so have we.
fn print(line: fmt::Arguments<'_>) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::new(0, "")),
        Err(error) => Err(Failure::new(Failure::FAILED, format!("failed to write to standard output: {error}"))),
    }
}

/// All that can be typed.
fn command() -> clap::Command {
    examples::explained(Arguments::command())
}

/// Does what the command line says. All of `main`.
pub fn main() -> ExitCode {
    let arguments = command().try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error)
            if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && std::env::args_os().len() < 2 =>
        {
            outward::note(examples::FIRST_STEPS);
            return ExitCode::from(Failure::USAGE);
        }
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs on.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Failure::USAGE } else { 0 });
        }
    };
    let done = match arguments.command {
        Command::Run(run) => run.execute(),
        Command::Check(check) => check.execute(),
        Command::Config(config) => config.execute(),
        Command::Listen(listen) => listen.execute(),
        Command::Send(send) => send.execute(),
        Command::Events(events) => events.execute(),
        Command::Filter(filter) => filter.execute(),
        Command::Status(status) => outward::block_on(status.execute()),
        Command::Reload(reload) => outward::block_on(reload.execute()),
        Command::Pause(pause) => outward::block_on(pause.execute()),
        Command::Resume(resume) => outward::block_on(resume.execute()),
        Command::Drain(drain) => outward::block_on(drain.execute()),
        Command::Completions(completions) => completions.execute(),
        Command::Man(manual) => manual.execute(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("{}", failure.message);
            }
            ExitCode::from(failure.code)
        }
    }
}
