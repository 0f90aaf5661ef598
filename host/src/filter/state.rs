//! What one call holds: its store is made for it, and goes with it. That is why a handle that outlives its call traps:
//! there is nothing left that it could name.

use super::limits::Meter;
use super::message::InFlight;
use super::request::ConnectRequest;
use super::ticker::Deadline;
use serde_json::Value;
use std::sync::Arc;

pub struct State {
    pub settings: Arc<Settings>,
    pub subject: Subject,
    pub meter: Meter,
    pub deadline: Deadline,
    /// Lines logged by this call.
    pub lines: u32,
}

/// What the call is about, and so what its one handle names.
pub enum Subject {
    /// `configure`, which is told of nothing.
    Nothing,
    Message(Arc<InFlight>),
    Request(Arc<ConnectRequest>),
}

/// What a filter may know of itself.
pub struct Settings {
    pub name: Arc<str>,
    /// Its section of the configuration, and the same as text.
    pub config: Value,
    pub text: String,
}

impl State {
    pub fn message(&self) -> wasmtime::Result<&Arc<InFlight>> {
        match &self.subject {
            Subject::Message(message) => Ok(message),
            Subject::Nothing | Subject::Request(_) => Err(wasmtime::format_err!("this call has no message")),
        }
    }

    pub fn request(&self) -> wasmtime::Result<&ConnectRequest> {
        match &self.subject {
            Subject::Request(request) => Ok(request),
            Subject::Nothing | Subject::Message(_) => Err(wasmtime::format_err!("this call has no request")),
        }
    }
}

/// A JSON value as filters read one: a string as its text, anything else as JSON.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
