//! All filters of a gateway, where each comes from, and how its component is exchanged while it works: read, compiled,
//! configured and checked aside; then put in force between two pieces of work. What is unfit changes nothing.

use super::kept::Kept;
use super::load::{self, digest};
use super::report::Report;
use super::version::Version;
use super::{Config, Error, Filter, Host, Life, Source};
use crate::error::Chain;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
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
    #[error("filter `{0}` has no earlier version to go back to")]
    NothingBefore(String),
}

pub struct Shelf {
    host: Host,
    books: BTreeMap<String, Book>,
    kept: Arc<Kept>,
    /// One exchange at a time.
    changing: Mutex<()>,
}

impl Shelf {
    /// An empty one, which keeps what operators put into it in this directory.
    pub fn new(host: Host, directory: PathBuf) -> Self {
        Self { host, books: BTreeMap::new(), kept: Arc::new(Kept(directory)), changing: Mutex::default() }
    }

    /// Loads a filter: what an operator has put in its place, else what its origin has.
    pub fn add(&mut self, name: &str, origin: Origin, config: Config) -> Result<(), Error> {
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
        book.filter.handles(interface)
    }

    /// Puts a component in a filter's place, also for the next start. Blocks while it is compiled. The second answer is
    /// whether it could be kept for that.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(Change, std::io::Result<()>), Refusal> {
        let book = self.book(name)?;
        let _alone = self.alone();
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
        let from = book.filter.sha256();
        let version = book.filter.0.back().ok_or_else(|| Refusal::NothingBefore(name.to_owned()))?;
        tracing::info!(filter = name, from, to = version.sha256, "an operator has put the version before back");
        Ok(Change { filter: name.to_owned(), from, to: version.sha256.clone() })
    }

    /// Looks at the files again, and exchanges the components of those that have changed: all, or when one is not fit, or
    /// what else is to be done fails, none.
    pub fn reload(&self, else_to_do: impl FnOnce() -> Result<(), String>) -> Result<Vec<Change>, Vec<String>> {
        let _alone = self.alone();
        let (mut fit, mut unfit) = (Vec::new(), Vec::new());
        for (name, book) in &self.books {
            match self.changed(name, book) {
                Ok(None) => {}
                Ok(Some((version, seen))) => fit.push((name, book, version, seen)),
                Err(refusal) => unfit.push(Chain(&refusal).to_string()),
            }
        }
        if unfit.is_empty() {
            unfit.extend(else_to_do().err());
        }
        if !unfit.is_empty() {
            return Err(unfit);
        }
        Ok(fit.into_iter().map(|(name, book, version, seen)| self.take(name, book, version, seen)).collect())
    }

    /// Looks at the files again, each by itself: what is not fit is told, and the others go on.
    pub fn look(&self) -> (Vec<Change>, Vec<Refusal>) {
        let _alone = self.alone();
        let (mut changes, mut refusals) = (Vec::new(), Vec::new());
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

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
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
