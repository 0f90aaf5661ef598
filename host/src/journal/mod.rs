//! The durable spine: what was received, what was decided, and what clients are to see.
//!
//! # Contract
//!
//! Two logs and what belongs to them, in one store (fjall), under one directory, used by one process at a time.
//!
//! - The **inbox** holds every accepted delivery, in lanes, one a webhook. [`Journal::append`] returns only after the
//!   delivery is on disk (`fdatasync`); one sync serves all that wait for it. Positions ([`EventId`]) ascend over all
//!   lanes together and are never reused.
//! - A **verdict** is kept for every event that dispatch has judged: what each filter said, and what became of it. An
//!   event without a verdict is *pending*: [`Journal::pending`] lists a lane's, in order. After a crash they are
//!   pending still, so they are judged again; those with a verdict never are.
//! - The **outbox** holds what clients get, in the one order ([`Offset`]) all of them see. [`Journal::decide`] writes
//!   verdicts and the outbox entries that follow from them in one atomic batch: an event is either wholly decided or
//!   wholly pending, whatever the instant of a crash.
//! - An event whose verdict is *held* is listed by [`Journal::held`] until something else is decided for it.
//!
//! Verdicts and outbox entries are given to the operating system before `decide` returns, and to the disk with the
//! next sync of the inbox. A crash of this process loses none; a power cut can lose the youngest, and then the
//! deliveries they came from are still in the inbox, and pending.
//!
//! A write that fails is final: the store refuses all later ones, `append` answers [`Refused::Storage`], and
//! [`Journal::healthy`] turns false. What was read before can still be read.
//!
//! # Format
//!
//! `meta` holds the format's number (1) and counters; a directory of another number is refused. Keys are big-endian, so
//! that they sort. Values are `record`s: a version byte, a header, the body as it came. `lane` below is 4 bytes.
//!
//! | keyspace | key | value |
//! | --- | --- | --- |
//! | `inbox` | lane, event id | delivery |
//! | `verdicts` | event id | what each filter said, and the outcome |
//! | `held` | event id | lane |
//! | `outbox` | offset | webhook, dates, audience; body |
//! | `meta` | `format`, `boot`, `next-event`, `next-offset`, `lane/NAME`, `done/NAME` | a number, 8 bytes |

mod inbox;
mod outbox;
mod record;
#[cfg(test)]
mod tests;

pub use outbox::{Decision, Held, Judged, Outcome};

use crate::message::{Delivery, EventId};
use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use inbox::Committer;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const FORMAT: u64 = 1;

/// What stands in the way of opening, reading or writing the journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to create the data directory `{0}`\nhint: give postern a directory it may write to, by `data = \"…\"`"
    )]
    Create(PathBuf, #[source] std::io::Error),
    #[error(
        "the data directory `{0}` is in use by another process\nhint: stop the other postern, or give this one its own `data`"
    )]
    InUse(PathBuf),
    #[error("failed to open the journal in `{0}`\nhint: see that the directory is writable and the disk is not full")]
    Open(PathBuf, #[source] fjall::Error),
    #[error(
        "the journal in `{0}` is damaged\n\
         hint: keep the directory, for what is in it, and begin anew with another `data`; what the provider was \
         not acknowledged it sends again"
    )]
    Torn(PathBuf, #[source] fjall::Error),
    #[error(
        "the journal in `{0}` has format {1}, this postern knows {FORMAT}\nhint: use the version of postern that wrote it"
    )]
    Format(PathBuf, u64),
    #[error("failed to read the journal")]
    Read(#[source] fjall::Error),
    #[error("failed to write the journal\nhint: see that the disk is neither full nor failing, then restart postern")]
    Write(#[source] fjall::Error),
    #[error("a record of the journal is damaged: {0}")]
    Damaged(&'static str),
    #[error("failed to start the journal's thread")]
    Thread(#[source] std::io::Error),
}

/// Why a delivery was not taken. The sender is told to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the journal has as many deliveries waiting for the disk as it may")]
    Busy,
    #[error("the journal cannot write")]
    Storage,
}

/// One webhook's part of the inbox.
#[derive(Clone)]
pub struct Lane(Arc<LaneState>);

struct LaneState {
    name: Arc<str>,
    number: u32,
    /// Up to which event this lane has been judged. Written by its one dispatcher.
    done: AtomicU64,
    newest: Mutex<Newest>,
    /// Whoever waits for a younger event waits here.
    arrived: std::sync::Condvar,
}

struct Newest {
    /// The youngest durable event.
    event: u64,
    /// Whoever waits is to stop waiting, though nothing has arrived.
    woken: bool,
}

#[derive(Clone)]
pub struct Journal(Arc<State>);

struct State {
    database: Database,
    spaces: Spaces,
    lanes: BTreeMap<String, Lane>,
    committer: Committer,
    /// Held while offsets are given, written and published.
    outbox: Mutex<()>,
    tail: AtomicU64,
    /// How many events are held.
    held: AtomicU64,
    boot: u32,
    failed: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Spaces {
    meta: Keyspace,
    inbox: Keyspace,
    verdicts: Keyspace,
    held: Keyspace,
    outbox: Keyspace,
}

impl Journal {
    /// Opens the journal in `directory`, made if absent, with a lane for each of `webhooks`. At most `waiting`
    /// deliveries wait for the disk at once. Blocks.
    pub fn open(directory: &Path, webhooks: &[String], waiting: usize) -> Result<Self, Error> {
        let open = |error| match error {
            fjall::Error::Locked => Error::InUse(directory.to_owned()),
            fjall::Error::JournalRecovery(_) => Error::Torn(directory.to_owned(), error),
            error => Error::Open(directory.to_owned(), error),
        };
        make(directory)?;
        let database = Database::builder(directory).open().map_err(open)?;
        let space = |name| database.keyspace(name, KeyspaceCreateOptions::default).map_err(open);
        let spaces = Spaces {
            meta: space("meta")?,
            inbox: space("inbox")?,
            verdicts: space("verdicts")?,
            held: space("held")?,
            outbox: space("outbox")?,
        };
        let found = number(&spaces.meta, "format")?;
        if found.is_some_and(|found| found != FORMAT) {
            return Err(Error::Format(directory.to_owned(), found.unwrap_or_default()));
        }
        let boot = number(&spaces.meta, "boot")?.unwrap_or(0) + 1;
        let next_event = number(&spaces.meta, "next-event")?.unwrap_or(1);
        let next_offset = number(&spaces.meta, "next-offset")?.unwrap_or(1);

        let mut batch = database.batch().durability(Some(fjall::PersistMode::SyncAll));
        batch.insert(&spaces.meta, "format", FORMAT.to_be_bytes());
        batch.insert(&spaces.meta, "boot", boot.to_be_bytes());
        let mut lanes = BTreeMap::new();
        let mut known = spaces.meta.prefix("lane/").count() as u64;
        for name in webhooks {
            let key = format!("lane/{name}");
            let lane = if let Some(lane) = number(&spaces.meta, &key)? {
                lane
            } else {
                batch.insert(&spaces.meta, key, known.to_be_bytes());
                known += 1;
                known - 1
            };
            let lane = u32::try_from(lane).map_err(|_| Error::Damaged("a lane's number"))?;
            let state = LaneState {
                name: name.as_str().into(),
                number: lane,
                done: AtomicU64::new(number(&spaces.meta, &format!("done/{name}"))?.unwrap_or(0)),
                newest: Mutex::new(Newest {
                    event: inbox::youngest(&spaces.inbox, lane)?.map_or(0, |event| event.0),
                    woken: false,
                }),
                arrived: std::sync::Condvar::new(),
            };
            lanes.insert(name.clone(), Lane(Arc::new(state)));
        }
        batch.commit().map_err(Error::Write)?;

        let failed = Arc::new(AtomicBool::new(false));
        let committer =
            Committer::start(database.clone(), spaces.clone(), EventId(next_event), waiting, failed.clone())
                .map_err(Error::Thread)?;
        // A lane's number fits 32 bits; so does the count of starts, at one a second, for a century.
        let boot = boot as u32;
        let held = AtomicU64::new(spaces.held.len().map_err(Error::Read)? as u64);
        let (outbox, tail) = (Mutex::new(()), AtomicU64::new(next_offset));
        Ok(Self(Arc::new(State { database, spaces, lanes, committer, outbox, tail, held, boot, failed })))
    }

    /// Makes a delivery durable. When this returns `Ok`, it is on disk. Cancel safe in this sense: a caller that goes
    /// away leaves the delivery either wholly in the inbox or not at all.
    pub async fn append(&self, lane: &Lane, delivery: Delivery) -> Result<EventId, Refused> {
        self.0.committer.append(lane, delivery).await
    }

    /// The lane of a webhook that was named when the journal was opened.
    pub fn lane(&self, webhook: &str) -> Option<Lane> {
        self.0.lanes.get(webhook).cloned()
    }

    /// How often this journal has been opened. With it a number that only counts up becomes unique over restarts.
    pub fn boot(&self) -> u32 {
        self.0.boot
    }

    /// Whether everything asked of the disk so far was done.
    pub fn healthy(&self) -> bool {
        !self.0.failed.load(Ordering::Acquire)
    }

    /// Puts all that was written onto the disk. For a clean stop. Blocks.
    pub fn sync(&self) -> Result<(), Error> {
        self.0.database.persist(fjall::PersistMode::SyncAll).map_err(Error::Write)
    }
}

impl Lane {
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// How many positions lie between the youngest event and the last one judged: 0 when nothing is pending, and
    /// otherwise at least the number that is (positions are shared between lanes).
    pub fn lag(&self) -> u64 {
        let newest = self.0.newest.lock().expect("no holder of this lock panics").event;
        newest.saturating_sub(self.0.done.load(Ordering::Acquire))
    }

    /// Blocks until an event younger than `than` may be there, `wake` is called, or `patience` has passed.
    pub fn wait(&self, than: EventId, patience: std::time::Duration) {
        let newest = self.0.newest.lock().expect("no holder of this lock panics");
        let idle = |newest: &mut Newest| newest.event <= than.0 && !newest.woken;
        // A timeout and a wake-up mean the same to the caller, who looks for himself.
        if let Ok((mut newest, _)) = self.0.arrived.wait_timeout_while(newest, patience, idle) {
            newest.woken = false;
        }
    }

    /// Ends a wait, the present one or the next: the gateway is stopping.
    pub fn wake(&self) {
        self.0.newest.lock().expect("no holder of this lock panics").woken = true;
        self.0.arrived.notify_all();
    }

    fn arrived(&self, newest: EventId) {
        let mut held = self.0.newest.lock().expect("no holder of this lock panics");
        held.event = held.event.max(newest.0);
        self.0.arrived.notify_all();
    }
}

/// Makes the store in a directory of another name and gives it its own when it is whole: a first start that is killed
/// half-way leaves nothing that the second would stumble over.
fn make(directory: &Path) -> Result<(), Error> {
    if directory.exists() {
        return Ok(());
    }
    let failed = |error| Error::Create(directory.to_owned(), error);
    let parent = directory.parent().unwrap_or(Path::new("."));
    let begun = directory.with_extension("new");
    std::fs::create_dir_all(parent).map_err(failed)?;
    if begun.exists() {
        std::fs::remove_dir_all(&begun).map_err(failed)?;
    }
    let store = Database::builder(&begun).open().map_err(|error| Error::Open(directory.to_owned(), error))?;
    store.persist(fjall::PersistMode::SyncAll).map_err(Error::Write)?;
    drop(store);
    std::fs::rename(&begun, directory).map_err(failed)?;
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
}

fn number(meta: &Keyspace, key: &str) -> Result<Option<u64>, Error> {
    let Some(value) = meta.get(key).map_err(Error::Read)? else { return Ok(None) };
    let bytes = value.as_ref().try_into().map_err(|_| Error::Damaged("a number in `meta`"))?;
    Ok(Some(u64::from_be_bytes(bytes)))
}
