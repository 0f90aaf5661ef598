//! The gateway as a native test meets it: values in memory in the place of handles and imports.
//!
//! What a test arranges through `testing` is kept for its thread, and `cargo test` gives each test a thread.

use crate::kv::Fault;
use crate::log::Level;
use crate::signing::{Algorithm, NoSuchSecret};
use crate::testing::{Line, Sent};
use crate::{ClientId, Close, Format, Header, Label, Payload, Selector};
use ring::hmac;
use std::cell::RefCell;
use std::collections::BTreeMap;
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
    pub(crate) body: Vec<u8>,
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

    pub(crate) fn body(&self) -> Vec<u8> {
        self.body.clone()
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
    /// Who is connected.
    pub(crate) clients: BTreeMap<ClientId, Client>,
    /// What the call under way wants done, and what those before it have done.
    pub(crate) wanted: Wanted,
    pub(crate) sent: Vec<Sent>,
    pub(crate) disconnected: Vec<(ClientId, Close)>,
    pub(crate) pongs: Vec<(ClientId, Vec<u8>)>,
    /// Each with when it expires.
    pub(crate) kept: BTreeMap<String, (Vec<u8>, Option<u64>)>,
    pub(crate) kept_full: bool,
    pub(crate) numbers: BTreeMap<String, Vec<f64>>,
    pub(crate) secrets: BTreeMap<String, String>,
    started: Instant,
}

/// What a call wants done when it has returned `Ok`.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) sent: Vec<Sent>,
    pub(crate) changes: Vec<Change>,
}

pub(crate) enum Change {
    Add(ClientId, Label),
    Remove(ClientId, Label),
    Disconnect(ClientId, Close),
    Pong(ClientId, Vec<u8>),
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
        numbers: BTreeMap::new(),
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

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) subject: Option<String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) address: String,
    pub(crate) since: u64,
}

impl Client {
    pub(crate) fn id(&self) -> ClientId {
        self.id
    }

    pub(crate) fn subject(&self) -> Option<String> {
        self.subject.clone()
    }

    pub(crate) fn label(&self, key: &str) -> Option<String> {
        self.labels.iter().find(|label| label.key == key).map(|label| label.value.clone())
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        self.labels.clone()
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    fn is_chosen(&self, by: &Selector) -> bool {
        match by {
            Selector::Everyone => true,
            Selector::Clients(ids) => ids.contains(&self.id),
            Selector::AnyLabel(wanted) => wanted.iter().any(|label| self.labels.contains(label)),
            Selector::AllLabels(wanted) => wanted.iter().all(|label| self.labels.contains(label)),
        }
    }
}

pub(crate) fn outbox_send(to: &Selector, except: &[ClientId], what: Payload) {
    arranged(|arranged| arranged.wanted.sent.push(Sent { to: to.clone(), except: except.to_vec(), payload: what }));
}

pub(crate) fn clients_count(among: &Selector) -> u64 {
    clients_find(among, u32::MAX).len() as u64
}

pub(crate) fn clients_find(among: &Selector, limit: u32) -> Vec<ClientId> {
    arranged(|arranged| {
        let chosen = arranged.clients.values().filter(|client| client.is_chosen(among));
        chosen.map(|client| client.id).take(limit as usize).collect()
    })
}

pub(crate) fn clients_get(id: ClientId) -> Option<Client> {
    arranged(|arranged| arranged.clients.get(&id).cloned())
}

pub(crate) fn clients_add_label(id: ClientId, label: Label) {
    want(Change::Add(id, label));
}

pub(crate) fn clients_remove_label(id: ClientId, label: Label) {
    want(Change::Remove(id, label));
}

pub(crate) fn clients_disconnect(id: ClientId, why: Close) {
    want(Change::Disconnect(id, why));
}

pub(crate) fn clients_pong(id: ClientId, data: Vec<u8>) {
    want(Change::Pong(id, data));
}

fn want(change: Change) {
    arranged(|arranged| arranged.wanted.changes.push(change));
}

/// Does what a call wants done.
pub(crate) fn follow(wanted: Wanted) {
    arranged(|arranged| {
        arranged.sent.extend(wanted.sent);
        for change in wanted.changes {
            match change {
                Change::Add(id, label) => {
                    let client = arranged.clients.get_mut(&id);
                    if let Some(client) = client.filter(|client| !client.labels.contains(&label)) {
                        client.labels.push(label);
                    }
                }
                Change::Remove(id, label) => {
                    if let Some(client) = arranged.clients.get_mut(&id) {
                        client.labels.retain(|other| *other != label);
                    }
                }
                Change::Disconnect(id, why) => {
                    if arranged.clients.remove(&id).is_some() {
                        arranged.disconnected.push((id, why));
                    }
                }
                Change::Pong(id, data) => arranged.pongs.push((id, data)),
            }
        }
    });
}

/// The double of `kv` has no quota; a test may say that it is full.
fn kept<R>(with: impl FnOnce(&mut Arranged) -> R) -> R {
    let now = now();
    arranged(|arranged| {
        arranged.kept.retain(|_, (_, expiry)| expiry.is_none_or(|expiry| expiry > now));
        with(arranged)
    })
}

fn put(arranged: &mut Arranged, key: &str, value: &[u8], expiry: Option<u64>) -> Result<(), Fault> {
    if arranged.kept_full {
        return Err(Fault::Full);
    }
    arranged.kept.insert(key.to_owned(), (value.to_vec(), expiry));
    Ok(())
}

pub(crate) fn kv_get(key: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(kept(|arranged| arranged.kept.get(key).map(|(value, _)| value.clone())))
}

pub(crate) fn kv_set(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), Fault> {
    let expiry = ttl.map(|ttl| now() + ttl);
    kept(|arranged| put(arranged, key, value, expiry))
}

pub(crate) fn kv_add(key: &str, value: &[u8], ttl: Option<u64>) -> Result<bool, Fault> {
    let expiry = ttl.map(|ttl| now() + ttl);
    kept(|arranged| match arranged.kept.contains_key(key) {
        true => Ok(false),
        false => put(arranged, key, value, expiry).map(|()| true),
    })
}

pub(crate) fn kv_increment(key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Fault> {
    let expiry = ttl.map(|ttl| now() + ttl);
    kept(|arranged| {
        let (number, expiry) = match arranged.kept.get(key) {
            None => (0, expiry),
            Some((value, expiry)) => {
                let text = std::str::from_utf8(value).map_err(|_| Fault::NotANumber)?;
                (text.parse::<i64>().map_err(|_| Fault::NotANumber)?, *expiry)
            }
        };
        let number = number.saturating_add(by);
        put(arranged, key, number.to_string().as_bytes(), expiry)?;
        Ok(number)
    })
}

pub(crate) fn kv_swap(key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
    kept(|arranged| {
        let present = arranged.kept.get(key);
        if present.map(|(value, _)| &value[..]) != old {
            return Ok(false);
        }
        let expiry = present.and_then(|(_, expiry)| *expiry);
        match new {
            Some(new) => put(arranged, key, new, expiry)?,
            None => drop(arranged.kept.remove(key)),
        }
        Ok(true)
    })
}

pub(crate) fn kv_delete(key: &str) -> Result<(), Fault> {
    kept(|arranged| drop(arranged.kept.remove(key)));
    Ok(())
}

pub(crate) fn kv_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
    let fits = |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
    Ok(kept(|arranged| arranged.kept.keys().filter(fits).take(limit as usize).cloned().collect()))
}

pub(crate) fn metrics_count(name: &str, by: u64) {
    arranged(|arranged| match arranged.numbers.entry(name.to_owned()).or_default().as_mut_slice() {
        [] => drop(arranged.numbers.insert(name.to_owned(), vec![by as f64])),
        [count, ..] => *count += by as f64,
    });
}

pub(crate) fn metrics_gauge(name: &str, value: f64) {
    arranged(|arranged| drop(arranged.numbers.insert(name.to_owned(), vec![value])));
}

pub(crate) fn metrics_observe(name: &str, value: f64) {
    arranged(|arranged| arranged.numbers.entry(name.to_owned()).or_default().push(value));
}

pub(crate) fn signing_verify(
    secret: &str,
    algorithm: Algorithm,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, NoSuchSecret> {
    Ok(hmac::verify(&key(secret, algorithm)?, data, signature).is_ok())
}

pub(crate) fn signing_sign(secret: &str, algorithm: Algorithm, data: &[u8]) -> Result<Vec<u8>, NoSuchSecret> {
    Ok(hmac::sign(&key(secret, algorithm)?, data).as_ref().to_vec())
}

fn key(secret: &str, algorithm: Algorithm) -> Result<hmac::Key, NoSuchSecret> {
    let algorithm = match algorithm {
        Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::HmacSha256 => hmac::HMAC_SHA256,
        Algorithm::HmacSha512 => hmac::HMAC_SHA512,
    };
    let secret = arranged(|arranged| arranged.secrets.get(secret).cloned()).ok_or(NoSuchSecret)?;
    Ok(hmac::Key::new(algorithm, secret.as_bytes()))
}
