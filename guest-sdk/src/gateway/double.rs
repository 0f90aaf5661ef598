//! The gateway as a native test meets it: values in memory in the place of handles and imports.
//!
//! What a test arranges through `testing` is kept for its thread, and `cargo test` gives each test a thread.

use crate::log::Level;
use crate::testing::Line;
use crate::{Format, Header, Payload};
use std::cell::RefCell;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) source: String,
    pub(crate) received: u64,
    pub(crate) payload: Payload,
    pub(crate) headers: Vec<Header>,
}

impl Message {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn source(&self) -> String {
        self.source.clone()
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn format(&self) -> Format {
        self.payload.format
    }

    pub(crate) fn size(&self) -> u64 {
        self.payload.data.len() as u64
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.payload.data.clone()
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let size = self.size();
        let (from, to) = (offset.min(size), offset.saturating_add(length).min(size));
        self.payload.data[from as usize..to as usize].to_vec()
    }

    pub(crate) fn pointer(&self, pointer: &str) -> Option<String> {
        let tree: serde_json::Value = serde_json::from_slice(&self.payload.data).ok()?;
        tree.pointer(pointer).map(as_text)
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.headers, name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) address: String,
    pub(crate) headers: Vec<Header>,
}

impl Request {
    pub(crate) fn method(&self) -> String {
        self.method.clone()
    }

    pub(crate) fn path(&self) -> String {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path).to_owned()
    }

    pub(crate) fn query(&self) -> Option<String> {
        self.target.split_once('?').map(|(_, query)| query.to_owned())
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        let query = self.query()?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decoded(key) == name).then(|| percent_decoded(value))
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        first(&self.headers, name)
    }

    pub(crate) fn headers(&self) -> Vec<Header> {
        self.headers.clone()
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

fn first(headers: &[Header], name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.clone())
}

/// As `application/x-www-form-urlencoded` has it, which is what postern decodes parameters by.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], escape.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn as_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What the test of this thread has arranged, and what the filter has done.
pub(crate) struct Arranged {
    pub(crate) config: serde_json::Value,
    pub(crate) now: Option<u64>,
    pub(crate) level: Level,
    pub(crate) lines: Vec<Line>,
    started: Instant,
}

thread_local! {
    static ARRANGED: RefCell<Arranged> = RefCell::new(Arranged {
        config: serde_json::json!({}),
        now: None,
        level: Level::Trace,
        lines: vec![],
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
