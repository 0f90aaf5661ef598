//! How clients are spoken to: an outbox entry in each form, and what is said to one client alone.
//!
//! A server's WebSocket frames (RFC 6455, section 5.2) are not masked, and what differs between two clients of one form
//! is 24 letters at a fixed place, so one encoding serves all of them. It is made when the first of them needs it.

pub mod control;
mod deflate;
mod fragment;
mod own;
pub mod texts;

pub use own::{Own, own, text};

#[cfg(test)]
pub fn deflated(plain: &[u8]) -> Option<Vec<u8>> {
    deflate::worthwhile(&[plain])
}

use crate::hub::{Frame, Source, Wire};
use crate::message::{Cursor, Entry, Format, Payload};
use bytes::{BufMut, BytesMut};
use std::io::IoSlice;
use std::sync::Arc;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// What a client understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// WebSocket messages that are the events' bodies and nothing else.
    Raw,
    /// WebSocket messages that are JSON: the subprotocol `postern.v1`.
    V1,
    /// Server-sent events (the HTML standard, section 9.2).
    Sse,
}

/// How one client is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    pub form: Form,
    /// Whether permessage-deflate (RFC 7692) was agreed. Never with [`Form::Sse`].
    pub deflate: bool,
    /// The most bytes of a message that go in one frame. `None`: all of them.
    pub frame_size: Option<usize>,
}

/// Where in a frame each encoding is kept. The plain raw one needs no place, see [`Frame::led`].
const V1: usize = 0;
const SSE: usize = 1;
const RAW_DEFLATED: usize = 2;
const V1_DEFLATED: usize = 3;

/// The name of the subprotocol.
pub const SUBPROTOCOL: &str = "postern.v1";

/// An entry as it goes to the hub, and as every raw client gets it.
pub fn frame(entry: Entry, source: Source) -> Arc<Frame> {
    let mut lead = BytesMut::with_capacity(FRAME_HEADER);
    header(opcode(&entry.payload), false, entry.payload.data.len(), &mut lead);
    Arc::new(Frame::new(entry, source, &lead))
}

/// A frame in one form.
#[derive(Clone, Copy)]
pub enum View<'a> {
    Whole(&'a [u8]),
    Parts(&'a Wire, &'a [u8]),
}

/// How many slices a frame is at most.
pub const PARTS: usize = 5;

/// The longest header of a frame that is not masked.
const FRAME_HEADER: usize = 10;

impl Manner {
    /// Whether each event names the one before it.
    pub fn has_link(self) -> bool {
        self.form == Form::V1
    }

    /// Makes the encoding if nobody has yet.
    #[inline]
    pub fn view(self, frame: &Frame) -> View<'_> {
        let wire = match (self.form, self.deflate) {
            (Form::Raw, false) => None,
            (Form::Raw, true) => frame.wire(RAW_DEFLATED, raw_deflated),
            (Form::V1, true) => frame.wire(V1_DEFLATED, v1_deflated).or_else(|| v1(frame)),
            (Form::V1, false) => v1(frame),
            (Form::Sse, _) => frame.wire(SSE, |frame| Some(texts::sse(&frame.entry))),
        };
        let whole = match wire {
            Some(wire) => View::Parts(wire, frame.payload()),
            None => View::Whole(frame.led()),
        };
        match self.frame_size {
            Some(size) if self.form != Form::Sse && whole.length() > size => self.in_pieces(frame, whole, size),
            _ => whole,
        }
    }

    fn in_pieces<'a>(self, frame: &'a Frame, whole: View<'a>, size: usize) -> View<'a> {
        let variety = usize::from(self.form == Form::V1) << 1 | usize::from(self.deflate);
        let wire = frame.more((variety, size), || fragment::fragmented(whole, size));
        wire.map_or(whole, |wire| View::Parts(wire, frame.payload()))
    }
}

impl<'a> View<'a> {
    #[inline]
    pub fn length(self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Parts(wire, payload) => {
                let own = if wire.own { Cursor::LENGTH } else { 0 };
                let payload = if wire.payload { payload.len() } else { 0 };
                wire.before.len() + own + wire.behind.len() + payload + wire.after.len()
            }
        }
    }

    /// Where a client's own letters are, if it has any.
    pub fn own_at(self) -> Option<usize> {
        match self {
            Self::Parts(wire, _) if wire.own => Some(wire.before.len()),
            Self::Parts(..) | Self::Whole(_) => None,
        }
    }

    /// Copies all of it, with zeros for a client's own letters.
    fn copy(self, out: &mut Vec<u8>) {
        let mut slices = [IoSlice::new(&[]); PARTS];
        let count = self.fill(&[0; Cursor::LENGTH], &mut slices);
        slices[..count].iter().for_each(|part| out.extend_from_slice(part));
    }

    /// Puts its parts, with the client's `own` in their place, into `slices` and says how many they are. `slices` has
    /// room for [`PARTS`].
    #[inline]
    pub fn fill(self, own: &'a [u8; Cursor::LENGTH], slices: &mut [IoSlice<'a>]) -> usize {
        match self {
            Self::Whole(bytes) => {
                slices[0] = IoSlice::new(bytes);
                1
            }
            Self::Parts(wire, payload) => {
                let own = if wire.own { &own[..] } else { &[] };
                let payload = if wire.payload { payload } else { &[] };
                let mut count = 0;
                for part in [&wire.before[..], own, &wire.behind[..], payload, wire.after] {
                    if !part.is_empty() {
                        slices[count] = IoSlice::new(part);
                        count += 1;
                    }
                }
                count
            }
        }
    }
}

fn v1(frame: &Frame) -> Option<&Wire> {
    frame.wire(V1, |frame| {
        let event = texts::v1(&frame.entry);
        let mut before = BytesMut::new();
        header(OpCode::Data(Data::Text), false, event.length(frame.payload()), &mut before);
        before.extend_from_slice(event.head.as_bytes());
        Some(Wire {
            before: before[..].into(),
            own: true,
            behind: event.middle.into_bytes().into(),
            payload: event.payload,
            after: event.end.as_bytes(),
        })
    })
}

fn raw_deflated(frame: &Frame) -> Option<Wire> {
    let deflated = deflate::worthwhile(&[frame.payload()])?;
    let mut before = BytesMut::with_capacity(FRAME_HEADER + deflated.len());
    header(opcode(&frame.entry.payload), true, deflated.len(), &mut before);
    before.extend_from_slice(&deflated);
    Some(Wire { before: before[..].into(), ..Wire::default() })
}

/// What comes before the client's own letters, and those, go as a stored block, which ends at a byte; what comes behind
/// is compressed on its own, once for all. So the length is the same for all too.
fn v1_deflated(frame: &Frame) -> Option<Wire> {
    let event = texts::v1(&frame.entry);
    let payload = if event.payload { frame.payload() } else { &[] };
    let deflated = deflate::worthwhile(&[event.middle.as_bytes(), payload, event.end.as_bytes()])?;
    let stored = event.head.len() + Cursor::LENGTH;
    let block = deflate::stored_header(stored)?;
    let mut before = BytesMut::new();
    header(OpCode::Data(Data::Text), true, block.len() + stored + deflated.len(), &mut before);
    before.extend_from_slice(&block);
    before.extend_from_slice(event.head.as_bytes());
    Some(Wire { before: before[..].into(), own: true, behind: deflated.into(), ..Wire::default() })
}

fn opcode(payload: &Payload) -> OpCode {
    match payload.format {
        Format::Text => OpCode::Data(Data::Text),
        Format::Binary => OpCode::Data(Data::Binary),
    }
}

/// Writes the header of an unfragmented message of `length` bytes.
fn header(opcode: OpCode, deflated: bool, length: usize, out: &mut BytesMut) {
    let header = FrameHeader { is_final: true, rsv1: deflated, opcode, ..FrameHeader::default() };
    header.format(length as u64, &mut out.writer()).expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests;
