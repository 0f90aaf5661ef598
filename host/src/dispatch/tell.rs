//! What is told of decisions to operators who look on.

use super::Dispatch;
use crate::journal::{Decision, Judged};
use crate::message::{SENT, Scope, Timestamp};
use crate::tap::{Became, Told};

impl Dispatch {
    /// What is to be told once these decisions are written: nothing, while nobody looks on.
    pub(super) fn tale(&self, decisions: &[Decision]) -> Vec<Told> {
        if !self.tap.is_watched() {
            return Vec::new();
        }
        let settings = self.settings.load();
        decisions.iter().map(|decision| self.told(decision, &settings.scope)).collect()
    }

    fn told(&self, decision: &Decision, scope: &Scope) -> Told {
        let webhook = self.lane.name().clone();
        let became = match &decision.judged {
            Judged::Hold { filter, reason } => Became::Held { filter: filter.clone(), reason: reason.clone() },
            Judged::Deliver(parts) if parts.is_empty() => Became::Dropped,
            Judged::Deliver(parts) => {
                let audiences: Vec<_> = parts.iter().map(|(_, audience)| audience).collect();
                // What no webhook brought is for every stream.
                let scope = (*webhook != *SENT).then_some(scope);
                Became::Delivered { parts: parts.len(), clients: self.tap.addressed(scope, &audiences) }
            }
        };
        Told {
            event: decision.event,
            webhook,
            kind: decision.kind.clone(),
            keys: decision.keys.clone(),
            received: decision.received,
            decided: Timestamp::now(),
            unparsed: decision.unparsed,
            trail: decision.trail.clone(),
            became,
        }
    }
}
