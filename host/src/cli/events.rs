//! `postern events`: what is in a data directory whose gateway does not run.

use super::check::{self, Overrides};
use super::{Failure, print};
use crate::admin::HeldEvent;
use crate::error::Chain;
use crate::journal::{self, Journal, Outcome};
use crate::message::{Entry, EventId, Format, Offset, Step};
use ring::digest;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// Look at events
#[derive(clap::Subcommand)]
pub enum Events {
    /// List what the outbox has for clients, or with --held what waits for a filter that can judge it. The gateway must
    /// not be running: while it is, `GET /v1/events?held=true` of its admin listener tells.
    Ls(List),
    /// Show what became of one event, and what each filter said of it
    Show(Show),
}

#[derive(clap::Args)]
pub struct List {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Held events instead
    #[arg(long)]
    held: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct Show {
    /// The event's id, 16 hexadecimal digits, as `ls` and the log print it
    #[arg(value_parser = |id: &str| u64::from_str_radix(id, 16).map(EventId))]
    id: EventId,
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    outcome: Outcome,
    trail: Vec<Step>,
}

#[derive(Serialize)]
struct Line {
    offset: u64,
    id: String,
    webhook: String,
    received: String,
    unparsed: bool,
    format: Format,
    bytes: usize,
    body_sha256: String,
}

impl Events {
    pub fn execute(self) -> Result<(), Failure> {
        match self {
            Self::Ls(list) => {
                let journal = open(list.config.clone())?;
                if list.held { list.held(&journal) } else { list.outbox(&journal) }
            }
            Self::Show(show) => show.print(&open(show.config.clone())?),
        }
    }
}

fn open(config: Option<PathBuf>) -> Result<Journal, Failure> {
    let config = check::load(config, Overrides::default())?;
    let names: Vec<String> = config.webhooks.keys().cloned().collect();
    let directory = config.data.join("journal");
    if !directory.exists() {
        let text = format!(
            "there is no journal in `{}`\nhint: run this where the gateway runs, or name its configuration with `-c FILE`",
            config.data.display()
        );
        return Err(Failure::new(Failure::FAILED, text));
    }
    Journal::open(&directory, &names, 1).map_err(failed)
}

impl Show {
    fn print(&self, journal: &Journal) -> Result<(), Failure> {
        let Some((outcome, trail)) = journal.verdict(self.id).map_err(failed)? else {
            let text = format!(
                "event `{}` has no verdict: it is pending, or there is none\nhint: `postern events ls` lists ids",
                self.id
            );
            return Err(Failure::new(Failure::FAILED, text));
        };
        if self.json {
            let shown = Shown { id: self.id.to_string(), outcome, trail };
            print(format_args!("{}", serde_json::to_string(&shown).expect("strings are serialisable")))?;
            return Ok(());
        }
        print(format_args!("{}  {outcome}", self.id))?;
        for step in trail {
            print(format_args!("  {}  {}  {} us  sha256 {}", step.filter, step.verdict, step.micros, step.sha256))?;
        }
        Ok(())
    }
}

impl List {
    fn held(&self, journal: &Journal) -> Result<(), Failure> {
        for held in journal.held(usize::MAX).map_err(failed)? {
            let held = HeldEvent::from(held);
            if self.json {
                print(format_args!("{}", serde_json::to_string(&held).expect("strings are serialisable")))?;
            } else {
                print(format_args!("{held}"))?;
            }
        }
        Ok(())
    }

    fn outbox(&self, journal: &Journal) -> Result<(), Failure> {
        let mut from = Offset(0);
        loop {
            let entries = journal.outbox(from, 1024, 16 << 20).map_err(failed)?;
            let Some(last) = entries.last() else { return Ok(()) };
            from = Offset(last.offset.0 + 1);
            for entry in entries {
                let line = Line::of(&entry);
                if self.json {
                    print(format_args!("{}", serde_json::to_string(&line).expect("strings are serialisable")))?;
                } else {
                    print(format_args!(
                        "{}  {}  {}  {}  {} bytes",
                        line.offset, line.id, line.received, line.webhook, line.bytes
                    ))?;
                }
            }
        }
    }
}

impl Line {
    fn of(entry: &Entry) -> Self {
        let sha256 = digest::digest(&digest::SHA256, &entry.payload.data);
        let received = UNIX_EPOCH + Duration::from_millis(entry.received.0);
        Self {
            offset: entry.offset.0,
            id: entry.event.to_string(),
            webhook: entry.webhook.to_string(),
            received: humantime::format_rfc3339_millis(received).to_string(),
            unparsed: entry.unparsed,
            format: entry.payload.format,
            bytes: entry.payload.data.len(),
            body_sha256: sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

fn failed(error: journal::Error) -> Failure {
    Failure::new(Failure::FAILED, Chain(&error).to_string())
}
