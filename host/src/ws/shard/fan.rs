//! Giving all clients of a shard what has come: a crowd at a time, all that is for it joined into one piece of memory that goes
//! to each of its members in one system call; strays one by one.

use super::one::settle;
use super::seats::{Crowd, Member, Place, Seats};
use super::uring::{self, Uring};
use super::{Shard, Shared};
use crate::hub::{Frame, Ring};
use crate::message::{ClientId, Cursor, Selector};
use crate::ws::client::{Sent, Standing};
use crate::ws::encode::{Manner, PARTS};
use crate::ws::socket::Written;
use std::collections::HashSet;
use std::hint::black_box;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::sync::Arc;

/// How many bytes are joined for one call. With 64 KiB, a stream of 16 KiB events costs a fifth more.
const PIECE: usize = 256 << 10;

/// So many members of a crowd are looked at before the first of them is written to. What has to be sealed for a client lies
/// somewhere else than the last one's: to wait for it is a thirtieth of a delivery.
const AHEAD: usize = 8;

/// Takes new frames into the ring and gives every client what it lacks.
pub fn pump_all(shared: &Shared) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    shard.coming.drain(..).for_each(|frame| shard.ring.push(frame));
    let Shard { ring, clients, scratch, joined, uring, sent, .. } = shard;
    sent.reach.move_to(ring.end());
    let mut notable = Vec::new();
    for crowd in 0..clients.crowds.len() {
        Fan { ring, clients, scratch, joined, uring, sent, notable: &mut notable }.crowd(crowd);
    }
    pump_strays(shard, &mut notable);
    shard.count();
    let mut curious = Vec::new();
    for (id, standing) in notable {
        match standing {
            Ok(Standing::Unknown) => curious.push(id),
            standing => settle(shared, shard, id, standing),
        }
    }
    shard.ask(curious);
}

type Notable = Vec<(ClientId, io::Result<Standing>)>;

fn pump_strays(shard: &mut Shard, notable: &mut Notable) {
    let Shard { ring, clients, scratch, sent, .. } = shard;
    // Who has just fallen out of a crowd had his turn.
    let fallen: HashSet<ClientId> = notable.iter().map(|(id, _)| *id).collect();
    for slot in clients.strays.clone() {
        let client = &mut clients.at(slot).client;
        // One that waits is looked at when what it waits for has come.
        if client.blocked || client.fetching {
            client.stuck |= client.blocked;
            continue;
        }
        let id = client.card.id;
        if fallen.contains(&id) {
            continue;
        }
        match client.pump(ring, scratch, sent) {
            Ok(Standing::Live) => clients.step_in(id),
            standing => notable.push((id, standing)),
        }
        sent.reach.time();
    }
}

/// What the clients of a crowd are given with.
struct Fan<'a> {
    ring: &'a Ring,
    clients: &'a mut Seats,
    scratch: &'a mut Vec<u8>,
    joined: &'a mut Joined,
    /// Where many are sent to at once.
    uring: &'a mut Option<Uring>,
    sent: &'a mut Sent,
    /// Those who could not be given all, and why.
    notable: &'a mut Notable,
}

/// Some frames that go out together, as they go.
#[derive(Default)]
pub struct Joined {
    bytes: Vec<u8>,
    /// Where a client's own letters go.
    own: Option<usize>,
}

impl Fan<'_> {
    /// Gives a crowd what came since its cursor.
    fn crowd(mut self, index: usize) {
        let Crowd { members, cursor, stream, manner } = &self.clients.crowds[index];
        let (before, stream, manner) = (*cursor, stream.clone(), *manner);
        let Some(member) = members.first() else { return };
        let Some(frames) = self.ring.since(before.offset) else {
            // Too much came at once: everybody goes on from the disk.
            return self.clients.disperse(index);
        };
        let card = self.clients.slot(member.slot).client.card.clone();
        // What is for this stream as a whole or for some of its clients.
        let carried = frames.filter(|frame| stream.carries(frame));
        let frames: Vec<&Arc<Frame>> = carried.filter(|frame| !is_elsewhere(frame, &card.stream)).collect();
        let mut reached = before;
        let mut rest = &frames[..];
        while let Some((first, _)) = rest.split_first() {
            let together = if is_narrow(first) { 1 } else { together(rest, manner) };
            let (turn, others) = rest.split_at(together);
            let to = is_narrow(first).then(|| self.chosen(index, first));
            self.turn(index, turn, reached, to);
            reached = turn[turn.len() - 1].entry.cursor();
            rest = others;
        }
        if let Some(end) = self.ring.cursor() {
            self.clients.crowds[index].cursor = end;
        }
    }

    /// The places of those members of a crowd to whom a narrowed frame goes, the last first.
    fn chosen(&self, index: usize, frame: &Frame) -> Vec<usize> {
        let audience = &frame.entry.audience;
        let included = |slot: usize| audience.includes(&self.clients.slot(slot).client.card);
        let place = |slot: usize| match self.clients.slot(slot).place {
            Place::Crowd { crowd, at } if crowd == index => Some(at),
            _ => None,
        };
        let mut places: Vec<usize> = match self.clients.index.candidates(audience, |id| self.clients.slot_of(id)) {
            Some(slots) => slots.into_iter().filter(|slot| included(*slot)).filter_map(place).collect(),
            None => {
                let members = self.clients.crowds[index].members.iter().enumerate();
                members.filter(|(_, member)| included(member.slot)).map(|(at, _)| at).collect()
            }
        };
        places.sort_unstable_by(|one, other| other.cmp(one));
        places
    }

    /// Gives frames to all members of a crowd, or to those at some places of it, the last first: whoever falls out of the crowd
    /// leaves his place to one who has had his turn.
    fn turn(&mut self, index: usize, frames: &[&Arc<Frame>], before: Cursor, to: Option<Vec<usize>>) {
        let manner = self.clients.crowds[index].manner;
        self.joined.fill(frames, manner);
        let last = frames[frames.len() - 1];
        let places = to.unwrap_or_else(|| (0..self.clients.crowds[index].members.len()).rev().collect());
        let mut at_once = self.at_once(index, &places).into_iter();
        let mut given = 0;
        for (number, at) in places.iter().copied().enumerate() {
            if number % AHEAD == 0 {
                self.touch(index, &places[number..]);
            }
            let written = at_once.next().flatten().unwrap_or_else(|| self.give(index, at));
            match written {
                Ok(Written { accepted, full: false }) if accepted == self.joined.bytes.len() => {
                    if manner.has_link() {
                        self.clients.crowds[index].members[at].given = *last.cursor_text();
                    }
                    self.sent.bytes += accepted as u64;
                    given += 1;
                    if given == 1 {
                        frames.iter().for_each(|frame| self.sent.reach.note(frame, 1, true));
                        self.sent.reach.time();
                    }
                }
                written => self.fall(index, at, frames, before, written),
            }
        }
        self.sent.frames += u64::from(given) * frames.len() as u64;
        if given > 1 {
            frames.iter().for_each(|frame| self.sent.reach.note(frame, given - 1, true));
        }
    }

    /// Looks at those whose turn is next, so that what is needed of them comes from memory for all of them at the same time.
    fn touch(&self, index: usize, places: &[usize]) {
        let members = &self.clients.crowds[index].members;
        black_box(places.iter().take(AHEAD).fold(0, |touched, at| touched ^ members[*at].socket.touch()));
    }

    /// What became of sending to all at some places at once, where that can be done: nothing, otherwise.
    fn at_once(&mut self, index: usize, places: &[usize]) -> Vec<Option<io::Result<Written>>> {
        let Some(uring) = &mut self.uring else { return Vec::new() };
        let members = &self.clients.crowds[index].members;
        let Some(first) = places.first().map(|at| &members[*at]) else { return Vec::new() };
        let own = self.joined.own.is_some();
        let mut sockets = Vec::with_capacity(places.len());
        for at in places {
            match &members[*at] {
                Member { socket, given, .. } if !own || *given == first.given => match socket.plain() {
                    Some(tcp) => sockets.push(tcp.as_raw_fd()),
                    None => return Vec::new(),
                },
                _ => return Vec::new(),
            }
        }
        self.joined.own(&first.given);
        let bytes = &self.joined.bytes;
        let mut all = Vec::with_capacity(sockets.len());
        for some in sockets.chunks(uring::MOST) {
            let before = all.len();
            all.resize_with(before + some.len(), || None);
            let sent = uring.send(some, bytes, |place, accepted| {
                all[before + place] = Some(accepted.map(|accepted| Written { accepted, full: accepted < bytes.len() }));
            });
            if let Err(error) = sent {
                tracing::error!(%error, "io_uring failed, going on without it");
                *self.uring = None;
                break;
            }
        }
        all
    }

    fn give(&mut self, index: usize, at: usize) -> io::Result<Written> {
        let Member { socket, given, .. } = &mut self.clients.crowds[index].members[at];
        self.joined.own(given);
        let bytes = &self.joined.bytes;
        let mut total = 0;
        loop {
            let Written { accepted, full } = socket.write(&[IoSlice::new(&bytes[total..])], self.scratch)?;
            total += accepted;
            if full || total == bytes.len() {
                return Ok(Written { accepted: total, full });
            }
        }
    }

    /// A member was not given all, or is gone.
    fn fall(&mut self, index: usize, at: usize, frames: &[&Arc<Frame>], before: Cursor, written: io::Result<Written>) {
        let slot = self.clients.crowds[index].members[at].slot;
        self.clients.step_out(slot);
        let client = &mut self.clients.at(slot).client;
        client.rewind(before);
        let standing = written.map(|Written { accepted, .. }| {
            client.accept(frames, accepted, self.sent);
            Standing::Full
        });
        self.notable.push((client.card.id, standing));
    }
}

impl Joined {
    fn fill(&mut self, frames: &[&Arc<Frame>], manner: Manner) {
        // What a few large events have taken is given back.
        if self.bytes.capacity() > 2 * PIECE {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.own = None;
        let mut before = &[0; Cursor::LENGTH];
        for (number, frame) in frames.iter().enumerate() {
            let view = manner.view(frame);
            if number == 0 {
                self.own = view.own_at();
            }
            let mut slices = [IoSlice::new(&[]); PARTS];
            let count = view.fill(before, &mut slices);
            slices[..count].iter().for_each(|part| self.bytes.extend_from_slice(part));
            before = frame.cursor_text();
        }
    }

    /// Puts in what is one client's own.
    fn own(&mut self, given: &[u8; Cursor::LENGTH]) {
        if let Some(own) = self.own {
            self.bytes[own..own + Cursor::LENGTH].copy_from_slice(given);
        }
    }
}

/// How many of `frames` go out together: at least the first, and as many that are for the whole stream as a piece holds.
fn together(frames: &[&Arc<Frame>], manner: Manner) -> usize {
    let mut length = 0;
    let fits = |frame: &&&Arc<Frame>| {
        length += manner.view(frame).length();
        !is_narrow(frame) && length <= PIECE
    };
    frames.iter().take_while(fits).count().max(1)
}

/// Whether a frame is for some of a stream's clients, as far as it is for the stream at all.
fn is_narrow(frame: &Frame) -> bool {
    let whole = |to: &Selector| matches!(to, Selector::Everyone | Selector::Streams(_));
    !frame.entry.audience.0.iter().all(|narrowing| narrowing.except.is_empty() && whole(&narrowing.to))
}

/// Whether a frame is for other streams only.
fn is_elsewhere(frame: &Frame, stream: &str) -> bool {
    let without = |to: &Selector| matches!(to, Selector::Streams(names) if !names.iter().any(|name| name == stream));
    frame.entry.audience.0.iter().any(|narrowing| without(&narrowing.to))
}
