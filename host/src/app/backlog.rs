//! What clients read that fell out of the ring, or come back: the outbox, as frames.

use crate::error::Chain;
use crate::hub::{Frame, Source};
use crate::journal::Journal;
use crate::message::{Entry, Offset, SENT};
use crate::ws::{self, encode};
use std::sync::Arc;

/// A piece of the outbox is at most this.
const PIECE_ENTRIES: usize = 256;
const PIECE_BYTES: usize = 256 << 10;

pub(super) struct Backlog {
    pub journal: Journal,
    /// The configured ones, in their order.
    pub webhooks: Vec<String>,
}

impl Backlog {
    fn frame(&self, entry: Entry) -> Arc<Frame> {
        let source = match &*entry.webhook {
            SENT => Source::Sent,
            webhook => match self.webhooks.iter().position(|name| name == webhook) {
                Some(webhook) => Source::Webhook(webhook),
                None => Source::Gone,
            },
        };
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
