//! What was seen before: the fingerprint of every item that came within the window, and the event it came with first.
//!
//! Fingerprints are kept by the time they were received, in buckets of an eighth of the window, so that what is too
//! old is deleted whole.

use super::bucket::{Bucket, Times};
use super::index::{Noted, Store};
use crate::message::{Delivery, EventId, Fingerprint, Timestamp};
use fjall::OwnedWriteBatch;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
        buckets: &BTreeMap<Times, Bucket>,
        fingerprint: Fingerprint,
        received: Timestamp,
    ) -> fjall::Result<Option<EventId>> {
        for ((end, _), bucket) in buckets.iter().rev() {
            if end.saturating_add(self.length()) <= received.0 {
                break;
            }
            let Some((event, first)) = bucket.find(fingerprint)? else { continue };
            if self.remembers(first, received) {
                return Ok(Some(event));
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
            let bucket = match buckets.entry(key) {
                Entry::Occupied(bucket) => bucket.into_mut(),
                Entry::Vacant(room) => room.insert(Bucket::make(store, key)?),
            };
            for (fingerprint, event) in &delivery.new {
                bucket.note(batch, *fingerprint, *event, delivery.received);
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
            store.database.delete_keyspace(oldest.get().keyspace.clone())?;
            oldest.remove();
        }
        Ok(())
    }
}

fn milliseconds(window: Duration) -> u64 {
    u64::try_from(window.as_millis()).unwrap_or(u64::MAX)
}
