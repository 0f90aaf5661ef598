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
mod limits;
mod listener;
mod load;
mod message;
mod problem;
mod request;
mod single;
mod slots;
mod state;
mod ticker;
mod verdict;
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
pub use single::{Answer, Question, ask};
pub use verdict::{Part, Verdict};

use crate::clients::Clients;
use crate::keyspace::Keyspace;
use crate::metrics::Numbers;
use crate::secret::Secret;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    /// Where filters' own metrics go.
    pub numbers: Numbers,
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
            numbers: Numbers::default(),
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

/// Where a component is.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    File(&'a Path),
    Bytes { origin: &'a str, bytes: &'a [u8] },
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

    /// Reads, compiles and checks a component. Blocks: compiling takes from milliseconds to many seconds, unless the
    /// compiled code was kept from an earlier load.
    pub fn load(&self, name: &str, source: Source<'_>, config: &Config) -> Result<Filter, Error> {
        load::load(&self.0, name, source, config)
    }
}

/// A loaded filter. Clones are the same one.
#[derive(Clone)]
pub struct Filter(Arc<Inner>);

struct Inner {
    callee: call::Callee,
    handlers: load::Handlers,
    sha256: String,
    on_error: OnError,
    deadline: Duration,
}

impl Filter {
    pub fn name(&self) -> &str {
        &self.0.callee.settings.name
    }

    /// Of the component, in lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    pub fn on_error(&self) -> OnError {
        self.0.on_error
    }

    pub fn judges_messages(&self) -> bool {
        self.0.handlers.message.is_some()
    }

    pub fn judges_admission(&self) -> bool {
        self.0.handlers.admission.is_some()
    }

    pub fn judges_what_clients_say(&self) -> bool {
        self.0.handlers.client.is_some()
    }

    pub fn hears_events(&self) -> bool {
        self.0.handlers.event.is_some()
    }

    pub fn chooses_audiences(&self) -> bool {
        self.0.handlers.audience.is_some()
    }

    pub fn answers_http(&self) -> bool {
        self.0.handlers.http.is_some()
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({} {})", self.name(), &self.sha256()[..8])
    }
}
