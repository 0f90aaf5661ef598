//! The gateway as a native test meets it: values in memory in the place of handles and imports.
//!
//! What a test arranges through `testing` is kept for its thread, and `cargo test` gives each test a thread. Where the
//! gateway ends a call for breaking a rule of the package, the double panics: such a filter fails its test.

mod effects;
mod handles;
mod kept;
mod numbers;
mod secrets;

pub(crate) use effects::*;
pub(crate) use handles::{Client, Message, Request};
pub(crate) use kept::*;
pub(crate) use numbers::*;
pub(crate) use secrets::*;

use crate::log::Level;
use crate::testing::{Line, Metric, Sent};
use crate::{ClientId, Close};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What the test of this thread has arranged, and what the filter has done.
pub(crate) struct Arranged {
    pub(crate) config: serde_json::Value,
    pub(crate) now: Option<u64>,
    pub(crate) level: Level,
    pub(crate) lines: Vec<Line>,
    /// Who is connected.
    pub(crate) clients: BTreeMap<ClientId, Client>,
    /// What the call under way wants done, and what those before it have done.
    pub(crate) wanted: Wanted,
    pub(crate) sent: Vec<Sent>,
    pub(crate) disconnected: Vec<(ClientId, Close)>,
    pub(crate) pongs: Vec<(ClientId, Vec<u8>)>,
    pub(crate) kept: BTreeMap<String, Kept>,
    pub(crate) kept_full: bool,
    pub(crate) metrics: BTreeMap<String, Metric>,
    pub(crate) secrets: BTreeMap<String, String>,
    started: Instant,
}

thread_local! {
    static ARRANGED: RefCell<Arranged> = RefCell::new(Arranged {
        config: serde_json::json!({}),
        now: None,
        level: Level::Trace,
        lines: vec![],
        clients: BTreeMap::new(),
        wanted: Wanted::default(),
        sent: vec![],
        disconnected: vec![],
        pongs: vec![],
        kept: BTreeMap::new(),
        kept_full: false,
        metrics: BTreeMap::new(),
        secrets: BTreeMap::new(),
        started: Instant::now(),
    });
}

pub(crate) fn arranged<R>(with: impl FnOnce(&mut Arranged) -> R) -> R {
    ARRANGED.with_borrow_mut(with)
}

pub(crate) fn config_get(key: &str) -> Option<String> {
    arranged(|arranged| arranged.config.get(key).map(as_text))
}

pub(crate) fn config_json() -> String {
    arranged(|arranged| arranged.config.to_string())
}

pub(crate) fn log_enabled(level: Level) -> bool {
    arranged(|arranged| level >= arranged.level)
}

pub(crate) fn log_write(level: Level, text: &str, fields: &[(&str, &str)]) {
    if log_enabled(level) {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        arranged(|arranged| arranged.lines.push(Line { level, text: text.to_owned(), fields }));
    }
}

pub(crate) fn now() -> u64 {
    let real = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    arranged(|arranged| arranged.now).unwrap_or_else(real)
}

pub(crate) fn monotonic() -> u64 {
    arranged(|arranged| arranged.started.elapsed().as_nanos() as u64)
}

fn as_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What becomes of a call that breaks a rule of the package.
fn breach(what: &str) -> ! {
    panic!("the gateway ends this call: {what}")
}
