//! How many events a client is entitled to between two places of the outbox, counted a piece at a time.
//!
//! Asked for one that says how many it got since a cursor, when the outbox has lost its end since then: if it got more
//! than are there, it has seen some that are lost.

use super::Stream;
use super::catch_up::Piece;
use super::choose::Choose;
use crate::message::{Card, Offset};
use std::sync::Arc;
use tokio::sync::oneshot;

/// As in `last`.
const MOST_BYTES: usize = 64 << 20;

pub struct Count {
    pub stream: Arc<Stream>,
    pub client: Arc<Card>,
    pub from: Offset,
    pub until: Offset,
    pub found: u64,
    /// More than these need not be counted.
    pub most: u64,
    pub walked: usize,
    /// `None` when the outbox cannot be read.
    pub answer: oneshot::Sender<Option<u64>>,
}

impl Count {
    /// Counts one more piece. Gives itself back when there is more to count, and somebody who waits for it.
    pub fn step(
        mut self: Box<Self>,
        read: impl Fn(Offset) -> Option<Arc<Piece>>,
        choose: &dyn Choose,
    ) -> Option<Box<Self>> {
        if self.answer.is_closed() {
            return None;
        }
        // One who asks for more reading than that is not told how much there was.
        if self.from < self.until && self.found < self.most && self.walked < MOST_BYTES {
            let Some(piece) = read(self.from) else {
                // Whoever asked may have gone, here and below.
                let _ = self.answer.send(None);
                return None;
            };
            let within = |offset: Offset| offset >= self.from && offset < self.until;
            let frames = piece.frames.iter().filter(|frame| within(frame.offset()));
            let weight: usize = frames.clone().map(|frame| frame.weight()).sum();
            let entitled = frames.filter(|frame| self.stream.entitles(frame, &self.client));
            let wanted: Option<Vec<bool>> = entitled.map(|frame| choose.one(frame, &self.client)).collect();
            let Some(wanted) = wanted else {
                let _ = self.answer.send(None);
                return None;
            };
            self.found += wanted.into_iter().filter(|wanted| *wanted).count() as u64;
            self.walked += weight;
            if piece.next > self.from {
                self.from = piece.next;
                return Some(self);
            }
        }
        let _ = self.answer.send(Some(self.found));
        None
    }
}
