//! A stream's clients, what came for them in this turn, and what came before.

use std::collections::VecDeque;
use std::sync::Arc;

/// A frame as it goes on the wire, encoded once for all.
pub type Frame = Arc<[u8]>;

/// How much a client that comes back can be given.
const KEPT: usize = 1_000;

#[derive(Default)]
pub struct Room {
    pub clients: Vec<usize>,
    pub turn: Vec<Frame>,
    kept: VecDeque<Frame>,
    /// All that is kept as one run of bytes, once somebody has asked.
    joined: Option<Frame>,
}

impl Room {
    /// The turn is over.
    pub fn keep(&mut self) {
        self.kept.extend(self.turn.drain(..));
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        self.joined = None;
    }

    pub fn history(&mut self) -> Frame {
        let kept = &self.kept;
        let join = || kept.iter().flat_map(|frame| frame.iter().copied()).collect::<Vec<u8>>().into();
        Arc::clone(self.joined.get_or_insert_with(join))
    }
}

/// An unmasked text frame.
pub fn frame(body: &[u8]) -> Frame {
    let mut frame = Vec::with_capacity(body.len() + 10);
    frame.push(0x81);
    match body.len() {
        short @ 0..126 => frame.push(short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(body);
    frame.into()
}
