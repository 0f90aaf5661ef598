//! What is done to one client of a shard: it is given what it lacks, what it asked for, or what somebody does to it; and what
//! follows from how it stands then.

use super::{Shard, Shared, Touch, poller};
use crate::hub::Inbox;
use crate::message::{ClientId, Offset};
use crate::metrics::CloseReason;
use crate::task;
use crate::ws::Slow;
use crate::ws::beat::GOODBYE;
use crate::ws::catch_up::{Piece, Request};
use crate::ws::choose::Chosen;
use crate::ws::client::Standing;
use crate::ws::farewell;
use crate::ws::socket::Line;
use std::collections::VecDeque;
use std::io;
use std::time::Instant;

/// Does something to a client, once it was given what was published before. One that is further behind is not waited for.
pub fn touch(shared: &Shared, inbox: &Inbox, id: ClientId, behind: Offset, what: Touch) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    if behind > shard.ring.end() {
        let mut more = VecDeque::new();
        shard.ahead |= inbox.take(&mut more);
        shard.coming.append(&mut more);
        while shard.coming.front().is_some_and(|frame| frame.offset() < behind) {
            shard.coming.pop_front().into_iter().for_each(|frame| shard.ring.push(frame));
        }
        pump_one(shared, shard, id);
    }
    match what {
        Touch::Relabel(card) => shard.clients.relabel(id, card),
        Touch::Pong(data) => {
            if let Some(seat) = shard.clients.reach(id) {
                farewell::pong(&mut seat.client, &data);
            }
        }
        Touch::Close { code, reason } => shard.close(id, code, &reason),
    }
    pump_one(shared, shard, id);
}

/// Gives clients what was answered of the event they wait at, and what they can be given then.
pub fn learn(shared: &Shared, chosen: &Chosen) {
    let mut shard = shared.borrow_mut();
    for (card, answer) in &chosen.clients {
        let Some(seat) = shard.clients.reach(card.id) else { continue };
        seat.client.learn(card, chosen.offset, *answer);
        match answer {
            None => shard.unasked.push(card.id),
            // Those further ahead say nothing of the next.
            Some(_) if seat.client.cursor().offset > chosen.offset => {}
            Some(_) => feed(shared, &mut shard, card.id),
        }
    }
    shard.count();
}

/// Gives one client what it lacks.
pub fn pump_one(shared: &Shared, shard: &mut Shard, id: ClientId) {
    feed(shared, shard, id);
    shard.count();
}

/// As `pump_one`, for one of many: what they were sent is still to be counted.
fn feed(shared: &Shared, shard: &mut Shard, id: ClientId) {
    let Shard { ring, clients, scratch, sent, .. } = &mut *shard;
    let Some(seat) = clients.reach(id) else { return };
    let client = &mut seat.client;
    if client.blocked {
        return;
    }
    let standing = if client.fetching && client.closing.is_none() {
        // Only what is for it alone; the rest is on its way from the disk.
        client.flush(scratch, sent).map(|all| if all { Standing::Live } else { Standing::Full })
    } else {
        client.pump(ring, scratch, sent)
    };
    settle(shared, shard, id, standing);
}

/// What follows from how a client stands.
pub fn settle(shared: &Shared, shard: &mut Shard, id: ClientId, standing: io::Result<Standing>) {
    let Some(seat) = shard.clients.reach(id) else { return };
    match standing {
        Ok(Standing::Live) => shard.clients.step_in(id),
        Ok(Standing::Full) => {
            seat.client.blocked = true;
            match seat.client.socket.line() {
                // Told of by the poller from now on.
                Line::Tcp(tcp) if !seat.watched => {
                    seat.watched = true;
                    if let Err(error) = poller::watch_room(&shard.registry, tcp, id) {
                        tracing::error!(%error, "failed to watch the socket of a client, it is closed");
                        shard.remove(id, CloseReason::Broken);
                    }
                }
                Line::Tcp(_) | Line::Lent => {}
                // Waited for by a task, and only while it takes nothing.
                Line::Pipe(pipe) => {
                    let (shared, pipe) = (shared.clone(), pipe.clone());
                    seat.waiter = Some(task::local(async move {
                        match pipe.writable().await {
                            Ok(()) => unblock(&shared, id),
                            Err(_) => shared.borrow_mut().remove(id, CloseReason::Broken),
                        }
                    }));
                }
            }
        }
        Ok(Standing::Behind(from)) => match seat.client.stream.slow {
            // One that comes back is fed what it missed all the same, and one that took all it was given is not slow.
            Slow::Disconnect if seat.client.is_live() && seat.client.stuck => {
                shard.goodbye(id, CloseReason::TooSlow);
                pump_one(shared, shard, id);
            }
            Slow::Disconnect | Slow::CatchUp => {
                let Some(answer) = shard.commands.upgrade() else { return };
                let request = Request::Piece { client: id, from, answer };
                seat.client.fetching = shard.parts.catch_up.ask(request);
            }
        },
        Ok(Standing::Unknown) => shard.ask(vec![id]),
        Err(_) => shard.remove(id, CloseReason::Broken),
    }
}

/// A client whose socket was full has room again.
pub fn unblock(shared: &Shared, id: ClientId) {
    let mut shard = shared.borrow_mut();
    if let Some(seat) = shard.clients.at_id(id).filter(|seat| seat.client.blocked) {
        seat.waiter = None;
        seat.client.blocked = false;
        pump_one(shared, &mut shard, id);
    }
}

/// Gives a client what it asked of the outbox.
pub fn missed(shared: &Shared, id: ClientId, piece: Option<&Piece>) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let Some(seat) = shard.clients.reach(id) else { return };
    seat.client.fetching = false;
    if seat.client.blocked {
        // It asks again when it can take something.
        return;
    }
    let was_closing = seat.client.closing.is_some();
    let standing = seat.client.take(piece, &mut shard.scratch, &mut shard.sent);
    if matches!(standing, Ok(Standing::Unknown))
        && let Some(piece) = piece
    {
        return shard.ask_of(id, piece.frames.iter());
    }
    if !was_closing && seat.client.closing.is_some() {
        shard.goodbyes.push_back((Instant::now() + GOODBYE, id));
    }
    shard.count();
    if matches!(standing, Ok(Standing::Live)) {
        pump_one(shared, shard, id);
    } else {
        settle(shared, shard, id, standing);
    }
}
