//! What was seen before: the fingerprint of every item that came within the window, and the event it came with first.
//!
//! Fingerprints are kept by the time they were received, in buckets of an eighth of the window, so that what is too
//! old is deleted whole. They are random bytes, so a bucket is asked through its filters, and most are answered there.

use super::index::{Noted, Store, options};
use crate::message::{Delivery, EventId, Fingerprint, Timestamp};
use fjall::{Keyspace, OwnedWriteBatch};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an item is remembered, in milliseconds. Zero: nothing is. Clones are the same.
#[derive(Clone)]
pub(super) struct Window(Arc<AtomicU64>);

/// What is waiting to be written, which the store does not know yet.
#[derive(Default)]
pub(super) struct Group(HashMap<Fingerprint, (EventId, Timestamp)>);

impl Window {
    pub fn new(window: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(milliseconds(window))))
    }

    /// From now on. What was forgotten stays so.
    pub fn set(&self, window: Duration) {
        self.0.store(milliseconds(window), Ordering::Relaxed);
    }

    fn length(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Which of a delivery's items were seen before, and with which event. `first` is the event of the first item.
    pub fn judge(
        &self,
        store: &Store,
        group: &mut Group,
        delivery: &Delivery,
        first: EventId,
    ) -> fjall::Result<Vec<Option<EventId>>> {
        if self.length() == 0 {
            return Ok(vec![None; delivery.items.len()]);
        }
        let received = delivery.received;
        let buckets = store.buckets();
        let mut judged = Vec::with_capacity(delivery.items.len());
        for (id, item) in (first.0..).map(EventId).zip(&delivery.items) {
            let before = match group.0.get(&item.fingerprint) {
                Some(before) if self.remembers(before.1, received) => Some(before.0),
                _ => self.find(&buckets, item.fingerprint, received)?,
            };
            if before.is_none() {
                group.0.insert(item.fingerprint, (id, received));
            }
            judged.push(before);
        }
        Ok(judged)
    }

    fn find(
        &self,
        buckets: &BTreeMap<(u64, u64), Keyspace>,
        fingerprint: Fingerprint,
        received: Timestamp,
    ) -> fjall::Result<Option<EventId>> {
        for ((end, _), bucket) in buckets.iter().rev() {
            if end.saturating_add(self.length()) <= received.0 {
                break;
            }
            let Some(value) = bucket.get(fingerprint.0)? else { continue };
            let Ok(value) = <[u8; 16]>::try_from(value.as_ref()) else { continue };
            let value = u128::from_be_bytes(value);
            // The upper half is the event, the lower one when it was received.
            let (event, first) = ((value >> 64) as u64, value as u64);
            if self.remembers(Timestamp(first), received) {
                return Ok(Some(EventId(event)));
            }
        }
        Ok(None)
    }

    /// A clock that was set back makes nothing forgotten.
    fn remembers(&self, first: Timestamp, now: Timestamp) -> bool {
        now.0.saturating_sub(first.0) < self.length()
    }

    /// Writes the fingerprints of deliveries.
    pub fn note(&self, store: &Store, batch: &mut OwnedWriteBatch, noted: &[Noted]) -> fjall::Result<()> {
        if self.length() == 0 {
            return Ok(());
        }
        let width = (self.length() / 8).max(1000);
        let mut buckets = store.buckets();
        for delivery in noted.iter().filter(|delivery| !delivery.new.is_empty()) {
            let begin = delivery.received.0 - delivery.received.0 % width;
            let key = (begin.saturating_add(width), begin);
            let bucket = match buckets.get(&key) {
                Some(bucket) => bucket,
                None => {
                    let made = store.database.keyspace(&name(key), options)?;
                    buckets.entry(key).or_insert(made)
                }
            };
            for (fingerprint, event) in &delivery.new {
                let value = u128::from(event.0) << 64 | u128::from(delivery.received.0);
                batch.insert(bucket, fingerprint.0, value.to_be_bytes());
            }
        }
        Ok(())
    }

    /// Deletes the buckets in which nothing can be remembered any more.
    pub fn forget(&self, store: &Store, now: Timestamp) -> fjall::Result<()> {
        let mut buckets = store.buckets();
        while let Some(oldest) = buckets.first_entry() {
            if oldest.key().0.saturating_add(self.length()) > now.0 {
                break;
            }
            store.database.delete_keyspace(oldest.get().clone())?;
            oldest.remove();
        }
        Ok(())
    }
}

fn milliseconds(window: Duration) -> u64 {
    u64::try_from(window.as_millis()).unwrap_or(u64::MAX)
}

impl Store {
    /// One that panicked has left the map whole.
    fn buckets(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), Keyspace>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name((end, begin): (u64, u64)) -> String {
    format!("seen-{begin:016x}-{end:016x}")
}

/// The beginning and the end of the bucket that a keyspace is.
pub(super) fn bucket_of(keyspace: &str) -> Option<(u64, u64)> {
    let (begin, end) = keyspace.strip_prefix("seen-")?.split_once('-')?;
    Some((u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}
