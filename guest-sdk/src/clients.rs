//! The clients connected now, to the streams the filter works for.
//!
//! What is done to them takes effect when the call returns `Ok`; if it does not, none of it does. What is asked before the
//! first send of the [`outbox`](crate::outbox) is done before it, the rest after the last.

use crate::{Client, ClientId, Close, Label, Selector, gateway};

/// How many there are.
pub fn count(among: &Selector) -> u64 {
    gateway::clients_count(among)
}

/// At most `limit` of them (and 10 000), longest connected first.
pub fn find(among: &Selector, limit: u32) -> Vec<ClientId> {
    gateway::clients_find(among, limit)
}

/// One of them; `None` when it is gone.
pub fn get(id: ClientId) -> Option<Client> {
    gateway::clients_get(id).map(Client)
}

/// Gives one a label, beside any it has.
pub fn add_label(id: ClientId, key: impl Into<String>, value: impl Into<String>) {
    gateway::clients_add_label(id, Label::new(key, value));
}

/// Takes a label away.
pub fn remove_label(id: ClientId, key: impl Into<String>, value: impl Into<String>) {
    gateway::clients_remove_label(id, Label::new(key, value));
}

/// Closes one, with a code that RFC 6455 lets a server send; any other is an error of the filter.
pub fn disconnect(id: ClientId, why: Close) {
    gateway::clients_disconnect(id, why);
}

/// Answers a ping, on a stream with `pong = "manual"`. At most 125 bytes.
pub fn pong(id: ClientId, data: impl Into<Vec<u8>>) {
    gateway::clients_pong(id, data.into());
}
