//! The youngest frames, in the order of their offsets, bounded by what they weigh.

use super::Frame;
use crate::message::{Cursor, Offset};
use std::collections::VecDeque;
use std::sync::Arc;

pub struct Ring {
    frames: VecDeque<Arc<Frame>>,
    /// The offset after the youngest frame, known even when the ring is empty.
    end: Offset,
    weight: usize,
    limit: usize,
}

impl Ring {
    /// An empty ring that goes on at `end` and holds at most about `limit` bytes of frames.
    pub fn new(end: Offset, limit: usize) -> Self {
        Self { frames: VecDeque::new(), end, weight: 0, limit }
    }

    /// Adds the next frame and lets the oldest go. Frames that were left out before it leave a hole: what is older is
    /// let go too, since a ring has no holes.
    pub fn push(&mut self, frame: Arc<Frame>) {
        if frame.offset() != self.end {
            self.frames.clear();
            self.weight = 0;
        }
        self.end = Offset(frame.offset().0 + 1);
        self.weight += frame.weight();
        self.frames.push_back(frame);
        while self.weight > self.limit && self.frames.len() > 1 {
            if let Some(oldest) = self.frames.pop_front() {
                self.weight -= oldest.weight();
            }
        }
    }

    /// From now on it holds at most about so much. What is too much goes with the next frame.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The frames from `offset` on; `None` when some of them are no longer here.
    pub fn since(&self, offset: Offset) -> Option<impl Iterator<Item = &Arc<Frame>> + Clone> {
        let skip = offset.0.checked_sub(self.first().0)?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.frames.len());
        Some(self.frames.range(skip..))
    }

    /// The offset of the oldest frame, or of the next to come.
    pub fn first(&self) -> Offset {
        Offset(self.end.0 - self.frames.len() as u64)
    }

    /// The offset after the youngest frame.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Where a client stands that has all of it; `None` when there is nothing in it.
    pub fn cursor(&self) -> Option<Cursor> {
        self.frames.back().map(|frame| frame.entry.cursor())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::frame;
    use super::*;

    fn offsets(ring: &Ring, cursor: u64) -> Option<Vec<u64>> {
        ring.since(Offset(cursor)).map(|frames| frames.map(|frame| frame.offset().0).collect())
    }

    /// Room for three frames of one byte.
    fn room() -> usize {
        3 * frame(1, 1).weight()
    }

    #[test]
    fn a_ring_gives_all_from_a_cursor_or_says_that_it_cannot() {
        let mut ring = Ring::new(Offset(5), room());
        assert_eq!(offsets(&ring, 5), Some(vec![]));
        assert_eq!(offsets(&ring, 4), None);
        assert_eq!(ring.cursor(), None);
        for offset in 5..9 {
            ring.push(frame(offset, 1));
        }
        assert_eq!(offsets(&ring, 7), Some(vec![7, 8]));
        assert_eq!(offsets(&ring, 9), Some(vec![]));
        assert_eq!(offsets(&ring, 6), Some(vec![6, 7, 8]));
        assert_eq!(offsets(&ring, 5), None, "the first was let go for the fourth");
        assert_eq!(ring.cursor(), Some(Cursor { epoch: 7, offset: Offset(9) }));
    }

    #[test]
    fn a_frame_over_the_limit_is_kept_alone() {
        let mut ring = Ring::new(Offset(1), room());
        ring.push(frame(1, 1));
        ring.push(frame(2, 100_000));
        assert_eq!(offsets(&ring, 2), Some(vec![2]));
        assert_eq!(offsets(&ring, 1), None);
    }

    #[test]
    fn a_hole_lets_go_of_what_is_older() {
        let mut ring = Ring::new(Offset(1), room());
        ring.push(frame(1, 1));
        ring.push(frame(7, 1));
        assert_eq!(offsets(&ring, 2), None);
        assert_eq!(offsets(&ring, 7), Some(vec![7]));
        assert_eq!(ring.end(), Offset(8));
    }
}
