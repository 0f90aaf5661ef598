//! What one call holds. A handle names something of the call it was given in, and nothing of any other: on an instance
//! that is kept, one that outlives its call traps, and to let go of it does nothing.

use super::bindings::{ClientHandle, MessageHandle, RequestHandle};
use super::call::HANDLES;
use super::effects::{Breach, Effects};
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
use std::time::Duration;
use wasmtime::component::Resource;

pub struct State {
    pub machine: Arc<Machine>,
    pub settings: Arc<Settings>,
    pub subject: Subject,
    /// Which call of its instance this is: the handles of its message and its request carry it.
    pub call: u32,
    pub meter: Meter,
    pub deadline: Deadline,
    pub effects: Effects,
    /// The clients of whom the call has a handle.
    pub cards: Cards,
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
    /// Makes an instance that is kept ready for its next call.
    pub fn begin(&mut self, deadline: Duration, subject: Subject) {
        self.subject = subject;
        self.call = self.call.wrapping_add(1);
        self.deadline = Deadline::within(deadline);
        self.effects = Effects::default();
        (self.lines, self.sending) = (0, 0);
    }

    /// Leaves nothing of a call that is over.
    pub fn end(&mut self) {
        self.subject = Subject::default();
        self.cards.forget();
    }

    pub fn handle<T: 'static>(&self) -> Resource<T> {
        Resource::new_own(self.call)
    }

    pub fn message(&self, handle: &Resource<MessageHandle>) -> wasmtime::Result<&Arc<InFlight>> {
        let message = self.subject.message.as_ref().filter(|_| handle.rep() == self.call);
        message.ok_or_else(|| wasmtime::format_err!("{STALE}"))
    }

    pub fn request(&self, handle: &Resource<RequestHandle>) -> wasmtime::Result<&HttpRequest> {
        let request = self.subject.request.as_deref().filter(|_| handle.rep() == self.call);
        request.ok_or_else(|| wasmtime::format_err!("{STALE}"))
    }

    pub fn client(&self, handle: &Resource<ClientHandle>) -> wasmtime::Result<&Arc<Card>> {
        self.cards.at(handle.rep()).ok_or_else(|| wasmtime::format_err!("{STALE}"))
    }

    pub fn hand_out(&mut self, client: Arc<Card>) -> wasmtime::Result<Resource<ClientHandle>> {
        Ok(Resource::new_own(self.cards.add(client)?))
    }
}

const STALE: &str = "a handle was used after the call it came with";

/// Clients of whom an instance has handles. Numbers are given once, so that one kept from an earlier call names nobody.
#[derive(Default)]
pub struct Cards {
    cards: Vec<Option<Arc<Card>>>,
    /// The number of the first of them.
    first: u32,
    /// Handles given and not let go of, of this call and of all.
    live: usize,
    held: usize,
}

/// Handles that one call may be given, one after the other.
const GIVEN: usize = 1 << 20;

impl Cards {
    fn add(&mut self, card: Arc<Card>) -> wasmtime::Result<u32> {
        if self.live >= HANDLES || self.cards.len() >= GIVEN {
            let what =
                format!("more handles of clients than the {HANDLES} a call may hold, or the {GIVEN} it may be given");
            return Err(Breach::of(what));
        }
        let index = u32::try_from(self.cards.len()).ok().and_then(|index| self.first.checked_add(index));
        let index = index.ok_or_else(|| wasmtime::format_err!("an instance has had all the handles there are"))?;
        self.cards.push(Some(card));
        self.live += 1;
        self.held += 1;
        Ok(index)
    }

    fn at(&self, number: u32) -> Option<&Arc<Card>> {
        self.cards.get(number.checked_sub(self.first)? as usize)?.as_ref()
    }

    /// The guest has let go of one, now or long after its call.
    pub fn let_go(&mut self, number: u32) {
        self.held = self.held.saturating_sub(1);
        if let Some(index) = number.checked_sub(self.first)
            && let Some(card) = self.cards.get_mut(index as usize)
        {
            *card = None;
            self.live -= 1;
        }
    }

    /// How many the guest holds yet.
    pub fn outstanding(&self) -> usize {
        self.held
    }

    fn forget(&mut self) {
        self.first = self.first.saturating_add(u32::try_from(self.cards.len()).unwrap_or(u32::MAX));
        self.cards.clear();
        self.live = 0;
    }
}

/// A JSON value as filters read one: a string as its text, anything else as JSON.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
