//! How many clients of a shard were given the newest frames, and when the first of them. It is asked for once a turn of the
//! shard; for a message of a client it is one count, without a clock, a lock or room.

use crate::hub::{Frame, Source};
use crate::journey::{Given, Journeys};
use crate::message::{EventId, Offset};
use std::time::Instant;

/// Of so many frames, the newest: a power of two. Who lacks older ones is not one to tell the time by.
const SPAN: usize = 1024;

pub struct Reach {
    /// By offset, round and round.
    counts: Box<[Count]>,
    /// What is older is not counted.
    from: Offset,
    /// Those that have a count.
    touched: Vec<Touched>,
    /// How many of these have their time.
    timed: usize,
}

#[derive(Clone, Copy, Default)]
struct Count {
    clients: u32,
    /// Of these, those that keep up.
    timely: u32,
}

struct Touched {
    offset: Offset,
    event: EventId,
    first: Option<Instant>,
}

impl Default for Reach {
    fn default() -> Self {
        let counts = vec![Count::default(); SPAN].into();
        Self { counts, from: Offset(0), touched: Vec::new(), timed: 0 }
    }
}

fn place(offset: Offset) -> usize {
    // The lowest bits are all that counts, on any machine.
    offset.0 as usize % SPAN
}

impl Reach {
    /// The newest frame is the one before `end`.
    pub fn move_to(&mut self, end: Offset) {
        self.from = Offset(end.0.saturating_sub(SPAN as u64));
    }

    /// So many clients were given all of a frame; they keep up, or do not.
    #[inline]
    pub fn note(&mut self, frame: &Frame, clients: u32, timely: bool) {
        let offset = frame.offset();
        if offset < self.from || !matches!(frame.source, Source::Webhook(_)) {
            return;
        }
        let count = &mut self.counts[place(offset)];
        if count.clients == 0 {
            self.touched.push(Touched { offset, event: frame.entry.event, first: None });
        }
        count.clients += clients;
        count.timely += if timely { clients } else { 0 };
    }

    /// Looks at the clock if a frame was given to a first client since it last did.
    #[inline]
    pub fn time(&mut self) {
        if self.timed < self.touched.len() {
            let now = Instant::now();
            self.touched[self.timed..].iter_mut().for_each(|touched| touched.first = Some(now));
            self.timed = self.touched.len();
        }
    }

    /// Tells what was noted since the last time.
    pub fn report(&mut self, journeys: &Journeys) {
        if self.touched.is_empty() {
            return;
        }
        let now = Instant::now();
        let Self { counts, touched, timed, .. } = self;
        let given = touched.drain(..).map(|Touched { offset, event, first }| {
            let Count { clients, timely } = std::mem::take(&mut counts[place(offset)]);
            Given { event, clients, timely: timely > 0, first: first.unwrap_or(now) }
        });
        journeys.given(given, now);
        *timed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::encode;
    use crate::ws::tests::entry;

    #[test]
    fn clients_are_counted_frame_by_frame_and_what_is_old_or_sent_is_not() {
        let journeys = Journeys::default();
        let receipt = journeys.begin(|| None);
        let begun = receipt.begun;
        crate::journey::Receipt::arrived(
            [(receipt, "w".into(), (0x100..0x100 + 3000).map(EventId))].into_iter(),
            begun,
        );
        let mut reach = Reach::default();
        let mut given = |offset, source, clients| {
            reach.move_to(Offset(2000));
            let frame = encode::frame(entry(offset, "{}"), source);
            for _ in 0..clients {
                reach.note(&frame, 1, true);
                reach.time();
            }
        };
        given(1999, Source::Webhook(0), 3);
        given(2000 - 1024, Source::Webhook(0), 2);
        given(2000 - 1025, Source::Webhook(0), 1);
        given(1998, Source::Sent, 1);
        reach.report(&journeys);
        reach.report(&journeys);
        let clients = |offset: u64| journeys.sockets(EventId(offset + 0x100)).expect("it is known").0;
        assert_eq!([1999, 2000 - 1024, 2000 - 1025, 1998].map(clients), [3, 2, 0, 0]);
        let (_, first, last) = journeys.sockets(EventId(1999 + 0x100)).expect("it is known");
        assert!(first <= last && first.is_some(), "{first:?} {last:?}");
    }
}
