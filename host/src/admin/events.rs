//! What is told of events, and how it is asked for: the same for the admin listener, for `postern events` on a data
//! directory, and for `postern events` that asks a gateway. `query` is which, `read` looks in the journal, and here is
//! the shape of the answers. Events are those of the inbox, in the order of their arrival.

mod query;
mod read;
#[cfg(test)]
mod tests;
mod which;

pub use query::{Begin, MOST, Query, id};
pub use read::{choose, list, show};
pub use which::Which;

use crate::journey::Journeys;
use crate::message::{EventId, Keys, Step, Timestamp};
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// One event, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub id: String,
    pub webhook: String,
    pub kind: String,
    pub keys: About,
    /// RFC 3339, as all dates here.
    pub received: String,
    pub unparsed: bool,
    pub bytes: u64,
    /// Of the event's body as it was received, whatever filters made of it.
    pub body_sha256: String,
    pub state: State,
    /// Of a held event: which filter could not judge it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a delivered event: where it is in the outbox, and as how many entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Of a duplicate: the event that came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
}

/// What has become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Pending,
    Delivered,
    Dropped,
    Held,
    Duplicate,
    /// It was judged, but so long ago that how is not known any more.
    Judged,
}

/// Whom an event is about, less what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// All that is known of one event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    #[serde(flatten)]
    pub summary: Summary,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What it came in.
    pub delivery: Whole,
    /// When it was judged, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// What each filter said of it then.
    pub trail: Vec<Step>,
    /// Which clients it went to, as long as that is known: for some ten thousand events, in the process that received them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sockets: Option<Sockets>,
    /// The body where it is JSON, on one line.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// The body where it is no JSON, and where being told on one line has changed the spaces in it: with both, these
    /// are the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// The clients that an event was given to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sockets {
    pub clients: u32,
    /// From its receipt to the first of them, and to the last of those that keep up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_us: Option<u64>,
}

/// The delivery that an event was part of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// The id of its first event, and how many it has.
    pub first: String,
    pub items: u32,
    pub bytes: u64,
}

/// Some events, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page {
    pub events: Vec<Summary>,
    /// To be given as `after` for those that follow; none: these were the last. A page may have no events and yet be
    /// followed by others, when many were looked at in vain.
    pub next: Option<String>,
}

/// What came of judging events again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// How many held ones were tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<u64>,
    /// How many were sent through the filters once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<u64>,
    pub delivered: u64,
    pub dropped: u64,
    pub held: u64,
}

/// A body may be `null`, which is not the same as no body.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

/// A body as `Shown::body` and `Shown::base64`.
fn told(body: &[u8]) -> (Option<Box<RawValue>>, Option<String>) {
    // Inside a JSON string a line break is always escaped: one that is not stands between tokens.
    let line = std::str::from_utf8(body)
        .ok()
        .map(|text| text.trim_matches([' ', '\t', '\r', '\n']).replace(['\r', '\n'], " "));
    let json = line.and_then(|line| RawValue::from_string(line).ok());
    let exact = json.as_ref().is_some_and(|json| json.get().as_bytes() == body);
    (json, (!exact).then(|| BASE64.encode(body)))
}

impl Sockets {
    pub fn of(journeys: &Journeys, event: EventId) -> Option<Self> {
        let (clients, first, last) = journeys.sockets(event)?;
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Some(Self { clients, first_us: first.map(micros), last_us: last.map(micros) })
    }
}

impl Shown {
    /// The body's own bytes; `None` when whoever told it told nonsense.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.base64, &self.body) {
            (Some(text), _) => BASE64.decode(text.as_bytes()).ok(),
            (None, Some(json)) => Some(json.get().as_bytes().to_owned()),
            (None, None) => None,
        }
    }
}

impl From<&Keys> for About {
    fn from(keys: &Keys) -> Self {
        let Keys { waba, phone_number_id, user } = keys.clone();
        Self { waba, phone_number_id, user }
    }
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dropped => "dropped",
            Self::Held => "held",
            Self::Duplicate => "duplicate",
            Self::Judged => "judged",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn date(time: Timestamp) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time.0)).to_string()
}
