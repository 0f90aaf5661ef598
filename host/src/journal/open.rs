//! Opening the journal.

use super::dedupe::Window;
use super::inbox::Committer;
use super::keeper::Keeper;
use super::log::{self, Disk, Log, NewFrame, RealDisk};
use super::retention::Retained;
use super::{Config, Error, Journal, Lane, Retention, Shared, directory};
use crate::error::Chain;
use crate::message::{EventId, Timestamp};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

impl Journal {
    /// Opens the journal, made if absent. Damage is no reason to fail: [`Journal::damage`] tells it. Blocks.
    pub fn open(config: &Config) -> Result<Self, Error> {
        Self::open_on(Arc::new(RealDisk), config)
    }

    /// The same with the logs on another disk.
    pub(crate) fn open_on(disk: Arc<dyn Disk>, config: &Config) -> Result<Self, Error> {
        let directory = &config.directory;
        let lock = directory::take(directory)?;
        let boot = directory::count_boot(directory)?;
        let mut damage = Vec::new();
        let mut open = |name, retention| {
            let opened = Log::open(disk.clone(), &directory.join(name), segments(retention));
            let opened = opened.map_err(|error| Error::Open(directory.to_owned(), error))?;
            damage.extend(opened.damage.iter().map(ToString::to_string));
            Ok(opened.log)
        };
        let (inbox, outbox) = (open("inbox", &config.inbox)?, open("outbox", &config.outbox)?);
        let window = Window::new(config.dedupe_window);
        let (keeper, ends) = Keeper::open(directory.clone(), inbox.clone(), outbox.clone(), window.clone())?;
        damage.into_iter().for_each(|damage| keeper.note_damage(damage));
        fill(&inbox, ends.inbox)?;
        if outbox.end() < ends.outbox {
            // Clients may have seen what is decided again now, under the offsets that are given again now.
            if let Err(error) = outbox.begin_epoch(Timestamp::now()) {
                tracing::warn!(error = %Chain(&error), "a new epoch of the outbox waits for the disk to take writes");
            }
        }

        let mut lanes = BTreeMap::new();
        for name in &config.webhooks {
            lanes.insert(name.clone(), lane(&keeper, name)?);
        }
        let keeper = Arc::new(keeper);
        let committer =
            Committer::start(inbox.clone(), keeper.clone(), window.clone(), config.waiting).map_err(Error::Thread)?;
        let (order, tail) = (Mutex::new(()), AtomicU64::new(outbox.end()));
        let (retained, retention) = (Retained::new(), RwLock::new((config.inbox, config.outbox)));
        let shared = Shared {
            committer,
            lanes: RwLock::new(lanes),
            keeper,
            window,
            inbox,
            outbox,
            order,
            tail,
            grown: watch::Sender::new(()),
            retained,
            recent: Mutex::default(),
            boot,
            retention,
            directory: directory.to_owned(),
            _lock: lock,
        };
        Ok(Self(Arc::new(shared)))
    }
}

/// A lane, as far as it was judged before.
fn lane(keeper: &Keeper, name: &str) -> Result<Lane, Error> {
    let number = |what: &str| keeper.read(|store| store.number(&format!("{what}/{name}")));
    let [done, newest] = [number("done")?, number("newest")?].map(|number| EventId(number.unwrap_or(0)));
    Ok(Lane::new(name, done, newest))
}

impl Journal {
    /// The lane of a webhook, made if there is none yet. It stays for as long as the journal is open.
    pub fn open_lane(&self, webhook: &str) -> Result<Lane, Error> {
        if let Some(lane) = self.lane(webhook) {
            return Ok(lane);
        }
        let opened = lane(&self.0.keeper, webhook)?;
        let mut lanes = self.0.lanes.write().unwrap_or_else(PoisonError::into_inner);
        Ok(lanes.entry(webhook.to_owned()).or_insert(opened).clone())
    }

    /// What is kept from now on. Segments that there are stay as long as they are.
    pub fn keep(&self, inbox: Retention, outbox: Retention, dedupe_window: Duration) {
        *self.0.retention.write().unwrap_or_else(PoisonError::into_inner) = (inbox, outbox);
        self.0.window.set(dedupe_window);
    }
}

/// Segments are an eighth of what is kept, within reason, so that retention is about exact.
fn segments(retention: &Retention) -> log::Config {
    let segment_bytes = (retention.size / 8).clamp(1 << 20, 64 << 20);
    let segment_age = (retention.age / 8).min(Duration::from_secs(3600));
    log::Config { segment_bytes, segment_age, ..log::Config::default() }
}

/// When the inbox has lost its end, positions would be given a second time, and an event be taken for judged. A frame that
/// says nothing takes them instead.
fn fill(log: &Log, end: u64) -> Result<(), Error> {
    while log.end() < end {
        let count = u32::try_from(end - log.end()).unwrap_or(u32::MAX);
        log.append(&[NewFrame { count, payload: Bytes::new(), body: Bytes::new() }], Timestamp::now())
            .map_err(Error::Write)?;
    }
    Ok(())
}
