//! What one client of a shard says: waited for, read a turn at a time, and heard by whoever wants to before more is read.

use super::beat::GOODBYE;
use super::said::{self, Answer, Hearing, What};
use super::session::{self, Heard};
use super::shard::{Shared, pump_one};
use super::socket::Line;
use crate::message::ClientId;
use crate::metrics::CloseReason;
use std::time::Instant;

/// Waits for what a client says, and until that was heard by whoever wants to hear it, and nothing else.
pub async fn listen(shared: Shared, line: Line, id: ClientId) {
    if let Some(hearing) = hearing(&shared, id) {
        if let Some(seat) = shared.borrow_mut().clients.get_mut(&id) {
            seat.announced = true;
        }
        if hearing.kinds.connect {
            tell(&shared, &hearing, id, What::Connect).await;
        }
    }
    loop {
        // First of all what came with its handshake, then whenever there is more. What TLS has already read is not seen
        // by a wait for the socket.
        match hear(&shared, id) {
            Heard::Gone(_) => return,
            Heard::More => tokio::task::yield_now().await,
            Heard::Said(what) => {
                if let Some(hearing) = hearing(&shared, id) {
                    tell(&shared, &hearing, id, what).await;
                }
            }
            Heard::All => {
                if line.readable().await.is_err() {
                    return shared.borrow_mut().remove(id, CloseReason::Broken);
                }
            }
        }
    }
}

/// Who hears it now.
fn hearing(shared: &Shared, id: ClientId) -> Option<Hearing> {
    shared.borrow().clients.get(&id)?.client.stream.hearing.clone()
}

/// Has something heard. A client that must not take it for heard is closed.
async fn tell(shared: &Shared, hearing: &Hearing, id: ClientId, what: What) {
    let matters = matches!(what, What::Message(_));
    let card = shared.borrow().clients.get(&id).map(|seat| seat.client.card.clone());
    let Some(card) = card else { return };
    if said::tell(&hearing.listener(id), card, what).await == Answer::Lost && matters {
        let mut shard = shared.borrow_mut();
        shard.goodbye(id, CloseReason::Fault);
        pump_one(shared, &mut shard, id);
    }
}

/// Reads one client.
fn hear(shared: &Shared, id: ClientId) -> Heard {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let Some(seat) = shard.clients.get_mut(&id) else { return Heard::Gone(CloseReason::Broken) };
    let was_closing = seat.client.closing.is_some() || seat.client.awaiting.is_some();
    let heard = session::read(&mut seat.client, &shard.parts.config, Instant::now());
    if let Heard::Gone(reason) = heard {
        shard.remove(id, reason);
        return heard;
    }
    if !was_closing && (seat.client.closing.is_some() || seat.client.awaiting.is_some()) {
        shard.goodbyes.push_back((Instant::now() + GOODBYE, id));
    }
    if !seat.client.control.is_empty() || seat.client.closing.is_some() {
        pump_one(shared, shard, id);
    }
    if shard.clients.contains_key(&id) { heard } else { Heard::Gone(CloseReason::Broken) }
}
