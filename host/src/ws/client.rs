//! One client: a cursor, a socket, and the frame that is under way. No queue. How it is fed is in `feed`.
//!
//! What it is told of its cursor anywhere is exact: the cursor is behind a frame as soon as that is begun, and a frame
//! that is begun is finished before anything else is said.

mod feed;

use super::choose::{AHEAD, Knowledge, Questions};
use super::encode::{self, Form, Manner, Own};
use super::reach::Reach;
use super::session::Ears;
use super::socket::Socket;
use super::{Stream, Who};
use crate::hub::{Frame, Ring, letters};
use crate::message::{Card, Cursor, Gap, Offset};
use crate::metrics::CloseReason;
use bytes::BytesMut;
use feed::Partial;
use std::sync::Arc;
use std::time::Instant;

pub struct Client {
    pub card: Arc<Card>,
    pub stream: Arc<Stream>,
    pub socket: Socket,
    pub manner: Manner,
    /// What is understood of what it has begun to say. `None` while it has said nothing, or all that it began.
    pub ears: Option<Box<Ears>>,
    /// How long its messages may be, in bytes.
    pub message: usize,
    /// What is for this client alone: hello, gap, live, drain, pings, pongs, close. It goes between events, never inside
    /// one.
    pub control: BytesMut,
    /// How much of `control` is not an answer to what the client says.
    pub unasked: usize,
    pub heard: Instant,
    /// A ping was sent since.
    pub pinged: bool,
    /// The socket has taken something since the last heartbeat.
    pub taken: bool,
    pub allowance: Allowance,
    /// Waits for the socket to take more.
    pub blocked: bool,
    /// Its socket was full when there was something for it, and still when there was more.
    pub stuck: bool,
    /// Waits for what it missed, from the disk.
    pub fetching: bool,
    pub closing: Option<Closing>,
    /// It has sent a close frame that a filter is to answer: with this, if the filter does not.
    pub awaiting: Option<(u16, String)>,
    /// Up to which change it knows who is there; `None`: it does not.
    pub presence: Option<u64>,
    /// What its stream's chooser said of the events before it, if there is one.
    knowledge: Option<Box<Knowledge>>,
    cursor: Cursor,
    /// How many of the events it is entitled to it has already.
    skip: u64,
    /// The cursor of what it was given last, as it was told it. Kept for `postern.v1` only.
    given: [u8; Cursor::LENGTH],
    /// What is older than this was there when it came.
    live_from: Offset,
    /// It was given all of that.
    live: bool,
    partial: Option<Partial>,
}

/// What a client has sent in the present second, and when that began.
pub struct Allowance {
    pub messages: u32,
    pub bytes: usize,
    pub since: Instant,
}

/// A goodbye under way.
pub struct Closing {
    pub reason: CloseReason,
    /// The client broke the protocol: what it sends is no longer looked at.
    pub discard: bool,
    /// It has answered with a close frame of its own, or needs not.
    pub answered: bool,
    /// Nothing more will be written.
    pub finished: bool,
}

/// How a client stands after it was given what there is.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has all.
    Live,
    /// Its socket is full.
    Full,
    /// What it needs next is no longer in the ring.
    Behind(Offset),
    /// Whether it gets what comes next is still to be asked.
    Unknown,
}

/// What was sent in one round, for the metrics: counted here, added up once.
#[derive(Default)]
pub struct Sent {
    pub frames: u64,
    pub bytes: u64,
    /// Which frames, of the newest.
    pub reach: Reach,
}

impl Client {
    /// A client who is told where it stands and what it does not get. It sent `early` behind its handshake, and its messages
    /// may have `message` bytes. What is older than `live_from` was there before it.
    pub fn new(who: Who, socket: Socket, (early, message): (Vec<u8>, usize), live_from: Offset, now: Instant) -> Self {
        let manner = who.manner;
        let speaks = manner.form != Form::Sse;
        let ears = (speaks && !early.is_empty()).then(|| Box::new(Ears::new(manner, early, message)));
        let knowledge = who.stream.chooser.as_ref().map(|_| Box::default());
        let mut client = Self {
            card: who.card,
            stream: who.stream,
            socket,
            manner,
            ears,
            message,
            control: BytesMut::new(),
            unasked: 0,
            heard: now,
            pinged: false,
            taken: false,
            allowance: Allowance { messages: 0, bytes: 0, since: now },
            blocked: false,
            stuck: false,
            fetching: false,
            closing: None,
            awaiting: None,
            presence: None,
            knowledge,
            cursor: who.cursor,
            skip: who.skip,
            // Printed only where it is told: a cursor has letters that check the others.
            given: if manner.has_link() { letters(who.cursor) } else { [0; Cursor::LENGTH] },
            live_from,
            live: false,
            partial: None,
        };
        // The chain of `postern.v1` begins with the cursor itself; what an event stream brings back is all of it.
        let place = match manner.form {
            Form::Raw => None,
            Form::V1 => Some(who.cursor.to_string()),
            Form::Sse => Some(client.told()),
        };
        if let Some(place) = place {
            client.tell(&Own::Hello { cursor: &place, client: client.card.id });
        }
        if let Some(gap) = who.gap {
            client.tell_gap(gap);
        }
        if let Some(greeting) = &who.greeting {
            client.tell(&Own::Greeting(greeting));
        }
        client
    }

    /// From now on it is of this stream: its own, as that is now.
    pub fn restream(&mut self, stream: Arc<Stream>) {
        self.knowledge = match (stream.chooser.is_some(), self.knowledge.take()) {
            (false, _) => None,
            (true, known) => {
                let mut known = known.unwrap_or_default();
                // What the former chooser has not answered yet, the present one is asked.
                known.ask_again();
                Some(known)
            }
        };
        self.stream = stream;
    }

    /// Says something of our own, between events.
    pub fn tell(&mut self, own: &Own<'_>) {
        let before = self.control.len();
        encode::own(self.manner.form, own, &mut self.control);
        self.unasked += self.control.len() - before;
    }

    /// Says something of `postern.v1` that is no event, between events.
    pub fn tell_text(&mut self, text: &str) {
        let before = self.control.len();
        encode::text(text, &mut self.control);
        self.unasked += self.control.len() - before;
    }

    /// Tells a gap, and goes on behind it. How many of the events it has already are in there nobody knows: rather one
    /// twice than one left out.
    pub fn tell_gap(&mut self, gap: Gap) {
        self.tell(&Own::Gap(gap));
        self.skip = 0;
        self.cursor = gap.to;
        self.given = letters(gap.to);
    }

    /// What the client is to bring when it comes back: its cursor, and `~N` behind it as long as there are events behind
    /// the cursor that it has already.
    pub fn told(&self) -> String {
        match self.skip {
            0 => self.cursor.to_string(),
            skip => format!("{}~{skip}", self.cursor),
        }
    }

    /// Its labels have changed: what was answered for others is not asked of it any more.
    pub fn relabel(&mut self, card: Arc<Card>) {
        self.card = card;
        if let Some(knowledge) = &mut self.knowledge {
            **knowledge = Knowledge::default();
        }
    }

    /// What a chooser said of it, if that is still it.
    pub fn learn(&mut self, card: &Arc<Card>, offset: Offset, chosen: Option<bool>) {
        let Some(knowledge) = self.knowledge.as_mut().filter(|_| Arc::ptr_eq(card, &self.card)) else { return };
        match chosen {
            Some(chosen) => knowledge.learn(offset, chosen),
            None => knowledge.ask_again(),
        }
    }

    /// It is to ask its chooser again.
    pub fn ask_again(&mut self) {
        if let Some(knowledge) = &mut self.knowledge {
            knowledge.ask_again();
        }
    }

    /// Adds what it wants to know of `frames`, which are those it comes to next.
    pub fn question<'a>(&mut self, frames: impl Iterator<Item = &'a Arc<Frame>>, questions: &mut Questions) {
        let Some(knowledge) = &mut self.knowledge else { return };
        knowledge.pass(self.cursor.offset);
        let ahead = frames.filter(|frame| frame.offset() >= self.cursor.offset);
        for frame in ahead.filter(|frame| self.stream.entitles(frame, &self.card)).take(AHEAD) {
            if !knowledge.has_asked(frame.offset()) {
                questions.add(frame, &self.card);
                knowledge.note_asked(frame.offset());
            }
        }
    }

    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Whether it may be fed together with others: it has nothing of its own.
    pub fn is_at_ease(&self) -> bool {
        let is_free = self.live && !self.blocked && !self.stuck && !self.fetching && self.skip == 0;
        let is_told = self.control.is_empty() && self.partial.is_none() && self.closing.is_none();
        let is_plain = self.knowledge.is_none() && self.awaiting.is_none();
        is_free && is_told && is_plain && self.socket.is_free()
    }

    /// What is needed to feed it together with others: its socket, and the cursor of what it was given last.
    pub fn join_others(&mut self) -> (Socket, [u8; Cursor::LENGTH]) {
        (self.socket.lend(), self.given)
    }

    /// It was fed together with others up to here, and has its socket back.
    pub fn leave_others(&mut self, cursor: Cursor, socket: Socket, given: [u8; Cursor::LENGTH]) {
        (self.cursor, self.socket, self.given) = (cursor, socket, given);
    }

    /// It has all up to here, when others may have more.
    pub fn rewind(&mut self, cursor: Cursor) {
        self.cursor = cursor;
    }

    /// Whether it was once given all there was when it came.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether what it needs next is no longer in the ring.
    pub fn is_behind(&self, ring: &Ring) -> bool {
        self.cursor.offset < ring.first()
    }

    /// After a read from disk that had nothing more before `next`: go on there.
    pub fn skip_to(&mut self, next: Offset) {
        self.cursor.offset = self.cursor.offset.max(next);
    }
}

#[cfg(test)]
mod tests;
