//! What postern carries: a signed webhook on its way to clients, and who is to get it.
//!
//! These are words, not machinery: every organ may speak them, none of them does anything.

mod card;
mod cursor;
mod sent;

pub use card::{Card, Change, Changes, Scope};
pub use cursor::{Cursor, NotACursor, NotASince, Since, Start};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names one event for ever: its position in the inbox. Positions are given in the order of arrival, over all
/// webhooks together, and never reused, a restart included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

/// A position in the outbox, the one order in which every client sees events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offset(pub u64);

/// Names one connection. Never reused, not even by the next process on the same data: see `ClientIds` in `connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId(pub u64);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The wall clock. It never orders events (positions do), it only dates them.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The two kinds of WebSocket message (RFC 6455, section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

/// A body, and how it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub format: Format,
    pub data: Bytes,
}

impl Payload {
    /// Text when the bytes are UTF-8, binary when they are not.
    pub fn of(data: Bytes) -> Self {
        let format = if std::str::from_utf8(&data).is_ok() { Format::Text } else { Format::Binary };
        Self { format, data }
    }
}

/// Something known of a client, such as `phone=1066`. A client may carry one key with many values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    pub key: String,
    pub value: String,
}

impl Label {
    /// Bytes of a key, and of a value or a subject. They are kept for as long as the client stays.
    pub const KEY: usize = 128;
    pub const VALUE: usize = 1024;

    /// Whether it has a key, and is within these bounds.
    pub fn fits(&self) -> bool {
        !self.key.is_empty() && self.key.len() <= Self::KEY && self.value.len() <= Self::VALUE
    }

    /// Whether a client may go by this name, which is shown to others.
    pub fn subject_fits(subject: &str) -> bool {
        subject.len() <= Self::VALUE && !subject.contains(char::is_control)
    }
}

/// Chooses clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selector {
    Everyone,
    Clients(Vec<ClientId>),
    /// Those that carry at least one of these.
    AnyLabel(Vec<Label>),
    /// Those that carry every one of these.
    AllLabels(Vec<Label>),
    /// Those whom admission knew as one of these.
    Subjects(Vec<String>),
    /// Those of these streams.
    Streams(Vec<String>),
}

/// One narrowing of an audience: those whom `to` chooses, less `except`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    pub to: Selector,
    pub except: Vec<ClientId>,
}

/// Who gets an event: those whom every narrowing chooses; without any, everyone. A filter adds a narrowing and cannot
/// take one away, so an audience is narrowed and never widened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience(pub Vec<Narrowing>);

impl Selector {
    pub fn chooses(&self, client: &Card) -> bool {
        match self {
            Self::Everyone => true,
            Self::Clients(ids) => ids.contains(&client.id),
            Self::AnyLabel(wanted) => wanted.iter().any(|label| client.labels.contains(label)),
            Self::AllLabels(wanted) => wanted.iter().all(|label| client.labels.contains(label)),
            Self::Subjects(subjects) => client.subject.as_ref().is_some_and(|subject| subjects.contains(subject)),
            Self::Streams(streams) => streams.iter().any(|stream| **stream == *client.stream),
        }
    }
}

impl Audience {
    /// Adds a narrowing, if it is one: everyone, less nobody, narrows nothing.
    pub fn narrow(&mut self, narrowing: Narrowing) {
        if narrowing.to != Selector::Everyone || !narrowing.except.is_empty() {
            self.0.push(narrowing);
        }
    }

    /// About how many bytes it takes on disk.
    pub fn weight(&self) -> usize {
        const CLIENT: usize = 10;
        let labels =
            |labels: &[Label]| labels.iter().map(|label| label.key.len() + label.value.len() + 4).sum::<usize>();
        let narrowing = |narrowing: &Narrowing| {
            let to = match &narrowing.to {
                Selector::Everyone => 0,
                Selector::Clients(clients) => clients.len() * CLIENT,
                Selector::AnyLabel(wanted) | Selector::AllLabels(wanted) => labels(wanted),
                Selector::Subjects(names) | Selector::Streams(names) => names.iter().map(|name| name.len() + 2).sum(),
            };
            to + narrowing.except.len() * CLIENT
        };
        self.0.iter().map(narrowing).sum()
    }

    pub fn includes(&self, client: &Card) -> bool {
        self.0.iter().all(|narrowing| !narrowing.except.contains(&client.id) && narrowing.to.chooses(client))
    }
}

/// Whom and what an event is about. Read from signed bytes only, never from a header or a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Keys {
    /// The WhatsApp business account, or the page: `entry.id`.
    pub waba: Option<String>,
    /// The business's number: `metadata.phone_number_id`.
    pub phone_number_id: Option<String>,
    /// The other side of the conversation: its `user_id`, else its `wa_id`, since either may be missing.
    pub user: Option<String>,
}

/// By what an item is recognised when it is sent again: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 16]);

/// One part of a delivery, which becomes an event of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `messages`, `statuses`, `account_update` …, or `unparsed`.
    pub kind: String,
    pub keys: Keys,
    /// The ranges of the delivery's body that make, one behind the other, the event's body. Empty: all of it.
    pub pieces: Vec<(u32, u32)>,
    pub fingerprint: Fingerprint,
}

/// A verified webhook delivery: what the inbox keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The name, in the configuration, of the webhook it came through.
    pub webhook: Arc<str>,
    pub received: Timestamp,
    pub content_type: Option<String>,
    /// Signed, but not what its provider sends.
    pub unparsed: bool,
    /// At least one.
    pub items: Vec<Item>,
    /// The bytes that were signed, untouched.
    pub body: Bytes,
    /// Who is to get it, when that is known already: of what no webhook brought.
    pub orders: Option<Orders>,
}

/// What a filter or an operator sends on its own account, beside the bytes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Of each item, in their order. `None`: it goes through its webhook's filters like any other.
    pub sends: Vec<Option<Sending>>,
    /// What is to become of clients before anything is sent, and after all of it is.
    pub changes: Changes,
}

/// How one item of what is sent travels, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    pub format: Format,
    pub audience: Audience,
}

/// In the place of a webhook's name: what a filter or an operator sent. No webhook can be named so.
pub const SENT: &str = "@sent";

/// One event, as it stands in the inbox and waits to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub webhook: Arc<str>,
    pub received: Timestamp,
    pub content_type: Option<String>,
    pub unparsed: bool,
    pub kind: Arc<str>,
    pub keys: Arc<Keys>,
    pub body: Bytes,
    /// Of what no webhook brought: to whom it goes, past all filters.
    pub sending: Option<Sending>,
    /// What is to become of clients before it is sent, and after.
    pub changes: Changes,
}

/// An event, or what an earlier filter made of it, on its way through the filter chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: EventId,
    pub webhook: Arc<str>,
    pub received: Timestamp,
    pub content_type: Option<String>,
    pub payload: Payload,
    pub audience: Audience,
}

/// One thing for clients to get: what the outbox keeps, and what the fan-out sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub offset: Offset,
    /// See [`Cursor`].
    pub epoch: u32,
    pub event: EventId,
    pub webhook: Arc<str>,
    pub received: Timestamp,
    pub content_type: Option<String>,
    /// Signed, but not the JSON that its provider sends.
    pub unparsed: bool,
    pub kind: Arc<str>,
    pub keys: Arc<Keys>,
    pub payload: Payload,
    pub audience: Audience,
}

impl Entry {
    /// What a filter is shown of it.
    pub fn message(&self) -> Message {
        Message {
            id: self.event,
            webhook: self.webhook.clone(),
            received: self.received,
            content_type: self.content_type.clone(),
            payload: self.payload.clone(),
            audience: self.audience.clone(),
        }
    }

    /// Where a client stands that has this entry.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, offset: Offset(self.offset.0 + 1) }
    }
}

/// Why something can no longer be given to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// Older than retention keeps.
    Expired,
    /// The outbox is not the one the cursor was made for, or has lost its end.
    Reset,
    /// The disk has damaged it.
    Damaged,
}

/// What a client does not get, and from where on it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub from: Cursor,
    pub to: Cursor,
    pub loss: Loss,
}

/// What one filter said of one event, kept with it for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub filter: String,
    /// SHA-256 of the component, lower-case hex.
    pub sha256: String,
    /// `pass`, `drop`, `rewrite`, `send` or `error`, and in an error its text.
    pub verdict: String,
    pub micros: u64,
}

impl Loss {
    /// As clients are told it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Reset => "reset",
            Self::Damaged => "damaged",
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(key: &str, value: &str) -> Label {
        Label { key: key.into(), value: value.into() }
    }

    #[test]
    fn an_audience_is_narrowed_and_never_widened() {
        let seven = Card { labels: vec![label("room", "a"), label("desk", "1")], ..Card::test(7) };
        let only = |to| Narrowing { to, except: vec![] };
        let room = only(Selector::AnyLabel(vec![label("room", "a"), label("room", "b")]));
        let both = only(Selector::AllLabels(vec![label("room", "a"), label("desk", "2")]));
        assert!(Audience::default().includes(&seven));
        assert!(Audience(vec![room.clone()]).includes(&seven));
        assert!(!Audience(vec![room.clone(), both]).includes(&seven));
        assert!(!Audience(vec![room.clone(), only(Selector::Clients(vec![ClientId(8)]))]).includes(&seven));
        let but_seven = Narrowing { to: Selector::Everyone, except: vec![ClientId(7)] };
        assert!(!Audience(vec![room, but_seven, only(Selector::Everyone)]).includes(&seven));
    }

    #[test]
    fn an_audience_may_name_subjects_and_streams() {
        let ann = Card { subject: Some("ann".into()), ..Card::test(7) };
        let only = |to| Audience(vec![Narrowing { to, except: vec![] }]);
        assert!(only(Selector::Subjects(vec!["bob".into(), "ann".into()])).includes(&ann));
        assert!(!only(Selector::Subjects(vec!["ann".into()])).includes(&Card::test(7)));
        assert!(only(Selector::Streams(vec!["agents".into()])).includes(&ann));
        assert!(!only(Selector::Streams(vec!["public".into()])).includes(&ann));
    }
}
