//! Messages a filter sends on its own account.
//!
//! They go straight to clients, not through the chain, after the call returns `Ok`, in the order sent; if it does not,
//! none of them goes. They are durable as events are, and are resumed and replayed like them. They reach the clients of
//! the streams the filter works for: those that carry the webhook of the message, or the stream of the client, or those
//! of the page that the request is for.

use crate::{ClientId, Payload, Selector, gateway};

/// Sends to everyone `to` chooses, less `except`.
pub fn send(to: &Selector, except: &[ClientId], what: Payload) {
    gateway::outbox_send(to, except, what);
}

/// Sends to one client.
pub fn to_client(client: ClientId, what: Payload) {
    send(&Selector::Clients(vec![client]), &[], what);
}

/// Sends to those that carry a label.
pub fn to_label(key: impl Into<String>, value: impl Into<String>, what: Payload) {
    send(&Selector::label(key, value), &[], what);
}

/// Sends to everyone.
pub fn broadcast(what: Payload) {
    send(&Selector::Everyone, &[], what);
}
