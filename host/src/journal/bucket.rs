//! The fingerprints of an eighth of the window: in a keyspace, and in a sieve, so that it need not be asked of what is
//! certainly not there. The sieve of one that was there when the index was opened is made afterwards, see `recall`.

use super::index::{Store, options};
use super::sieve::Sieve;
use crate::message::{EventId, Fingerprint, Timestamp};
use fjall::{Guard, Keyspace, OwnedWriteBatch};
use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

/// One with more than this is read by nobody: it takes too long, and its sieve would let most through.
const MOST_READ: usize = 4 << 20;

/// So many are put into a sieve under one lock.
const AT_ONCE: usize = 1024;

/// The end and the beginning of the time, in milliseconds, so that the youngest is the last.
pub(super) type Times = (u64, u64);

pub(super) struct Bucket {
    pub keyspace: Keyspace,
    /// Has at least all that was noted since the keyspace was opened.
    sieve: Sieve,
    /// It has all that is in the keyspace.
    whole: bool,
}

impl Bucket {
    /// What was there when the index was opened.
    pub fn found(keyspace: Keyspace) -> Self {
        Self { keyspace, sieve: Sieve::default(), whole: false }
    }

    /// One that was not there.
    pub fn make(store: &Store, times: Times) -> fjall::Result<Self> {
        let keyspace = store.database.keyspace(&name(times), options)?;
        Ok(Self { keyspace, sieve: Sieve::default(), whole: true })
    }

    /// The event that brought it, and when.
    pub fn find(&self, fingerprint: Fingerprint) -> fjall::Result<Option<(EventId, Timestamp)>> {
        if self.whole && !self.sieve.may_have(fingerprint) {
            return Ok(None);
        }
        let value = self.keyspace.get(fingerprint.0)?;
        let value = value.and_then(|value| value.as_ref().try_into().ok()).map(u128::from_be_bytes);
        // The upper half is the event, the lower one when it was received.
        Ok(value.map(|value| (EventId((value >> 64) as u64), Timestamp(value as u64))))
    }

    pub fn note(&mut self, batch: &mut OwnedWriteBatch, fingerprint: Fingerprint, event: EventId, received: Timestamp) {
        // Before it is in the keyspace. Should it never come there, it is asked for in vain.
        self.sieve.add(fingerprint);
        let value = u128::from(event.0) << 64 | u128::from(received.0);
        batch.insert(&self.keyspace, fingerprint.0, value.to_be_bytes());
    }
}

/// Makes the sieve whole of one bucket that was there when the index was opened, the youngest that has none. Some seconds
/// for some millions: not while anybody waits.
pub(super) fn recall(store: &Store) -> fjall::Result<()> {
    let lacking = |bucket: &Bucket| !bucket.whole && bucket.keyspace.approximate_len() <= MOST_READ;
    let next = store.buckets().iter().rev().find(|(_, bucket)| lacking(bucket)).map(|(times, bucket)| {
        // What is noted from now on is in the sieve anyway.
        (*times, bucket.keyspace.iter())
    });
    let Some((times, mut items)) = next else { return Ok(()) };
    loop {
        let some = items.by_ref().take(AT_ONCE).map(Guard::key).collect::<fjall::Result<Vec<_>>>()?;
        let mut buckets = store.buckets();
        // Forgotten meanwhile.
        let Some(bucket) = buckets.get_mut(&times) else { return Ok(()) };
        let fingerprints = some.iter().filter_map(|key| key.as_ref().try_into().ok()).map(Fingerprint);
        fingerprints.for_each(|fingerprint| bucket.sieve.add(fingerprint));
        if some.len() < AT_ONCE {
            bucket.whole = true;
            return Ok(());
        }
    }
}

impl Store {
    /// One that panicked has left the map whole.
    pub fn buckets(&self) -> MutexGuard<'_, BTreeMap<Times, Bucket>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name((end, begin): Times) -> String {
    format!("seen-{begin:016x}-{end:016x}")
}

/// The times of the bucket that a keyspace is.
pub(super) fn times_of(keyspace: &str) -> Option<Times> {
    let (begin, end) = keyspace.strip_prefix("seen-")?.split_once('-')?;
    Some((u64::from_str_radix(end, 16).ok()?, u64::from_str_radix(begin, 16).ok()?))
}
