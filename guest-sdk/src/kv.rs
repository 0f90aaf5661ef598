//! What lasts, restarts and crashes included. Each filter has a keyspace of its own, unless the operator gave several the
//! same. Every operation is atomic and acts at once, whatever becomes of the call.

use crate::{Error, Result, gateway, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::Duration;

/// Why an operation came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The key or the value is longer than the operator allows.
    TooLarge,
    /// The keyspace is full.
    Full,
    /// The value there is not a number.
    NotANumber,
    /// The store behind it did not answer.
    Unavailable,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the key or the value is longer than it may be",
            Self::Full => "the keyspace is full",
            Self::NotANumber => "the value there is not a number",
            Self::Unavailable => "the store did not answer",
        })
    }
}

impl std::error::Error for Fault {}

/// The value of a key; `None` when it is not there, or has gone.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Fault> {
    gateway::kv_get(key)
}

/// Sets a key to bytes or text. With `ttl` it goes by itself.
pub fn set(key: &str, value: impl AsRef<[u8]>, ttl: Option<Duration>) -> Result<(), Fault> {
    gateway::kv_set(key, value.as_ref(), millis(ttl))
}

/// Sets only what is not there, and says whether it did. The whole of deduplication:
/// `kv::add(id, [], Some(Duration::from_secs(60)))`.
pub fn add(key: &str, value: impl AsRef<[u8]>, ttl: Option<Duration>) -> Result<bool, Fault> {
    gateway::kv_add(key, value.as_ref(), millis(ttl))
}

/// Adds to a decimal number, from nought, and says what it came to. `ttl` counts from the first. The whole of rate
/// limiting.
pub fn increment(key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Fault> {
    gateway::kv_increment(key, by, millis(ttl))
}

/// Sets a key to `new` if it is `old` (`None` is absent), and says whether it was. What is swapped in goes when what was
/// there would have.
pub fn swap(key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
    gateway::kv_swap(key, old, new)
}

/// Takes a key away. One that is not there is no fault.
pub fn delete(key: &str) -> Result<(), Fault> {
    gateway::kv_delete(key)
}

/// Keys that begin with `prefix`, in order, after `after`, at most `limit` (and 1000).
pub fn keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
    gateway::kv_keys(prefix, after, limit)
}

/// A value that was kept as text.
pub fn get_text(key: &str) -> Result<Option<String>> {
    let text = get(key)?.map(String::from_utf8).transpose();
    text.map_err(|_| Error::new("the value kept there is not text"))
}

/// A value that was kept as JSON.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    get(key)?.map(|value| json::read("the value kept there", &value)).transpose()
}

/// Keeps a value as JSON.
pub fn set_json(key: &str, value: &impl Serialize, ttl: Option<Duration>) -> Result<()> {
    Ok(set(key, serde_json::to_vec(value)?, ttl)?)
}

fn millis(ttl: Option<Duration>) -> Option<u64> {
    ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
}
