//! Where keys come from, and when they are looked for again.

use super::Error;
use super::keys::{KeyError, Set};
use crate::error::Chain;
use crate::message::Timestamp;
use crate::outward::{Ask, Client, Destination};
use crate::secret::Secret;
use crate::task;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex, oneshot};

#[derive(Clone)]
pub enum Source {
    /// A secret that both sides have, for HS256.
    Secret(Secret),
    File(PathBuf),
    Url(Destination),
}

/// How often a file is looked at, at most, in milliseconds.
const LOOK: u64 = 1000;

/// How old keys from a URL may grow before they are fetched anew, in milliseconds.
const FRESH: u64 = 5 * 60 * 1000;

/// How often a URL is asked because of a key that is not known, at most: anybody may bring such a token.
const PATIENCE: Duration = Duration::from_secs(10);

const ANSWERING: Duration = Duration::from_secs(5);
const LONGEST: usize = 256 << 10;

pub struct Keys {
    place: Place,
    current: ArcSwapOption<Set>,
    /// When they were looked for last, in milliseconds since 1970.
    looked: AtomicU64,
}

enum Place {
    Fixed,
    File { path: PathBuf, seen: Mutex<Option<(SystemTime, u64)>> },
    Url(Fetcher),
}

struct Fetcher {
    destination: Destination,
    /// One at a time; and when the last began.
    last: Mutex<Option<Instant>>,
}

impl Keys {
    pub fn new(source: &Source) -> Result<Self, Error> {
        let (place, set) = match source {
            Source::Secret(secret) => {
                let wrong = |why| Error::Keys { origin: "the secret".to_owned(), why };
                (Place::Fixed, Some(Set::shared(secret).map_err(wrong)?))
            }
            Source::File(path) => {
                (Place::File { path: path.clone(), seen: Mutex::new(stamp(path)) }, Some(read(path)?))
            }
            Source::Url(destination) => {
                let fetcher = Fetcher { destination: destination.clone(), last: Mutex::new(None) };
                (Place::Url(fetcher), None)
            }
        };
        Ok(Self { place, current: ArcSwapOption::from_pointee(set), looked: AtomicU64::new(0) })
    }

    /// The keys in use; looked for again if that was not done lately. `None`: there are none yet.
    pub async fn current(self: &Arc<Self>, now: Timestamp) -> Option<Arc<Set>> {
        let before = self.looked.load(Ordering::Acquire);
        let due = |every: u64| now.0.saturating_sub(before) >= every || now.0 < before;
        match &self.place {
            Place::Fixed => {}
            Place::File { path, seen } if due(LOOK) => {
                self.looked.store(now.0, Ordering::Release);
                self.look(path, seen).await;
            }
            // What went wrong was logged; what there was before serves on.
            Place::Url(_) if self.current.load().is_none() || due(FRESH) => {
                self.looked.store(now.0, Ordering::Release);
                let _ = self.newer_than(None).await;
            }
            Place::File { .. } | Place::Url(_) => {}
        }
        self.current.load_full()
    }

    /// Keys that are not these, if they may be had.
    pub async fn newer(self: &Arc<Self>, than: &Arc<Set>) -> Option<Arc<Set>> {
        self.newer_than(Some(than)).await
    }

    async fn newer_than(self: &Arc<Self>, than: Option<&Arc<Set>>) -> Option<Arc<Set>> {
        let (keys, (fetched, done)) = (self.clone(), oneshot::channel());
        // On its own: a client that goes away does not take the fetch with it.
        task::background(async move {
            keys.fetch().await;
            let _ = fetched.send(());
        });
        let _ = done.await;
        self.current.load_full().filter(|set| than.is_none_or(|than| !Arc::ptr_eq(set, than)))
    }

    /// Fetches them, where they are at a URL, unless that was done just now. What goes wrong is logged.
    pub async fn fetch(&self) {
        let Place::Url(fetcher) = &self.place else { return };
        match fetcher.fetch_unless_lately().await {
            Ok(Some(set)) => self.current.store(Some(Arc::new(set))),
            // Another may have fetched them meanwhile.
            Ok(None) => {}
            Err(error) => {
                let from = &fetcher.destination.address;
                tracing::error!(%from, error = %Chain(&error), "the keys for tokens could not be fetched");
            }
        }
    }

    /// Reads a file again that has changed. One that cannot be read changes nothing. It is small and local: to read it
    /// takes no longer than to have it read by somebody else.
    async fn look(&self, path: &Path, seen: &Mutex<Option<(SystemTime, u64)>>) {
        let mut seen = seen.lock().await;
        let stamp = stamp(path);
        if stamp.is_none() || stamp == *seen {
            return;
        }
        *seen = stamp;
        match read(path) {
            Ok(set) => {
                tracing::info!(path = %path.display(), keys = set.keys.len(), "the keys for tokens were read again");
                self.current.store(Some(Arc::new(set)));
            }
            Err(error) => {
                tracing::error!(error = %Chain(&error), "the keys for tokens cannot be read, the old ones serve on");
            }
        }
    }
}

impl Fetcher {
    /// `None`: that was done just now.
    async fn fetch_unless_lately(&self) -> Result<Option<Set>, Error> {
        let mut last = self.last.lock().await;
        if last.is_some_and(|last| last.elapsed() < PATIENCE) {
            return Ok(None);
        }
        *last = Some(Instant::now());
        self.fetch().await.map(Some)
    }

    async fn fetch(&self) -> Result<Set, Error> {
        let wrong = |why| Error::Keys { origin: self.destination.address.to_string(), why };
        let mut client = Client::new(self.destination.clone());
        let target = self.destination.address.target.clone();
        let headers = HeaderMap::new();
        let ask = Ask {
            method: Method::GET,
            target,
            headers: &headers,
            body: Bytes::new(),
            patience: ANSWERING,
            most: LONGEST,
        };
        let answer = client.ask(ask).await?;
        if answer.status != StatusCode::OK || !answer.complete {
            return Err(wrong(KeyError::Answer(format!("the answer is {}", answer.status))));
        }
        Set::parse(answer.text.as_bytes()).map_err(wrong)
    }
}

fn read(path: &Path) -> Result<Set, Error> {
    let text = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    Set::parse(&text).map_err(|why| Error::Keys { origin: path.display().to_string(), why })
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
