//! The durable spine: what was received, what was decided, and what clients are to see.
//!
//! # Contract
//!
//! Two logs and an index, under one directory, used by one process at a time. The logs are the truth; the index finds
//! things in them, and is made again from them when it is lost.
//!
//! - The **inbox** holds every accepted delivery, in lanes, one a webhook. [`Journal::append`] returns only after the
//!   delivery is on disk (`fdatasync`); one sync serves all that wait for it. Each item of a delivery is an event of its
//!   own. Positions ([`EventId`]) ascend over all lanes together and are never reused.
//! - An item that **was seen before**, within the window, is a *duplicate*: it has a position and is recorded with the
//!   event that it repeats, and nobody judges it. What was seen stands in the delivery's own frame, so it is remembered
//!   if and only if the delivery is there.
//! - A **verdict** is kept for every event that dispatch has judged: what each filter said, and what became of it. An
//!   event without a verdict is *pending*: [`Journal::pending`] lists a lane's, in order. After a crash they are
//!   pending still, so they are judged again; those with a verdict never are.
//! - The **outbox** holds what clients get, in the one order ([`Offset`]) all of them see. [`Journal::decide`] writes
//!   the verdict of an event and the entries that follow from it in one frame, and syncs before it publishes: an event
//!   is wholly decided or wholly pending, and what a client has seen survives a power cut.
//! - A **cursor** is an offset and the epoch it was given in. [`Journal::resume`] and [`Journal::outbox`] tell what is
//!   missing as a [`Gap`](crate::message::Gap): expired, reset or damaged, and never leave it out in silence.
//! - An event whose verdict is *held* is listed by [`Journal::held`] until something else is decided for it.
//! - **Retention** deletes whole segments of either log, by age and size, but nothing pending and nothing held.
//!   The lanes of webhooks that are not configured keep nothing back but what is held.
//!
//! A write that fails is answered [`Refused::Storage`], or with an error, and nothing of it is there. The next one
//! tries again, so a disk that was full ends by itself; until then [`Journal::healthy`] is false. What the disk has
//! damaged is set aside, told by [`Journal::damage`], and hides nothing else; it is never a reason not to open.
//!
//! # Format
//!
//! `directory.rs` tells the files, `log/` how a frame lies in a log, `record.rs` what is in a frame, `index.rs` the
//! index, `checkpoint.rs` what outlives the outbox's oldest segments.

mod answer;
mod bucket;
mod checkpoint;
mod decide;
mod dedupe;
mod directory;
mod error;
mod fresh;
mod held;
mod inbox;
mod index;
mod keeper;
mod lane;
mod log;
mod memtables;
mod open;
mod outbox;
mod pending;
mod record;
mod replay;
mod retention;
mod search;
mod sieve;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use decide::{Decision, Judged, Outcome};
pub use directory::is_in_use;
pub use error::{Error, Refused};
pub use held::Held;
pub use lane::Lane;
pub use retention::Freed;
pub use search::{Record, State, Summary};

use crate::journey::Receipt;
use crate::message::{Delivery, EventId};
use dedupe::Window;
use inbox::Committer;
use keeper::Keeper;
use log::Log;
use retention::Retained;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

#[derive(Clone, Debug)]
pub struct Config {
    /// Made if absent.
    pub directory: PathBuf,
    /// Each has a lane.
    pub webhooks: Vec<String>,
    /// How many deliveries wait for the disk at once, at most.
    pub waiting: usize,
    pub inbox: Retention,
    pub outbox: Retention,
    /// For how long an item is recognised when it comes again. Zero: not at all.
    pub dedupe_window: Duration,
}

/// What is kept: no more than this, give or take a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub age: Duration,
    pub size: u64,
}

/// A delivery that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The event of its first item. Those of the others follow.
    pub first: EventId,
    /// How many of its items are new, and how many were seen before.
    pub new: u32,
    pub duplicates: u32,
}

#[derive(Clone)]
pub struct Journal(Arc<Shared>);

/// The fields are dropped from above to below: whoever writes before what is written, the directory's lock last.
struct Shared {
    committer: Committer,
    lanes: RwLock<BTreeMap<String, Lane>>,
    keeper: Arc<Keeper>,
    window: Window,
    inbox: Log,
    outbox: Log,
    /// Held while offsets are given, written and published.
    order: Mutex<()>,
    tail: AtomicU64,
    /// Told each time the tail has moved.
    grown: watch::Sender<()>,
    retained: Retained,
    recent: Mutex<Option<Arc<search::Received>>>,
    boot: u32,
    /// Of the inbox, and of the outbox.
    retention: RwLock<(Retention, Retention)>,
    directory: PathBuf,
    _lock: directory::Lock,
}

impl Journal {
    /// Makes a delivery durable. When this returns `Ok`, it is on disk. Cancel safe in this sense: a caller that goes
    /// away leaves the delivery either wholly in the inbox or not at all.
    pub async fn append(&self, lane: &Lane, delivery: Delivery) -> Result<Appended, Refused> {
        self.0.committer.append(lane, delivery, None).await
    }

    /// As `append`, for a webhook: its receipt becomes a journey of each of its events.
    pub async fn receive(&self, lane: &Lane, delivery: Delivery, receipt: Receipt) -> Result<Appended, Refused> {
        self.0.committer.append(lane, delivery, Some(receipt)).await
    }

    /// Makes a delivery durable, in the order in which threads come here. It has at least one item. Blocks as long as
    /// there is no room before the disk; the answer comes when it is on disk.
    pub fn submit(&self, lane: &Lane, delivery: Delivery) -> Result<Answer, Refused> {
        self.0.committer.submit(lane, delivery)
    }

    /// Returns when what waits for the disk now has been answered, which shows that the inbox is alive. False when it is
    /// not any more. Cancel safe.
    pub async fn beat(&self) -> bool {
        self.0.committer.beat().await
    }

    /// The lane of a webhook that was named when the journal was opened, or since.
    pub fn lane(&self, webhook: &str) -> Option<Lane> {
        self.0.lanes.read().unwrap_or_else(PoisonError::into_inner).get(webhook).cloned()
    }

    /// How often this journal has been opened. With it a number that only counts up becomes unique over restarts.
    pub fn boot(&self) -> u32 {
        self.0.boot
    }

    /// Whether the last thing asked of the disk was done. Once it was not, [`Journal::retain`] finds out when it can
    /// be done again.
    pub fn healthy(&self) -> bool {
        let state = &*self.0;
        state.inbox.healthy() && state.outbox.healthy() && state.keeper.sound() && state.committer.healthy()
    }

    /// What was found damaged since the journal was opened, for the operator.
    pub fn damage(&self) -> Vec<String> {
        self.0.keeper.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts the index onto the disk, so that the next opening has less to do. For a clean stop. Blocks.
    pub fn sync(&self) -> Result<(), Error> {
        if !self.0.keeper.sound() {
            // It is made again at the next start anyway, and may be under way to be now.
            return Ok(());
        }
        self.0.keeper.read(|store| store.database.persist(fjall::PersistMode::SyncAll))
    }
}
