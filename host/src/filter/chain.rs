//! A message through the filters of its webhook, in order: each judges what the earlier ones left of it.

use super::call::Cost;
use super::failure::Failure;
use super::message::InFlight;
use super::verdict::{Part, Verdict};
use super::{Filter, OnError};
use crate::message::{Audience, Message, Narrowing, Selector, Step};
use std::sync::Arc;

/// Parts one message may be in at once: each filter may split each part, which would otherwise grow without bound.
const PARTS: usize = 1024;

/// What became of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What goes to clients, in order. Empty when it was dropped, and when it is held.
    pub deliveries: Vec<Message>,
    /// What each call said.
    pub trail: Vec<Step>,
    /// The message waits, whole: nothing of it is delivered until the filter is mended.
    pub held: Option<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub filter: String,
    pub failure: Failure,
}

/// Runs a message down the chain. Blocks as long as the calls take.
pub fn run(chain: &[Filter], message: Message) -> Outcome {
    let mut trail = Vec::new();
    let mut parts = vec![Arc::new(InFlight::new(message))];
    for filter in chain {
        let mut left = Vec::with_capacity(parts.len());
        let waiting = parts.len();
        for (done, part) in parts.into_iter().enumerate() {
            let (answer, cost) = filter.judge(&part);
            let room = PARTS.saturating_sub(left.len() + waiting - done - 1);
            let answer = answer.and_then(|verdict| fits(verdict, room));
            trail.push(step(filter, &answer, cost));
            match (answer, filter.on_error()) {
                (Ok(verdict), _) => apply(filter, part, verdict, &mut left),
                (Err(failure), OnError::Hold) => {
                    let held = Held { filter: filter.name().to_owned(), failure };
                    return Outcome { deliveries: Vec::new(), trail, held: Some(held) };
                }
                (Err(failure), on_error) => {
                    let (event, kind) = (part.message.id, failure.kind());
                    tracing::warn!(filter = filter.name(), %event, kind, %failure, ?on_error, "a filter failed");
                    if on_error == OnError::Pass {
                        left.push(part);
                    }
                }
            }
        }
        parts = left;
    }
    Outcome { deliveries: parts.into_iter().map(taken).collect(), trail, held: None }
}

/// What a verdict leaves of a message.
fn apply(filter: &Filter, part: Arc<InFlight>, verdict: Verdict, left: &mut Vec<Arc<InFlight>>) {
    match verdict {
        Verdict::Pass => left.push(part),
        Verdict::Drop(reason) => {
            let event = part.message.id;
            tracing::debug!(filter = filter.name(), %event, reason, "a filter dropped a message");
        }
        Verdict::Rewrite(payload) => {
            left.push(Arc::new(InFlight::new(Message { payload, ..part.message.clone() })));
        }
        Verdict::Send(selections) => {
            left.extend(selections.into_iter().map(|selection| Arc::new(split(&part, selection))));
        }
    }
}

fn step(filter: &Filter, answer: &Result<Verdict, Failure>, cost: Cost) -> Step {
    let verdict = match answer {
        Ok(verdict) => verdict.name().to_owned(),
        Err(failure) => format!("error: {failure}"),
    };
    Step { filter: filter.name().to_owned(), sha256: filter.sha256().to_owned(), verdict, micros: cost.micros }
}

fn fits(verdict: Verdict, room: usize) -> Result<Verdict, Failure> {
    match verdict {
        Verdict::Send(parts) if parts.len() > room => {
            Err(Failure::Invalid(format!("deliveries that split one message into over {PARTS} parts")))
        }
        verdict => Ok(verdict),
    }
}

/// One part of a split message: its audience is what it was, narrowed once more.
fn split(whole: &InFlight, part: Part) -> InFlight {
    let mut split = match part.payload {
        Some(payload) => InFlight::new(Message { payload, ..whole.message.clone() }),
        None => whole.clone(),
    };
    narrow(&mut split.message.audience, part.narrowing);
    split
}

fn narrow(audience: &mut Audience, narrowing: Narrowing) {
    // Everyone, less nobody, narrows nothing.
    if narrowing.to != Selector::Everyone || !narrowing.except.is_empty() {
        audience.0.push(narrowing);
    }
}

fn taken(part: Arc<InFlight>) -> Message {
    Arc::try_unwrap(part).map_or_else(|shared| shared.message.clone(), |part| part.message)
}
