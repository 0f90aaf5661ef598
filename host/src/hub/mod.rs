//! From the outbox to the shards: who is fed what, without a queue for anybody.
//!
//! An entry becomes one [`Frame`], encoded once, shared by all shards and all clients. Each shard keeps the youngest
//! frames in a [`Ring`]; a client is a cursor into it. Publishing costs a push and at most one wake-up a shard, however
//! many clients there are, and never waits: a shard that does not keep up finds a gap in its inbox, and its clients
//! read what they missed from the outbox on disk.

mod ring;

pub use ring::Ring;

use crate::message::{Audience, Offset};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// One outbox entry as it goes over the wire, the frame's header included.
#[derive(Debug)]
pub struct Frame {
    pub offset: Offset,
    /// Which webhook it came through, as an index into the configured ones, in their order.
    pub webhook: usize,
    pub audience: Audience,
    pub bytes: Bytes,
}

/// Where frames wait for one shard.
pub struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// Beyond this many bytes, what waits is let go: its readers find it on disk.
    limit: usize,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
}

impl Inbox {
    fn new(limit: usize) -> Self {
        Self { waiting: Mutex::default(), arrived: Notify::new(), limit }
    }

    fn put(&self, frames: &[Arc<Frame>]) {
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        for frame in frames {
            waiting.bytes += frame.bytes.len();
            waiting.frames.push_back(frame.clone());
        }
        // The oldest go first: those who still need them find them on disk.
        while waiting.bytes > self.limit && waiting.frames.len() > 1 {
            if let Some(oldest) = waiting.frames.pop_front() {
                waiting.bytes -= oldest.bytes.len();
            }
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Swaps what waits for the empty `taken`, whose capacity is kept. False when nothing waited.
    pub fn take(&self, taken: &mut VecDeque<Arc<Frame>>) -> bool {
        debug_assert!(taken.is_empty(), "what was taken before has been used");
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        waiting.bytes = 0;
        std::mem::swap(&mut waiting.frames, taken);
        !taken.is_empty()
    }

    /// Returns when something may wait. Cancel safe.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// Gives frames to all shards.
#[derive(Clone)]
pub struct Hub(Arc<[Arc<Inbox>]>);

impl Hub {
    /// A hub for `shards` shards, each with an inbox of at most about `limit` bytes.
    pub fn new(shards: usize, limit: usize) -> Self {
        Self((0..shards).map(|_| Arc::new(Inbox::new(limit))).collect())
    }

    pub fn inboxes(&self) -> &[Arc<Inbox>] {
        &self.0
    }

    /// Gives frames, in the outbox's order, to every shard. Never blocks on a client or a shard.
    pub fn publish(&self, frames: &[Arc<Frame>]) {
        if frames.is_empty() {
            return;
        }
        for inbox in self.0.iter() {
            inbox.put(frames);
        }
    }
}
