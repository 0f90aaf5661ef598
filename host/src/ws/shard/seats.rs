//! The clients of a shard, by id and by slot, and where each stands: in a crowd with all who stand alike, or by itself.
//!
//! A client in a [`Crowd`] has all there is, wants nothing else, and its socket is free. What comes next is then the same
//! work for all of them, and is done without looking at any of them (see `fan`). Whoever has something of its own to be
//! told, or a full socket, or something to catch up with, is a stray, and is looked at by itself, until it stands as the
//! others do again.

use super::Seat;
use super::index::Index;
use crate::message::{Card, ClientId, Cursor};
use crate::ws::Stream;
use crate::ws::client::Client;
use crate::ws::encode::Manner;
use crate::ws::socket::Socket;
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;

/// Clients of one stream who are spoken to in one manner and have all up to one cursor.
pub struct Crowd {
    pub stream: Arc<Stream>,
    pub manner: Manner,
    pub cursor: Cursor,
    pub members: Vec<Member>,
}

/// What is needed to feed one of them, and nothing else: what the one before it has not brought into the processor's cache costs
/// more than all that is done with it here.
pub struct Member {
    pub slot: usize,
    /// Its client's, as long as it is here.
    pub socket: Socket,
    /// The cursor of what it was given last, see [`Client`].
    pub given: [u8; Cursor::LENGTH],
}

/// Where a client stands.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Crowd { crowd: usize, at: usize },
    Stray { at: usize },
}

#[derive(Default)]
pub struct Seats {
    slots: Slab<Box<Seat>>,
    ids: HashMap<ClientId, usize>,
    pub crowds: Vec<Crowd>,
    pub strays: Vec<usize>,
    pub index: Index,
}

impl Seats {
    pub fn ids(&self) -> Vec<ClientId> {
        self.ids.keys().copied().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Gives a client a slot. It is a stray.
    pub fn insert(&mut self, id: ClientId, seat: Seat) {
        let slot = self.slots.insert(Box::new(seat));
        self.slots[slot].place = Place::Stray { at: self.strays.len() };
        self.strays.push(slot);
        self.index.add(slot, &self.slots[slot].client.card);
        self.ids.insert(id, slot);
    }

    pub fn remove(&mut self, id: ClientId) -> Option<Box<Seat>> {
        let slot = self.ids.remove(&id)?;
        self.step_out(slot);
        if let Place::Stray { at } = self.slots[slot].place {
            self.strays.swap_remove(at);
            if let Some(moved) = self.strays.get(at) {
                self.slots[*moved].place = Place::Stray { at };
            }
        }
        let seat = self.slots.remove(slot);
        self.index.remove(slot, &seat.client.card);
        Some(seat)
    }

    pub fn contains(&self, id: ClientId) -> bool {
        self.ids.contains_key(&id)
    }

    /// A client as it is. Where it stands, `cursor` says.
    pub fn get(&self, id: ClientId) -> Option<&Seat> {
        self.ids.get(&id).map(|slot| &*self.slots[*slot])
    }

    /// A client to whom something is to be done: it stands by itself from now on, until it is given what it lacks.
    pub fn reach(&mut self, id: ClientId) -> Option<&mut Seat> {
        let slot = self.slot_of(id)?;
        self.step_out(slot);
        Some(&mut self.slots[slot])
    }

    /// The client that has a slot, as it is.
    pub fn slot(&self, slot: usize) -> &Seat {
        &self.slots[slot]
    }

    pub fn slot_of(&self, id: ClientId) -> Option<usize> {
        self.ids.get(&id).copied()
    }

    /// As `reach`, without taking it out of its crowd: for what has nothing to do with what it is given.
    pub fn at_id(&mut self, id: ClientId) -> Option<&mut Seat> {
        let slot = self.slot_of(id)?;
        Some(&mut self.slots[slot])
    }

    pub fn at(&mut self, slot: usize) -> &mut Seat {
        &mut self.slots[slot]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.slots.iter().map(|(_, seat)| &**seat)
    }

    /// Up to where a client has all.
    pub fn cursor(&self, seat: &Seat) -> Cursor {
        match seat.place {
            Place::Crowd { crowd, .. } => self.crowds[crowd].cursor,
            Place::Stray { .. } => seat.client.cursor(),
        }
    }

    /// Of which streams there are clients, up to where they have all, and how many: a crowd together, strays one by one.
    pub fn standings(&self) -> impl Iterator<Item = (&Arc<Stream>, Cursor, u64)> {
        let crowds = self.crowds.iter().filter(|crowd| !crowd.members.is_empty());
        let crowds = crowds.map(|crowd| (&crowd.stream, crowd.cursor, crowd.members.len() as u64));
        let strays = self.strays.iter().map(|slot| &self.slots[*slot].client);
        crowds.chain(strays.map(|client| (&client.stream, client.cursor(), 1)))
    }

    /// The slots of those whose stream and manner are of a kind.
    pub fn of(&self, kind: impl Fn(&Stream, Manner) -> bool) -> Vec<usize> {
        let crowds = self.crowds.iter().filter(|crowd| kind(&crowd.stream, crowd.manner));
        let members = crowds.flat_map(|crowd| crowd.members.iter().map(|member| member.slot));
        let strays = self.strays.iter().copied().filter(|slot| {
            let client = &self.slots[*slot].client;
            kind(&client.stream, client.manner)
        });
        members.chain(strays).collect()
    }

    /// Its labels have changed.
    pub fn relabel(&mut self, id: ClientId, card: Arc<Card>) {
        let Some(slot) = self.slot_of(id) else { return };
        self.step_out(slot);
        self.index.remove(slot, &self.slots[slot].client.card);
        self.index.add(slot, &card);
        self.slots[slot].client.relabel(card);
    }

    /// Takes a client out of its crowd, if it is in one.
    pub fn step_out(&mut self, slot: usize) {
        let Place::Crowd { crowd, at } = self.slots[slot].place else { return };
        let Crowd { members, cursor, .. } = &mut self.crowds[crowd];
        let Member { socket, given, .. } = members.swap_remove(at);
        if let Some(moved) = members.get(at) {
            self.slots[moved.slot].place = Place::Crowd { crowd, at };
        }
        let seat = &mut self.slots[slot];
        seat.client.leave_others(*cursor, socket, given);
        seat.place = Place::Stray { at: self.strays.len() };
        self.strays.push(slot);
    }

    /// Puts a stray into the crowd of those who stand as it does, if it has nothing of its own.
    pub fn step_in(&mut self, id: ClientId) {
        let Some(slot) = self.slot_of(id) else { return };
        let Place::Stray { at } = self.slots[slot].place else { return };
        if !self.slots[slot].client.is_at_ease() {
            return;
        }
        let Some(crowd) = self.crowd(slot) else { return };
        let (socket, given) = self.slots[slot].client.join_others();
        let members = &mut self.crowds[crowd].members;
        self.slots[slot].place = Place::Crowd { crowd, at: members.len() };
        members.push(Member { slot, socket, given });
        self.strays.swap_remove(at);
        if let Some(moved) = self.strays.get(at) {
            self.slots[*moved].place = Place::Stray { at };
        }
    }

    /// The crowd for a client. None while that of its kind stands elsewhere.
    fn crowd(&mut self, slot: usize) -> Option<usize> {
        let Client { stream, manner, .. } = &self.slots[slot].client;
        let cursor = self.slots[slot].client.cursor();
        let alike = |crowd: &Crowd| Arc::ptr_eq(&crowd.stream, stream) && crowd.manner == *manner;
        let made = || Crowd { stream: stream.clone(), manner: *manner, cursor, members: Vec::new() };
        match self.crowds.iter().position(alike) {
            Some(index) if self.crowds[index].members.is_empty() => {
                self.crowds[index].cursor = cursor;
                Some(index)
            }
            Some(index) => (self.crowds[index].cursor == cursor).then_some(index),
            // One whose stream is no more, or has another shape now, makes room.
            None => match self.crowds.iter().position(|crowd| crowd.members.is_empty()) {
                Some(index) => {
                    self.crowds[index] = made();
                    Some(index)
                }
                None => {
                    self.crowds.push(made());
                    Some(self.crowds.len() - 1)
                }
            },
        }
    }

    /// Everybody of a crowd stands by itself.
    pub fn disperse(&mut self, crowd: usize) {
        while let Some(member) = self.crowds[crowd].members.last() {
            self.step_out(member.slot);
        }
    }
}
