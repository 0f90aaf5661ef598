//! Keeps the index usable: opens it, brings it up to where the logs are, and makes it again from them when it is
//! missing, damaged, or knows of what the logs have lost.
//!
//! A write to the index that fails takes nothing back: what it was about is in the logs. The index is out of use from
//! then on, and whoever needs it next has it opened again and brought up to date first. So a full disk ends by itself.

use super::Error;
use super::checkpoint;
use super::dedupe::Window;
use super::directory::set_aside;
use super::index::{Ends, Store};
use super::log::Log;
use super::replay::{end_of, replay};
use crate::error::Chain;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub(super) struct Keeper {
    directory: PathBuf,
    inbox: Log,
    outbox: Log,
    window: Window,
    store: RwLock<Option<Store>>,
    state: AtomicU8,
    /// How many events are held.
    pub count_held: Arc<AtomicU64>,
    /// What was found damaged, for the operator.
    pub damage: Mutex<Vec<String>>,
}

const SOUND: u8 = 0;
/// To be opened again.
const FAILED: u8 = 1;
/// To be made again.
const DAMAGED: u8 = 2;

impl Keeper {
    /// Opens the index. Also says where the logs must go on at least.
    pub fn open(directory: PathBuf, inbox: Log, outbox: Log, window: Window) -> Result<(Self, Ends), Error> {
        let (store, state) = (RwLock::new(None), AtomicU8::new(SOUND));
        let (count_held, damage) = (Arc::default(), Mutex::default());
        let keeper = Self { directory, inbox, outbox, window, store, state, count_held, damage };
        let (store, ends) = keeper.restore(false)?;
        *keeper.store.write().unwrap_or_else(PoisonError::into_inner) = Some(store);
        Ok((keeper, ends))
    }

    /// Whether the index is in use.
    pub fn sound(&self) -> bool {
        self.state.load(Ordering::Acquire) == SOUND
    }

    /// Asks the index what is so now: not before it has been told all that was decided.
    pub fn current<T>(&self, ask: impl FnOnce(&Store) -> fjall::Result<T>) -> Result<T, Error> {
        self.ensure()?;
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        // What `tell` left out, it left out under this lock.
        let Some(store) = store.as_ref().filter(|_| self.sound()) else { return Err(Error::NoIndex) };
        guarded(|| ask(store)).map_err(|error| {
            self.fail(&error);
            Error::Index(error)
        })
    }

    /// Asks the index.
    pub fn read<T>(&self, ask: impl FnOnce(&Store) -> fjall::Result<T>) -> Result<T, Error> {
        // A reader that panicked has changed nothing.
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let Some(store) = store.as_ref() else { return Err(Error::NoIndex) };
        guarded(|| ask(store)).map_err(|error| {
            self.fail(&error);
            Error::Index(error)
        })
    }

    /// Tells the index what a log says already. While it is out of use it is told nothing: it will read the logs.
    pub fn tell(&self, change: impl FnOnce(&Store) -> fjall::Result<()>) {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        if let (Some(store), true) = (store.as_ref(), self.sound())
            && let Err(error) = guarded(|| change(store))
        {
            self.fail(&error);
        }
    }

    /// Has the index opened again if it is out of use. Blocks.
    pub fn ensure(&self) -> Result<(), Error> {
        if self.sound() {
            return Ok(());
        }
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let state = self.state.load(Ordering::Acquire);
        if state == SOUND {
            return Ok(());
        }
        // The old one lets go of its directory first.
        *store = None;
        let (restored, _) = self.restore(state == DAMAGED)?;
        *store = Some(restored);
        self.state.store(SOUND, Ordering::Release);
        tracing::info!("the journal's index is in use again");
        Ok(())
    }

    /// Keeps what was found damaged, and logs it once.
    pub fn note_damage(&self, what: String) {
        let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        if !damage.contains(&what) {
            tracing::error!(damage = %what, "the journal is damaged");
            damage.push(what);
        }
    }

    fn fail(&self, error: &fjall::Error) {
        let state = if is_damage(error) { DAMAGED } else { FAILED };
        if self.state.fetch_max(state, Ordering::AcqRel) == SOUND {
            tracing::error!(error = %Chain(error), "the journal's index is out of use until it is opened again");
        }
    }

    /// Opens the index and brings it up to date, or makes it again.
    fn restore(&self, damaged: bool) -> Result<(Store, Ends), Error> {
        let path = self.directory.join("index");
        let mut known = Ends::default();
        if path.exists() {
            let opened = if damaged { Err(fjall::Error::Unrecoverable) } else { self.open_store() };
            match opened
                .and_then(|store| guarded(|| Ok((self.is_current(&store)?, store.ends()?))).map(|known| (known, store)))
            {
                Ok(((true, ends), store)) => match self.catch_up(&store) {
                    Ok(()) => return Ok((store, ends)),
                    Err(Error::Index(error)) if is_damage(&error) => self.discard(&error)?,
                    Err(error) => return Err(error),
                },
                Ok(((false, ends), store)) => {
                    known = ends;
                    drop(store);
                    self.note_damage("the end of a log is lost: the index is made again from what is left".to_owned());
                    std::fs::remove_dir_all(&path).map_err(|error| Error::Open(path, error))?;
                }
                Err(error) if is_damage(&error) => self.discard(&error)?,
                Err(error) => return Err(Error::OpenIndex(path, error)),
            }
        } else if self.inbox.end() > 1 {
            tracing::warn!("the journal's index is missing: it is made again from the logs");
        }
        let store = self.open_store().map_err(|error| Error::OpenIndex(self.directory.join("index"), error))?;
        if let Some(damage) = checkpoint::load(&store, &self.directory).map_err(Error::Index)? {
            self.note_damage(damage);
        }
        self.catch_up(&store)?;
        let ends = store.ends().map_err(Error::Index)?;
        let ends = Ends { inbox: ends.inbox.max(known.inbox), outbox: ends.outbox.max(known.outbox) };
        Ok((store, ends))
    }

    fn discard(&self, error: &fjall::Error) -> Result<(), Error> {
        let aside = set_aside(&self.directory).map_err(|error| Error::Open(self.directory.clone(), error))?;
        self.note_damage(format!(
            "the index was damaged ({}) and is made again from the logs; it lies in `{}`. What was seen before the \
             oldest delivery of the inbox is not recognised any more, should it be sent again",
            Chain(error),
            aside.display()
        ));
        Ok(())
    }

    fn open_store(&self) -> fjall::Result<Store> {
        guarded(|| Store::open(&self.directory.join("index"), self.count_held.clone()))
    }

    /// Brings the index up to the end of the logs.
    fn catch_up(&self, store: &Store) -> Result<(), Error> {
        let replay = || replay(store, &self.inbox, &self.outbox, &self.window, &|damage| self.note_damage(damage));
        catch_unwind(AssertUnwindSafe(replay)).unwrap_or(Err(Error::Index(fjall::Error::Unrecoverable)))
    }

    /// Whether the frames that were applied last are still in the logs, unless retention has deleted them.
    fn is_current(&self, store: &Store) -> fjall::Result<bool> {
        for (name, log) in [("inbox", &self.inbox), ("outbox", &self.outbox)] {
            let Some(applied) = store.applied(name)? else { continue };
            let there = log.frame_at(applied.place).map_err(fjall::Error::Io)?;
            let there = there.is_some_and(|frame| end_of(&frame) == applied.end);
            if applied.end > log.end() || (!there && applied.end > log.first()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What reads damaged files may find an assumption of its own broken: fjall panics then, and the index is damaged.
fn guarded<T>(work: impl FnOnce() -> fjall::Result<T>) -> fjall::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(fjall::Error::Unrecoverable))
}

/// Whether it is the index that is at fault, and not the disk or what else goes on there.
fn is_damage(error: &fjall::Error) -> bool {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            use io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
            matches!(error.kind(), InvalidData | InvalidInput | NotFound | UnexpectedEof)
        }
        fjall::Error::Locked | fjall::Error::Poisoned | fjall::Error::KeyspaceDeleted => false,
        _ => true,
    }
}
