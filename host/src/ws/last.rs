//! Where the last N events of one client begin: found by walking back through the outbox, a piece at a time, and
//! counting what it is entitled to.

use super::Stream;
use super::catch_up::Piece;
use super::choose::Choose;
use crate::message::{Card, Offset};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Nobody is entitled to so many bytes of reading that they find little or nothing in.
const MOST_BYTES: usize = 64 << 20;

pub struct Last {
    pub stream: Arc<Stream>,
    pub client: Arc<Card>,
    /// How many are still to be found, all of them older than `before`.
    pub count: usize,
    pub before: Offset,
    pub walked: usize,
    /// `None` when the outbox cannot be read.
    pub answer: oneshot::Sender<Option<Offset>>,
}

pub enum Step {
    /// It was answered, or nobody waits for the answer.
    Done,
    Further(Box<Last>),
}

impl Last {
    /// Goes back by one piece. Whoever comes to the beginning, or has walked far enough, begins there.
    pub fn step(
        mut self: Box<Self>,
        read: impl Fn(Offset) -> Option<Arc<Piece>>,
        back: impl Fn(Offset) -> Option<Offset>,
        choose: &dyn Choose,
    ) -> Step {
        if self.answer.is_closed() {
            return Step::Done;
        }
        let far = self.walked >= MOST_BYTES;
        let Some(from) = back(self.before).filter(|from| *from < self.before && self.count > 0 && !far) else {
            return self.done(|last| Some(last.before));
        };
        let Some(found) = self.found(from, read, choose) else { return self.done(|_| None) };
        if let Some(place) = found.len().checked_sub(self.count) {
            return self.done(|_| found.get(place).copied());
        }
        self.count -= found.len();
        self.before = from;
        Step::Further(self)
    }

    /// The offsets of what it is entitled to between `from` and `before`; `None` when they cannot be read.
    fn found(
        &mut self,
        from: Offset,
        read: impl Fn(Offset) -> Option<Arc<Piece>>,
        choose: &dyn Choose,
    ) -> Option<Vec<Offset>> {
        let mut found = Vec::new();
        let mut at = from;
        while at < self.before {
            let piece = read(at)?;
            for frame in piece.frames.iter().filter(|frame| frame.offset() >= at && frame.offset() < self.before) {
                self.walked += frame.weight();
                if self.stream.entitles(frame, &self.client) && choose.one(frame, &self.client)? {
                    found.push(frame.offset());
                }
            }
            // A piece with nothing in it is the end of what there is.
            at = if piece.next > at { piece.next } else { self.before };
        }
        Some(found)
    }

    fn done(self, answer: impl FnOnce(&Self) -> Option<Offset>) -> Step {
        let answered = answer(&self);
        // Whoever asked may have gone.
        let _ = self.answer.send(answered);
        Step::Done
    }
}
