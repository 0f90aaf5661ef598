//! Deciding events, and reading what was decided.

use super::record::{VerdictHeader, decode_entry, decode_verdict, encode_entry, encode_verdict};
use super::{Error, Journal, Lane};
use crate::message::{Audience, Entry, EventId, Offset, Payload, Step, Timestamp};
use fjall::PersistMode;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// What was decided for one event.
#[derive(Clone, Debug)]
pub struct Decision {
    pub event: EventId,
    pub received: Timestamp,
    pub content_type: Option<String>,
    pub unparsed: bool,
    pub trail: Vec<Step>,
    pub judged: Judged,
}

#[derive(Clone, Debug)]
pub enum Judged {
    /// These go to clients, in this order. None: the event was dropped.
    Deliver(Vec<(Payload, Audience)>),
    /// A filter could not judge it: which, and why.
    Hold { filter: String, reason: String },
}

/// What became of an event, as it is kept with its trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Delivered { first: Offset, count: u32 },
    Dropped,
    Held { filter: String, reason: String },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { first, count: 1 } => write!(f, "delivered, offset {}", first.0),
            Self::Delivered { first, count } => write!(f, "delivered in {count} parts from offset {}", first.0),
            Self::Dropped => write!(f, "dropped"),
            Self::Held { filter, reason } => write!(f, "held by {filter}: {reason}"),
        }
    }
}

/// An event that waits for a filter that can judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub event: EventId,
    pub webhook: String,
    pub received: Timestamp,
    pub filter: String,
    pub reason: String,
}

impl Journal {
    /// Writes what was decided for events of one lane, in order, as one atomic batch, and gives the outbox entries to
    /// `publish` in the outbox's order. Blocks.
    pub fn decide(&self, lane: &Lane, decisions: Vec<Decision>, publish: impl FnOnce(Vec<Entry>)) -> Result<(), Error> {
        let Some(last) = decisions.last().map(|decision| decision.event) else { return Ok(()) };
        // Offsets are given, written and published under one lock: the ring sees them in the order of the disk.
        // One that panicked under it has changed nothing: what the lock stands for is stored at the end.
        let _order = self.0.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let spaces = &self.0.spaces;
        let mut batch = self.0.database.batch().durability(Some(PersistMode::Buffer));
        let mut entries = Vec::new();
        let mut offset = self.tail().0;
        // What is not younger than this has a verdict already, and is judged once more.
        let done = EventId(lane.0.done.load(Ordering::Acquire));
        let mut held = self.0.held.load(Ordering::Acquire);
        for decision in decisions {
            let Decision { event, received, content_type, unparsed, trail, judged } = decision;
            if event <= done {
                batch.remove(&spaces.held, event.0.to_be_bytes());
                held = held.saturating_sub(1);
            }
            let outcome = match judged {
                Judged::Hold { filter, reason } => {
                    batch.insert(&spaces.held, event.0.to_be_bytes(), lane.0.number.to_be_bytes());
                    held += 1;
                    Outcome::Held { filter, reason }
                }
                Judged::Deliver(parts) if parts.is_empty() => Outcome::Dropped,
                Judged::Deliver(parts) => {
                    let first = Offset(offset);
                    for (payload, audience) in parts {
                        let entry = Entry {
                            offset: Offset(offset),
                            event,
                            webhook: lane.0.name.clone(),
                            received,
                            content_type: content_type.clone(),
                            unparsed,
                            payload,
                            audience,
                        };
                        batch.insert(&spaces.outbox, offset.to_be_bytes(), encode_entry(&entry));
                        entries.push(entry);
                        offset += 1;
                    }
                    let count = u32::try_from(offset - first.0).unwrap_or(u32::MAX);
                    Outcome::Delivered { first, count }
                }
            };
            let verdict = VerdictHeader { webhook: lane.0.name.to_string(), received, outcome, trail };
            batch.insert(&spaces.verdicts, event.0.to_be_bytes(), encode_verdict(&verdict));
        }
        batch.insert(&spaces.meta, "next-offset", offset.to_be_bytes());
        let done = done.max(last);
        batch.insert(&spaces.meta, format!("done/{}", lane.0.name), done.0.to_be_bytes());
        batch.commit().map_err(|error| {
            self.0.failed.store(true, Ordering::Release);
            Error::Write(error)
        })?;
        self.0.tail.store(offset, Ordering::Release);
        self.0.held.store(held, Ordering::Release);
        lane.0.done.store(done.0, Ordering::Release);
        publish(entries);
        Ok(())
    }

    /// The offset that the next entry will have. Never waits.
    pub fn tail(&self) -> Offset {
        Offset(self.0.tail.load(Ordering::Acquire))
    }

    /// Entries from `from` on, in order: at most `most`, and at most about `bytes` of bodies (always one, if there is
    /// one). Blocks.
    pub fn outbox(&self, from: Offset, most: usize, bytes: usize) -> Result<Vec<Entry>, Error> {
        let mut found = Vec::new();
        let mut total = 0;
        for item in self.0.spaces.outbox.range(from.0.to_be_bytes()..) {
            let (key, record) = item.into_inner().map_err(Error::Read)?;
            let entry = decode_entry(Offset(position(&key)?), record.into())?;
            total += entry.payload.data.len();
            found.push(entry);
            if found.len() >= most || total >= bytes {
                break;
            }
        }
        Ok(found)
    }

    /// Held events, oldest first, at most `most`. Blocks.
    pub fn held(&self, most: usize) -> Result<Vec<Held>, Error> {
        let mut found = Vec::new();
        for item in self.0.spaces.held.iter().take(most) {
            let key = item.key().map_err(Error::Read)?;
            let event = EventId(position(&key)?);
            let record = self.0.spaces.verdicts.get(key).map_err(Error::Read)?;
            let verdict = decode_verdict(record.ok_or(Error::Damaged("a held event without verdict"))?.into())?;
            let Outcome::Held { filter, reason } = verdict.outcome else {
                return Err(Error::Damaged("a held event with another verdict"));
            };
            found.push(Held { event, webhook: verdict.webhook, received: verdict.received, filter, reason });
        }
        Ok(found)
    }

    /// How many events are held.
    pub fn count_held(&self) -> u64 {
        self.0.held.load(Ordering::Acquire)
    }

    /// What became of an event and what each filter said of it; `None` while it is pending. Blocks.
    pub fn verdict(&self, event: EventId) -> Result<Option<(Outcome, Vec<Step>)>, Error> {
        let record = self.0.spaces.verdicts.get(event.0.to_be_bytes()).map_err(Error::Read)?;
        let verdict = record.map(|record| decode_verdict(record.into())).transpose()?;
        Ok(verdict.map(|verdict| (verdict.outcome, verdict.trail)))
    }
}

fn position(key: &[u8]) -> Result<u64, Error> {
    Ok(u64::from_be_bytes(key.try_into().map_err(|_| Error::Damaged("a key"))?))
}
