//! A message through the filters of its webhook, in order: each judges what the earlier ones left of it.

use super::call::Cost;
use super::effects::Effects;
use super::failure::Failure;
use super::message::InFlight;
use super::state::Subject;
use super::verdict::{self, Part, Verdict};
use super::version::{Counted, InForce};
use super::{Filter, OnError};
use crate::message::{Message, Scope, Step};
use crate::metrics::FilterVerdict;
use std::sync::Arc;

/// What the verdict of a filter in shadow begins with, in a trail: it was not done.
const SHADOW: &str = "shadow ";

/// Parts one message may be in at once: each filter may split each part, which would otherwise grow without bound.
pub(super) const PARTS: usize = 1024;

/// What became of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What goes to clients, in order. Empty when it was dropped, and when it is held.
    pub deliveries: Vec<Message>,
    /// What each call said.
    pub trail: Vec<Step>,
    /// What the filters want done beside it.
    pub effects: Effects,
    /// The message waits, whole: nothing of it is delivered until the filter is mended.
    pub held: Option<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub filter: String,
    pub failure: Failure,
}

/// Runs a message down the chain, on behalf of the streams of `scope`. Blocks as long as the calls take.
pub fn run(chain: &[Filter], message: Message, scope: &Scope) -> Outcome {
    let (mut trail, mut effects) = (Vec::new(), Effects::default());
    let mut parts = vec![Arc::new(InFlight::new(message))];
    // One version of each for the whole of the message.
    let chain: Vec<InForce<'_>> = chain.iter().map(Filter::in_force).collect();
    for filter in &chain {
        let (on_error, shadow) = (filter.version().on_error, filter.version().shadow);
        let mut left = Vec::with_capacity(parts.len());
        let waiting = parts.len();
        for (done, part) in parts.into_iter().enumerate() {
            let (answer, cost) = filter.judge(&part, scope);
            let room = PARTS.saturating_sub(left.len() + waiting - done - 1);
            let answer = answer.and_then(|(verdict, wanted)| {
                let verdict = fits(verdict, room)?;
                if !shadow {
                    effects.extend(wanted);
                }
                Ok(verdict)
            });
            trail.push(step(filter, &answer, cost));
            match (answer, on_error) {
                _ if shadow => left.push(part),
                (Ok(verdict), _) => apply(filter.name(), part, verdict, &mut left),
                (Err(failure), OnError::Hold) => {
                    let held = Held { filter: filter.name().to_owned(), failure };
                    // What the others wanted is wanted again when it is judged again.
                    return Outcome { trail, held: Some(held), ..Outcome::default() };
                }
                (Err(failure), on_error) => {
                    let (event, kind) = (part.message.id, failure.kind());
                    if !failure.was_told() {
                        tracing::warn!(filter = filter.name(), %event, kind, %failure, ?on_error, "a filter failed");
                    }
                    if on_error == OnError::Pass {
                        left.push(part);
                    }
                }
            }
        }
        parts = left;
    }
    Outcome { deliveries: parts.into_iter().map(taken).collect(), trail, effects, held: None }
}

/// What a verdict leaves of a message.
pub(super) fn apply(filter: &str, part: Arc<InFlight>, verdict: Verdict, left: &mut Vec<Arc<InFlight>>) {
    match verdict {
        Verdict::Pass => left.push(part),
        Verdict::Drop(reason) => {
            let event = part.message.id;
            tracing::debug!(filter, %event, reason, "a filter dropped a message");
        }
        Verdict::Rewrite(payload) => {
            left.push(Arc::new(InFlight::new(Message { payload, ..part.message.clone() })));
        }
        Verdict::Send(selections) => {
            left.extend(selections.into_iter().map(|selection| Arc::new(split(&part, selection))));
        }
    }
}

fn step(filter: &InForce<'_>, answer: &Result<Verdict, Failure>, cost: Cost) -> Step {
    let verdict = match answer {
        Ok(verdict) => verdict.name().to_owned(),
        Err(failure) => format!("error: {failure}"),
    };
    let verdict = if filter.version().shadow { format!("{SHADOW}{verdict}") } else { verdict };
    let sha256 = filter.version().sha256.clone();
    Step { filter: filter.name().to_owned(), sha256, verdict, micros: cost.micros }
}

pub(super) fn fits(verdict: Verdict, room: usize) -> Result<Verdict, Failure> {
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
    split.message.audience.narrow(part.narrowing);
    split
}

pub(super) fn taken(part: Arc<InFlight>) -> Message {
    Arc::try_unwrap(part).map_or_else(|shared| shared.message.clone(), |part| part.message)
}

impl Counted for Verdict {
    fn counted(&self) -> FilterVerdict {
        match self {
            Self::Pass => FilterVerdict::Pass,
            Self::Drop(_) => FilterVerdict::Drop,
            Self::Rewrite(_) => FilterVerdict::Rewrite,
            Self::Send(_) => FilterVerdict::Send,
        }
    }
}

impl InForce<'_> {
    /// Asks what to do with a message.
    pub(super) fn judge(&self, message: &Arc<InFlight>, scope: &Scope) -> (Result<(Verdict, Effects), Failure>, Cost) {
        let Some(handler) = &self.version().handlers.message else {
            return (Err(Failure::Missing("message-handler")), Cost::default());
        };
        let subject = Subject { message: Some(message.clone()), scope: scope.clone(), ..Subject::default() };
        let output = self.version().callee.machine.bounds.output();
        self.ask(
            subject,
            |store, instance| {
                let message = store.data().handle();
                handler.load(&mut *store, instance)?.call_on_message(store, message)
            },
            |answer| verdict::verdict(answer, output),
        )
    }
}
