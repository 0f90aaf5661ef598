//! One outbox entry on its way to clients: one for all shards and all clients.

use crate::message::{Cursor, Entry, Offset, Payload};
use bytes::{Bytes, BytesMut};
use std::sync::OnceLock;

/// How many encodings a frame has room for, beside the plainest.
const WIRES: usize = 4;

/// What a frame weighs beside its payload: itself, and the heads of its encodings.
const OVERHEAD: usize = 1024;

/// An outbox entry, its payload once, and what mouths have made of it for those they feed.
///
/// A mouth gives the plainest encoding when it makes the frame, and makes the others when somebody first needs them, at
/// most once each. What an encoding looks like is the mouth's affair; here it is bytes.
#[derive(Debug)]
pub struct Frame {
    pub source: Source,
    /// Its payload is a part of `led`, not a copy.
    pub entry: Entry,
    led: Bytes,
    /// What the audience weighs.
    audience: usize,
    cursor: OnceLock<[u8; Cursor::LENGTH]>,
    wires: [OnceLock<Option<Wire>>; WIRES],
    more: OnceLock<Box<More>>,
}

/// Encodings of which there may be any number, though few are: a list that only grows.
#[derive(Debug)]
struct More {
    key: (usize, usize),
    wire: Option<Wire>,
    next: OnceLock<Box<Self>>,
}

/// Where it came from, and so which streams carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A webhook, as an index into the configured ones, in their order.
    Webhook(usize),
    /// A filter or an operator. All streams carry it; its audience says of which ones it is.
    Sent,
    /// A webhook that is no longer configured.
    Gone,
}

/// An encoding, as what goes out one behind the other: `before`, what is the client's own if there is a place for it,
/// `behind`, the entry's payload if it goes as it is, `after`.
#[derive(Debug, Default)]
pub struct Wire {
    pub before: Box<[u8]>,
    /// Whether a client's own 24 bytes go between `before` and `behind`.
    pub own: bool,
    pub behind: Box<[u8]>,
    pub payload: bool,
    pub after: &'static [u8],
}

impl Frame {
    /// A frame of `entry`, whose plainest encoding is `lead` and then the payload. The payload is copied, once: what it
    /// was a part of, a delivery or a piece of a file, is not kept alive by it.
    pub fn new(entry: Entry, source: Source, lead: &[u8]) -> Self {
        let mut led = BytesMut::with_capacity(lead.len() + entry.payload.data.len());
        led.extend_from_slice(lead);
        led.extend_from_slice(&entry.payload.data);
        let led = led.freeze();
        let payload = Payload { data: led.slice(lead.len()..), ..entry.payload };
        let entry = Entry { payload, ..entry };
        // Texts and numbers take more room in memory than on disk.
        let audience = 4 * entry.audience.weight();
        Self {
            source,
            entry,
            led,
            audience,
            cursor: OnceLock::new(),
            wires: [const { OnceLock::new() }; WIRES],
            more: OnceLock::new(),
        }
    }

    pub fn offset(&self) -> Offset {
        self.entry.offset
    }

    /// The plainest encoding.
    pub fn led(&self) -> &[u8] {
        &self.led
    }

    pub fn payload(&self) -> &[u8] {
        &self.entry.payload.data
    }

    /// Where a client stands that has this, printed once for all of them.
    pub fn cursor_text(&self) -> &[u8; Cursor::LENGTH] {
        self.cursor.get_or_init(|| letters(self.entry.cursor()))
    }

    /// One of its encodings, made by the first who asks; `None` when it was found not to be worth it. `slot` is below 4.
    pub fn wire(&self, slot: usize, make: impl FnOnce(&Self) -> Option<Wire>) -> Option<&Wire> {
        self.wires[slot].get_or_init(|| make(self)).as_ref()
    }

    /// One of those that have no slot, made likewise.
    pub fn more(&self, key: (usize, usize), make: impl Fn() -> Option<Wire>) -> Option<&Wire> {
        let mut place = &self.more;
        loop {
            let more = place.get_or_init(|| Box::new(More { key, wire: make(), next: OnceLock::new() }));
            if more.key == key {
                return more.wire.as_ref();
            }
            place = &more.next;
        }
    }

    /// How many bytes of memory it is taken to hold, now or when all its encodings are made. The payload counts twice:
    /// encodings refer to it, except for compressed ones, which are smaller, and for the rare text around a payload
    /// that cannot stand in it as it is, which may be longer for a while than what is counted here.
    pub fn weight(&self) -> usize {
        OVERHEAD + 2 * self.led.len() + self.audience
    }
}

/// A cursor as it is printed.
pub fn letters(cursor: Cursor) -> [u8; Cursor::LENGTH] {
    cursor.to_string().as_bytes().try_into().expect("every cursor has this many letters")
}
