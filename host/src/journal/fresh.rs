//! The youngest events of a lane, in memory: whoever judges them at once need not read from the disk what was just written
//! there. Bounded; a dispatcher that falls behind reads the disk until it has caught up.

use crate::message::{Event, EventId};
use std::collections::VecDeque;

/// So many, and about so many bytes of bodies.
const MOST: usize = 512;
const BYTES: usize = 4 << 20;

pub(super) struct Fresh {
    /// Every event of the lane from this one on that is pending is here. `None`: none is, and none is wanted.
    from: Option<EventId>,
    events: VecDeque<Event>,
    bytes: usize,
}

impl Fresh {
    /// Nothing is known of what is on disk already, up to before `from`.
    pub fn new(from: EventId) -> Self {
        Self { from: Some(from), events: VecDeque::new(), bytes: 0 }
    }

    /// Whether the next events are to be brought.
    pub fn is_wanted(&self) -> bool {
        self.from.is_some()
    }

    /// All that has arrived of the lane since last time, in order.
    pub fn add(&mut self, events: Vec<Event>) {
        if self.from.is_none() {
            return;
        }
        self.bytes += events.iter().map(|event| event.body.len()).sum::<usize>();
        self.events.extend(events);
        if self.events.len() > MOST || self.bytes > BYTES {
            self.forget();
        }
    }

    /// What arrived was not brought.
    pub fn forget(&mut self) {
        *self = Self { from: None, events: VecDeque::new(), bytes: 0 };
    }

    /// Takes the first few of what is pending from `begun` on; none: they are on disk, if there are any.
    pub fn take(&mut self, begun: EventId, most: usize) -> Vec<Event> {
        let Some(from) = self.from.filter(|from| *from <= begun) else { return Vec::new() };
        let judged = self.events.partition_point(|event| event.id < begun);
        let taken: Vec<Event> = self.events.drain(..self.events.len().min(judged + most)).skip(judged).collect();
        self.bytes = self.events.iter().map(|event| event.body.len()).sum();
        // Should they have to be judged once more, they are read from disk.
        self.from = Some(taken.last().map_or(from, |last| EventId(last.id.0 + 1)));
        taken
    }

    /// Whoever judges has all that is on disk, up to before `next`.
    pub fn caught_up(&mut self, next: EventId) {
        if self.from.is_none() {
            *self = Self::new(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Changes, Timestamp};
    use bytes::Bytes;

    fn event(id: u64) -> Event {
        Event {
            id: EventId(id),
            webhook: "w".into(),
            received: Timestamp(id),
            content_type: None,
            unparsed: false,
            kind: "k".into(),
            keys: std::sync::Arc::default(),
            body: Bytes::from_static(b"body"),
            sending: None,
            changes: Changes::default(),
        }
    }

    fn ids(events: &[Event]) -> Vec<u64> {
        events.iter().map(|event| event.id.0).collect()
    }

    #[test]
    fn what_was_taken_is_on_disk_and_what_follows_is_here() {
        let mut fresh = Fresh::new(EventId(5));
        fresh.add(vec![event(5), event(7), event(9)]);
        assert!(fresh.take(EventId(4), 9).is_empty(), "some before it are on disk alone");
        assert_eq!(ids(&fresh.take(EventId(6), 1)), [7], "one was judged already");
        assert!(fresh.take(EventId(6), 9).is_empty(), "its judgement failed: from disk");
        assert_eq!(ids(&fresh.take(EventId(8), 9)), [9]);
        assert_eq!(fresh.bytes, 0);
    }

    #[test]
    fn one_that_is_far_behind_has_nothing_kept_for_him_until_he_has_caught_up() {
        let mut fresh = Fresh::new(EventId(1));
        fresh.add((1..=MOST as u64 + 1).map(event).collect());
        assert!(!fresh.is_wanted());
        fresh.add(vec![event(1000)]);
        assert!(fresh.take(EventId(1), 9).is_empty());
        fresh.caught_up(EventId(1001));
        fresh.add(vec![event(1001)]);
        assert!(fresh.take(EventId(1000), 9).is_empty(), "1000 is on disk alone");
        assert_eq!(ids(&fresh.take(EventId(1001), 9)), [1001]);
    }
}
