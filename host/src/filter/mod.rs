//! Filters: other people's WebAssembly components, asked what to do with messages and with clients.
//!
//! A component exports the handlers of `postern:filter@0.1` it has, and is called only for those. A call runs on an
//! instance made for it and gone after it, on the caller's thread, and blocks it: until it answers, traps, passes its
//! deadline or asks for more memory than it may have. What it answers is checked; an answer that breaks the package's
//! rules counts as a failure. Whatever a filter does, postern and the other filters go on.
//!
//! What it has done to clients and what it sends ([`Effects`]) is given to the caller with its answer, and only with an
//! answer: a call happens whole or not at all. Keys and values, metrics and log lines act at once.
//!
//! This is the only module that knows wasmtime.

mod admission;
mod bindings;
mod breaker;
mod cache;
mod call;
mod chain;
mod chooser;
mod conversation;
mod effects;
mod engine;
mod failure;
mod http;
mod imports;
mod inspect;
mod kept;
mod life;
mod limits;
mod listener;
mod load;
mod message;
mod problem;
mod report;
mod request;
mod shelf;
mod single;
mod slots;
mod state;
mod ticker;
mod verdict;
mod version;
mod warm;
mod words;

#[cfg(test)]
mod tests;

pub use admission::{Admission, Denial, Grant, admit};
pub use call::Cost;
pub use chain::run;
pub use chooser::choose;
pub use conversation::{Heard, Lifecycle, hear, judge};
pub use effects::Effects;
pub use failure::Failure;
pub use http::{HttpAnswer, Response, respond};
pub use inspect::{Inspection, Interface};
pub use listener::Listener;
pub use problem::Problem;
pub use request::HttpRequest;
pub use shelf::{Change, Origin, Refusal, Shelf};
pub use single::{Answer, Question, ask};
pub use verdict::{Part, Verdict};

use crate::clients::Clients;
use crate::keyspace::Keyspace;
use crate::metrics::Metrics;
use crate::secret::Secret;
use life::Life;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What holds for all filters.
#[derive(Clone)]
pub struct HostConfig {
    /// A directory for compiled code, made if need be and closed to other users.
    pub cache: PathBuf,
    /// The most bytes a call may answer with.
    pub output: usize,
    /// The most labels a client may be given.
    pub labels: usize,
    /// Calls under way at once, over all filters; the next wait. Each reserves address space, and memory only while it runs.
    pub slots: u32,
    /// How long a call waits for room before it fails unasked.
    pub patience: Duration,
    /// Who is connected.
    pub clients: Clients,
    /// Where calls are counted, and filters' own metrics go.
    pub metrics: Metrics,
    /// In the place of the log and the clock.
    pub listener: Option<Arc<dyn Listener>>,
}

impl HostConfig {
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            output: 4 << 20,
            labels: 32,
            slots: 64,
            patience: Duration::from_secs(5),
            clients: Clients::default(),
            metrics: Metrics::default(),
            listener: None,
        }
    }
}

/// What holds for one filter.
#[derive(Clone)]
pub struct Config {
    /// The digest the component must have, in hex.
    pub sha256: Option<String>,
    pub on_error: OnError,
    pub deadline: Duration,
    /// Bytes of memory an instance may have.
    pub memory: u64,
    /// An object, the filter's own.
    pub config: Value,
    /// What it may sign with, and by what name.
    pub secrets: BTreeMap<String, Secret>,
    /// Where it keeps what lasts.
    pub keyspace: Option<Arc<dyn Keyspace>>,
    pub instances: Instances,
    /// It is asked, and what it answers is not done.
    pub shadow: bool,
    /// Failures in a row after which it is set aside for a while. 0: never.
    pub breaker: u32,
    /// `None`: a new version is never given up for the one before it.
    pub rollback: Option<Rollback>,
}

/// Whether an instance is for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// For one, unless a filter takes long to start: found out when it is loaded.
    #[default]
    Auto,
    Fresh,
    Reuse,
}

/// When a new version of a filter is given up: after more than so many failures within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollback {
    pub failures: u32,
    pub within: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sha256: None,
            on_error: OnError::Hold,
            deadline: Duration::from_millis(50),
            memory: 64 << 20,
            config: Value::Object(serde_json::Map::new()),
            secrets: BTreeMap::new(),
            keyspace: None,
            instances: Instances::Auto,
            shadow: false,
            breaker: 5,
            rollback: Some(Rollback { failures: 5, within: Duration::from_secs(60) }),
        }
    }
}

/// What becomes of a message whose filter failed. A client whose admission filter failed is denied, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It waits, whole, and is not lost.
    #[default]
    Hold,
    /// It goes on as if the filter had passed it.
    Pass,
    /// It is dropped.
    Drop,
}

/// A component.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Where it is from, for people.
    pub origin: &'a str,
    pub bytes: &'a [u8],
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to start the filter engine: {0}")]
    Engine(String),
    #[error("failed to start the thread that ends calls")]
    Thread(#[source] std::io::Error),
    #[error("failed to load filter `{filter}` from `{origin}`")]
    Load {
        filter: String,
        origin: String,
        #[source]
        problem: Problem,
    },
}

/// Where filters run.
#[derive(Clone)]
pub struct Host(Arc<engine::Machine>);

impl Host {
    pub fn new(config: &HostConfig) -> Result<Self, Error> {
        Ok(Self(Arc::new(engine::Machine::new(config)?)))
    }

    /// From now on, a call may answer with so many bytes, and a client be given so many labels.
    pub fn set_bounds(&self, output: usize, labels: usize) {
        self.0.bounds.set(output, labels);
    }

    /// Compiles and checks a component. Blocks: compiling takes from milliseconds to many seconds, unless the
    /// compiled code was kept from an earlier load.
    pub fn load(&self, name: &str, source: Source<'_>, config: &Config) -> Result<Filter, Error> {
        let version = load::load(&self.0, name, source, config)?;
        Ok(Filter(Arc::new(Life::new(name.into(), version, self.0.metrics.clone()))))
    }
}

/// A loaded filter. Clones are the same one.
#[derive(Clone)]
pub struct Filter(Arc<Life>);

impl Filter {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Of the component in force, in lower-case hex.
    pub fn sha256(&self) -> String {
        self.0.current().sha256.clone()
    }

    pub fn on_error(&self) -> OnError {
        self.0.current().on_error
    }

    /// Whether it exports a handler, by the name of its interface: `message-handler`.
    pub fn handles(&self, interface: &str) -> bool {
        self.0.current().handlers.names().contains(&interface)
    }

    /// Whether its instances are used again.
    pub fn keeps_instances(&self) -> bool {
        self.0.current().callee.warm.is_some()
    }

    /// Whether it may be asked by several at once and nobody could tell: it has failed none of late, has proved itself, and
    /// keeps nothing.
    pub fn is_steady(&self) -> bool {
        self.0.is_steady()
    }

    /// The version of it for one piece of work.
    fn in_force(&self) -> version::InForce<'_> {
        self.0.in_force()
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({} {})", self.name(), &self.sha256()[..8])
    }
}
