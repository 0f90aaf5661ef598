//! `postern events retry` and `replay`: what only a gateway that runs can do.

use super::chosen::Chosen;
use super::source::Place;
use crate::admin::events::{Again, Which};
use crate::cli::{Failure, print};

#[derive(clap::Args)]
pub struct Retry {
    #[command(flatten)]
    again: Arguments,
}

#[derive(clap::Args)]
pub struct Replay {
    #[command(flatten)]
    again: Arguments,
}

#[derive(clap::Args)]
struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Retry {
    pub async fn execute(self) -> Result<(), Failure> {
        let Arguments { chosen, json, place } = self.again;
        let which = chosen.which()?.held();
        report(&place.running()?.retry(&which).await?, json)
    }
}

impl Replay {
    pub async fn execute(self) -> Result<(), Failure> {
        let Arguments { chosen, json, place } = self.again;
        let which: Which = chosen.which()?;
        report(&place.running()?.replay(&which).await?, json)
    }
}

fn report(again: &Again, json: bool) -> Result<(), Failure> {
    if json {
        return print(format_args!("{}", serde_json::to_string(again).expect("numbers are serialisable")));
    }
    let Again { retried, replayed, delivered, dropped, held } = again;
    let what = match (retried, replayed) {
        (Some(count), _) => format!("retried {count}"),
        (None, count) => format!("replayed {}", count.unwrap_or_default()),
    };
    print(format_args!("{what}: {delivered} delivered, {dropped} dropped, {held} held"))
}
