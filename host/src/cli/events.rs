//! `postern events`: what was received and what became of it, of a gateway that runs or of the data directory of one
//! that does not. Where nothing else is said the configuration tells both: the journal is read, and when a gateway has
//! it, that gateway is asked.

mod again;
pub(super) mod chosen;
mod export;
pub(super) mod gateway;
pub(super) mod show;
pub(super) mod source;
#[cfg(test)]
mod tests;

use super::{Failure, outward, print};
use crate::admin::events::Summary;
use chosen::Filters;
use source::{Place, Source};

/// Look at events, take them out, or have them judged again
///
/// Reads the data directory, or asks the gateway that runs on it.
#[derive(clap::Subcommand)]
pub enum Events {
    /// List what was received, and what became of it
    Ls(List),
    /// Show one event: what became of it, what each filter said of it, and its body
    Show(show::Show),
    /// Send events through the present filters again, whatever became of them; clients get what comes of it
    Replay(again::Replay),
    /// Try held events again
    Retry(again::Retry),
    /// Write events as JSON lines, each with its body and verdict: cases for `postern filter test`
    Export(export::Export),
}

#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    filters: Filters,
    /// No more than this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Events {
    pub fn execute(self) -> Result<(), Failure> {
        outward::block_on(async {
            match self {
                Self::Ls(list) => list.execute().await,
                Self::Show(show) => show.execute().await,
                Self::Replay(replay) => replay.execute().await,
                Self::Retry(retry) => retry.execute().await,
                Self::Export(export) => export.execute().await,
            }
        })
    }
}

impl List {
    async fn execute(self) -> Result<(), Failure> {
        let mut source = Source::open(self.place).await?;
        let mut pages = source::Pages::new(self.filters.query(), self.limit);
        while let Some(events) = pages.next(&mut source).await? {
            for event in events {
                if self.json {
                    print(format_args!("{}", serde_json::to_string(&event).expect("strings are serialisable")))?;
                } else {
                    print(format_args!("{}", line(&event)))?;
                }
            }
        }
        Ok(())
    }
}

/// For a person to read: when, what, about whom, what became of it. What senders and filters wrote does nothing to a
/// terminal.
fn line(event: &Summary) -> String {
    let Summary { id, received, state, kind, webhook, bytes, .. } = event;
    let keys = show::keys(event).unwrap_or_else(|| "-".to_owned());
    let more = show::outcome(event).map_or_else(String::new, |more| format!("  {more}"));
    outward::first_line(&format!("{id}  {received}  {state:<9}  {kind}  {webhook}  {keys}  {bytes} bytes{more}"))
}
