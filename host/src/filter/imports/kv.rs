//! `kv`: the filter's keyspace. Acts at once, whatever becomes of the call.

use crate::filter::bindings::postern::filter::kv;
use crate::filter::state::State;
use crate::keyspace::{Fault, Keyspace};
use std::time::Duration;

type Kept<T> = wasmtime::Result<Result<T, kv::Fault>>;

impl kv::Host for State {
    fn get(&mut self, key: String) -> Kept<Option<Vec<u8>>> {
        self.kept(|space| Ok(space.get(&key)?.map(|value| value.to_vec())))
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl: Option<u64>) -> Kept<()> {
        self.kept(|space| space.set(&key, &value, ttl.map(Duration::from_millis)))
    }

    fn add(&mut self, key: String, value: Vec<u8>, ttl: Option<u64>) -> Kept<bool> {
        self.kept(|space| space.add(&key, &value, ttl.map(Duration::from_millis)))
    }

    fn increment(&mut self, key: String, by: i64, ttl: Option<u64>) -> Kept<i64> {
        self.kept(|space| space.increment(&key, by, ttl.map(Duration::from_millis)))
    }

    fn swap(&mut self, key: String, old: Option<Vec<u8>>, new: Option<Vec<u8>>) -> Kept<bool> {
        self.kept(|space| space.swap(&key, old.as_deref(), new.as_deref()))
    }

    fn delete(&mut self, key: String) -> Kept<()> {
        self.kept(|space| space.delete(&key))
    }

    fn keys(&mut self, prefix: String, after: Option<String>, limit: u32) -> Kept<Vec<String>> {
        self.kept(|space| space.keys(&prefix, after.as_deref(), limit))
    }
}

impl State {
    fn kept<T>(&self, work: impl FnOnce(&dyn Keyspace) -> Result<T, Fault>) -> Kept<T> {
        let Some(space) = self.settings.keyspace.as_deref() else { return Ok(Err(kv::Fault::Unavailable)) };
        Ok(work(space).map_err(|fault| match fault {
            Fault::TooLarge => kv::Fault::TooLarge,
            Fault::Full => kv::Fault::Full,
            Fault::NotANumber => kv::Fault::NotANumber,
            Fault::Unavailable => kv::Fault::Unavailable,
        }))
    }
}
