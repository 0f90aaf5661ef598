//! What an operator sees of a target.

use crate::message::{Gap, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub name: String,
    /// Without its query, which may hold a key.
    pub url: String,
    pub state: State,
    /// Everything before it is settled. `None`: it is not known yet.
    pub cursor: Option<String>,
    /// Entries of the outbox behind its cursor, whether they are for it or not.
    pub behind: u64,
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Dead letters that are kept, and those that had to make room for younger ones.
    pub dead: u64,
    pub forgotten: u64,
    /// Entries that were gone before they could be read for it.
    pub missed: u64,
    pub gap: Option<Lost>,
    /// Why it is not at work, or what the last attempt failed of.
    pub last_error: Option<String>,
    pub retry_at: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Working,
    /// It has failed, and is asked again later.
    Waiting,
    /// It has said that it wants nothing more.
    SetAside,
}

/// What a target did not get, because it was there no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    pub from: String,
    pub to: String,
    pub reason: String,
    pub at: String,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    pub cursor: String,
    pub id: String,
    pub webhook: String,
    pub kind: String,
    pub attempts: u32,
    pub last_error: String,
    pub received: String,
}

impl Lost {
    pub fn of(gap: Gap, now: Timestamp) -> Self {
        Self {
            from: gap.from.to_string(),
            to: gap.to.to_string(),
            reason: gap.loss.name().to_owned(),
            at: date(now).to_string(),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::SetAside => "set-aside",
        })
    }
}

/// The last moment of the year 9999: what is later has no such name.
const LAST: Timestamp = Timestamp(253_402_300_799_999);

pub fn date(time: Timestamp) -> impl fmt::Display {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time.min(LAST).0))
}
