//! The gateway as a component meets it: the imports of `postern:filter`.
//!
//! Only what postern hosts is named here, and a function that a filter does not call is not imported by its component.

use crate::kv::Fault;
use crate::log::Level;
use crate::signing::{Algorithm, NoSuchSecret};
use crate::{ClientId, Close, Format, Header, Label, Payload, Selector, lower};
use imports::postern::filter::{clients, clock, config, kv, log, metrics, outbox, signing, types};

pub(crate) mod imports {
    wit_bindgen::generate!({
        path: "wit/v0.1",
        inline: "
            package postern:sdk;
            world imports {
                import postern:filter/types@0.1.0;
                import postern:filter/config@0.1.0;
                import postern:filter/log@0.1.0;
                import postern:filter/clock@0.1.0;
                import postern:filter/metrics@0.1.0;
                import postern:filter/outbox@0.1.0;
                import postern:filter/clients@0.1.0;
                import postern:filter/kv@0.1.0;
                import postern:filter/signing@0.1.0;
            }
        ",
        world: "postern:sdk/imports",
        generate_all,
        generate_unused_types: true,
    });
}

#[derive(Debug)]
pub(crate) struct Message(pub(crate) types::Message);

impl Message {
    pub(crate) fn id(&self) -> u64 {
        self.0.id()
    }

    pub(crate) fn source(&self) -> String {
        self.0.source()
    }

    pub(crate) fn received(&self) -> u64 {
        self.0.received()
    }

    pub(crate) fn format(&self) -> Format {
        match self.0.format() {
            types::Format::Text => Format::Text,
            types::Format::Binary => Format::Binary,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    pub(crate) fn data(&self) -> Vec<u8> {
        self.0.data()
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        self.0.read(offset, length)
    }

    pub(crate) fn pointer(&self, pointer: &str) -> Option<String> {
        self.0.json(pointer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }
}

#[derive(Debug)]
pub(crate) struct Request(pub(crate) types::Request);

impl Request {
    pub(crate) fn method(&self) -> String {
        self.0.method()
    }

    pub(crate) fn path(&self) -> String {
        self.0.path()
    }

    pub(crate) fn query(&self) -> Option<String> {
        self.0.query()
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        self.0.param(name)
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.0.header(name)
    }

    pub(crate) fn headers(&self) -> Vec<Header> {
        self.0.headers().into_iter().map(|header| Header { name: header.name, value: header.value }).collect()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.0.body()
    }

    pub(crate) fn address(&self) -> String {
        self.0.address()
    }
}

#[derive(Debug)]
pub(crate) struct Client(pub(crate) types::Client);

impl Client {
    pub(crate) fn id(&self) -> ClientId {
        self.0.id()
    }

    pub(crate) fn subject(&self) -> Option<String> {
        self.0.subject()
    }

    pub(crate) fn label(&self, key: &str) -> Option<String> {
        self.0.label(key)
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        self.0.labels().into_iter().map(|label| Label { key: label.key, value: label.value }).collect()
    }

    pub(crate) fn address(&self) -> String {
        self.0.address()
    }

    pub(crate) fn since(&self) -> u64 {
        self.0.since()
    }
}

pub(crate) fn outbox_send(to: &Selector, except: &[ClientId], what: Payload) {
    outbox::send(&lower::selector(to.clone()), except, &lower::payload(what));
}

pub(crate) fn clients_count(among: &Selector) -> u64 {
    clients::count(&lower::selector(among.clone()))
}

pub(crate) fn clients_find(among: &Selector, limit: u32) -> Vec<ClientId> {
    clients::find(&lower::selector(among.clone()), limit)
}

pub(crate) fn clients_get(id: ClientId) -> Option<Client> {
    clients::get(id).map(Client)
}

pub(crate) fn clients_add_label(id: ClientId, label: Label) {
    clients::add_label(id, &lower::label(label));
}

pub(crate) fn clients_remove_label(id: ClientId, label: Label) {
    clients::remove_label(id, &lower::label(label));
}

pub(crate) fn clients_disconnect(id: ClientId, why: Close) {
    clients::disconnect(id, &types::Close { code: why.code, reason: why.reason });
}

pub(crate) fn clients_pong(id: ClientId, data: Vec<u8>) {
    clients::pong(id, &data);
}

pub(crate) fn kv_get(key: &str) -> Result<Option<Vec<u8>>, Fault> {
    kv::get(key).map_err(fault)
}

pub(crate) fn kv_set(key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), Fault> {
    kv::set(key, value, ttl).map_err(fault)
}

pub(crate) fn kv_add(key: &str, value: &[u8], ttl: Option<u64>) -> Result<bool, Fault> {
    kv::add(key, value, ttl).map_err(fault)
}

pub(crate) fn kv_increment(key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Fault> {
    kv::increment(key, by, ttl).map_err(fault)
}

pub(crate) fn kv_swap(key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
    kv::swap(key, old, new).map_err(fault)
}

pub(crate) fn kv_delete(key: &str) -> Result<(), Fault> {
    kv::delete(key).map_err(fault)
}

pub(crate) fn kv_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<String>, Fault> {
    kv::keys(prefix, after, limit).map_err(fault)
}

fn fault(fault: kv::Fault) -> Fault {
    match fault {
        kv::Fault::TooLarge => Fault::TooLarge,
        kv::Fault::Full => Fault::Full,
        kv::Fault::NotANumber => Fault::NotANumber,
        kv::Fault::Unavailable => Fault::Unavailable,
    }
}

pub(crate) fn metrics_count(name: &str, by: u64) {
    metrics::count(name, by);
}

pub(crate) fn metrics_gauge(name: &str, value: f64) {
    metrics::gauge(name, value);
}

pub(crate) fn metrics_observe(name: &str, value: f64) {
    metrics::observe(name, value);
}

pub(crate) fn signing_verify(
    secret: &str,
    algorithm: Algorithm,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, NoSuchSecret> {
    signing::verify(secret, hash(algorithm), data, signature).map_err(|_| NoSuchSecret)
}

pub(crate) fn signing_sign(secret: &str, algorithm: Algorithm, data: &[u8]) -> Result<Vec<u8>, NoSuchSecret> {
    signing::sign(secret, hash(algorithm), data).map_err(|_| NoSuchSecret)
}

fn hash(algorithm: Algorithm) -> signing::Algorithm {
    match algorithm {
        Algorithm::HmacSha1 => signing::Algorithm::HmacSha1,
        Algorithm::HmacSha256 => signing::Algorithm::HmacSha256,
        Algorithm::HmacSha512 => signing::Algorithm::HmacSha512,
    }
}

pub(crate) fn config_get(key: &str) -> Option<String> {
    config::get(key)
}

pub(crate) fn config_json() -> String {
    config::json()
}

pub(crate) fn log_enabled(level: Level) -> bool {
    log::enabled(lower(level))
}

pub(crate) fn log_write(level: Level, text: &str, fields: &[(&str, &str)]) {
    let fields: Vec<log::Field> =
        fields.iter().map(|(key, value)| log::Field { key: (*key).to_owned(), value: (*value).to_owned() }).collect();
    log::write(lower(level), text, &fields);
}

fn lower(level: Level) -> log::Level {
    match level {
        Level::Trace => log::Level::Trace,
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    }
}

pub(crate) fn now() -> u64 {
    clock::now()
}

pub(crate) fn monotonic() -> u64 {
    clock::monotonic()
}
