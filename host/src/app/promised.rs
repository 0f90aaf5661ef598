//! A keyspace that is given to a filter when it is loaded, and kept once the store is open. A plan that is only checked
//! opens no store: a gateway may be running on it.

use crate::keyspace::{Fault, Keyspace};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[derive(Default)]
pub struct Promised(OnceLock<Arc<dyn Keyspace>>);

impl Promised {
    /// Keeps the promise. Only the first time counts.
    pub fn keep(&self, space: Arc<dyn Keyspace>) {
        // A second store would be a second truth.
        let _ = self.0.set(space);
    }

    fn space(&self) -> Result<&dyn Keyspace, Fault> {
        self.0.get().map(|space| &**space).ok_or(Fault::Unavailable)
    }
}

impl Keyspace for Promised {
    fn get(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        self.space()?.get(key)
    }

    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Fault> {
        self.space()?.set(key, value, ttl)
    }

    fn add(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, Fault> {
        self.space()?.add(key, value, ttl)
    }

    fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Fault> {
        self.space()?.increment(key, by, ttl)
    }

    fn swap(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
        self.space()?.swap(key, old, new)
    }

    fn delete(&self, key: &str) -> Result<(), Fault> {
        self.space()?.delete(key)
    }

    fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
        self.space()?.keys(prefix, after, limit)
    }
}
