//! Reading what clients get: from an offset on, across what is missing, by time, by cursor.

use super::log::Found;
use super::record::decode_entries;
use super::{Error, Journal};
use crate::message::{Cursor, Entry, Gap, Loss, Offset, Timestamp};
use std::sync::atomic::Ordering;
use tokio::sync::watch;

/// Part of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What is missing before the entries.
    pub gap: Option<Gap>,
    pub entries: Vec<Entry>,
    /// Where to go on. The offset that was asked for when there is nothing yet, and else beyond it.
    pub next: Offset,
}

impl Journal {
    /// The offset that the next entry will have. Never waits.
    pub fn tail(&self) -> Offset {
        Offset(self.0.tail.load(Ordering::Acquire))
    }

    /// Changes each time the tail has moved.
    pub fn grown(&self) -> watch::Receiver<()> {
        self.0.grown.subscribe()
    }

    /// The oldest offset that is kept.
    pub fn earliest(&self) -> Offset {
        Offset(self.0.outbox.first())
    }

    /// Entries from `from` on, in order: at most `most`, and at most about `bytes` of bodies (always one, if there is
    /// one). What is missing there is told as a gap before them. Blocks.
    pub fn outbox(&self, from: Offset, most: usize, bytes: usize) -> Result<Piece, Error> {
        let mut piece = Piece { gap: None, entries: Vec::new(), next: from };
        let earliest = self.earliest();
        if from < earliest {
            self.miss(&mut piece, earliest, Loss::Expired);
        }
        let mut total = 0;
        'all: while piece.entries.len() < most && total < bytes {
            let found = self.0.outbox.read(piece.next.0, bytes - total).map_err(Error::Read)?;
            let Some(first) = found.first() else { break };
            // A retention in between has moved the beginning.
            let begins = match first {
                Found::Frame(frame) => frame.position,
                Found::Hole { from, .. } => *from,
            };
            if begins > piece.next.0 && !self.skip(&mut piece, Offset(begins), Loss::Expired) {
                break;
            }
            for found in found {
                let frame = match found {
                    Found::Hole { to, .. } if self.skip(&mut piece, Offset(to), Loss::Damaged) => continue,
                    Found::Hole { .. } => break 'all,
                    Found::Frame(frame) => frame,
                };
                let first = Offset(frame.position);
                let end = Offset(first.0 + u64::from(frame.count));
                // The present epoch: a cursor says of which history it is, and the present one holds all that is here.
                let entries = decode_entries(first, self.0.outbox.epoch(), frame.payload);
                let Some(entries) = entries.ok().filter(|entries| entries.len() == frame.count as usize) else {
                    if self.skip(&mut piece, end, Loss::Damaged) { continue } else { break 'all }
                };
                let from = piece.next;
                for entry in entries.into_iter().skip_while(|entry| entry.offset < from) {
                    if piece.entries.len() >= most || total >= bytes && !piece.entries.is_empty() {
                        break 'all;
                    }
                    total += entry.payload.data.len();
                    piece.next = Offset(entry.offset.0 + 1);
                    piece.entries.push(entry);
                }
            }
        }
        Ok(piece)
    }

    /// Passes over what is missing, if nothing stands before it in the piece: a gap comes first in its piece.
    fn skip(&self, piece: &mut Piece, to: Offset, loss: Loss) -> bool {
        let first = piece.entries.is_empty();
        if first && to > piece.next {
            self.miss(piece, to, loss);
        }
        first || to <= piece.next
    }

    fn miss(&self, piece: &mut Piece, to: Offset, loss: Loss) {
        let (from, loss) = piece.gap.map_or((self.cursor(piece.next), loss), |gap| (gap.from, gap.loss));
        piece.gap = Some(Gap { from, to: self.cursor(to), loss });
        piece.next = to;
    }

    /// Where a client goes on that stands at a cursor, and what it does not get.
    pub fn resume(&self, cursor: Cursor) -> (Offset, Option<Gap>) {
        let (position, missing) = self.0.outbox.resume(cursor.epoch, cursor.offset.0);
        let offset = Offset(position);
        (offset, missing.map(|(_, _, loss)| Gap { from: cursor, to: self.cursor(offset), loss }))
    }

    /// Up to where the offsets of a cursor's epoch are those of the present one. `None`: they all are, or none.
    pub fn parted(&self, cursor: Cursor) -> Option<Offset> {
        self.0.outbox.epoch_end(cursor.epoch).map(Offset)
    }

    /// The cursor of a client that has everything before an offset.
    pub fn cursor(&self, offset: Offset) -> Cursor {
        Cursor { epoch: self.0.outbox.epoch(), offset }
    }

    /// The first offset that was decided at `time` or later.
    pub fn offset_at(&self, time: Timestamp) -> Offset {
        Offset(self.0.outbox.at(time))
    }

    /// An offset some hundred KiB before `from`: whoever looks for the last few steps back by these. `None` when
    /// `from` is the earliest.
    pub fn back(&self, from: Offset) -> Option<Offset> {
        self.0.outbox.back(from.0).map(Offset)
    }
}
