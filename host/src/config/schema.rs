//! What a configuration is once it is read: every value in its final type, every name it uses defined.

mod front;

pub use front::{Acme, AcmeChallenge, ForwardedBy, Identity, Proxy, Tls};

use super::forward::Forward;
use super::problem::{Place, Problem};
use super::seen::Secrets;
use crate::provider::{Pointer, Signing};
use crate::reference::Reference;
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// At least one.
    pub listen: Vec<SocketAddr>,
    /// Another process may listen there too.
    pub reuse_port: bool,
    pub data: PathBuf,
    /// How many threads feed clients. `None`: one a core.
    pub shards: Option<usize>,
    /// Many clients are sent to at once, where the kernel lets us.
    pub io_uring: bool,
    pub tls: Tls,
    pub proxy: Proxy,
    pub webhooks: BTreeMap<String, Webhook>,
    pub streams: BTreeMap<String, Stream>,
    pub filters: BTreeMap<String, Filter>,
    /// By host, or host and port, in lower case.
    pub registries: BTreeMap<String, Registry>,
    pub http: BTreeMap<String, Page>,
    pub forward: BTreeMap<String, Forward>,
    pub inbox: Retention,
    pub outbox: Retention,
    /// Zero: nothing is taken for a duplicate.
    pub dedupe_window: Duration,
    pub retry: Retry,
    pub admin: Admin,
    pub limits: Limits,
    pub log: Log,
    /// Where its secrets are kept, for those who look after files.
    pub secrets: Secrets,
    /// `None`: nothing is traced.
    pub traces: Option<Traces>,
    /// Where each key was written, tables included.
    pub(super) places: BTreeMap<String, Place>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Begins with `/`, or is empty, which is any. No other webhook has it; a stream may.
    pub path: String,
    pub signing: Signing,
    /// Meta's, and then there is one.
    pub verify_token: Option<Secret>,
    /// Where in the body the kind of a delivery is. Never of Meta's.
    pub kind: Option<Pointer>,
    /// Names in `Config::filters`, in the order in which they run.
    pub filters: Vec<String>,
    /// An event for each item; else one for each delivery.
    pub split: bool,
    /// Digits; at least one, each once. `None` is any.
    pub phone_number_ids: Option<Vec<String>>,
    /// An event waits while an earlier one of its conversation is held.
    pub ordered: bool,
    /// Its events are judged; else they stay pending.
    pub dispatch: bool,
    pub client: ClientAuth,
}

/// Whether whoever comes must show a certificate, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuth {
    pub demand: Demand,
    /// The name it must be for, exactly. `None`: any that an authority has signed.
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    None,
    Optional,
    Required,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Begins with `/`, or is empty, which is any. No other stream has it; a webhook may.
    pub path: String,
    /// Names in `Config::webhooks`. Not saying any means all, and then all are here.
    pub webhooks: Vec<String>,
    /// Names in `Config::filters`. Who comes is let in by these, by `jwt` and by `callout`, all that there are; there are
    /// none only when `open = true` was said.
    pub admission: Vec<String>,
    pub jwt: Option<Jwt>,
    pub callout: Option<Callout>,
    pub slow: Slow,
    /// Lower case, no slash at the end. `None` is any, and none at all.
    pub origins: Option<Vec<String>>,
    /// Shorter than `Limits::idle`.
    pub heartbeat: Duration,
    pub compression: bool,
    /// Names in `Config::filters`, in the order in which they run, here and below: who chooses which clients get an event.
    pub audience: Vec<String>,
    /// Who judges what clients say.
    pub client: Vec<String>,
    /// What becomes of what they all let pass.
    pub relay: Relay,
    /// Who is told what becomes of clients, and of what.
    pub events: Vec<String>,
    pub event_kinds: Vec<EventKind>,
    /// A filter answers pings, and close frames.
    pub manual_pong: bool,
    pub manual_close: bool,
    /// The most bytes of a message that go in one frame. `None`: all of them.
    pub frame_size: Option<usize>,
    pub presence: bool,
    /// The keys of the labels that presence shows.
    pub presence_labels: Vec<String>,
    pub certificate: ClientAuth,
}

/// Tokens that let clients in.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    pub keys: JwtKeys,
    pub algorithms: Option<Vec<JwtAlgorithm>>,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub subject: String,
    /// Labels by their keys, and the claim each is taken from.
    pub labels: BTreeMap<String, String>,
    pub leeway: Duration,
    pub require_expiry: bool,
    /// At least one.
    pub token: Vec<TokenPlace>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JwtKeys {
    Secret(Secret),
    File(PathBuf),
    /// `https://`, or `http://`.
    Url {
        url: String,
        ca: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtAlgorithm {
    Rs256,
    Es256,
    EdDsa,
    Hs256,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    Header,
    Query(String),
    Cookie(String),
    Subprotocol,
}

/// A service that is asked about clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Callout {
    pub url: String,
    pub ca: Option<PathBuf>,
    pub timeout: Duration,
    /// In lower case.
    pub headers: Vec<String>,
    pub secret: Option<Secret>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    Nobody,
    Others,
    Everyone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Connect,
    Disconnect,
    Close,
    Ping,
    Pong,
}

/// Paths that a filter answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Begins with `/`; with a `*` at its end, all that begin so.
    pub path: String,
    /// A name in `Config::filters`.
    pub filter: String,
    /// A name in `Config::webhooks`: where what the filter accepts goes.
    pub webhook: Option<String>,
    /// Names in `Config::streams`: whose clients the filter may see and reach. Not saying any means all, and then all are
    /// here.
    pub streams: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    CatchUp,
    Disconnect,
}

#[derive(Clone, PartialEq)]
pub struct Filter {
    pub file: Component,
    /// 64 lower-case hexadecimal digits.
    pub sha256: Option<String>,
    pub on_error: OnError,
    pub deadline: Duration,
    pub memory: usize,
    /// An object.
    pub config: serde_json::Value,
    /// What it may sign with, by the names it uses.
    pub secrets: BTreeMap<String, Secret>,
    /// The keyspace it has: its own name, unless it shares another's.
    pub keyspace: Option<String>,
    pub instances: Instances,
    /// It is asked, and what it answers is not done.
    pub shadow: bool,
    /// Failures in a row after which it is set aside for a while. 0: never.
    pub breaker: u32,
    /// `None`: a new version is never given up for the one before it.
    pub rollback: Option<Rollback>,
}

/// Whether an instance is for one call, or kept for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// Kept if the filter takes long to start.
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

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without what the filter is told: only the filter knows whether that is a secret.
        f.debug_struct("Filter").field("file", &self.file).field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

/// Where a filter's component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    File(PathBuf),
    /// `builtin:NAME`: one of those that postern carries with it.
    Builtin(String),
    Registry(Reference),
}

/// Where components come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Registry {
    /// User name and password.
    pub account: Option<(String, Secret)>,
    pub ca: Option<PathBuf>,
    /// For one component, all in all.
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    Hold,
    Pass,
    Drop,
}

/// What is older goes, and the oldest of what is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub age: Duration,
    pub size: u64,
}

/// How long an event is held before it is judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub first: Duration,
    /// Not shorter than `first`.
    pub longest: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    pub listen: SocketAddr,
    /// There is one whenever `listen` is not loopback.
    pub token: Option<Secret>,
}

/// None of them is zero. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub body: usize,
    pub headers: usize,
    pub header_count: usize,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub inflight: usize,
    pub connections: usize,
    pub connections_per_address: usize,
    pub client_message: usize,
    pub client_messages_per_second: u32,
    /// How long a client may leave a ping unanswered.
    pub idle: Duration,
    pub filter_output: usize,
    pub labels: usize,
    /// What a filter may keep, keys and values together.
    pub kv: u64,
    /// The memory that holds the newest frames for everyone.
    pub ring: usize,
    pub drain_timeout: Duration,
    /// How long to wait for a data directory that another process has.
    pub handover_timeout: Duration,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq)]
pub struct Traces {
    pub endpoint: String,
    /// From nothing to 1, which is all.
    pub sample: f64,
    pub service: String,
    pub headers: BTreeMap<String, Secret>,
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Directives that `tracing_subscriber::EnvFilter` understands: `info`, `postern=debug,info`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Text,
    Json,
}

impl Config {
    /// Where `filters.redact.file` was written; for a key that was not written, where what it belongs to was.
    pub fn place(&self, key: &str) -> Place {
        place_in(&self.places, key)
    }

    /// What a later stage found wrong with the value of a key, at its place.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem::new(self.place(key), key, message)
    }
}

pub(super) fn place_in(places: &BTreeMap<String, Place>, key: &str) -> Place {
    let mut key = key;
    loop {
        if let Some(place) = places.get(key) {
            return place.clone();
        }
        match key.rsplit_once('.') {
            Some((parent, _)) => key = parent,
            None => return places.get("").cloned().unwrap_or(Place::Default),
        }
    }
}
