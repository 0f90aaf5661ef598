//! Looking up what was received and what became of it.

use super::index::{Kept, read};
use super::log::{Found, Frame};
use super::record::{DeliveryHeader, ItemHeader, decode_ordered, decode_verdicts};
use super::{Error, Journal, Outcome};
use crate::message::{Event, EventId, Keys, Offset, Orders, Step, Timestamp};
use bytes::Bytes;
use std::sync::{Arc, PoisonError};

/// How much of the inbox is read in one go.
const CHUNK: usize = 1 << 20;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Delivered {
        first: Offset,
        count: u32,
    },
    Dropped,
    Held {
        filter: String,
        reason: String,
    },
    /// It had come before, as this event.
    Duplicate {
        of: EventId,
    },
    /// It was judged, but how is not known any more: the index was lost, and the outbox no longer goes back so far.
    Judged,
}

/// An event, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub id: EventId,
    pub webhook: String,
    pub received: Timestamp,
    pub kind: String,
    pub keys: Keys,
    pub unparsed: bool,
    /// The length of its body.
    pub bytes: u64,
    pub state: State,
}

/// All that is known of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Of a duplicate in a delivery with nothing new, the body is that of the first, if that is still there.
    pub event: Event,
    /// The first event of the delivery it came with, how many there are, and the length of the delivery's body.
    pub delivery: EventId,
    pub items: u32,
    pub delivery_bytes: u64,
    pub state: State,
    /// When it was judged, the last time.
    pub decided: Option<Timestamp>,
    /// What each filter said. Empty when the outbox no longer goes back so far.
    pub trail: Vec<Step>,
}

/// The delivery that an event came with. The one that was read last is kept: whoever looks up one of its events looks up
/// the next.
pub(super) struct Received {
    first: EventId,
    header: DeliveryHeader,
    orders: Option<Orders>,
    body: Bytes,
}

impl Journal {
    /// An event of the inbox, whatever became of it. `None`: retention has taken it, or it was never there. Blocks.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, Error> {
        let Some(received) = self.received(id)? else { return Ok(None) };
        self.event_of(id, &received)
    }

    /// All that is known of an event. Blocks.
    pub fn record(&self, id: EventId) -> Result<Option<Record>, Error> {
        let Some(received) = self.received(id)? else { return Ok(None) };
        let Some(event) = self.event_of(id, &received)? else { return Ok(None) };
        let Received { first, header, .. } = &*received;
        let item = &header.items[(id.0 - first.0) as usize];
        let kept = self.kept(id)?;
        let state = self.state(id, header, item, kept.as_ref())?;
        let mut trail = Vec::new();
        if let Some(kept) = &kept
            && let Some(frame) = self.0.outbox.frame_at(kept.place).map_err(Error::Read)?
        {
            let (_, verdicts) = decode_verdicts(frame.payload)?;
            trail = verdicts.into_iter().rfind(|verdict| verdict.event == id).map_or(trail, |verdict| verdict.trail);
        }
        let (items, delivery_bytes) = (header.items.len() as u32, header.size);
        let decided = kept.map(|kept| kept.decided);
        Ok(Some(Record { event, delivery: *first, items, delivery_bytes, state, decided, trail }))
    }

    /// The events from `from` on that `filter` wants, in order, at most `most`, having looked at no more than about
    /// `scan_bytes` of the inbox; and where to go on, unless the end was reached. What is damaged is passed. Blocks.
    pub fn search(
        &self,
        from: EventId,
        filter: &dyn Fn(&Summary) -> bool,
        most: usize,
        scan_bytes: usize,
    ) -> Result<(Vec<Summary>, Option<EventId>), Error> {
        let (mut found, mut scanned, mut next) = (Vec::new(), 0, from);
        loop {
            let frames = self.0.inbox.read(next.0, CHUNK.min(scan_bytes)).map_err(Error::Read)?;
            if frames.is_empty() {
                return Ok((found, None));
            }
            for frame in frames {
                let frame = match frame {
                    Found::Hole { to, .. } => {
                        next = EventId(to.max(next.0));
                        continue;
                    }
                    Found::Frame(frame) => frame,
                };
                scanned += frame.payload.len();
                let (first, end) = (EventId(frame.position), frame.position + u64::from(frame.count));
                if let Some(Received { header, .. }) = decode(frame).ok().flatten() {
                    for (id, item) in (first.0..).map(EventId).zip(&header.items).skip_while(|(id, _)| *id < next) {
                        if found.len() >= most {
                            return Ok((found, Some(id)));
                        }
                        let summary = self.summary(id, &header, item)?;
                        if filter(&summary) {
                            found.push(summary);
                        }
                    }
                }
                next = EventId(end.max(next.0));
                if scanned >= scan_bytes {
                    return Ok((found, Some(next)));
                }
            }
        }
    }

    /// The id that the next event will have. Never waits.
    pub fn next_event(&self) -> EventId {
        EventId(self.0.inbox.end())
    }

    /// The first event of the inbox that was written at `time` or later.
    pub fn event_at(&self, time: Timestamp) -> EventId {
        EventId(self.0.inbox.at(time))
    }

    fn received(&self, id: EventId) -> Result<Option<Arc<Received>>, Error> {
        if id.0 < self.0.inbox.first() {
            return Ok(None);
        }
        let within = |received: &Arc<Received>| {
            id.0.checked_sub(received.first.0).is_some_and(|at| at < received.header.items.len() as u64)
        };
        let mut recent = self.0.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(received) = recent.as_ref().filter(|received| within(received)) {
            return Ok(Some(received.clone()));
        }
        let found = self.0.inbox.read(id.0, 1).map_err(Error::Read)?;
        let Some(Found::Frame(frame)) = found.into_iter().next() else { return Ok(None) };
        let received = decode(frame)?.map(Arc::new).filter(within);
        (*recent).clone_from(&received);
        Ok(received)
    }

    fn event_of(&self, id: EventId, received: &Received) -> Result<Option<Event>, Error> {
        let Received { first, header, orders, body } = received;
        let index = (id.0 - first.0) as usize;
        let item = &header.items[index];
        let part = match item.duplicate_of {
            Some(before) if body.is_empty() => self.body_of(before)?.unwrap_or_default(),
            _ => item.part(body).ok_or(Error::Damaged("an item is not within its delivery"))?,
        };
        Ok(Some(header.event(id, index, orders.as_ref(), header.webhook.as_str().into(), part)))
    }

    /// The body of an event that is no duplicate.
    fn body_of(&self, id: EventId) -> Result<Option<Bytes>, Error> {
        let Some(received) = self.received(id)? else { return Ok(None) };
        let Received { first, header, body, .. } = &*received;
        Ok(header.items[(id.0 - first.0) as usize].part(body))
    }

    fn summary(&self, id: EventId, header: &DeliveryHeader, item: &ItemHeader) -> Result<Summary, Error> {
        let state = self.state(id, header, item, self.kept(id)?.as_ref())?;
        Ok(Summary {
            id,
            webhook: header.webhook.clone(),
            received: header.received,
            kind: item.item.kind.clone(),
            keys: item.item.keys.clone(),
            unparsed: header.unparsed,
            bytes: item.length(header.size),
            state,
        })
    }

    fn kept(&self, id: EventId) -> Result<Option<Kept>, Error> {
        self.0.keeper.read(|store| read(store.verdicts.get(id.0.to_be_bytes())?))
    }

    fn state(
        &self,
        id: EventId,
        header: &DeliveryHeader,
        item: &ItemHeader,
        kept: Option<&Kept>,
    ) -> Result<State, Error> {
        // A duplicate that an operator had judged after all has a verdict, which says more.
        Ok(match (kept.map(|kept| kept.outcome.clone()), item.duplicate_of) {
            (Some(Outcome::Delivered { first, count }), _) => State::Delivered { first, count },
            (Some(Outcome::Dropped), _) => State::Dropped,
            (Some(Outcome::Held { filter, reason }), _) => State::Held { filter, reason },
            (None, Some(of)) => State::Duplicate { of },
            (None, None) if id <= self.done_of(&header.webhook)? => State::Judged,
            (None, None) => State::Pending,
        })
    }

    fn done_of(&self, webhook: &str) -> Result<EventId, Error> {
        if let Some(lane) = self.lane(webhook) {
            return Ok(lane.done());
        }
        let number = self.0.keeper.read(|store| store.number(&format!("done/{webhook}")))?;
        Ok(EventId(number.unwrap_or(0)))
    }
}

/// The delivery in a frame; none, in one that only holds positions.
fn decode(frame: Frame) -> Result<Option<Received>, Error> {
    if frame.payload.is_empty() {
        return Ok(None);
    }
    let first = EventId(frame.position);
    let (header, orders, body) = decode_ordered(frame.payload)?;
    Ok(Some(Received { first, header, orders, body }))
}
