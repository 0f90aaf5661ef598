//! What a client says, through the filters of its stream, in order; and what becomes of clients, told to those who want
//! to know.

use super::bindings::exports::postern::filter::event_handler;
use super::bindings::postern::filter::types;
use super::call::Cost;
use super::chain::{self, PARTS};
use super::effects::Effects;
use super::failure::Failure;
use super::message::InFlight;
use super::state::{State, Subject};
use super::verdict::{self, Verdict};
use super::version::InForce;
use super::{Filter, OnError};
use crate::message::{Card, Message, Scope};
use std::sync::Arc;
use wasmtime::Store;
use wasmtime::component::Resource;

/// What becomes of a client, as filters are told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    Connect,
    Close(Option<(u16, String)>),
    Disconnect(Option<String>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

/// What the filters made of what a client said.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// What goes to clients of its stream, in order: parts that a filter sent.
    pub sent: Vec<Message>,
    /// What every filter let pass, rewritten or not: the stream's configuration says what becomes of it.
    pub passed: Vec<Message>,
    pub effects: Effects,
    /// A filter could not judge it, and its policy is to hold: what was said is not taken in.
    pub lost: bool,
}

/// Runs what a client said down the chain. Blocks as long as the calls take.
pub fn judge(chain: &[Filter], sender: &Arc<Card>, message: Message, scope: &Scope) -> Heard {
    let mut heard = Heard::default();
    // Each with whether a filter has sent it to somebody.
    let mut parts = vec![(Arc::new(InFlight::new(message)), false)];
    let chain: Vec<InForce<'_>> = chain.iter().map(Filter::in_force).collect();
    for filter in &chain {
        let shadow = filter.version().shadow;
        let (mut left, waiting) = (Vec::with_capacity(parts.len()), parts.len());
        for (done, (part, is_sent)) in parts.into_iter().enumerate() {
            let room = PARTS.saturating_sub(left.len() + waiting - done - 1);
            let (answer, cost) = filter.say(sender, &part, scope);
            let answer = answer.and_then(|(verdict, wanted)| Ok((chain::fits(verdict, room)?, wanted)));
            if shadow {
                tracing::debug!(filter = filter.name(), client = %sender.id, ?answer, ?cost, "a filter in shadow");
                left.push((part, is_sent));
                continue;
            }
            match answer {
                Ok((verdict, wanted)) => {
                    heard.effects.extend(wanted);
                    let sends = is_sent || matches!(verdict, Verdict::Send(_));
                    let mut made = Vec::new();
                    chain::apply(filter.name(), part, verdict, &mut made);
                    left.extend(made.into_iter().map(|part| (part, sends)));
                }
                Err(failure) => {
                    let (client, kind, on_error) = (sender.id, failure.kind(), filter.version().on_error);
                    if !failure.was_told() {
                        tracing::warn!(filter = filter.name(), %client, kind, %failure, ?on_error, "a client filter failed");
                    }
                    match on_error {
                        OnError::Hold => return Heard { lost: true, ..Heard::default() },
                        OnError::Pass => left.push((part, is_sent)),
                        OnError::Drop => {}
                    }
                }
            }
        }
        parts = left;
    }
    for (part, is_sent) in parts {
        let message = chain::taken(part);
        if is_sent { heard.sent.push(message) } else { heard.passed.push(message) }
    }
    heard
}

/// Tells filters what became of a client. One that fails is logged, and the others are told all the same. Blocks as
/// long as the calls take.
pub fn hear(filters: &[Filter], client: &Arc<Card>, what: &Lifecycle, scope: &Scope) -> Heard {
    let mut heard = Heard::default();
    for filter in filters {
        let filter = filter.in_force();
        match filter.hear(client, what, scope).0 {
            Ok(_) if filter.version().shadow => {}
            Ok(effects) => heard.effects.extend(effects),
            Err(failure) => {
                let (client, kind) = (client.id, failure.kind());
                if !failure.was_told() {
                    tracing::warn!(filter = filter.name(), %client, kind, %failure, "an event filter failed");
                }
            }
        }
    }
    heard
}

impl InForce<'_> {
    pub(super) fn say(
        &self,
        sender: &Arc<Card>,
        message: &Arc<InFlight>,
        scope: &Scope,
    ) -> (Result<(Verdict, Effects), Failure>, Cost) {
        let Some(handler) = &self.version().handlers.client else {
            return (Err(Failure::Missing("client-handler")), Cost::default());
        };
        let subject = Subject {
            message: Some(message.clone()),
            client: Some(sender.clone()),
            scope: scope.clone(),
            ..Subject::default()
        };
        let output = self.version().callee.machine.bounds.output();
        self.ask(
            subject,
            |store, instance| {
                let client = store.data_mut().hand_out(sender.clone())?;
                let message = store.data().handle();
                handler.load(&mut *store, instance)?.call_on_client_message(store, client, message)
            },
            |answer| verdict::verdict(answer, output),
        )
    }

    pub(super) fn hear(&self, client: &Arc<Card>, what: &Lifecycle, scope: &Scope) -> (Result<Effects, Failure>, Cost) {
        let Some(handler) = &self.version().handlers.event else {
            return (Err(Failure::Missing("event-handler")), Cost::default());
        };
        let subject = Subject { client: Some(client.clone()), scope: scope.clone(), ..Subject::default() };
        let (answer, cost) = self.ask(
            subject,
            |store, instance| {
                let handle = store.data_mut().hand_out(client.clone())?;
                call_event(handler, store, instance, handle, what)
            },
            Ok,
        );
        (answer.map(|((), effects)| effects), cost)
    }
}

fn call_event(
    handler: &event_handler::GuestIndices,
    store: &mut Store<State>,
    instance: &wasmtime::component::Instance,
    client: Resource<super::bindings::ClientHandle>,
    what: &Lifecycle,
) -> wasmtime::Result<Result<(), String>> {
    let event = match what.clone() {
        Lifecycle::Connect => types::Event::Connect,
        Lifecycle::Close(said) => types::Event::Close(said.map(|(code, reason)| types::Close { code, reason })),
        Lifecycle::Disconnect(why) => types::Event::Disconnect(why),
        Lifecycle::Ping(data) => types::Event::Ping(data),
        Lifecycle::Pong(data) => types::Event::Pong(data),
    };
    handler.load(&mut *store, instance)?.call_on_event(store, client, &event)
}
