//! The component itself, run by the gateway's own engine: with its limits, its checks and its cost, from `cargo test`.

mod given;
mod program;
mod told;

use super::Sent;
use crate::{Admission, Client, Event, HttpVerdict, Message, Request, Verdict};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A filter as the gateway gets it. Each call is one of its own: what is kept, who is connected and what time it is, is as it
/// was arranged here.
///
/// It is run by `postern filter test`: by the program that the variable `POSTERN` names, else by the `postern` that is on the
/// `PATH`. Where there is none, the test fails and says how to get one.
///
/// ```no_run
/// use postern_filter::testing::Component;
/// use postern_filter::{Message, Verdict};
/// use serde_json::json;
///
/// let filter = Component::build(env!("CARGO_MANIFEST_DIR")).with_config(json!({ "word": "stop" }));
/// let ran = filter.on_message(&Message::text("please stop"));
/// assert_eq!(*ran.answer(), Verdict::drop("it says stop"));
/// assert!(ran.lines[0].contains("info: dropped"));
/// assert!(ran.micros < 10_000 && ran.memory < 2 << 20);
/// ```
#[derive(Clone, Debug)]
pub struct Component {
    program: PathBuf,
    file: PathBuf,
    world: Map<String, Value>,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Ran<T> {
    /// What the filter said, once the gateway had checked it.
    pub answer: Result<T, Failed>,
    /// What it put into the outbox. Whom it reached is not known.
    pub sent: Vec<Sent>,
    /// What is to be done to clients, in order: `label 1 room=lobby`, `unlabel 1 room=lobby`, `disconnect 1 4000 bye`,
    /// `pong 1 data`.
    pub changes: Vec<String>,
    /// What is kept now.
    pub kept: BTreeMap<String, Vec<u8>>,
    /// Its metrics: a counter's sum, a gauge's last value, a histogram's observations.
    pub metrics: BTreeMap<String, Value>,
    /// `LEVEL: TEXT key=value …`
    pub lines: Vec<String>,
    pub micros: u64,
    /// Bytes of memory at the end.
    pub memory: u64,
}

/// How a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// `refused` (an error in the filter's own words), `trap`, `deadline`, `memory`, `output`, `invalid` or `missing`.
    pub kind: String,
    pub words: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.words)
    }
}

impl<T> Ran<T> {
    /// What the filter said. Panics when it failed: that is what the test is told.
    pub fn answer(&self) -> &T {
        match &self.answer {
            Ok(answer) => answer,
            Err(failed) => panic!("the filter failed: {failed}"),
        }
    }

    /// How it failed. Panics when it did not.
    pub fn failed(&self) -> &Failed {
        match &self.answer {
            Ok(_) => panic!("the filter did not fail"),
            Err(failed) => failed,
        }
    }
}

impl Component {
    /// Builds the filter in a directory, of whatever language: `Component::build(env!("CARGO_MANIFEST_DIR"))`.
    pub fn build(directory: impl AsRef<Path>) -> Self {
        let program = program::found();
        let file = program::build(&program, directory.as_ref());
        Self { program, file, world: Map::new() }
    }

    /// One that is built already.
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self { program: program::found(), file: file.into(), world: Map::new() }
    }

    /// Runs it by this `postern`.
    #[must_use]
    pub fn by(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// The `config` of `[filters.NAME]`.
    #[must_use]
    pub fn with_config(self, config: Value) -> Self {
        self.with("config", config)
    }

    /// Stops the wall clock at this many milliseconds since 1970-01-01T00:00:00Z. Else it stands where 2026 begins.
    #[must_use]
    pub fn with_clock(self, at: u64) -> Self {
        self.with("now", json!(at))
    }

    /// Puts a value into its keyspace.
    #[must_use]
    pub fn with_kept(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.part("kv").insert(key.to_owned(), given::body(value.as_ref()));
        self
    }

    /// Gives it a secret to sign with.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Self {
        self.part("secrets").insert(name.to_owned(), json!(value));
        self
    }

    /// Connects a client.
    #[must_use]
    pub fn with_client(mut self, client: &Client) -> Self {
        let clients = self.world.entry("clients").or_insert_with(|| json!([]));
        if let Value::Array(clients) = clients {
            clients.push(given::client(client));
        }
        self
    }

    /// How long a call may take; else 50 ms, as in service.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        self.with("deadline", json!(format!("{}us", deadline.as_micros())))
    }

    /// Bytes of memory it may have; else 64 MiB, as in service.
    #[must_use]
    pub fn with_memory(self, bytes: u64) -> Self {
        self.with("memory", json!(bytes))
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.world.insert(key.to_owned(), value);
        self
    }

    fn part(&mut self, key: &str) -> &mut Map<String, Value> {
        let part = self.world.entry(key).or_insert_with(|| json!({}));
        part.as_object_mut().expect("it was made as an object")
    }

    /// Starts it, and asks nothing.
    pub fn configure(&self) -> Ran<()> {
        self.run(json!({}), told::nothing)
    }

    pub fn on_message(&self, message: &Message) -> Ran<Verdict> {
        self.run(json!({ "message": given::message(message) }), told::verdict)
    }

    pub fn on_client_message(&self, sender: &Client, message: &Message) -> Ran<Verdict> {
        let asked = json!({ "client": given::client(sender), "message": given::message(message) });
        self.run(asked, told::verdict)
    }

    pub fn on_connect(&self, request: &Request) -> Ran<Admission> {
        self.run(json!({ "connect": given::request(request, false) }), told::admission)
    }

    pub fn on_event(&self, who: &Client, what: &Event) -> Ran<()> {
        self.run(json!({ "client": given::client(who), "event": given::event(what) }), told::nothing)
    }

    /// The clients it is asked about are connected for it.
    pub fn choose(&self, message: &Message, among: &[Client]) -> Ran<Vec<bool>> {
        let ids: Vec<_> = among.iter().map(Client::id).collect();
        let clients: Vec<_> = among.iter().map(given::client).collect();
        self.run(json!({ "message": given::message(message), "among": ids, "clients": clients }), told::choices)
    }

    pub fn on_request(&self, request: &Request) -> Ran<HttpVerdict> {
        self.run(json!({ "request": given::request(request, true) }), told::http)
    }

    fn run<T>(&self, mut case: Value, answer: fn(&Value) -> Option<T>) -> Ran<T> {
        case["name"] = json!("a call");
        let mut document = self.world.clone();
        document.insert("case".to_owned(), json!([case]));
        let result = program::run(&self.program, &self.file, &Value::Object(document));
        told::ran(&result, answer).unwrap_or_else(|| panic!("postern told something that is not understood: {result}"))
    }
}
