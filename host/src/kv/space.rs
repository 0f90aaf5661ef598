//! One space: what it holds, what each operation does to it, and what is done about it from time to time.

use super::file::{Fresh, Log, Record};
use super::{Config, OVERHEAD, lock};
use crate::keyspace::{Fault, Keyspace};
use crate::message::Timestamp;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Keys listed at once.
const LISTED: u32 = 1000;

/// Expired entries that are taken away in one go.
const SWEPT: usize = 10_000;

/// A log is written anew when it is so many times as long as what it holds, and this much longer.
const WASTE: u64 = 2;
const SLACK: u64 = 1 << 20;

pub struct Space {
    held: Mutex<Held>,
    /// Shared by all spaces.
    quota: Arc<AtomicU64>,
    key: usize,
    value: usize,
    clock: fn() -> Timestamp,
}

struct Held {
    entries: BTreeMap<String, Entry>,
    /// Those that expire, by when.
    expiries: BTreeSet<(u64, String)>,
    /// What the entries come to.
    used: u64,
    log: Log,
}

struct Entry {
    value: Bytes,
    expiry: Option<u64>,
}

impl Entry {
    fn record(&self, key: &str) -> Record {
        Record { key: key.to_owned(), value: Some(self.value.clone()), expiry: self.expiry }
    }
}

impl Space {
    pub fn open(path: &Path, config: &Config, quota: Arc<AtomicU64>) -> io::Result<Self> {
        let now = (config.clock)().0;
        let mut entries = BTreeMap::new();
        let log = Log::open(path, |Record { key, value, expiry }| match value {
            Some(value) if expiry.is_none_or(|expiry| expiry > now) => {
                drop(entries.insert(key, Entry { value, expiry }))
            }
            Some(_) | None => drop(entries.remove(&key)),
        })?;
        let expires = |(key, entry): (&String, &Entry)| Some((entry.expiry?, key.clone()));
        let expiries = entries.iter().filter_map(expires).collect();
        let used = entries.iter().map(|(key, entry)| weight(key, &entry.value)).sum();
        let held = Mutex::new(Held { entries, expiries, used, log });
        Ok(Self { held, quota, key: config.key, value: config.value, clock: config.clock })
    }

    /// What is done from time to time: what has expired goes, what is on its way to the disk arrives there, and a log that
    /// is mostly of the past is written anew.
    pub fn tend(&self) {
        let mut held = lock(&self.held);
        held.sweep((self.clock)().0);
        let is_waste = held.log.length() > held.used * WASTE + SLACK;
        let kept = if is_waste || held.log.is_doubtful() { self.rewrite(held) } else { self.sync(held) };
        if let Err(error) = kept {
            tracing::error!(%error, "what a filter keeps could not be put onto the disk");
        }
    }

    /// Filters go on while the disk is busy, here and below.
    fn sync(&self, mut held: MutexGuard<'_, Held>) -> io::Result<()> {
        let Some(file) = held.log.syncing()? else { return Ok(()) };
        drop(held);
        file.sync_data().inspect_err(|_| lock(&self.held).log.doubt())
    }

    fn rewrite(&self, held: MutexGuard<'_, Held>) -> io::Result<()> {
        let (path, from) = (held.log.path().to_owned(), held.log.length());
        let records: Vec<Record> = held.entries.iter().map(|(key, entry)| entry.record(key)).collect();
        drop(held);
        let fresh = Fresh::write(&path, records.into_iter())?;
        lock(&self.held).log.replace(fresh, from)
    }

    #[cfg(test)]
    pub fn doubt(&self) {
        lock(&self.held).log.doubt();
    }

    #[cfg(test)]
    pub fn used(&self) -> u64 {
        lock(&self.held).used
    }

    fn check(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        if key.len() > self.key || value.len() > self.value { Err(Fault::TooLarge) } else { Ok(()) }
    }

    fn expiry(&self, ttl: Option<Duration>) -> Option<u64> {
        let ttl = ttl?;
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        Some((self.clock)().0.saturating_add(millis).max(1))
    }

    fn lock(&self) -> (MutexGuard<'_, Held>, u64) {
        (lock(&self.held), (self.clock)().0)
    }
}

impl Held {
    fn live(&self, key: &str, now: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.expiry.is_none_or(|expiry| expiry > now))
    }

    /// Sets a key, if there is room for it.
    fn put(&mut self, key: &str, value: Bytes, expiry: Option<u64>, quota: u64, now: u64) -> Result<(), Fault> {
        let before = |held: &Self| held.entries.get(key).map_or(0, |entry| weight(key, &entry.value));
        let after = |held: &Self| held.used - before(held) + weight(key, &value);
        if after(self) > quota {
            while self.sweep(now) {}
        }
        if after(self) > quota && weight(key, &value) > before(self) {
            return Err(Fault::Full);
        }
        self.write(Record { key: key.to_owned(), value: Some(value.clone()), expiry })?;
        self.take(key);
        self.used += weight(key, &value);
        self.expiries.extend(expiry.map(|expiry| (expiry, key.to_owned())));
        self.entries.insert(key.to_owned(), Entry { value, expiry });
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<(), Fault> {
        if self.entries.contains_key(key) {
            self.write(Record { key: key.to_owned(), value: None, expiry: None })?;
            self.take(key);
        }
        Ok(())
    }

    fn write(&mut self, record: Record) -> Result<(), Fault> {
        self.log.append(&record).map_err(|error| {
            tracing::error!(%error, "what a filter wants to keep could not be written");
            Fault::Unavailable
        })
    }

    /// Takes an entry out of memory.
    fn take(&mut self, key: &str) {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return };
        self.used -= weight(&key, &entry.value);
        if let Some(expiry) = entry.expiry {
            self.expiries.remove(&(expiry, key));
        }
    }

    /// Takes away what has expired, some of it at a time; whether there may be more. The log need not be told: whoever
    /// reads it sees by himself.
    fn sweep(&mut self, now: u64) -> bool {
        let due = self.expiries.iter().take_while(|(expiry, _)| *expiry <= now).take(SWEPT);
        let due: Vec<String> = due.map(|(_, key)| key.clone()).collect();
        due.iter().for_each(|key| self.take(key));
        due.len() == SWEPT
    }
}

fn weight(key: &str, value: &[u8]) -> u64 {
    OVERHEAD + key.len() as u64 + value.len() as u64
}

impl Keyspace for Space {
    fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let (held, now) = self.lock();
        Ok(held.live(key, now).map(|entry| entry.value.clone()))
    }

    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Fault> {
        self.check(key, value)?;
        let (mut held, now) = self.lock();
        held.put(key, Bytes::copy_from_slice(value), self.expiry(ttl), self.quota.load(Ordering::Relaxed), now)
    }

    fn add(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, Fault> {
        self.check(key, value)?;
        let (mut held, now) = self.lock();
        if held.live(key, now).is_some() {
            return Ok(false);
        }
        held.put(key, Bytes::copy_from_slice(value), self.expiry(ttl), self.quota.load(Ordering::Relaxed), now)?;
        Ok(true)
    }

    /// A number keeps the time it has. Beyond what 64 bits hold it stays at the largest, or the smallest.
    fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Fault> {
        self.check(key, &[])?;
        let (mut held, now) = self.lock();
        let (number, expiry) = match held.live(key, now) {
            None => (0, self.expiry(ttl)),
            Some(entry) => {
                let text = std::str::from_utf8(&entry.value).map_err(|_| Fault::NotANumber)?;
                (text.parse::<i64>().map_err(|_| Fault::NotANumber)?, entry.expiry)
            }
        };
        let number = number.saturating_add(by);
        held.put(key, number.to_string().into(), expiry, self.quota.load(Ordering::Relaxed), now)?;
        Ok(number)
    }

    /// What is swapped in stays for as long as what was there would have.
    fn swap(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
        self.check(key, new.unwrap_or_default())?;
        let (mut held, now) = self.lock();
        let present = held.live(key, now);
        if present.map(|entry| &entry.value[..]) != old {
            return Ok(false);
        }
        let expiry = present.and_then(|entry| entry.expiry);
        match new {
            Some(new) => held.put(key, Bytes::copy_from_slice(new), expiry, self.quota.load(Ordering::Relaxed), now)?,
            None => held.remove(key)?,
        }
        Ok(true)
    }

    fn delete(&self, key: &str) -> Result<(), Fault> {
        lock(&self.held).remove(key)
    }

    fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
        let (held, now) = self.lock();
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let range = held.entries.range::<str, _>((from, Bound::Unbounded));
        let within = range.take_while(|(key, _)| key.starts_with(prefix));
        let live = within.filter(|(_, entry)| entry.expiry.is_none_or(|expiry| expiry > now));
        Ok(live.map(|(key, _)| key.clone()).take(limit.min(LISTED) as usize).collect())
    }
}
