//! What a filter keeps beyond a call, as filters and stores agree on it: `kv` of the WIT package.

use bytes::Bytes;
use std::time::Duration;

/// Why an operation came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the key or the value is longer than it may be")]
    TooLarge,
    #[error("the keyspace is full")]
    Full,
    #[error("the value there is not a number")]
    NotANumber,
    #[error("the store did not answer")]
    Unavailable,
}

/// Keys and values of one filter. Every operation is atomic and acts at once.
pub trait Keyspace: Send + Sync {
    fn get(&self, key: &str) -> Result<Option<Bytes>, Fault>;
    fn set(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Fault>;
    fn add(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<bool, Fault>;
    fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Fault>;
    fn swap(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault>;
    fn delete(&self, key: &str) -> Result<(), Fault>;
    fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault>;
}
