//! What clients read that fell out of the ring, or come back: the outbox, as frames.

use super::sources::Sources;
use crate::error::Chain;
use crate::hub::Frame;
use crate::journal::Journal;
use crate::message::{Entry, Offset};
use crate::ws::{self, encode};
use std::sync::Arc;

/// A piece of the outbox is at most this.
const PIECE_ENTRIES: usize = 256;
const PIECE_BYTES: usize = 256 << 10;

pub(super) struct Backlog {
    pub journal: Journal,
    pub sources: Arc<Sources>,
}

impl Backlog {
    fn frame(&self, entry: Entry) -> Arc<Frame> {
        let source = self.sources.of(&entry.webhook);
        encode::frame(entry, source)
    }
}

impl ws::Backlog for Backlog {
    fn read(&self, from: Offset) -> Option<ws::Piece> {
        match self.journal.outbox(from, PIECE_ENTRIES, PIECE_BYTES) {
            Ok(piece) => {
                let frames = piece.entries.into_iter().map(|entry| self.frame(entry)).collect();
                Some(ws::Piece { frames, gap: piece.gap, next: piece.next })
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), from = from.0, "the outbox cannot be read for a client");
                None
            }
        }
    }

    fn back(&self, from: Offset) -> Option<Offset> {
        self.journal.back(from)
    }
}
