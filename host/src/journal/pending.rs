//! Reading what is pending: a walk through the inbox from where a lane stands.

use super::log::{Found, Frame};
use super::record::{decode_ordered, webhook_of};
use super::{Error, Journal, Lane};
use crate::message::{Event, EventId};

/// How much of the inbox is read in one go, and how much one call may answer.
const CHUNK: usize = 256 << 10;
const BYTES: usize = 8 << 20;

/// And how many positions it looks at once it has found something.
const SPAN: u64 = 4096;

/// The answer of `pending`, as it grows.
struct Pending {
    events: Vec<Event>,
    bytes: usize,
    most: usize,
}

impl Pending {
    fn is_full(&self) -> bool {
        self.events.len() >= self.most || self.bytes >= BYTES
    }
}

impl Journal {
    /// The oldest events of a lane without a verdict, in order: at most `most` of them, and at most about 8 MiB.
    /// Duplicates are left out. So is what the disk has damaged: it is logged once and told by [`Journal::damage`], and
    /// those behind it go on. Blocks.
    pub fn pending(&self, lane: &Lane, most: usize) -> Result<Vec<Event>, Error> {
        let fresh = lane.take_fresh(most.max(1));
        if !fresh.is_empty() {
            return Ok(fresh);
        }
        let newest = lane.newest();
        let begun = lane.passed();
        let mut from = begun;
        let mut pending = Pending { events: Vec::new(), bytes: 0, most: most.max(1) };
        while from <= newest {
            let found = self.0.inbox.read(from.0, CHUNK).map_err(Error::Read)?;
            if found.is_empty() {
                break;
            }
            for found in found {
                match found {
                    Found::Hole { from: lost, to } => {
                        self.0.keeper.note_damage(format!(
                            "the inbox has lost the events {} to {}",
                            EventId(lost),
                            EventId(to.saturating_sub(1))
                        ));
                        from = EventId(to.max(from.0));
                    }
                    Found::Frame(frame) => {
                        let end = EventId(frame.position + u64::from(frame.count));
                        if let Err(error) = gather(lane, frame, &mut pending) {
                            self.0.keeper.note_damage(format!("the inbox, before event {end}: {error}"));
                        }
                        from = end;
                    }
                }
                // Until the first pending event is met, nobody need look here again.
                if pending.events.is_empty() {
                    lane.pass(from);
                }
                if pending.is_full() {
                    return Ok(pending.events);
                }
            }
            // Other lanes' events lie between, and what is found is enough to go on with.
            if !pending.events.is_empty() && from.0 - begun.0 > SPAN {
                return Ok(pending.events);
            }
        }
        // It was looked for as far as the youngest that was there: what is not found is lost, and nothing waits for it.
        if pending.events.is_empty() {
            lane.judged(newest);
        }
        lane.caught_up(newest);
        Ok(pending.events)
    }

    /// Whether an event, if it is this lane's, can be judged by itself: it was judged before, or is a duplicate, and so is
    /// everything before it. One that is pending, or has others pending before it, would take their turn. Blocks.
    pub fn is_passed(&self, lane: &Lane, event: EventId) -> Result<bool, Error> {
        if event <= lane.done() {
            return Ok(true);
        }
        // What is younger than the youngest may be on its way in.
        Ok(event <= lane.newest() && self.pending(lane, 1)?.first().is_none_or(|first| first.id > event))
    }

    /// The position after which this lane's events are pending.
    pub fn done(&self, lane: &Lane) -> EventId {
        lane.done()
    }
}

/// Takes the events of one delivery that are pending.
fn gather(lane: &Lane, frame: Frame, pending: &mut Pending) -> Result<(), Error> {
    if frame.payload.is_empty() || webhook_of(&frame.payload)? != &**lane.name() {
        return Ok(());
    }
    let (header, orders, body) = decode_ordered(frame.payload)?;
    let done = lane.done();
    for (index, (event, item)) in (frame.position..).map(EventId).zip(&header.items).enumerate() {
        if event <= done || !item.is_new() {
            continue;
        }
        let part = item.part(&body).ok_or(Error::Damaged("an item is not within its delivery"))?;
        pending.bytes += part.len();
        pending.events.push(header.event(event, index, orders.as_ref(), lane.name().clone(), part));
        if pending.is_full() {
            break;
        }
    }
    Ok(())
}
