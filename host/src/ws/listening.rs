//! What one client of a shard says: read a turn at a time, and heard by whoever wants to before more is read.

use super::beat::GOODBYE;
use super::said::{self, Answer, Hearing, What};
use super::session::{self, Heard};
use super::shard::{Shared, pump_one};
use super::socket::Line;
use crate::message::ClientId;
use crate::metrics::CloseReason;
use crate::pipe::Near;
use crate::task;
use std::rc::Rc;
use std::time::Instant;

/// A client is there: whoever wants to hear it hears of it first, then what came with its handshake is read.
pub fn begin(shared: &Shared, id: ClientId) {
    let hearing = hearing(shared, id);
    let pipe = {
        let mut shard = shared.borrow_mut();
        let Some(seat) = shard.clients.at_id(id) else { return };
        seat.announced = hearing.is_some();
        match seat.client.socket.line() {
            Line::Pipe(pipe) => Some(pipe.clone()),
            _ => None,
        }
    };
    if let Some(pipe) = pipe {
        // No poller knows of a pipe.
        let listener = task::local(listen(shared.clone(), pipe, id, hearing));
        return keep(shared, id, listener);
    }
    match hearing.filter(|hearing| hearing.kinds.connect) {
        Some(hearing) => tell_aside(shared, hearing, id, What::Connect),
        None if has_early(shared, id) => read(shared, id),
        // Its socket says when there is something.
        None => {}
    }
}

/// Reads a client whose socket has something, unless what it said last is still being heard: then it is read after that.
pub fn read(shared: &Shared, id: ClientId) {
    if shared.borrow().clients.get(id).is_none_or(|seat| seat.listener.is_some()) {
        return;
    }
    match hear(shared, id) {
        Heard::Gone(_) | Heard::All => {}
        Heard::More => shared.borrow_mut().unread.push(id),
        Heard::Said(what) => match hearing(shared, id) {
            Some(hearing) => tell_aside(shared, hearing, id, what),
            None => shared.borrow_mut().unread.push(id),
        },
    }
}

/// Has something heard by a task of its own, and goes on reading then.
fn tell_aside(shared: &Shared, hearing: Hearing, id: ClientId, what: What) {
    let shard = shared.clone();
    let listener = task::local(async move {
        tell(&shard, &hearing, id, what).await;
        if let Some(seat) = shard.borrow_mut().clients.at_id(id) {
            seat.listener = None;
        }
        read(&shard, id);
    });
    keep(shared, id, listener);
}

fn keep(shared: &Shared, id: ClientId, listener: task::AbortHandle) {
    if let Some(seat) = shared.borrow_mut().clients.at_id(id) {
        seat.listener = Some(listener);
    }
}

fn has_early(shared: &Shared, id: ClientId) -> bool {
    shared.borrow().clients.get(id).is_some_and(|seat| seat.client.has_unread())
}

/// Waits for what a client on the far side of a pipe says, and until that was heard by whoever wants to hear it, and nothing else.
async fn listen(shared: Shared, pipe: Rc<Near>, id: ClientId, connect: Option<Hearing>) {
    if let Some(hearing) = connect.filter(|hearing| hearing.kinds.connect) {
        tell(&shared, &hearing, id, What::Connect).await;
    }
    loop {
        match hear(&shared, id) {
            Heard::Gone(_) => return,
            Heard::More => tokio::task::yield_now().await,
            Heard::Said(what) => {
                if let Some(hearing) = hearing(&shared, id) {
                    tell(&shared, &hearing, id, what).await;
                }
            }
            Heard::All => {
                if pipe.readable().await.is_err() {
                    return shared.borrow_mut().remove(id, CloseReason::Broken);
                }
            }
        }
    }
}

/// Who hears it now.
fn hearing(shared: &Shared, id: ClientId) -> Option<Hearing> {
    shared.borrow().clients.get(id)?.client.stream.hearing.clone()
}

/// Has something heard. A client that must not take it for heard is closed.
async fn tell(shared: &Shared, hearing: &Hearing, id: ClientId, what: What) {
    let matters = matches!(what, What::Message(_));
    let card = shared.borrow().clients.get(id).map(|seat| seat.client.card.clone());
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
    let Some(seat) = shard.clients.reach(id) else { return Heard::Gone(CloseReason::Broken) };
    let was_closing = seat.client.closing.is_some() || seat.client.awaiting.is_some();
    let heard = session::read(&mut seat.client, &shard.parts.config, Instant::now());
    if let Heard::Gone(reason) = heard {
        shard.remove(id, reason);
        return heard;
    }
    if !was_closing && (seat.client.closing.is_some() || seat.client.awaiting.is_some()) {
        shard.goodbyes.push_back((Instant::now() + GOODBYE, id));
    }
    // What it is to be told, and where it stands then.
    pump_one(shared, shard, id);
    if shard.clients.contains(id) { heard } else { Heard::Gone(CloseReason::Broken) }
}
