//! Which events, as it is typed.

use crate::admin::events::{Begin, Query, Which};
use crate::cli::Failure;
use crate::message::{EventId, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// What narrows a choice.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filters {
    /// From this on: a time such as 2026-01-31T12:00:00Z, a while ago such as 2h, a client's cursor, or an event's id
    #[arg(long, value_name = "PLACE", value_parser = begin)]
    since: Option<Begin>,
    /// Received by this time, or at least this while ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Of this webhook, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    webhook: Option<String>,
    /// Of this kind, such as messages or statuses
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// About this business account, phone number id or user
    #[arg(long, value_name = "VALUE")]
    key: Option<String>,
    /// Those only that wait for a filter that can judge them
    #[arg(long)]
    held: bool,
}

impl Filters {
    pub fn query(self) -> Query {
        let Self { since, until, webhook, kind, key, held } = self;
        Query { since, until, webhook, kind, key, held, ..Query::default() }
    }
}

/// Which events are to be judged again. Everything must be said, for it cannot be taken back.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Chosen {
    /// Their ids, 16 hexadecimal digits each, as `ls` and the log print them
    #[arg(value_name = "ID", value_parser = id)]
    ids: Vec<EventId>,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
}

impl Chosen {
    pub fn which(self) -> Result<Which, Failure> {
        let usage = |text: &str| Err(Failure::new(Failure::USAGE, text));
        let query = self.filters.query();
        match (self.ids.is_empty(), self.all, query.is_for_all()) {
            (false, false, true) => Ok(Which::These(self.ids)),
            (true, true, true) | (true, false, false) => Ok(Which::Matching(query)),
            (true, false, true) => {
                usage("it is not said which events\nhint: name ids, or filter by `--since` and others, or say `--all`")
            }
            _ => usage(
                "it is said in two ways which events\nhint: name ids, or filter by `--since` and others, or say `--all`",
            ),
        }
    }
}

pub fn id(text: &str) -> Result<EventId, &'static str> {
    match text.parse() {
        Ok(Begin::Event(id)) => Ok(id),
        _ => Err("an id is 16 hexadecimal digits, as `postern events ls` prints them"),
    }
}

fn begin(text: &str) -> Result<Begin, String> {
    const WRONG: &str = "it is a time such as 2026-01-31T12:00:00Z, a while ago such as 2h, a cursor, or an event's id";
    ago(text).map(Begin::Time).or_else(|| text.parse().ok()).ok_or_else(|| WRONG.to_owned())
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    match (ago(text), text.parse()) {
        (Some(time), _) | (None, Ok(Begin::Time(time))) => Ok(time),
        _ => Err("it is a time such as 2026-01-31T12:00:00Z, or a while ago such as 2h"),
    }
}

fn ago(text: &str) -> Option<Timestamp> {
    let time = SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?)?;
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok().map(Timestamp)
}
