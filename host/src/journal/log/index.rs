//! A sparse index of one segment: a mark every 64 KiB, from which the way to any frame is short.

use super::DiskFile;
use super::frame::Header;
use super::segment::BEGIN;
use super::walk::{Bounds, Lost, Stand, Step, Walk};
use crate::message::Timestamp;
use std::io;

const SPACING: u64 = 64 << 10;

/// The beginning of a frame, or of the segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub at: u64,
    /// All frames before hold smaller positions, all from here on none that is smaller.
    pub position: u64,
    /// The latest time at which a frame before was written; 0 when there is none.
    pub newest: Timestamp,
}

impl Mark {
    pub(super) fn stand(self) -> Stand {
        Stand { at: self.at, position: self.position }
    }
}

/// Never without a mark: the first is the segment's beginning.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub marks: Vec<Mark>,
    /// The latest time at which a frame was written; 0 when there is none.
    pub newest: Timestamp,
}

/// What reading a whole segment told.
#[derive(Debug)]
pub(super) struct Scanned {
    pub index: Index,
    pub lost: Vec<Lost>,
    /// So many of them are before the beginning of a later group: what was there had been synced.
    pub settled: usize,
    /// Where the last frame ends, and the position behind it.
    pub end: Stand,
}

impl Index {
    pub(super) fn new(first: u64) -> Self {
        Self { marks: vec![Mark { at: BEGIN, position: first, newest: Timestamp(0) }], newest: Timestamp(0) }
    }

    /// Notes a frame that follows all that were noted before.
    pub(super) fn note(&mut self, at: u64, position: u64, written: Timestamp) {
        if self.marks.last().is_none_or(|mark| at >= mark.at + SPACING) {
            self.marks.push(Mark { at, position, newest: self.newest });
        }
        self.newest = self.newest.max(written);
    }

    /// The last mark before which there are only smaller positions.
    pub(super) fn for_position(&self, position: u64) -> Mark {
        self.before(|mark| mark.position <= position)
    }

    /// The last mark before which everything is older.
    pub(super) fn for_time(&self, time: Timestamp) -> Mark {
        self.before(|mark| mark.newest < time)
    }

    /// The last mark at a byte or before it.
    pub(super) fn for_byte(&self, at: u64) -> Mark {
        self.before(|mark| mark.at <= at)
    }

    fn before(&self, is_before: impl Fn(&Mark) -> bool) -> Mark {
        self.marks[self.marks.partition_point(is_before).saturating_sub(1)]
    }
}

/// Reads a whole segment. Damage that goes on to its end is the last thing lost.
pub(super) fn scan(file: &dyn DiskFile, bounds: Bounds, first: u64) -> io::Result<Scanned> {
    let mut index = Index::new(first);
    let mut end = Stand { at: BEGIN, position: first };
    let (mut lost, mut settled) = (Vec::new(), 0);
    let mut walk = Walk::new(file, bounds, end);
    while let Some(step) = walk.next()? {
        match step {
            Step::Frame { at, header: Header { position, written, follows, .. }, .. } => {
                settled = if follows { settled } else { lost.len() };
                index.note(at, position, written);
                end = walk.stand();
            }
            Step::Lost(one) => lost.push(one),
        }
    }
    Ok(Scanned { index, lost, settled, end })
}
