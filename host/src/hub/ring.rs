//! The youngest frames, in the order of their offsets, bounded by bytes.

use super::Frame;
use crate::message::Offset;
use std::collections::VecDeque;
use std::sync::Arc;

pub struct Ring {
    frames: VecDeque<Arc<Frame>>,
    /// The offset after the youngest frame, known even when the ring is empty.
    end: Offset,
    bytes: usize,
    limit: usize,
}

impl Ring {
    /// An empty ring that goes on at `end` and holds at most about `limit` bytes of frames.
    pub fn new(end: Offset, limit: usize) -> Self {
        Self { frames: VecDeque::new(), end, bytes: 0, limit }
    }

    /// Adds the next frame and lets the oldest go. Frames that were left out before it leave a hole: what is older is
    /// let go too, since a ring has no holes.
    pub fn push(&mut self, frame: Arc<Frame>) {
        if frame.offset != self.end {
            self.frames.clear();
            self.bytes = 0;
        }
        self.end = Offset(frame.offset.0 + 1);
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
        while self.bytes > self.limit && self.frames.len() > 1 {
            if let Some(oldest) = self.frames.pop_front() {
                self.bytes -= oldest.bytes.len();
            }
        }
    }

    /// The frames from `cursor` on; `None` when some of them are no longer here.
    pub fn since(&self, cursor: Offset) -> Option<impl Iterator<Item = &Arc<Frame>> + Clone> {
        let skip = cursor.0.checked_sub(self.first().0)?;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Audience;
    use bytes::Bytes;

    fn frame(offset: u64, length: usize) -> Arc<Frame> {
        let bytes = Bytes::from(vec![0; length]);
        Arc::new(Frame { offset: Offset(offset), webhook: 0, audience: Audience::default(), bytes })
    }

    fn offsets(ring: &Ring, cursor: u64) -> Option<Vec<u64>> {
        ring.since(Offset(cursor)).map(|frames| frames.map(|frame| frame.offset.0).collect())
    }

    #[test]
    fn a_ring_gives_all_from_a_cursor_or_says_that_it_cannot() {
        let mut ring = Ring::new(Offset(5), 100);
        assert_eq!(offsets(&ring, 5), Some(vec![]));
        assert_eq!(offsets(&ring, 4), None);
        for offset in 5..9 {
            ring.push(frame(offset, 30));
        }
        assert_eq!(offsets(&ring, 7), Some(vec![7, 8]));
        assert_eq!(offsets(&ring, 9), Some(vec![]));
        assert_eq!(offsets(&ring, 6), Some(vec![6, 7, 8]));
        assert_eq!(offsets(&ring, 5), None, "the first was let go for the fourth");
    }

    #[test]
    fn a_frame_over_the_limit_is_kept_alone() {
        let mut ring = Ring::new(Offset(1), 100);
        ring.push(frame(1, 10));
        ring.push(frame(2, 1000));
        assert_eq!(offsets(&ring, 2), Some(vec![2]));
        assert_eq!(offsets(&ring, 1), None);
    }

    #[test]
    fn a_hole_lets_go_of_what_is_older() {
        let mut ring = Ring::new(Offset(1), 100);
        ring.push(frame(1, 10));
        ring.push(frame(7, 10));
        assert_eq!(offsets(&ring, 2), None);
        assert_eq!(offsets(&ring, 7), Some(vec![7]));
        assert_eq!(ring.end(), Offset(8));
    }
}
