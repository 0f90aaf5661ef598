//! What a filter keeps, in memory and for one case: as `kv` keeps it, on a clock that stands still.

use crate::keyspace::{Fault, Keyspace};
use crate::kv;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Keys listed at once.
const LISTED: u32 = 1000;

pub struct Kept {
    held: Mutex<Held>,
    /// The longest key and the longest value.
    key: usize,
    value: usize,
}

#[derive(Default)]
struct Held {
    entries: BTreeMap<String, Entry>,
    used: u64,
    quota: u64,
}

#[derive(Clone)]
struct Entry {
    value: Bytes,
    /// It has a time to live: none at all, and it is gone as soon as it is there; any other does not pass here.
    is_gone: bool,
}

impl Kept {
    pub fn new() -> Self {
        let kv::Config { key, value, .. } = kv::Config::new("", 0);
        Self { held: Mutex::default(), key, value }
    }

    /// Begins anew, with these.
    pub fn reset(&self, entries: &[(String, Bytes)], quota: u64) {
        let entry = |value: &Bytes| Entry { value: value.clone(), is_gone: false };
        let entries: BTreeMap<_, _> = entries.iter().map(|(key, value)| (key.clone(), entry(value))).collect();
        let used = entries.iter().map(|(key, entry)| weight(key, &entry.value)).sum();
        *self.lock() = Held { entries, used, quota };
    }

    pub fn all(&self) -> BTreeMap<String, Bytes> {
        let held = self.lock();
        let live = held.entries.iter().filter(|(_, entry)| !entry.is_gone);
        live.map(|(key, entry)| (key.clone(), entry.value.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no holder of this lock panics")
    }

    fn check(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        if key.len() > self.key || value.len() > self.value { Err(Fault::TooLarge) } else { Ok(()) }
    }
}

impl Held {
    fn live(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| !entry.is_gone)
    }

    fn put(&mut self, key: &str, value: Bytes, is_gone: bool) -> Result<(), Fault> {
        let before = |held: &Self| held.entries.get(key).map_or(0, |entry| weight(key, &entry.value));
        let after = |held: &Self| held.used - before(held) + weight(key, &value);
        if after(self) > self.quota {
            self.entries.retain(|_, entry| !entry.is_gone);
            self.used = self.entries.iter().map(|(key, entry)| weight(key, &entry.value)).sum();
        }
        if after(self) > self.quota && weight(key, &value) > before(self) {
            return Err(Fault::Full);
        }
        self.used = after(self);
        self.entries.insert(key.to_owned(), Entry { value, is_gone });
        Ok(())
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.used -= weight(key, &entry.value);
        }
    }
}

fn weight(key: &str, value: &[u8]) -> u64 {
    kv::OVERHEAD + key.len() as u64 + value.len() as u64
}

fn is_gone(ttl: Option<Duration>) -> bool {
    ttl.is_some_and(|ttl| ttl.as_millis() == 0)
}

impl Keyspace for Kept {
    fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        Ok(self.lock().live(key).map(|entry| entry.value.clone()))
    }

    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Fault> {
        self.check(key, value)?;
        self.lock().put(key, Bytes::copy_from_slice(value), is_gone(ttl))
    }

    fn add(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, Fault> {
        self.check(key, value)?;
        let mut held = self.lock();
        if held.live(key).is_some() {
            return Ok(false);
        }
        held.put(key, Bytes::copy_from_slice(value), is_gone(ttl))?;
        Ok(true)
    }

    fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Fault> {
        self.check(key, &[])?;
        let mut held = self.lock();
        let (number, gone) = match held.live(key) {
            None => (0, is_gone(ttl)),
            Some(entry) => {
                let text = std::str::from_utf8(&entry.value).map_err(|_| Fault::NotANumber)?;
                (text.parse::<i64>().map_err(|_| Fault::NotANumber)?, false)
            }
        };
        let number = number.saturating_add(by);
        held.put(key, number.to_string().into(), gone)?;
        Ok(number)
    }

    fn swap(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
        self.check(key, new.unwrap_or_default())?;
        let mut held = self.lock();
        if held.live(key).map(|entry| &entry.value[..]) != old {
            return Ok(false);
        }
        match new {
            Some(new) => held.put(key, Bytes::copy_from_slice(new), false)?,
            None => held.remove(key),
        }
        Ok(true)
    }

    fn delete(&self, key: &str) -> Result<(), Fault> {
        self.lock().remove(key);
        Ok(())
    }

    fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
        let held = self.lock();
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let range = held.entries.range::<str, _>((from, Bound::Unbounded));
        let within = range.take_while(|(key, _)| key.starts_with(prefix));
        let live = within.filter(|(_, entry)| !entry.is_gone);
        Ok(live.map(|(key, _)| key.clone()).take(limit.min(LISTED) as usize).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Timestamp;
    use crate::random::cases;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Get(String),
        Set(String, Vec<u8>, Option<u64>),
        Add(String, Vec<u8>, Option<u64>),
        Increment(String, i64, Option<u64>),
        Swap(String, Option<Vec<u8>>, Option<Vec<u8>>),
        Delete(String),
        Keys(String, Option<String>, u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key =
            || prop_oneof![Just("a".to_owned()), Just("ab".to_owned()), Just("b".to_owned()), Just("k".repeat(1025))];
        let value = || {
            prop_oneof![Just(b"1".to_vec()), Just(b"x".to_vec()), Just(vec![b'y'; 150]), Just(vec![0; (1 << 20) + 1])]
        };
        let ttl = || prop_oneof![Just(None), Just(Some(0)), Just(Some(9))];
        let some = || prop_oneof![Just(None), value().prop_map(Some)];
        let step = prop_oneof![
            key().prop_map(Step::Get),
            (key(), value(), ttl()).prop_map(|(key, value, ttl)| Step::Set(key, value, ttl)),
            (key(), value(), ttl()).prop_map(|(key, value, ttl)| Step::Add(key, value, ttl)),
            (key(), prop_oneof![Just(1), Just(i64::MAX), Just(-7)], ttl())
                .prop_map(|(key, by, ttl)| Step::Increment(key, by, ttl)),
            (key(), some(), some()).prop_map(|(key, old, new)| Step::Swap(key, old, new)),
            key().prop_map(Step::Delete),
            (prop_oneof![Just(String::new()), key()], prop_oneof![Just(None), key().prop_map(Some)], 0..4_u32)
                .prop_map(|(prefix, after, limit)| Step::Keys(prefix, after, limit)),
        ];
        proptest::collection::vec(step, 1..40)
    }

    fn done(space: &dyn Keyspace, step: &Step) -> String {
        let ttl = |ttl: &Option<u64>| ttl.map(Duration::from_millis);
        match step {
            Step::Get(key) => format!("{:?}", space.get(key)),
            Step::Set(key, value, live) => format!("{:?}", space.set(key, value, ttl(live))),
            Step::Add(key, value, live) => format!("{:?}", space.add(key, value, ttl(live))),
            Step::Increment(key, by, live) => format!("{:?}", space.increment(key, *by, ttl(live))),
            Step::Swap(key, old, new) => format!("{:?}", space.swap(key, old.as_deref(), new.as_deref())),
            Step::Delete(key) => format!("{:?}", space.delete(key)),
            Step::Keys(prefix, after, limit) => format!("{:?}", space.keys(prefix, after.as_deref(), *limit)),
        }
    }

    proptest! {
        #![proptest_config(cases(48))]
        #[test]
        fn it_does_what_kv_does_while_the_clock_stands_still(steps in steps()) {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let config = kv::Config { clock: || Timestamp(1_000), ..kv::Config::new(directory.path(), 400) };
            let store = kv::Store::open(config).expect("it opens");
            let (real, kept) = (store.space("x").expect("it opens"), Kept::new());
            kept.reset(&[], 400);
            for step in &steps {
                prop_assert_eq!(done(&*real, step), done(&kept, step), "{:?}", step);
            }
        }
    }
}
