//! What a call wants done beside its answer: sends, labels, goodbyes. It is kept until the call has returned `ok`, and
//! forgotten when it has not, so that a call happens whole or not at all.

use super::failure::Failure;
use crate::message::{Audience, Change, Changes, Label, Narrowing, Payload};

/// Of one call, or of the calls of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    pub sends: Vec<(Payload, Audience)>,
    /// Those asked for before the first send, and the others.
    pub changes: Changes,
}

/// Sends of one call, and changes.
const SENDS: usize = 1024;
const CHANGES: usize = 4096;

/// A rule of the package that a call has broken by what it asked for. Ends the call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Breach(pub Failure);

impl Breach {
    pub fn of(what: impl Into<String>) -> wasmtime::Error {
        Self(Failure::Invalid(what.into())).into()
    }
}

impl Effects {
    pub fn send(&mut self, payload: Payload, narrowing: Narrowing) -> wasmtime::Result<()> {
        if self.sends.len() >= SENDS {
            return Err(Breach::of(format!("more than the {SENDS} sends that one call may make")));
        }
        let mut audience = Audience::default();
        audience.narrow(narrowing);
        self.sends.push((payload, audience));
        Ok(())
    }

    pub fn change(&mut self, change: Change) -> wasmtime::Result<()> {
        if self.changes.before.len() + self.changes.after.len() >= CHANGES {
            return Err(Breach::of(format!("more than the {CHANGES} changes that one call may make")));
        }
        let Changes { before, after } = &mut self.changes;
        if self.sends.is_empty() {
            before.push(change)
        } else {
            after.push(change)
        }
        Ok(())
    }

    /// What these make of a client's labels.
    pub fn labels(&self, client: crate::message::ClientId, mut labels: Vec<Label>) -> Vec<Label> {
        let all = self.changes.before.iter().chain(&self.changes.after);
        for change in all.filter(|change| change.client() == client) {
            match change {
                Change::AddLabel { label, .. } if !labels.contains(label) => labels.push(label.clone()),
                Change::RemoveLabel { label, .. } => labels.retain(|other| other != label),
                _ => {}
            }
        }
        labels
    }

    /// Puts those of a later call behind them.
    pub fn extend(&mut self, later: Self) {
        let Changes { before, after } = &mut self.changes;
        if self.sends.is_empty() {
            before.extend(later.changes.before)
        } else {
            after.extend(later.changes.before)
        }
        after.extend(later.changes.after);
        self.sends.extend(later.sends);
    }

    pub fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.changes.is_empty()
    }
}
