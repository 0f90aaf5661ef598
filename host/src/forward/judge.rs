//! What a target's filter makes of an entry.
//!
//! It is a message filter like any other, on its own meter; it sees no clients, and does nothing to any: what it wants done
//! beside its verdict is left. Of what it sends to some, nothing goes to the target, and of what it sends to everyone the
//! first: a target gets one message or none.

use crate::filter::{self, Filter};
use crate::message::{Audience, Entry, Payload, Scope};

pub enum Judged {
    Post(Payload),
    Drop,
    /// It could not say, and why.
    Hold(String),
}

/// Asks it. Blocks as long as the call takes.
pub fn judge(filter: Option<&Filter>, entry: &Entry) -> Judged {
    let Some(filter) = filter else { return Judged::Post(entry.payload.clone()) };
    let message = entry.message();
    let outcome = filter::run(std::slice::from_ref(filter), message, &Scope::default());
    if let Some(held) = outcome.held {
        return Judged::Hold(format!("filter `{}` {}", held.filter, held.failure));
    }
    match outcome.deliveries.into_iter().find(|part| is_for_everyone(&part.audience)) {
        Some(part) => Judged::Post(part.payload),
        None => Judged::Drop,
    }
}

/// What is for some clients is for nobody else.
pub fn is_for_everyone(audience: &Audience) -> bool {
    audience.0.is_empty()
}
