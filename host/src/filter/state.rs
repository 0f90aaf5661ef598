//! What one call holds: its store is made for it, and goes with it. That is why a handle that outlives its call traps:
//! there is nothing left that it could name.

use super::bindings::ClientHandle;
use super::effects::Effects;
use super::engine::Machine;
use super::limits::Meter;
use super::message::InFlight;
use super::request::HttpRequest;
use super::ticker::Deadline;
use crate::keyspace::Keyspace;
use crate::message::{Card, Scope};
use crate::secret::Secret;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::component::{Resource, ResourceTable};

pub struct State {
    pub machine: Arc<Machine>,
    pub settings: Arc<Settings>,
    pub subject: Subject,
    pub meter: Meter,
    pub deadline: Deadline,
    pub effects: Effects,
    /// The clients of whom the call has a handle.
    pub clients: ResourceTable,
    /// Lines logged by this call, and bytes it wants to send.
    pub lines: u32,
    pub sending: usize,
}

/// What a call is about, and so what its handles name.
#[derive(Clone, Default)]
pub struct Subject {
    pub message: Option<Arc<InFlight>>,
    pub request: Option<Arc<HttpRequest>>,
    /// Whose message or event it is.
    pub client: Option<Arc<Card>>,
    /// Whose clients it may see and reach.
    pub scope: Scope,
}

/// What a filter may know of itself, and what it was given.
pub struct Settings {
    pub name: Arc<str>,
    /// Its section of the configuration, and the same as text.
    pub config: Value,
    pub text: String,
    pub secrets: BTreeMap<String, Secret>,
    /// `None`: none was given to it.
    pub keyspace: Option<Arc<dyn Keyspace>>,
}

impl State {
    pub fn message(&self) -> wasmtime::Result<&Arc<InFlight>> {
        self.subject.message.as_ref().ok_or_else(|| wasmtime::format_err!("this call has no message"))
    }

    pub fn request(&self) -> wasmtime::Result<&HttpRequest> {
        self.subject.request.as_deref().ok_or_else(|| wasmtime::format_err!("this call has no request"))
    }

    pub fn client(&self, handle: &Resource<ClientHandle>) -> wasmtime::Result<&Arc<Card>> {
        Ok(&self.clients.get(handle)?.0)
    }

    pub fn hand_out(&mut self, client: Arc<Card>) -> wasmtime::Result<Resource<ClientHandle>> {
        Ok(self.clients.push(ClientHandle(client))?)
    }
}

/// A JSON value as filters read one: a string as its text, anything else as JSON.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
