//! Appending to the inbox, and reading what is pending.
//!
//! Group commit without a timer: one thread takes all that waits, writes it as one batch, syncs once, answers all.
//! While it syncs, the next batch gathers by itself.

use super::record::{decode_delivery, encode_delivery};
use super::{Error, Journal, Lane, Refused, Spaces};
use crate::error::Chain;
use crate::message::{Delivery, EventId};
use crate::task;
use bytes::Bytes;
use fjall::{Database, Keyspace, PersistMode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// One batch is bounded, so that the first of many waits no longer than this much takes to write.
const BATCH_EVENTS: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;

pub(super) struct Committer {
    /// `None` only while it is dropped.
    sender: Option<mpsc::Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    failed: Arc<AtomicBool>,
}

struct Waiting {
    lane: Lane,
    record: Bytes,
    answer: oneshot::Sender<Result<EventId, Refused>>,
}

impl Committer {
    pub fn start(
        database: Database,
        spaces: Spaces,
        next: EventId,
        waiting: usize,
        failed: Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(waiting.max(1));
        let fault = failed.clone();
        let thread = task::thread("inbox", move || commit_all(&database, &spaces, next, receiver, &fault))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), failed })
    }

    pub async fn append(&self, lane: &Lane, delivery: Delivery) -> Result<EventId, Refused> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { lane: lane.clone(), record: encode_delivery(&delivery), answer };
        let Some(sender) = &self.sender else { return Err(self.gone()) };
        sender.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Busy,
            mpsc::error::TrySendError::Closed(_) => self.gone(),
        })?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// The thread has ended before its time: it panicked, and nothing will be written any more.
    fn gone(&self) -> Refused {
        self.failed.store(true, Ordering::Release);
        Refused::Storage
    }
}

/// Whoever drops the journal's last handle may open its directory again at once: the thread has let go of it.
impl Drop for Committer {
    fn drop(&mut self) {
        self.sender = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's thread had panicked: this is a bug of postern");
        }
    }
}

fn commit_all(
    database: &Database,
    spaces: &Spaces,
    mut next: EventId,
    mut receiver: mpsc::Receiver<Waiting>,
    failed: &AtomicBool,
) {
    while let Some(first) = receiver.blocking_recv() {
        let mut bytes = first.record.len();
        let mut group = vec![first];
        while group.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let Ok(more) = receiver.try_recv() else { break };
            bytes += more.record.len();
            group.push(more);
        }
        let first = next;
        match commit(database, spaces, first, &group) {
            Ok(()) => next = EventId(first.0 + group.len() as u64),
            Err(error) => {
                // Told once: it stays so, and every webhook would tell it again.
                if !failed.swap(true, Ordering::AcqRel) {
                    tracing::error!(error = %Chain(&error), "the inbox cannot be written, webhooks are answered 503");
                }
                for waiting in group {
                    // A sender that has gone needs no answer.
                    let _ = waiting.answer.send(Err(Refused::Storage));
                }
                continue;
            }
        }
        for (event, waiting) in (first.0..).map(EventId).zip(group) {
            waiting.lane.arrived(event);
            let _ = waiting.answer.send(Ok(event));
        }
    }
}

fn commit(database: &Database, spaces: &Spaces, first: EventId, group: &[Waiting]) -> Result<(), Error> {
    let mut batch = database.batch().durability(Some(PersistMode::SyncData));
    for (event, waiting) in (first.0..).map(EventId).zip(group) {
        batch.insert(&spaces.inbox, key(waiting.lane.0.number, event), waiting.record.clone());
    }
    let next = first.0 + group.len() as u64;
    batch.insert(&spaces.meta, "next-event", next.to_be_bytes());
    batch.commit().map_err(Error::Write)
}

/// An event without a verdict; an error, if its record is damaged.
type Pending = (EventId, Result<Delivery, Error>);

impl Journal {
    /// The oldest events of a lane without a verdict, in order: at most `most` of them, and at most about 8 MiB. One
    /// whose record is damaged is there with its error, so that it can be set aside and those behind it go on. Blocks.
    pub fn pending(&self, lane: &Lane, most: usize) -> Result<Vec<Pending>, Error> {
        const BYTES: usize = 8 << 20;
        let number = lane.0.number;
        let done = lane.0.done.load(Ordering::Acquire);
        let mut found = Vec::new();
        let mut bytes = 0;
        let range = key(number, EventId(done + 1))..=key(number, EventId(u64::MAX));
        for item in self.0.spaces.inbox.range(range) {
            let (key, record) = item.into_inner().map_err(Error::Read)?;
            let event = event_of(&key)?;
            bytes += record.len();
            found.push((event, decode_delivery(record.into())));
            if found.len() >= most || bytes >= BYTES {
                break;
            }
        }
        Ok(found)
    }

    /// The position after which this lane's events are pending.
    pub fn done(&self, lane: &Lane) -> EventId {
        EventId(lane.0.done.load(Ordering::Acquire))
    }
}

/// The youngest event of a lane.
pub(super) fn youngest(inbox: &Keyspace, lane: u32) -> Result<Option<EventId>, Error> {
    let range = key(lane, EventId(0))..=key(lane, EventId(u64::MAX));
    let Some(item) = inbox.range(range).next_back() else { return Ok(None) };
    event_of(&item.key().map_err(Error::Read)?).map(Some)
}

fn key(lane: u32, event: EventId) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&lane.to_be_bytes());
    key[4..].copy_from_slice(&event.0.to_be_bytes());
    key
}

fn event_of(key: &[u8]) -> Result<EventId, Error> {
    let bytes = key.get(4..12).and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Damaged("a key of the inbox"))?;
    Ok(EventId(u64::from_be_bytes(bytes)))
}
