//! The message a call is about, as filters see it: nothing is copied into their memory until they ask.

use super::bindings::MessageHandle;
use super::bindings::postern::filter::types::{self, HostMessage};
use super::state::{State, text_of};
use crate::message::{Format, Message};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use wasmtime::component::Resource;

/// A message on its way down the chain, and its body as JSON once some filter has asked for it.
#[derive(Clone)]
pub struct InFlight {
    pub message: Message,
    json: Arc<OnceLock<Option<Value>>>,
}

impl InFlight {
    pub fn new(message: Message) -> Self {
        Self { message, json: Arc::default() }
    }

    /// The body parsed, once, however many filters ask. `None` when it is not JSON or nests deeper than 128: serde_json
    /// then refuses, so that no body can exhaust the stack.
    fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_slice(&self.message.payload.data).ok()).as_ref()
    }
}

impl HostMessage for State {
    fn id(&mut self, handle: Resource<MessageHandle>) -> wasmtime::Result<u64> {
        Ok(self.message(&handle)?.message.id.0)
    }

    fn source(&mut self, handle: Resource<MessageHandle>) -> wasmtime::Result<String> {
        Ok(self.message(&handle)?.message.webhook.to_string())
    }

    fn received(&mut self, handle: Resource<MessageHandle>) -> wasmtime::Result<u64> {
        Ok(self.message(&handle)?.message.received.0)
    }

    fn format(&mut self, handle: Resource<MessageHandle>) -> wasmtime::Result<types::Format> {
        Ok(match self.message(&handle)?.message.payload.format {
            Format::Text => types::Format::Text,
            Format::Binary => types::Format::Binary,
        })
    }

    fn size(&mut self, handle: Resource<MessageHandle>) -> wasmtime::Result<u64> {
        Ok(self.message(&handle)?.message.payload.data.len() as u64)
    }

    fn data(&mut self, handle: Resource<MessageHandle>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.message(&handle)?.message.payload.data.to_vec())
    }

    fn read(&mut self, handle: Resource<MessageHandle>, offset: u64, len: u64) -> wasmtime::Result<Vec<u8>> {
        let data = &self.message(&handle)?.message.payload.data;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
        let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(data.len());
        Ok(data[start..end].to_vec())
    }

    fn json(&mut self, handle: Resource<MessageHandle>, pointer: String) -> wasmtime::Result<Option<String>> {
        Ok(self.message(&handle)?.json().and_then(|json| json.pointer(&pointer)).map(text_of))
    }

    fn header(&mut self, handle: Resource<MessageHandle>, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let content_type = &self.message(&handle)?.message.content_type;
        let asked = name.eq_ignore_ascii_case("content-type");
        Ok(content_type.as_ref().filter(|_| asked).map(|value| value.clone().into_bytes()))
    }

    fn drop(&mut self, _: Resource<MessageHandle>) -> wasmtime::Result<()> {
        Ok(()) // The store holds the message, and goes when the call ends.
    }
}

impl types::Host for State {}
