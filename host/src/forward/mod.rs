//! Events pushed to HTTP endpoints, the *forward targets*: each has a place of its own in the outbox, and gets what is there
//! for everyone of its webhooks, POSTed as it is and signed by Standard Webhooks.
//!
//! # Contract
//!
//! - **At least once.** The cursor moves past an event when it is settled: taken (2xx), left out by the target's filter, or
//!   given up and kept as a dead letter. It is on disk half a second later; what was delivered since is delivered again after
//!   a crash, under the same `webhook-id`.
//! - **In order**, one request at a time, unless `concurrency` says otherwise: then the order is given up.
//! - **A target costs nobody else anything.** It has a thread of its own, with its requests, its filter and its files.
//! - **Nothing is left out in silence.** What the outbox has no longer when a target comes to it is counted, logged, and told
//!   in its report.
//! - A filter that fails and is to hold keeps its event waiting; no attempt is charged for that.
//! - Everything is bounded: what is read ahead, dead letters, a request's time, what is read of an answer.
//!
//! | file | what |
//! | --- | --- |
//! | `window` | which entries are read and not settled, and the cursor |
//! | `store`, `letters` | what is kept on disk: `DATA/forward/NAME/` |
//! | `judge`, `parcel`, `signature`, `post` | an entry to a request, and what its answer means |
//! | `pace` | how long to wait |
//! | `target` | what is to be done next, and what follows from what became of it |
//! | `run` | the thread |
//! | `report`, `status`, `targets` | what operators see and ask |
//!
//! The directory of a target that is not configured any more stays: configured again, it goes on where it was.

mod judge;
mod letters;
mod pace;
mod parcel;
mod post;
mod report;
mod run;
mod signature;
mod status;
mod store;
mod target;
mod targets;
#[cfg(test)]
mod tests;
mod window;

pub use pace::Backoff;
pub use report::{Dead, Report};
pub use signature::Key;
pub use targets::{Refused, Targets};

use crate::filter::Filter;
use crate::journal::Journal;
use crate::message::Cursor;
use crate::metrics::{Metrics, PerTarget};
use crate::outward::Destination;
use crate::task;
use run::Work;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use store::Store;
use tokio::sync::{mpsc, oneshot, watch};

/// How many operators may ask something of one target at a time.
const ASKING: usize = 16;

/// How long a target's requests may go on when another of its name takes its place.
const GRACE: Duration = Duration::from_secs(3);

/// What is to be known of a target.
pub struct Settings {
    /// Of lower-case letters, digits, `-` and `_`: it names a directory too.
    pub name: Arc<str>,
    pub destination: Destination,
    /// At least one.
    pub keys: Vec<Key>,
    pub webhooks: BTreeSet<String>,
    pub filter: Option<Filter>,
    pub from: Begin,
    /// Requests under way at once, at least one.
    pub concurrency: usize,
    /// For one attempt.
    pub timeout: Duration,
    pub backoff: Backoff,
    /// An event is given up after so many attempts, and after so long.
    pub attempts: Option<u32>,
    pub give_up: Duration,
    /// Failures in a row after which it is asked by one request at a time. 0: never.
    pub breaker: u32,
}

/// Where a target begins that is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    Now,
    Earliest,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to keep how far target `{target}` is in `{path}`\nhint: let the user that postern runs as write there"
    )]
    Directory { target: Arc<str>, path: PathBuf, source: io::Error },
    #[error("failed to start the thread of target `{target}`")]
    Thread { target: Arc<str>, source: io::Error },
}

/// What operators ask of one.
enum Command {
    /// Dead letters once more, `None` all.
    Retry(Option<Vec<Cursor>>, oneshot::Sender<Result<usize, ()>>),
    Resume(oneshot::Sender<bool>),
}

/// All targets at work. Dropped, they end at once: requests under way are broken off, and made again by whoever is next.
pub struct Forwards {
    running: BTreeMap<Arc<str>, Running>,
    targets: Targets,
}

struct Running {
    thread: Option<JoinHandle<()>>,
    stop: watch::Sender<Option<Instant>>,
}

impl Forwards {
    /// Starts a thread for each target, in whose directory below `directory` is how far it is.
    ///
    /// `before` are those that these take the place of: they finish what is under way, a few seconds at most, and each of a
    /// name that is still there begins when the one before it has ended. So nothing of it is lost and this returns at once.
    /// When this fails, they have ended, or go on: whoever calls starts others.
    pub fn start(
        all: Vec<Settings>,
        directory: &Path,
        (journal, metrics): (&Journal, &Metrics),
        before: Option<Self>,
    ) -> Result<Self, Error> {
        let mut stores = Vec::new();
        for settings in &all {
            let path = directory.join(&*settings.name);
            let failed = |source| Error::Directory { target: settings.name.clone(), path: path.clone(), source };
            let begin = journal.cursor(match settings.from {
                Begin::Now => journal.tail(),
                Begin::Earliest => journal.earliest(),
            });
            let store = Store::open(path.clone()).map_err(failed)?;
            let is_known = before.as_ref().is_some_and(|before| before.running.contains_key(&settings.name));
            // So that one that is new begins here, and not where the outbox is when its thread runs.
            if !is_known {
                run::known(&settings.name, &store, journal, begin).map_err(failed)?;
            }
            stores.push((store, begin));
        }
        let (mut before, known) = match before {
            Some(mut before) => (std::mem::take(&mut before.running), before.targets()),
            None => Default::default(),
        };
        before.values().for_each(|running| running.stop_within(GRACE));
        let (mut running, mut targets) = (BTreeMap::new(), BTreeMap::new());
        for (settings, (store, begin)) in all.into_iter().zip(stores) {
            let name = settings.name.clone();
            let (commands, asked) = mpsc::channel(ASKING);
            let (stop, stopped) = watch::channel(None);
            let settings = Arc::new(settings);
            let status = known.status(&name).unwrap_or_default();
            targets.insert(
                name.clone(),
                targets::Target { url: settings.destination.address.to_string(), status: status.clone(), commands },
            );
            let work = Work {
                settings,
                store,
                journal: journal.clone(),
                metrics: metrics.clone(),
                status,
                commands: asked,
                stop: stopped,
                begin,
            };
            let failed = |source| Error::Thread { target: name.clone(), source };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
            let predecessor = before.remove(&name);
            let thread = task::thread(&format!("forward-{name}"), move || {
                // Two at work on one directory would each undo what the other writes.
                drop(predecessor);
                work.run(runtime);
            });
            let thread = Some(thread.map_err(failed)?);
            running.insert(name, Running { thread, stop });
        }
        for target in before.keys() {
            let label = PerTarget { target: target.clone() };
            metrics.forward_behind.remove(&label);
            metrics.forward_dead.remove(&label);
        }
        // Their end is waited for where nobody waits; without a thread for that, here.
        let _ = task::thread("forwards-end", move || drop(before));
        Ok(Self { running, targets: Targets::new(targets) })
    }

    pub fn targets(&self) -> Targets {
        self.targets.clone()
    }

    /// Ends all of them: nothing new is sent, requests under way may go on for `grace`, how far each is is on disk.
    pub async fn stop(mut self, grace: Duration) {
        let running = std::mem::take(&mut self.running);
        running.values().for_each(|running| running.stop_within(grace));
        let (ended, all_ended) = oneshot::channel::<()>();
        // Joining blocks, so it is done on a thread of its own.
        let joining = task::thread("forwards-end", move || {
            drop(running);
            drop(ended);
        });
        match joining {
            // It ends by being dropped.
            Ok(_) => drop(all_ended.await),
            Err(error) => tracing::error!(%error, "the forward targets cannot be waited for"),
        }
    }
}

impl Running {
    fn stop_within(&self, grace: Duration) {
        let end = Instant::now() + grace;
        self.stop.send_if_modified(|stop| {
            let sooner = stop.is_none_or(|before| end < before);
            if sooner {
                *stop = Some(end);
            }
            sooner
        });
    }
}

/// Whoever has not been told before is told now to end at once.
impl Drop for Running {
    fn drop(&mut self) {
        if self.stop.borrow().is_none() {
            self.stop_within(Duration::ZERO);
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a target's thread had panicked: this is a bug of postern");
        }
    }
}
