//! Forgetting: whole segments of the logs, by age and size, and what the index had of them.

use super::bucket::recall;
use super::checkpoint;
use super::log::{Log, NewFrame};
use super::{Error, Journal, Retention};
use crate::message::{EventId, Timestamp};
use bytes::Bytes;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many verdicts are removed from the index in one go.
const PRUNED: usize = 10_000;

/// What retention remembers from one time to the next.
pub(super) struct Retained {
    /// The first event that must be kept, as was last known.
    keep_from: AtomicU64,
    /// The segment of the outbox, and its end, when the checkpoint was written last; none yet.
    checkpoint: std::sync::Mutex<Option<(u32, u64)>>,
    /// No verdict before this event is in the index.
    pruned: AtomicU64,
    /// That more must be kept than may be was logged.
    told: AtomicBool,
}

impl Retained {
    pub fn new() -> Self {
        let (keep_from, pruned) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { keep_from, checkpoint: std::sync::Mutex::new(None), pruned, told: AtomicBool::new(false) }
    }
}

/// The bytes that were given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    pub inbox: u64,
    pub outbox: u64,
}

impl Journal {
    /// What the inbox and the outbox take on disk.
    pub fn bytes(&self) -> (u64, u64) {
        (self.0.inbox.bytes(), self.0.outbox.bytes())
    }

    /// Deletes what is older than retention keeps, or too much, but nothing that is pending in a lane and nothing that
    /// is held. Also does what else is due now and then: tries a disk again that failed, opens the index again,
    /// reads what is in it of fingerprints. To be called every second or so. Blocks.
    pub fn retain(&self, now: Timestamp) -> Result<Freed, Error> {
        let state = &*self.0;
        // What is freed below may be just what the index waits for, so its error comes last.
        let index = state.keeper.ensure();
        let keep_from = self.keep_from();
        let flushed = state.keeper.read(super::index::Store::flush);
        let (inbox, outbox) = self.retention();
        let mut freed = Freed { inbox: retain(&state.inbox, &inbox, now, keep_from.0)?, outbox: 0 };
        self.tell_if_too_much(keep_from);
        if let Some(keep_from) = self.checkpoint()? {
            freed.outbox = retain(&state.outbox, &outbox, now, keep_from)?;
        }
        for log in [&state.inbox, &state.outbox] {
            if !log.healthy() {
                // A frame that says nothing tells whether the disk takes writes again. Its failure was told already.
                let _ = log.append(&[NewFrame { count: 0, payload: Bytes::new(), body: Bytes::new() }], now);
            }
        }
        index.and(flushed)?;
        self.prune()?;
        state.keeper.read(|store| state.window.forget(store, now))?;
        state.keeper.read(recall)?;
        Ok(freed)
    }

    /// The first event that must be kept. What must be kept never begins earlier than it did before, so the last
    /// answer still stands while the index cannot be asked.
    fn keep_from(&self) -> EventId {
        let state = &*self.0;
        // In this order: what arrives in between is younger than all that is looked at, and what is held in between
        // was pending when the lanes were looked at.
        let answered = state.committer.answered();
        let lanes = state.lanes.read().unwrap_or_else(PoisonError::into_inner);
        let pending = lanes.values().filter(|lane| lane.lag() > 0).map(super::Lane::passed).min();
        drop(lanes);
        let held = if state.keeper.sound() { self.held(EventId(0), 1) } else { Err(Error::NoIndex) };
        if let Ok(held) = held {
            let held = held.first().map(|held| held.event);
            let least = [Some(answered), pending, held].into_iter().flatten().min().unwrap_or(answered);
            state.retained.keep_from.store(least.0, Ordering::Release);
        }
        EventId(state.retained.keep_from.load(Ordering::Acquire))
    }

    /// Of the inbox, and of the outbox.
    fn retention(&self) -> (Retention, Retention) {
        *self.0.retention.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_if_too_much(&self, keep_from: EventId) {
        let (state, most) = (&*self.0, self.retention().0.size);
        let too_much = state.inbox.bytes() > most && keep_from.0 < state.inbox.end();
        let told = state.retained.told.swap(too_much, Ordering::AcqRel);
        if too_much && !told {
            tracing::warn!(
                bytes = state.inbox.bytes(),
                most,
                oldest = %keep_from,
                "the inbox is larger than its retention allows, for the sake of events that are pending or held"
            );
        }
    }

    /// Writes a checkpoint if the outbox has begun a segment since the last one. Answers the offset that it covers, up
    /// to which segments may go; none when it cannot be written now.
    fn checkpoint(&self) -> Result<Option<u64>, Error> {
        let state = &*self.0;
        let mut last = state.retained.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((segment, end)) = *last
            && segment == state.outbox.last_place().segment
        {
            return Ok(Some(end));
        }
        let _order = state.order.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.keeper.sound() {
            return Ok(None);
        }
        let covered = (state.outbox.last_place().segment, state.outbox.end());
        let mut saved = Ok(());
        state.keeper.read(|store| {
            saved = checkpoint::save(store, &state.directory);
            Ok(())
        })?;
        saved?;
        *last = Some(covered);
        Ok(Some(covered.1))
    }

    /// Removes the verdicts of events that are gone, some of them at a time.
    fn prune(&self) -> Result<(), Error> {
        let state = &*self.0;
        let (from, first) = (state.retained.pruned.load(Ordering::Acquire), state.inbox.first());
        if from >= first {
            return Ok(());
        }
        state.keeper.read(|store| {
            let mut batch = store.batch();
            for item in store.verdicts.range(from.to_be_bytes()..first.to_be_bytes()).take(PRUNED) {
                batch.remove(&store.verdicts, item.key()?);
            }
            let removed = batch.len();
            batch.commit()?;
            if removed < PRUNED {
                state.retained.pruned.store(first, Ordering::Release);
            }
            Ok(())
        })
    }
}

fn retain(log: &Log, retention: &Retention, now: Timestamp, keep_from: u64) -> Result<u64, Error> {
    let age = u64::try_from(retention.age.as_millis()).unwrap_or(u64::MAX);
    let older_than = now.0.checked_sub(age).map(Timestamp);
    log.retain(older_than, retention.size, keep_from).map_err(Error::Retain)
}
