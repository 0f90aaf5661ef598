//! From the outbox to the shards: who is fed what, without a queue for anybody.
//!
//! An entry becomes one [`Frame`], shared by all shards and all clients, each of its encodings made once. Each shard
//! keeps the youngest frames in a [`Ring`]; a client is a cursor into it. Publishing costs a push and at most one
//! wake-up a shard, however many clients there are, none for a shard that has no clients, and never waits: a shard that
//! does not keep up finds a gap in its inbox, and its clients read what they missed from the outbox on disk.

mod frame;
mod ring;

pub use frame::{Frame, Source, Wire, letters};
pub use ring::Ring;

use crate::message::Offset;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Where frames wait for one shard.
pub struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// Beyond this many bytes, what waits is let go: its readers find it on disk.
    limit: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Arc<Frame>>,
    weight: usize,
    /// There is nobody to be given them.
    idle: bool,
}

impl Inbox {
    fn new(limit: usize) -> Self {
        Self { waiting: Mutex::default(), arrived: Notify::new(), limit: limit.into() }
    }

    fn put(&self, frames: &[Arc<Frame>]) {
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        for frame in frames {
            waiting.weight += frame.weight();
            waiting.frames.push_back(frame.clone());
        }
        // The oldest go first: those who still need them find them on disk.
        let limit = self.limit.load(Ordering::Relaxed);
        while waiting.weight > limit && waiting.frames.len() > 1 {
            if let Some(oldest) = waiting.frames.pop_front() {
                waiting.weight -= oldest.weight();
            }
        }
        let idle = waiting.idle;
        drop(waiting);
        if !idle {
            self.arrived.notify_one();
        }
    }

    /// The shard has no clients: frames may wait, and are not told.
    pub fn rest(&self) {
        self.waiting.lock().expect("no holder of this lock panics").idle = true;
    }

    /// Somebody comes to the shard: what waits is told now, and what comes when it comes.
    pub fn resume(&self) {
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        if std::mem::take(&mut waiting.idle) && !waiting.frames.is_empty() {
            self.arrived.notify_one();
        }
    }

    /// Swaps what waits for the empty `taken`, whose capacity is kept. False when nothing waited.
    pub fn take(&self, taken: &mut VecDeque<Arc<Frame>>) -> bool {
        debug_assert!(taken.is_empty(), "what was taken before has been used");
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        waiting.weight = 0;
        std::mem::swap(&mut waiting.frames, taken);
        !taken.is_empty()
    }

    /// The offset after the youngest frame that waits, if one does.
    pub fn end(&self) -> Option<Offset> {
        let waiting = self.waiting.lock().expect("no holder of this lock panics");
        waiting.frames.back().map(|frame| Offset(frame.offset().0 + 1))
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

    /// From now on, so much may wait for each shard.
    pub fn set_limit(&self, limit: usize) {
        self.0.iter().for_each(|inbox| inbox.limit.store(limit, Ordering::Relaxed));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Audience, Entry, EventId, Keys, Payload, Timestamp};
    use std::pin::pin;
    use std::task::{Context, Waker};

    /// A frame of epoch 7 with a payload of `length` bytes.
    pub fn frame(offset: u64, length: usize) -> Arc<Frame> {
        let entry = Entry {
            offset: Offset(offset),
            epoch: 7,
            event: EventId(offset),
            webhook: "w".into(),
            received: Timestamp(0),
            content_type: None,
            unparsed: false,
            kind: "messages".into(),
            keys: Arc::new(Keys::default()),
            payload: Payload::of(vec![b'x'; length].into()),
            audience: Audience::default(),
        };
        Arc::new(Frame::new(entry, Source::Webhook(0), b">>"))
    }

    #[test]
    fn an_inbox_lets_the_oldest_go_and_keeps_the_order() {
        let inbox = Inbox::new(2 * frame(1, 1).weight());
        let frames: Vec<_> = (1..5).map(|offset| frame(offset, 1)).collect();
        inbox.put(&frames);
        assert_eq!(inbox.end(), Some(Offset(5)));
        let mut taken = VecDeque::new();
        assert!(inbox.take(&mut taken));
        assert_eq!(taken.iter().map(|frame| frame.offset().0).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(inbox.end(), None);
    }

    #[test]
    fn an_inbox_at_rest_wakes_nobody_until_somebody_comes() {
        let inbox = Inbox::new(1000 * frame(1, 1).weight());
        let is_told = || pin!(inbox.arrived()).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        inbox.put(&[frame(1, 1)]);
        assert!(is_told());
        inbox.rest();
        inbox.put(&[frame(2, 1)]);
        assert!(!is_told());
        inbox.resume();
        assert!(is_told(), "of what waited");
        inbox.put(&[frame(3, 1)]);
        assert!(is_told() && inbox.end() == Some(Offset(4)));
        assert!(inbox.take(&mut VecDeque::new()));
        inbox.rest();
        inbox.resume();
        assert!(!is_told(), "nothing waited");
    }

    #[test]
    fn a_frame_keeps_its_payload_once_and_makes_an_encoding_once() {
        let frame = frame(1, 3);
        assert_eq!(frame.led(), b">>xxx");
        assert_eq!(frame.payload().as_ptr(), frame.led()[2..].as_ptr());
        let make = |before: &'static [u8]| move |_: &Frame| Some(Wire { before: before.into(), ..Wire::default() });
        assert_eq!(&*frame.wire(1, make(b"first")).expect("it was made").before, b"first");
        assert_eq!(&*frame.wire(1, make(b"second")).expect("it was made").before, b"first");
        assert!(frame.wire(2, |_| None).is_none());
        assert_eq!(frame.cursor_text(), &letters(frame.entry.cursor()));
    }
}
