//! Deciding events: verdicts, and what clients get, in one order.

use super::index::{Applied, Judgement};
use super::log::NewFrame;
use super::record::{BatchHeader, EntryHeader, VerdictHeader, encode_batch};
use super::{Error, Journal, Lane};
use crate::message::{Audience, Entry, EventId, Keys, Offset, Payload, Step, Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// A frame is closed when it has this many bytes of bodies, or verdicts: whoever wants part of it reads all of it.
const FRAME: usize = 256 << 10;
const VERDICTS: usize = 256;
/// More than this cannot come of one event: a frame of the log would not take it.
const EVENT: usize = 32 << 20;

/// What was decided for one event.
#[derive(Clone, Debug)]
pub struct Decision {
    pub event: EventId,
    pub received: Timestamp,
    pub content_type: Option<String>,
    pub unparsed: bool,
    pub kind: Arc<str>,
    pub keys: Arc<Keys>,
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

/// What one call of `decide` writes: frames, each of which has all of its events.
struct Batch {
    webhook: Arc<str>,
    epoch: u32,
    decided: Timestamp,
    next: u64,
    frames: Vec<NewFrame>,
    /// The verdicts of each frame, which the index is told too.
    verdicts: Vec<Vec<VerdictHeader>>,
    entries: Vec<Entry>,
    /// Of the frame that is open: its verdicts, and the index of its first entry.
    open: Vec<VerdictHeader>,
    first: usize,
    bytes: usize,
}

impl Journal {
    /// Writes what was decided for events of one lane, in order, and gives the entries that follow from it to `publish`
    /// in the outbox's order, when they are on disk. An event is decided wholly or, after an error or a crash, not at
    /// all; after an error none is, nothing was published, and the same may be decided again. Blocks.
    pub fn decide(&self, lane: &Lane, decisions: Vec<Decision>, publish: impl FnOnce(Vec<Entry>)) -> Result<(), Error> {
        let Some(last) = decisions.iter().map(|decision| decision.event).max() else { return Ok(()) };
        // Offsets are given, written and published under one lock: the ring sees them in the order of the disk.
        // One that panicked under it has changed nothing: what the lock stands for is stored at the end.
        let _order = self.0.order.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.keeper.ensure()?;
        let log = &self.0.outbox;
        let mut batch = Batch {
            webhook: lane.name().clone(),
            epoch: log.epoch(),
            decided: Timestamp::now(),
            next: log.end(),
            frames: Vec::new(),
            verdicts: Vec::new(),
            entries: Vec::new(),
            open: Vec::new(),
            first: 0,
            bytes: 0,
        };
        decisions.into_iter().for_each(|decision| batch.add(decision));
        batch.close();
        let places = log.append(&batch.frames, batch.decided).map_err(Error::Write)?;
        let judgements = places.iter().zip(&batch.verdicts);
        let judgements: Vec<_> = judgements
            .map(|(place, verdicts)| Judgement { place: *place, webhook: &batch.webhook, verdicts })
            .collect();
        if let Some(place) = places.last() {
            self.0.keeper.tell(|store| store.judge(&judgements, Applied { place: *place, end: batch.next }));
        }
        self.0.tail.store(batch.next, Ordering::Release);
        self.0.grown.send_replace(());
        lane.judged(last);
        publish(batch.entries);
        Ok(())
    }
}

impl Batch {
    fn add(&mut self, decision: Decision) {
        let Decision { event, received, content_type, unparsed, kind, keys, trail, judged } = decision;
        let outcome = match fitting(judged) {
            Judged::Hold { filter, reason } => Outcome::Held { filter, reason },
            Judged::Deliver(parts) if parts.is_empty() => Outcome::Dropped,
            Judged::Deliver(parts) => {
                let first = Offset(self.next);
                for (payload, audience) in parts {
                    self.bytes += payload.data.len();
                    self.entries.push(Entry {
                        offset: Offset(self.next),
                        epoch: self.epoch,
                        event,
                        webhook: self.webhook.clone(),
                        received,
                        content_type: content_type.clone(),
                        unparsed,
                        kind: kind.clone(),
                        keys: keys.clone(),
                        payload,
                        audience,
                    });
                    self.next += 1;
                }
                let count = u32::try_from(self.next - first.0).unwrap_or(u32::MAX);
                Outcome::Delivered { first, count }
            }
        };
        let (kind, keys, decided) = (kind.to_string(), Keys::clone(&keys), self.decided);
        self.open.push(VerdictHeader { event, received, decided, kind, keys, outcome, trail });
        if self.bytes >= FRAME || self.open.len() >= VERDICTS {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let entries = &self.entries[self.first..];
        let bodies: Vec<Bytes> = entries.iter().map(|entry| entry.payload.data.clone()).collect();
        let count = u32::try_from(entries.len()).expect("a batch has fewer entries than bytes");
        let entries = entries.iter().map(EntryHeader::of).collect();
        let verdicts = std::mem::take(&mut self.open);
        let header = BatchHeader { webhook: self.webhook.to_string(), verdicts, entries };
        let (payload, body) = encode_batch(&header, &bodies);
        self.frames.push(NewFrame { count, payload, body });
        self.verdicts.push(header.verdicts);
        (self.first, self.bytes) = (self.entries.len(), 0);
    }
}

/// What is too much for a frame is held, for an operator to see; it would stand in the way of all behind it else.
fn fitting(judged: Judged) -> Judged {
    let Judged::Deliver(parts) = &judged else { return judged };
    let bytes: usize = parts.iter().map(|(payload, audience)| payload.data.len() + audience.weight()).sum();
    if bytes <= EVENT {
        return judged;
    }
    let reason = format!("its filters made {bytes} bytes of it, and an event may have no more than {EVENT}");
    Judged::Hold { filter: String::new(), reason }
}

impl EntryHeader {
    fn of(entry: &Entry) -> Self {
        Self {
            event: entry.event,
            received: entry.received,
            content_type: entry.content_type.clone(),
            unparsed: entry.unparsed,
            kind: entry.kind.clone(),
            keys: entry.keys.clone(),
            format: entry.payload.format,
            audience: entry.audience.clone(),
            length: entry.payload.data.len() as u64,
        }
    }
}
