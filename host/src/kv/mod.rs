//! What filters keep: keys and values in memory, and a log of them on disk.
//!
//! # Contract
//!
//! - A **space** is the keys and values of one filter, or of several that share it. Every operation is atomic and acts at
//!   once.
//! - What an operation has returned `Ok` for has been given to the system: it survives the process, killed at any instant.
//!   It is synced to the disk within about a second, so a power cut takes back at most that.
//! - An operation that fails has changed nothing.
//! - A space holds at most its **quota**: keys, values and [`OVERHEAD`] bytes for each. What has expired does not count.
//! - What has expired is as if it were not there. It goes by itself.
//!
//! Everything is in memory, since a quota is small, and reading it is what filters do most. The log is read when the
//! space is opened, cut where it is torn, and written anew when most of it is of the past; [`file`] has its format.

mod file;
mod space;
#[cfg(test)]
mod tests;

use crate::keyspace::Keyspace;
use crate::message::Timestamp;
use crate::task;
use space::Space;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How much an entry is taken to need beside its key and value.
pub const OVERHEAD: u64 = 64;

/// How often what was written is synced.
const SYNC: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Config {
    /// Made if absent. No other process may use it: whoever opens a store has the journal's lock.
    pub directory: PathBuf,
    /// Bytes a space.
    pub quota: u64,
    /// The longest key and the longest value, in bytes.
    pub key: usize,
    pub value: usize,
    /// The wall clock, by which entries expire.
    pub clock: fn() -> Timestamp,
}

impl Config {
    pub fn new(directory: impl Into<PathBuf>, quota: u64) -> Self {
        Self { directory: directory.into(), quota, key: 1 << 10, value: 1 << 20, clock: Timestamp::now }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("failed to open `{}`, where filters keep what lasts", path.display())]
pub struct Error {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// All spaces. The last handle's drop syncs them.
pub struct Store {
    config: Config,
    quota: Arc<AtomicU64>,
    spaces: Arc<Mutex<BTreeMap<String, Arc<Space>>>>,
    keeper: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Store {
    pub fn open(config: Config) -> Result<Self, Error> {
        let failed = |source| Error { path: config.directory.clone(), source };
        std::fs::create_dir_all(&config.directory).map_err(failed)?;
        let spaces = Arc::<Mutex<BTreeMap<String, Arc<Space>>>>::default();
        let (stop, stopped) = channel();
        let kept = spaces.clone();
        let keeper = task::thread("kv", move || {
            while stopped.recv_timeout(SYNC) == Err(RecvTimeoutError::Timeout) {
                let spaces: Vec<_> = lock(&kept).values().cloned().collect();
                spaces.iter().for_each(|space| space.tend());
            }
        });
        let keeper = keeper.map_err(failed)?;
        let quota = Arc::new(AtomicU64::new(config.quota));
        Ok(Self { config, quota, spaces, keeper: Some((stop, keeper)) })
    }

    /// The space of this name, which is of lower-case letters, digits, `-` and `_`. The same for whoever asks.
    pub fn space(&self, name: &str) -> Result<Arc<dyn Keyspace>, Error> {
        Ok(self.open_space(name)?)
    }

    /// From now on, each space may hold so many bytes. What is there already stays.
    pub fn set_quota(&self, quota: u64) {
        self.quota.store(quota, Ordering::Relaxed);
    }

    fn open_space(&self, name: &str) -> Result<Arc<Space>, Error> {
        let mut spaces = lock(&self.spaces);
        if let Some(space) = spaces.get(name) {
            return Ok(space.clone());
        }
        let path = self.config.directory.join(format!("{name}.log"));
        let space = Space::open(&path, &self.config, self.quota.clone()).map_err(|source| Error { path, source })?;
        let space = Arc::new(space);
        spaces.insert(name.to_owned(), space.clone());
        Ok(space)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some((stop, keeper)) = self.keeper.take() {
            drop(stop);
            if keeper.join().is_err() {
                tracing::error!("the thread that keeps filters' keys had panicked: this is a bug of postern");
            }
        }
        lock(&self.spaces).values().for_each(|space| space.tend());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}
