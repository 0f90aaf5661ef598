//! A configuration in the place of another, for the clients that are there: they stay, and from now on what their stream
//! says is what it says now. A stream that is no more has its clients closed.

use super::shard::{Shard, Shared, pump_one};
use super::{Config, Stream};
use crate::message::ClientId;
use crate::metrics::CloseReason;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the shards work by.
#[derive(Debug)]
pub struct Renewal {
    pub config: Config,
    /// All that there are, by name.
    pub streams: BTreeMap<Arc<str>, Arc<Stream>>,
}

/// Takes it up.
pub fn renew(shared: &Shared, renewal: &Arc<Renewal>) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    shard.parts.config = renewal.config.clone();
    shard.ring.set_limit(renewal.config.ring);
    shard.renewal = Some(renewal.clone());
    let changed = |shard: &Shard| -> Vec<ClientId> {
        let differs =
            |stream: &Arc<Stream>| !renewal.streams.get(&stream.name).is_some_and(|now| Arc::ptr_eq(now, stream));
        shard.clients.iter().filter(|seat| differs(&seat.client.stream)).map(|seat| seat.client.card.id).collect()
    };
    for id in changed(shard) {
        take_up(shard, id);
        pump_one(shared, shard, id);
    }
}

/// Has one client be of its stream as that is now.
pub fn take_up(shard: &mut Shard, id: ClientId) {
    let Some(renewal) = shard.renewal.clone() else { return };
    let Some(seat) = shard.clients.reach(id) else { return };
    match renewal.streams.get(&seat.client.stream.name) {
        Some(stream) => seat.client.restream(stream.clone()),
        None => shard.goodbye(id, CloseReason::Disconnected),
    }
}
