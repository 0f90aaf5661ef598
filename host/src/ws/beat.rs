//! What a shard does by the clock: it pings those who are due, lets go of those who are silent, and of those whose
//! goodbye has taken too long.

use super::Slow;
use super::behind;
use super::encode::Form;
use super::farewell;
use super::presence;
use super::shard::{Shard, Shared, pump_one};
use crate::message::{ClientId, Timestamp};
use crate::metrics::CloseReason;
use std::time::{Duration, Instant};

/// How finely heartbeats and goodbyes are timed.
pub const TICK: Duration = Duration::from_millis(250);

/// How many ticks lie between two looks at who is behind.
const LOOK: u32 = 4;

/// How long a client has to answer a close frame.
pub const GOODBYE: Duration = Duration::from_secs(2);

pub fn beat(shared: &Shared, now: Instant) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    ask_again(shared, shard);
    presence::tell(shared, shard);
    shard.beats = shard.beats.wrapping_add(1);
    if shard.beats.is_multiple_of(LOOK) {
        behind::tell(shard);
    }
    let mut due = Vec::new();
    for queue in shard.heartbeats.values_mut() {
        while queue.front().is_some_and(|(when, _)| *when <= now) {
            due.extend(queue.pop_front().map(|(_, id)| id));
        }
    }
    for id in due {
        if is_silent(shard, id, now) {
            shard.remove(id, CloseReason::Silent);
        }
        let Some(seat) = shard.clients.reach(id) else { continue };
        farewell::ping(&mut seat.client);
        // It may be another than the last time.
        let interval = seat.client.stream.heartbeat;
        let overtaken = seat.client.blocked && seat.client.is_behind(&shard.ring) && seat.client.is_live();
        if overtaken && seat.client.stream.slow == Slow::Disconnect {
            shard.goodbye(id, CloseReason::TooSlow);
        }
        shard.heartbeats.entry(interval).or_default().push_back((now + interval, id));
        pump_one(shared, shard, id);
    }
    let clock = Timestamp::now();
    while shard.expiries.first().is_some_and(|(expires, _)| *expires <= clock) {
        let Some((_, id)) = shard.expiries.pop_first() else { break };
        shard.goodbye(id, CloseReason::Expired);
        pump_one(shared, shard, id);
    }
    while shard.goodbyes.front().is_some_and(|(when, _)| *when <= now) {
        let Some((_, id)) = shard.goodbyes.pop_front() else { break };
        let waits = shard.clients.reach(id).map(|seat| &mut seat.client).filter(|client| client.awaiting.is_some());
        if let Some(client) = waits {
            // No filter has answered its close frame.
            farewell::give_up_waiting(client);
            shard.goodbyes.push_back((now + GOODBYE, id));
            pump_one(shared, shard, id);
            continue;
        }
        let reason = shard.clients.get(id).and_then(|seat| seat.client.closing.as_ref()).map(|closing| closing.reason);
        if let Some(reason) = reason {
            shard.remove(id, reason);
        }
    }
}

/// Asks again for those for whom there was no room.
fn ask_again(shared: &Shared, shard: &mut Shard) {
    for id in std::mem::take(&mut shard.unasked) {
        if let Some(seat) = shard.clients.reach(id) {
            seat.client.ask_again();
            // It comes to what it does not know, in the ring or on disk.
            pump_one(shared, shard, id);
        }
    }
}

fn is_silent(shard: &mut Shard, id: ClientId, now: Instant) -> bool {
    let Some(seat) = shard.clients.at_id(id) else { return false };
    let client = &mut seat.client;
    // With no word of its own, that it takes what it is given is the sign that it is there.
    if std::mem::take(&mut client.taken) && client.manner.form == Form::Sse {
        client.heard = now;
    }
    client.pinged && now.duration_since(client.heard) >= shard.parts.config.idle
}
