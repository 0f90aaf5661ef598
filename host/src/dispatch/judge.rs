//! One event to one decision.

use super::{Dispatch, Settings};
use crate::error::Chain;
use crate::filter::{self, Filter};
use crate::journal::{Decision, Error, Held, Judged};
use crate::journey::Judging;
use crate::message::{Audience, Changes, Event, EventId, Keys, Message, Payload, Step};
use crate::metrics::EventOutcome;
use std::sync::Arc;
use std::time::Instant;

/// What holds an event in the place of a filter. No filter can be named so: a name has no space.
const FOREIGN: &str = "phone number ids";
const ORDERED: &str = "conversation order";

impl Dispatch {
    /// As `judge`, for the first time: noted where it is traced.
    pub(super) fn judge_noted(&self, event: Event) -> (Decision, Changes) {
        let journeys = &self.metrics.journeys;
        if !journeys.is_traced(event.id) {
            return self.judge(event);
        }
        let began = Instant::now();
        let (decision, changes) = self.judge(event);
        let (ended, trail) = (Instant::now(), decision.trail.clone());
        let outcome = Judgement::outcome(&decision).name();
        journeys.judged(decision.event, Judging { began, ended, outcome, trail });
        (decision, changes)
    }

    /// A decision, and what is to become of clients around what is published of it.
    pub(super) fn judge(&self, event: Event) -> (Decision, Changes) {
        let settings = self.settings.load_full();
        let Event { id, webhook, received, content_type, unparsed, kind, keys, body, sending, changes } = event;
        let decide = |trail, judged| Decision {
            event: id,
            received,
            content_type: content_type.clone(),
            unparsed,
            kind: kind.clone(),
            keys: keys.clone(),
            trail,
            judged,
        };
        if let Some(sending) = sending {
            // Whoever sent it has said to whom: no filter is asked.
            let payload = sending.payload(body);
            return (decide(Vec::new(), Judged::Deliver(vec![(payload, sending.audience)])), changes);
        }
        if let Some(reason) = settings.foreign(&kind, &keys) {
            tracing::warn!(event = %id, webhook = %self.lane.name(), %reason, "event held");
            return (decide(Vec::new(), Judged::Hold { filter: FOREIGN.to_owned(), reason }), Changes::default());
        }
        let message = Message {
            id,
            webhook,
            received,
            content_type: content_type.clone(),
            payload: Payload::of(body),
            audience: Audience::default(),
        };
        let outcome = filter::run(&settings.chain, message, &settings.scope);
        let judged = match outcome.held {
            Some(held) => {
                let (webhook, why) = (self.lane.name(), held.failure.kind());
                if held.failure.was_told() {
                    tracing::debug!(event = %id, %webhook, filter = %held.filter, "event held");
                } else {
                    tracing::warn!(event = %id, %webhook, filter = %held.filter, why, "event held");
                }
                Judged::Hold { filter: held.filter, reason: Chain(&held.failure).to_string() }
            }
            None => {
                let parts = outcome.deliveries.into_iter().map(|part| (part.payload, part.audience));
                Judged::Deliver(outcome.effects.sends.into_iter().chain(parts).collect())
            }
        };
        (decide(outcome.trail, judged), outcome.effects.changes)
    }

    /// Why an event has to wait for another, which is held already or is to be held with `decisions`.
    pub(super) fn blocked(&self, event: &Event, decisions: &[Decision]) -> Result<Option<String>, Error> {
        if !self.settings.load().ordered || event.keys.user.is_none() {
            return Ok(None);
        }
        let held = |decision: &&Decision| matches!(decision.judged, Judged::Hold { .. }) && decision.keys == event.keys;
        let first = match decisions.iter().find(held) {
            Some(decision) => Some(decision.event),
            None => self.first_held(&event.keys)?,
        };
        Ok(first.map(|first| format!("it waits for event {first} of its conversation")))
    }

    /// The event that holds up its conversation, if conversations are kept in order here. An event that names no user
    /// is in none.
    pub(super) fn first_held(&self, keys: &Keys) -> Result<Option<EventId>, Error> {
        if !self.settings.load().ordered || keys.user.is_none() {
            return Ok(None);
        }
        self.journal.first_held(&self.lane, keys)
    }
}

impl Settings {
    /// Whether events may be judged at the same time: the filters are well, so that none is set aside or given up by how many
    /// fail at once, and none keeps anything, so that the order of calls does not matter.
    pub(super) fn are_steady(&self) -> bool {
        !self.chain.is_empty() && self.chain.iter().all(Filter::is_steady)
    }

    /// Why an event is not this webhook's: a captured delivery to one tenant must not reach the clients of another, and
    /// a provider signs for all of an app's tenants with one secret.
    fn foreign(&self, kind: &str, keys: &Keys) -> Option<String> {
        let own = self.phone_number_ids.as_ref()?;
        match &keys.phone_number_id {
            Some(id) if own.contains(id) => None,
            Some(id) => Some(format!("the phone number id is not one of this webhook's: {}", id.escape_default())),
            None if matches!(kind, "messages" | "statuses" | "unparsed" | "batch") => {
                Some("it does not say which phone number it is about".to_owned())
            }
            // What is about the account as a whole names no number.
            None => None,
        }
    }
}

/// A decision to hold an event until another of its conversation is judged.
pub(super) fn wait(event: Event, reason: String) -> Decision {
    let Event { id, received, content_type, unparsed, kind, keys, .. } = event;
    let judged = Judged::Hold { filter: ORDERED.to_owned(), reason };
    Decision { event: id, received, content_type, unparsed, kind, keys, trail: Vec::new(), judged }
}

/// A decision about a held event that the disk has lost: nothing is left of it to be judged.
pub(super) fn lost(held: Held) -> Decision {
    let Held { event, webhook, received, kind, keys, .. } = held;
    tracing::error!(%event, %webhook, "a held event is lost: the disk has damaged it, or it was deleted");
    let lost = Step { filter: String::new(), sha256: String::new(), verdict: "lost".to_owned(), micros: 0 };
    Decision {
        event,
        received,
        content_type: None,
        unparsed: false,
        kind: kind.into(),
        keys: Arc::new(keys),
        trail: vec![lost],
        judged: Judged::Deliver(Vec::new()),
    }
}

impl Decision {
    /// How many bytes of bodies it has.
    pub(super) fn bytes(&self) -> usize {
        match &self.judged {
            Judged::Deliver(parts) => parts.iter().map(|(payload, _)| payload.data.len()).sum(),
            Judged::Hold { .. } => 0,
        }
    }

    /// Whether it is worth judging again by itself: a filter may recover, a number does not change hands, and who waits
    /// for another is called when that one is done.
    pub(super) fn retries(&self) -> bool {
        matches!(&self.judged, Judged::Hold { filter, .. } if filter != FOREIGN && filter != ORDERED)
    }
}

/// What is counted of a decision, once it is written.
pub(super) struct Judgement {
    pub event: EventId,
    pub outcome: EventOutcome,
    pub unparsed: bool,
    pub foreign: bool,
}

impl Judgement {
    pub fn outcome(decision: &Decision) -> EventOutcome {
        match &decision.judged {
            Judged::Hold { .. } => EventOutcome::Held,
            Judged::Deliver(parts) if parts.is_empty() => EventOutcome::Dropped,
            Judged::Deliver(_) => EventOutcome::Delivered,
        }
    }

    pub fn of(decision: &Decision) -> Self {
        let foreign = matches!(&decision.judged, Judged::Hold { filter, .. } if filter == FOREIGN);
        Self { event: decision.event, outcome: Self::outcome(decision), unparsed: decision.unparsed, foreign }
    }
}
