//! Filters as hostile as they come, written in WAT so that no toolchain is needed. What each does is said at the top of
//! its file in `tests/filters`.

mod admission;
mod cache;
mod calls;
mod chain;
mod life;
mod loading;
mod logging;

use super::call::Cost;
use super::chain::Outcome;
use super::failure::Failure;
use super::message::InFlight;
use super::verdict::Verdict;
use super::*;
use crate::error::Chain;
use crate::message::{Audience, EventId, Message, Payload, Scope, Timestamp};
use serde_json::json;

pub fn wasm(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/filters/{name}.wat", env!("CARGO_MANIFEST_DIR"));
    wat::parse_file(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub struct Bench {
    pub host: Host,
    pub cache: tempfile::TempDir,
}

pub fn bench() -> Bench {
    bench_with(8)
}

pub fn bench_with(slots: u32) -> Bench {
    let cache = tempfile::tempdir().unwrap();
    let patience = Duration::from_millis(if slots == 1 { 1 } else { 5000 });
    let host = Host::new(&HostConfig { slots, patience, ..HostConfig::new(cache.path()) }).unwrap();
    Bench { host, cache }
}

impl Bench {
    pub fn try_load(&self, name: &str, config: &Config) -> Result<Filter, String> {
        let source = Source { origin: name, bytes: &wasm(name) };
        self.host.load(name, source, config).map_err(|error| Chain(&error).to_string())
    }

    pub fn load(&self, name: &str) -> Filter {
        self.load_with(name, &Config::default())
    }

    pub fn load_with(&self, name: &str, config: &Config) -> Filter {
        self.try_load(name, config).unwrap_or_else(|error| panic!("{error}"))
    }
}

pub fn set(config: Value) -> Config {
    Config { config, ..Config::default() }
}

pub fn on_error(on_error: OnError) -> Config {
    Config { on_error, deadline: Duration::from_millis(20), ..Config::default() }
}

pub fn message(body: &str) -> Message {
    Message {
        id: EventId(7),
        webhook: "whatsapp".into(),
        received: Timestamp(1),
        content_type: Some("application/json".into()),
        payload: Payload::of(body.to_owned().into()),
        audience: Audience::default(),
    }
}

pub fn probe(pointer: &str) -> Config {
    set(json!({ "pointer": pointer }))
}

/// One call of one filter.
pub fn ask(filter: &Filter, message: &Message) -> (Result<Verdict, Failure>, Cost) {
    let (answer, cost) = filter.in_force().judge(&Arc::new(InFlight::new(message.clone())), &Scope::default());
    (answer.map(|(verdict, _)| verdict), cost)
}
