//! Which events are asked for: `since`, `until`, `webhook`, `kind`, `key`, `number`, `held`, `newest`, `after`, `before`
//! and `limit`.

use super::digits::Digits;
use crate::message::{Cursor, EventId, Keys, Timestamp};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

/// The most events in one answer, and how many there are when nothing is said.
pub const MOST: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub since: Option<Begin>,
    /// Received then or before.
    pub until: Option<Timestamp>,
    pub webhook: Option<String>,
    pub kind: Option<String>,
    /// One of the event's keys, whichever.
    pub key: Option<String>,
    /// The last digits of a number that is a key, or stands in the body.
    pub number: Option<Digits>,
    /// Those only that wait for a filter that can judge them.
    pub held: bool,
    /// The newest first.
    pub newest: bool,
    /// Those only that came after this one, and before this one.
    pub after: Option<EventId>,
    pub before: Option<EventId>,
    pub limit: usize,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With what was received then.
    Time(Timestamp),
    /// With the event that a client which stands there gets next.
    Cursor(Cursor),
    /// With this one.
    Event(EventId),
}

impl Default for Query {
    fn default() -> Self {
        let (since, until, webhook, kind, key, number, after, before) = Default::default();
        let (held, newest, limit) = (false, false, MOST);
        Self { since, until, webhook, kind, key, number, held, newest, after, before, limit }
    }
}

impl Query {
    /// Reads the query of a request. What is wrong is told in words for whoever asked.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            query.set(&name, &value)?;
        }
        if query.held && query.newest {
            return Err("held events are listed oldest first: `held` and `newest` do not go together\n".to_owned());
        }
        Ok(query)
    }

    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |what: &str| format!("`{name}` is {what}\n");
        match name {
            "since" => self.since = Some(value.parse().map_err(|NotABegin| wrong(BEGIN))?),
            "until" => self.until = Some(time(value).ok_or_else(|| wrong(TIME))?),
            "webhook" => self.webhook = Some(value.to_owned()),
            "kind" => self.kind = Some(value.to_owned()),
            "key" => self.key = Some(value.to_owned()),
            "number" => self.number = Some(Digits::of(value).ok_or_else(|| wrong(DIGITS))?),
            "newest" => self.newest = value.parse().map_err(|_| wrong("`true` or `false`"))?,
            "held" => self.held = value.parse().map_err(|_| wrong("`true` or `false`"))?,
            "after" => self.after = Some(id(value).ok_or_else(|| wrong(ID))?),
            "before" => self.before = Some(id(value).ok_or_else(|| wrong(ID))?),
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                self.limit = limit.ok_or_else(|| wrong("a number from 1 to 1000"))?;
            }
            _ => {
                return Err(format!(
                    "`{}` is not understood here: it is one of `since`, `until`, `webhook`, `kind`, `key`, \
                     `number`, `held`, `newest`, `after`, `before`, `limit`\n",
                    name.escape_debug()
                ));
            }
        }
        Ok(())
    }

    /// As the query of a request, which `parse` reads.
    pub fn text(&self) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.pairs() {
            text.append_pair(name, &value);
        }
        for (name, id) in [("after", self.after), ("before", self.before)] {
            if let Some(id) = id {
                text.append_pair(name, &id.to_string());
            }
        }
        if self.newest {
            text.append_pair("newest", "true");
        }
        text.append_pair("limit", &self.limit.to_string());
        text.finish()
    }

    /// What narrows the choice.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let held = self.held.then(|| "true".to_owned());
        let all = [
            ("since", self.since.map(|since| since.to_string())),
            ("until", self.until.map(super::date)),
            ("webhook", self.webhook.clone()),
            ("kind", self.kind.clone()),
            ("key", self.key.clone()),
            ("number", self.number.as_ref().map(|number| number.text().to_owned())),
            ("held", held),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Whether it is for every event there is.
    pub fn is_for_all(&self) -> bool {
        self.pairs().is_empty()
    }

    pub(super) fn fits(&self, webhook: &str, kind: &str, keys: &Keys, received: Timestamp) -> bool {
        let all = [&keys.waba, &keys.phone_number_id, &keys.user];
        self.webhook.as_deref().is_none_or(|wanted| wanted == webhook)
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.key.as_ref().is_none_or(|wanted| all.iter().any(|key| key.as_ref() == Some(wanted)))
            && self.until.is_none_or(|until| received <= until)
            && !matches!(self.since, Some(Begin::Time(since)) if received < since)
    }
}

const DIGITS: &str = "a number, or its last digits: 5 to 32 of them";
pub(super) const ID: &str = "an event's id: 16 hexadecimal digits";
const TIME: &str = "a time such as 2026-01-31T12:00:00Z";
const BEGIN: &str = "a time such as 2026-01-31T12:00:00Z, a cursor, or an event's id";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is a time such as 2026-01-31T12:00:00Z, a cursor, or an event's id")]
pub struct NotABegin;

impl FromStr for Begin {
    type Err = NotABegin;

    fn from_str(text: &str) -> Result<Self, NotABegin> {
        let event = || id(text).map(Self::Event);
        let cursor = || text.parse().ok().map(Self::Cursor);
        event().or_else(cursor).or_else(|| time(text).map(Self::Time)).ok_or(NotABegin)
    }
}

impl fmt::Display for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => f.write_str(&super::date(*time)),
            Self::Cursor(cursor) => cursor.fmt(f),
            Self::Event(id) => id.fmt(f),
        }
    }
}

/// All 16 digits, so that a number is never taken for an id.
pub fn id(text: &str) -> Option<EventId> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| digits).map(EventId)
}

fn time(text: &str) -> Option<Timestamp> {
    let since = humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(Duration::as_millis(&since)).ok().map(Timestamp)
}
