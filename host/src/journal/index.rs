//! The index: what would take too long to find in the logs. It is made from them, frame by frame, holds in one batch
//! what a frame says and that the frame has been applied, and so can always go on from where it stands; it is never
//! synced, and when it is lost it is made again.
//!
//! Keys are big-endian, so that they sort; `lane` is a hash of the webhook's name (8 bytes), `conversation` one of the
//! keys (16 bytes). Values are postcard.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `meta` | `inbox`, `outbox` | the frame applied last |
//! | | `done/NAME`, `newest/NAME` | the last event judged; the youngest that is no duplicate |
//! | `verdicts` | event | where in the outbox its verdict is, when it was decided, and the outcome |
//! | `held` | event | the webhook, and the verdict |
//! | `held-lanes` | lane, event | |
//! | `held-conversations` | lane, conversation, event | |
//! | `seen-BEGIN-END` | fingerprint | event, and when it was received: see `bucket.rs` |

use super::Outcome;
use super::bucket::{Bucket, Times, times_of};
use super::dedupe::Window;
use super::log::Place;
use super::memtables::Memtables;
use super::record::VerdictHeader;
use crate::message::{EventId, Fingerprint, Keys, Timestamp};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use ring::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory is bounded by these: blocks read lately, and what each keyspace gathers before it writes it out.
const CACHE: u64 = 32 << 20;
const MEMTABLE: u64 = 4 << 20;
/// As little as fjall takes. What is in its journal is read when it is opened.
const FJALL_JOURNAL: u64 = 64 << 20;

pub(super) struct Store {
    pub database: Database,
    pub meta: Keyspace,
    pub verdicts: Keyspace,
    pub held: Keyspace,
    pub lanes: Keyspace,
    pub conversations: Keyspace,
    /// By their end, then their beginning: the youngest last.
    pub seen: Mutex<BTreeMap<Times, Bucket>>,
    /// How many events are held.
    pub count_held: Arc<AtomicU64>,
    /// The numbers of `meta` that were asked for or set: they change with each batch.
    numbers: Mutex<HashMap<String, u64>>,
    memtables: Memtables,
}

/// The frame of a log that was applied last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Applied {
    pub place: Place,
    /// The position behind it.
    pub end: u64,
}

/// The positions that the logs give next, or more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    pub inbox: u64,
    pub outbox: u64,
}

/// What the index has of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub place: Place,
    pub decided: Timestamp,
    pub outcome: Outcome,
}

/// What is held, and of which webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeldRecord {
    pub webhook: String,
    pub verdict: VerdictHeader,
}

/// What the index is to know of a delivery.
pub(super) struct Noted {
    pub webhook: Arc<str>,
    pub received: Timestamp,
    /// The fingerprints of what is no duplicate.
    pub new: Vec<(Fingerprint, EventId)>,
}

/// What the index is to know of a frame of the outbox.
pub(super) struct Judgement<'a> {
    pub place: Place,
    pub webhook: &'a str,
    pub verdicts: &'a [VerdictHeader],
}

pub(super) fn options() -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE)
}

impl Store {
    pub fn open(directory: &Path, count_held: Arc<AtomicU64>) -> fjall::Result<Self> {
        let builder = Database::builder(directory).cache_size(CACHE).max_journaling_size(FJALL_JOURNAL);
        let database = builder.worker_threads(1).open()?;
        let space = |name: &str| database.keyspace(name, options);
        let held = space("held")?;
        count_held.store(held.len()? as u64, Ordering::Release);
        let mut seen = BTreeMap::new();
        for name in database.list_keyspace_names() {
            if let Some(times) = times_of(&name) {
                seen.insert(times, Bucket::found(space(&name)?));
            }
        }
        let (meta, verdicts, lanes) = (space("meta")?, space("verdicts")?, space("held-lanes")?);
        let (conversations, seen) = (space("held-conversations")?, Mutex::new(seen));
        let (numbers, memtables) = (Mutex::default(), Memtables::default());
        Ok(Self { meta, verdicts, held, lanes, conversations, seen, count_held, numbers, memtables, database })
    }

    /// What a frame says waits in this process when it is applied, as long as a second (`flush`): a crash loses no more than can
    /// be read in the logs again.
    pub fn batch(&self) -> OwnedWriteBatch {
        self.database.batch()
    }

    /// Gives the operating system all that was applied, and frees what was written out of memory since (`memtables.rs`). To be
    /// called every second or so, and before what was applied is deleted from the logs.
    pub fn flush(&self) -> fjall::Result<()> {
        // Not while their lock is held, which whoever receives waits for.
        let seen: Vec<Keyspace> = self.buckets().values().map(|bucket| bucket.keyspace.clone()).collect();
        let others = [&self.meta, &self.verdicts, &self.held, &self.lanes, &self.conversations];
        self.memtables.look_after(others.into_iter().chain(&seen));
        self.database.persist(PersistMode::Buffer)
    }

    pub fn number(&self, key: &str) -> fjall::Result<Option<u64>> {
        let value = self.meta.get(key)?;
        Ok(value.and_then(|value| value.as_ref().try_into().ok()).map(u64::from_be_bytes))
    }

    pub fn applied(&self, log: &str) -> fjall::Result<Option<Applied>> {
        read(self.meta.get(log)?)
    }

    /// Where each log must go on at least, for all that the index knows to have been given.
    pub fn ends(&self) -> fjall::Result<Ends> {
        let end = |log| self.applied(log).map(|applied| applied.map_or(1, |applied| applied.end));
        let mut ends = Ends { inbox: end("inbox")?, outbox: end("outbox")? };
        for item in self.meta.prefix("done/") {
            let done = item.value()?.as_ref().try_into().map_or(0, u64::from_be_bytes);
            ends.inbox = ends.inbox.max(done.saturating_add(1));
        }
        Ok(ends)
    }

    /// Applies frames of the inbox: what was seen, and the youngest event of each lane.
    pub fn note(&self, window: &Window, noted: &[Noted], applied: Applied) -> fjall::Result<()> {
        let mut batch = self.batch();
        batch.insert(&self.meta, "inbox", write(&applied));
        let mut newest = BTreeMap::<&str, EventId>::new();
        for delivery in noted {
            if let Some((_, youngest)) = delivery.new.last() {
                newest.insert(&delivery.webhook, *youngest);
            }
        }
        for (webhook, event) in newest {
            self.raise(&mut batch, &format!("newest/{webhook}"), event.0)?;
        }
        window.note(self, &mut batch, noted)?;
        batch.commit()
    }

    /// Applies frames of the outbox: the verdicts, what is held, how far each lane is judged.
    pub fn judge(&self, judgements: &[Judgement<'_>], applied: Applied) -> fjall::Result<()> {
        let mut batch = self.batch();
        batch.insert(&self.meta, "outbox", write(&applied));
        // What this batch itself holds and lets go of; nothing of it can be read back yet.
        let mut overlay = BTreeMap::<EventId, Option<HeldRecord>>::new();
        let mut held = self.count_held.load(Ordering::Acquire);
        let mut done = BTreeMap::<&str, EventId>::new();
        for Judgement { place, webhook, verdicts } in judgements {
            for verdict in *verdicts {
                let event = verdict.event;
                let before = match overlay.get(&event) {
                    Some(before) => before.clone(),
                    None => self.held_record(event)?,
                };
                if let Some(before) = &before {
                    self.let_go(&mut batch, before);
                    held = held.saturating_sub(1);
                }
                let mut now = None;
                if matches!(verdict.outcome, Outcome::Held { .. }) {
                    let record = HeldRecord { webhook: (*webhook).to_owned(), verdict: verdict.clone() };
                    self.hold(&mut batch, &record);
                    held += 1;
                    now = Some(record);
                }
                if before.is_some() || now.is_some() {
                    overlay.insert(event, now);
                }
                let kept = Kept { place: *place, decided: verdict.decided, outcome: verdict.outcome.clone() };
                batch.insert(&self.verdicts, event.0.to_be_bytes(), write(&kept));
                let done = done.entry(webhook).or_insert(event);
                *done = event.max(*done);
            }
        }
        for (webhook, event) in done {
            self.raise(&mut batch, &format!("done/{webhook}"), event.0)?;
        }
        batch.commit()?;
        self.count_held.store(held, Ordering::Release);
        Ok(())
    }

    /// Sets a number of `meta` to a higher one.
    pub fn raise(&self, batch: &mut OwnedWriteBatch, key: &str, number: u64) -> fjall::Result<()> {
        // One that panicked has left the map whole.
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = match numbers.get_mut(key) {
            Some(before) => {
                *before = number.max(*before);
                *before
            }
            None => {
                let number = self.number(key)?.map_or(number, |before| before.max(number));
                *numbers.entry(key.to_owned()).or_insert(number)
            }
        };
        batch.insert(&self.meta, key, number.to_be_bytes());
        Ok(())
    }

    fn held_record(&self, event: EventId) -> fjall::Result<Option<HeldRecord>> {
        if self.count_held.load(Ordering::Acquire) == 0 {
            return Ok(None);
        }
        read(self.held.get(event.0.to_be_bytes())?)
    }

    pub fn hold(&self, batch: &mut OwnedWriteBatch, record: &HeldRecord) {
        let event = record.verdict.event.0.to_be_bytes();
        let lane = lane(&record.webhook);
        batch.insert(&self.held, event, write(record));
        batch.insert(&self.lanes, [&lane[..], &event].concat(), []);
        batch.insert(
            &self.conversations,
            [&conversation(&record.webhook, &record.verdict.keys), &event[..]].concat(),
            [],
        );
    }

    fn let_go(&self, batch: &mut OwnedWriteBatch, record: &HeldRecord) {
        let event = record.verdict.event.0.to_be_bytes();
        let lane = lane(&record.webhook);
        batch.remove(&self.held, event);
        batch.remove(&self.lanes, [&lane[..], &event].concat());
        batch.remove(&self.conversations, [&conversation(&record.webhook, &record.verdict.keys), &event[..]].concat());
    }
}

pub(super) fn write<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data is serialisable")
}

/// A value that cannot be read is as good as gone: the index is only a help. fjall checks its blocks, so that such a
/// value can only come from a postern that wrote another kind.
pub(super) fn read<T: DeserializeOwned>(value: Option<fjall::UserValue>) -> fjall::Result<Option<T>> {
    Ok(value.and_then(|value| postcard::from_bytes(&value).ok()))
}

fn hash(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest::digest(&digest::SHA256, bytes).as_ref()[..16]);
    hash
}

pub(super) fn lane(webhook: &str) -> [u8; 8] {
    let mut lane = [0; 8];
    lane.copy_from_slice(&hash(webhook.as_bytes())[..8]);
    lane
}

/// The lane and the conversation, as they begin a key.
pub(super) fn conversation(webhook: &str, keys: &Keys) -> Vec<u8> {
    [&lane(webhook)[..], &hash(&write(keys))].concat()
}

pub(super) fn event_of(key: &[u8]) -> Option<EventId> {
    Some(EventId(u64::from_be_bytes(*key.last_chunk()?)))
}
