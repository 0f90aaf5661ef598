//! All filters of a gateway, where each comes from, and how its component is exchanged while it works: read, compiled,
//! configured and checked aside; then put in force between two pieces of work. What is unfit changes nothing.

use super::kept::Kept;
use super::load::{self, digest};
use super::report::Report;
use super::version::Version;
use super::{Config, Error, Filter, Host, Life, Source};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a filter's component comes from.
#[derive(Clone)]
pub enum Origin {
    /// Looked at again when it changes.
    File(PathBuf),
    /// From elsewhere, by a name for people; always the same bytes.
    Bytes(String, Arc<[u8]>),
}

struct Book {
    filter: Filter,
    config: Config,
    origin: Origin,
    /// The handlers it is used for.
    needs: BTreeSet<&'static str>,
    /// The digest of what its origin held when it was last looked at.
    seen: Mutex<String>,
}

impl Book {
    /// Whether its origin holds another component than it did.
    fn is_new(&self, before: &Self) -> bool {
        let seen = |book: &Self| book.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen(self) != seen(before)
    }
}

/// A filter's component was exchanged for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub filter: String,
    pub from: String,
    pub to: String,
}

/// Why one was not.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("there is no filter `{0}`\nhint: only those of the configuration can be exchanged, see `GET /v1/filters`")]
    Unknown(String),
    #[error(transparent)]
    Unfit(#[from] Error),
    #[error(
        "the new component of filter `{filter}` does not export `{interface}`, which it is used for\nhint: build it with that handler"
    )]
    Lacks { filter: String, interface: &'static str },
    #[error("the configuration was changed while filter `{0}` was to be exchanged\nhint: look at it, and try again")]
    Reloaded(String),
    #[error("filter `{0}` has no earlier version to go back to")]
    NothingBefore(String),
}

pub struct Shelf {
    host: Host,
    books: BTreeMap<String, Book>,
    kept: Arc<Kept>,
    /// One exchange at a time, here and on the shelf that takes this one's place.
    changing: Arc<Mutex<()>>,
    /// Another has taken its place: nothing is exchanged here any more.
    retired: AtomicBool,
    /// Versions that filters of the shelf before are to have when this one takes its place.
    fresh: Mutex<BTreeMap<String, Version>>,
}

impl Shelf {
    /// An empty one, which keeps what operators put into it in this directory.
    pub fn new(host: Host, directory: PathBuf) -> Self {
        Self::on(host, Arc::new(Kept(directory)), Arc::default())
    }

    fn on(host: Host, kept: Arc<Kept>, changing: Arc<Mutex<()>>) -> Self {
        Self { host, books: BTreeMap::new(), kept, changing, retired: AtomicBool::new(false), fresh: Mutex::default() }
    }

    /// An empty one that is to take this one's place. Filters of the same name will be the same, with what clients and
    /// operators have made of them.
    pub fn after(&self) -> Self {
        Self::on(self.host.clone(), self.kept.clone(), self.changing.clone())
    }

    /// Keeps everybody else from exchanging anything, until the answer is dropped.
    pub fn alone(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A filter of the shelf before, as it is; or what its file holds now. To be called `alone`.
    pub fn keep(&mut self, before: &Self, name: &str) -> Result<(), Error> {
        let Some(book) = before.books.get(name) else { return Ok(()) };
        let seen = Mutex::new(book.seen.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let (filter, config, origin) = (book.filter.clone(), book.config.clone(), book.origin.clone());
        let book = Book { filter, config, origin, needs: BTreeSet::new(), seen };
        if let Origin::File(path) = &book.origin {
            let bytes = Self::read(name, &book.origin)?;
            let now = digest(&bytes);
            let mut seen = book.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen != now {
                let version = self.load(name, &path.display().to_string(), &bytes, &book.config);
                let version = version.inspect_err(|_| book.filter.0.refused())?;
                self.fresh().insert(name.to_owned(), version);
                *seen = now;
            }
        }
        self.books.insert(name.to_owned(), book);
        Ok(())
    }

    /// Takes the place of the shelf before, whose filters have the versions they are to have from now on. To be called
    /// `alone`.
    pub fn take_place(&self, before: &Self) -> Vec<Change> {
        before.retired.store(true, Ordering::Release);
        let fresh = std::mem::take(&mut *self.fresh());
        let changes = fresh.into_iter().filter_map(|(name, version)| {
            let book = self.books.get(&name)?;
            if before.books.get(&name).is_some_and(|before| book.is_new(before)) {
                self.kept.remove(&name);
            }
            Some(self.exchange(book, &name, version))
        });
        changes.collect()
    }

    /// Loads a filter: what an operator has put in its place, else what its origin has. One that the shelf `before` has, of
    /// the same name, is that with a new version.
    pub fn add(&mut self, before: Option<&Self>, name: &str, origin: Origin, config: Config) -> Result<(), Error> {
        let configured = Self::read(name, &origin)?;
        let seen = digest(&configured);
        let from = origin.to_string();
        let put = self.kept.read(name, &seen);
        let loaded = match &put {
            Some(bytes) => match self.load(name, "put by an operator", bytes, &config) {
                Ok(version) => version,
                Err(error) => {
                    tracing::error!(filter = name, %error, "what an operator had put in this filter's place is not fit");
                    self.load(name, &from, &configured, &config)?
                }
            },
            None => self.load(name, &from, &configured, &config)?,
        };
        if let Some(book) = before.and_then(|before| before.books.get(name)) {
            let (filter, needs, seen) = (book.filter.clone(), BTreeSet::new(), Mutex::new(seen));
            self.fresh().insert(name.to_owned(), loaded);
            self.books.insert(name.to_owned(), Book { filter, config, origin, needs, seen });
            return Ok(());
        }
        let filter = Filter(Arc::new(Life::new(name.into(), loaded, self.host.0.metrics.clone())));
        let (kept, named) = (self.kept.clone(), name.to_owned());
        // What is given up is not to come back with the next start.
        let _ = filter.0.given_up.set(Box::new(move || kept.remove(&named)));
        let book = Book { filter, config, origin, needs: BTreeSet::new(), seen: Mutex::new(seen) };
        self.books.insert(name.to_owned(), book);
        Ok(())
    }

    pub fn filter(&self, name: &str) -> Option<&Filter> {
        self.books.get(name).map(|book| &book.filter)
    }

    /// Says that a filter is used as this, so that no component takes its place that could not be. Whether the present one
    /// can.
    pub fn needs(&mut self, name: &str, interface: &'static str) -> bool {
        let Some(book) = self.books.get_mut(name) else { return false };
        book.needs.insert(interface);
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        match fresh.get(name) {
            Some(version) => version.handlers.names().contains(&interface),
            None => book.filter.handles(interface),
        }
    }

    /// Puts a component in a filter's place, also for the next start. Blocks while it is compiled. The second answer is
    /// whether it could be kept for that.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(Change, std::io::Result<()>), Refusal> {
        let book = self.book(name)?;
        let _alone = self.alone();
        self.in_place(name)?;
        let version = self.fit(book, name, "put by an operator", bytes)?;
        let seen = book.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // First: should it be given up at once, it is not to be there.
        let kept = self.kept.write(name, &seen, bytes);
        if let Err(error) = &kept {
            tracing::error!(filter = name, %error, "what is put in this filter's place cannot be kept for the next start");
        }
        Ok((self.exchange(book, name, version), kept))
    }

    /// Puts the version before the present one back in force.
    pub fn back(&self, name: &str) -> Result<Change, Refusal> {
        let book = self.book(name)?;
        let _alone = self.alone();
        self.in_place(name)?;
        let from = book.filter.sha256();
        let version = book.filter.0.back().ok_or_else(|| Refusal::NothingBefore(name.to_owned()))?;
        tracing::info!(filter = name, from, to = version.sha256, "an operator has put the version before back");
        Ok(Change { filter: name.to_owned(), from, to: version.sha256.clone() })
    }

    /// Looks at the files again, each by itself: what is not fit is told, and the others go on.
    pub fn look(&self) -> (Vec<Change>, Vec<Refusal>) {
        let _alone = self.alone();
        let (mut changes, mut refusals) = (Vec::new(), Vec::new());
        if self.retired.load(Ordering::Acquire) {
            return (changes, refusals);
        }
        for (name, book) in &self.books {
            match self.changed(name, book) {
                Ok(None) => {}
                Ok(Some((version, seen))) => changes.push(self.take(name, book, version, seen)),
                Err(refusal) => refusals.push(refusal),
            }
            book.filter.0.current().tidy();
        }
        (changes, refusals)
    }

    /// The files that filters come from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.books.values().filter_map(|book| match &book.origin {
            Origin::File(path) => Some(path.as_path()),
            Origin::Bytes(..) => None,
        })
    }

    /// What the file of a filter holds now, loaded, if that is new.
    fn changed(&self, name: &str, book: &Book) -> Result<Option<(Version, String)>, Refusal> {
        let Origin::File(path) = &book.origin else { return Ok(None) };
        let bytes = Self::read(name, &book.origin)?;
        let now = digest(&bytes);
        if *book.seen.lock().unwrap_or_else(PoisonError::into_inner) == now {
            return Ok(None);
        }
        self.fit(book, name, &path.display().to_string(), &bytes).map(|version| Some((version, now)))
    }

    fn take(&self, name: &str, book: &Book, version: Version, seen: String) -> Change {
        *book.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        self.kept.remove(name);
        self.exchange(book, name, version)
    }

    fn exchange(&self, book: &Book, name: &str, version: Version) -> Change {
        let (from, to) = (book.filter.sha256(), version.sha256.clone());
        tracing::info!(filter = name, from, to, origin = version.origin, "a filter's component is exchanged");
        book.filter.0.replace(version);
        Change { filter: name.to_owned(), from, to }
    }

    /// A component that can take a filter's place, loaded.
    fn fit(&self, book: &Book, name: &str, origin: &str, bytes: &[u8]) -> Result<Version, Refusal> {
        let fit = self.load(name, origin, bytes, &book.config).map_err(Refusal::from).and_then(|version| {
            let has = version.handlers.names();
            match book.needs.iter().find(|interface| !has.contains(interface)) {
                None => Ok(version),
                Some(interface) => Err(Refusal::Lacks { filter: name.to_owned(), interface }),
            }
        });
        fit.inspect_err(|_| book.filter.0.refused())
    }

    fn load(&self, name: &str, origin: &str, bytes: &[u8], config: &Config) -> Result<Version, Error> {
        load::load(&self.host.0, name, Source { origin, bytes }, config)
    }

    fn read(name: &str, origin: &Origin) -> Result<Vec<u8>, Error> {
        match origin {
            Origin::Bytes(_, bytes) => Ok(bytes.to_vec()),
            Origin::File(path) => load::read(path).map_err(|problem| Error::Load {
                filter: name.to_owned(),
                origin: path.display().to_string(),
                problem,
            }),
        }
    }

    fn book(&self, name: &str) -> Result<&Book, Refusal> {
        self.books.get(name).ok_or_else(|| Refusal::Unknown(name.to_owned()))
    }

    fn fresh(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_place(&self, name: &str) -> Result<(), Refusal> {
        if self.retired.load(Ordering::Acquire) { Err(Refusal::Reloaded(name.to_owned())) } else { Ok(()) }
    }

    /// What there is to know of each.
    pub fn report(&self) -> Vec<Report> {
        self.books.values().map(|book| Report::of(&book.filter)).collect()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Bytes(origin, _) => f.write_str(origin),
        }
    }
}
