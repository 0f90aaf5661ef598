//! How many clients of a shard are behind, and how far the furthest of them is: looked at about once a second, since it
//! takes a walk past all of them.

use super::shard::Shard;
use crate::metrics::Behind;
use std::sync::Arc;

pub fn tell(shard: &Shard) {
    let end = shard.published();
    let mut streams: Vec<(Arc<str>, Behind)> = Vec::new();
    for (stream, cursor, clients) in shard.clients.standings() {
        let name = &stream.name;
        // There are few streams, and a client's is mostly that of the one before.
        let index = match streams.iter().rposition(|(known, _)| known == name) {
            Some(index) => index,
            None => {
                streams.push((name.clone(), Behind::default()));
                streams.len() - 1
            }
        };
        streams[index].1.note(end.0.saturating_sub(cursor.offset.0), clients);
    }
    shard.parts.metrics.standings.tell(shard.parts.number, streams);
}
