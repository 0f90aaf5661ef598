//! What stands between a socket and tungstenite: it knows whether a message is under way, and where permessage-deflate
//! (RFC 7692) was agreed, it makes of compressed messages what tungstenite understands.
//!
//! A compressed message has the first reserved bit set in its first frame, which tungstenite refuses. So the bit is
//! cleared, a compressed text made binary, since it is no UTF-8, and what it was is remembered until the message is whole
//! and can be inflated. The bit is left where it must not be, on control frames and continuations, so that it is refused.

use crate::message::{Format, Payload};
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::RefCell;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub struct Inbound {
    /// permessage-deflate was agreed.
    deflate: bool,
    place: Place,
    /// The messages that have begun and were not taken yet: what each was before it was compressed. `None`: it was not.
    coming: VecDeque<Option<Format>>,
}

/// Where in the stream of frames the next byte is. A frame's header may come in pieces.
#[derive(Debug, Default)]
enum Place {
    #[default]
    First,
    /// Behind the opcode.
    Length,
    /// So many bytes of the extended length are still to come; then so many of the mask.
    Extended { left: u8, length: u64, mask: u8 },
    /// So many bytes until the next frame.
    Body(u64),
}

/// What became of a message.
#[derive(Debug)]
pub enum Inflated {
    Whole(Payload),
    /// It is longer than it may be.
    TooLarge,
    /// It is not deflated as it says, or no text as it says.
    Broken,
}

const RESERVED: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// What a sender leaves out of its flush (RFC 7692, section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

thread_local! {
    // Some tens of kilobytes: one a thread. Nothing is kept in it between messages, as was agreed.
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

impl Inbound {
    pub fn new(deflate: bool) -> Self {
        Self { deflate, ..Self::default() }
    }

    /// Whether all that has begun is whole and was taken.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.place, Place::First) && self.coming.is_empty()
    }

    /// Changes what needs be changed of the next `bytes`.
    pub fn pass(&mut self, mut bytes: &mut [u8]) {
        while let Some((first, rest)) = std::mem::take(&mut bytes).split_first_mut() {
            self.place = match self.place {
                Place::First => {
                    self.begin(first);
                    Place::Length
                }
                Place::Length => {
                    let mask = if *first & 0x80 == 0 { 0 } else { 4 };
                    match *first & 0x7f {
                        126 => Place::Extended { left: 2, length: 0, mask },
                        127 => Place::Extended { left: 8, length: 0, mask },
                        length => Place::body(u64::from(length), mask),
                    }
                }
                Place::Extended { left, length, mask } => {
                    let length = length << 8 | u64::from(*first);
                    match left {
                        1 => Place::body(length, mask),
                        left => Place::Extended { left: left - 1, length, mask },
                    }
                }
                Place::Body(left) => {
                    // This byte and as many behind it as there are.
                    let more = usize::try_from(left - 1).unwrap_or(usize::MAX).min(rest.len());
                    bytes = &mut rest[more..];
                    self.place = Place::until(left - 1 - more as u64);
                    continue;
                }
            };
            bytes = rest;
        }
    }

    fn begin(&mut self, first: &mut u8) {
        let format = match *first & OPCODE {
            TEXT => Format::Text,
            BINARY => Format::Binary,
            _ => return,
        };
        let deflated = self.deflate && *first & RESERVED != 0;
        self.coming.push_back(deflated.then_some(format));
        if deflated {
            *first = *first & !RESERVED & !OPCODE | BINARY;
        }
    }

    /// The oldest message that has begun, which is whole now: as it was before it was compressed, at most `limit` bytes.
    pub fn inflate(&mut self, data: Bytes, format: Format, limit: usize) -> Inflated {
        match self.coming.pop_front().flatten() {
            None => Inflated::Whole(Payload { format, data }),
            Some(format) => match inflated(&data, limit) {
                Err(broken) => broken,
                Ok(plain) if format == Format::Text && std::str::from_utf8(&plain).is_err() => Inflated::Broken,
                Ok(plain) => Inflated::Whole(Payload { format, data: plain.into() }),
            },
        }
    }

    /// The oldest message that has begun is of no interest.
    pub fn forget(&mut self) {
        self.coming.pop_front();
    }
}

fn inflated(data: &[u8], limit: usize) -> Result<Vec<u8>, Inflated> {
    DECOMPRESS.with_borrow_mut(|decompress| {
        decompress.reset(false);
        let mut plain = Vec::with_capacity(data.len().saturating_mul(4).clamp(256, limit + 1));
        for mut part in [data, &TAIL] {
            loop {
                let before = decompress.total_in();
                let status = decompress.decompress_vec(part, &mut plain, FlushDecompress::Sync);
                let status = status.map_err(|_| Inflated::Broken)?;
                let taken = usize::try_from(decompress.total_in() - before).unwrap_or_default();
                part = part.get(taken..).unwrap_or_default();
                if plain.len() > limit {
                    return Err(Inflated::TooLarge);
                }
                if plain.len() == plain.capacity() {
                    plain.reserve(plain.len().min(limit + 1 - plain.len()).max(1));
                } else if part.is_empty() || status == Status::StreamEnd {
                    break;
                } else if taken == 0 {
                    return Err(Inflated::Broken);
                }
            }
        }
        Ok(plain)
    })
}

impl Place {
    fn body(length: u64, mask: u8) -> Self {
        // A length beyond all measure is refused before its end is reached.
        Self::until(length.saturating_add(u64::from(mask)))
    }

    fn until(left: u64) -> Self {
        match left {
            0 => Self::First,
            left => Self::Body(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::encode::deflated;

    /// A masked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length @ 126..0x1_0000 => frame.extend([0xfe, (length >> 8) as u8, length as u8]),
            length => {
                frame.push(0xff);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn the_bit_is_cleared_on_the_first_frame_of_a_message_and_nowhere_else() {
        // Payloads full of bytes that would be headers.
        let long = vec![0xc1; 300];
        let longest = vec![0xc1; 70_000];
        let cases: [(u8, &[u8], u8); 9] = [
            (0xc1, b"", 0x82),
            (0xc1, &long, 0x82),
            (0xc2, &longest, 0x82),
            (0x81, &long, 0x81),
            (0x41, b"first of several", 0x02),
            (0xc9, b"ping", 0xc9),
            (0xc0, b"last of several", 0xc0),
            (0xc8, b"", 0xc8),
            (0xf1, b"more bits", 0xb2),
        ];
        let given: Vec<u8> = cases.iter().flat_map(|(first, payload, _)| frame(*first, payload)).collect();
        let wanted: Vec<u8> = cases.iter().flat_map(|(_, payload, first)| frame(*first, payload)).collect();
        for piece in [1, 2, 3, 7, 1000, given.len()] {
            let mut inbound = Inbound::new(true);
            let mut passed = given.clone();
            passed.chunks_mut(piece).for_each(|bytes| inbound.pass(bytes));
            assert!(passed == wanted, "in pieces of {piece}");
            assert!(matches!(inbound.place, Place::First));
            let deflated = [Some(Format::Text), Some(Format::Text), Some(Format::Binary), None, Some(Format::Text)];
            assert_eq!(inbound.coming, [&deflated[..], &[Some(Format::Text)]].concat());
        }
    }

    /// What a client has sent that way, taken as a message.
    fn taken(payload: &[u8], format: Format, limit: usize) -> Inflated {
        let mut inbound = Inbound::new(true);
        let opcode = if format == Format::Text { TEXT } else { BINARY };
        inbound.pass(&mut [0x80 | RESERVED | opcode, 0]);
        inbound.inflate(Bytes::copy_from_slice(payload), Format::Binary, limit)
    }

    #[test]
    fn a_deflated_message_is_inflated_within_its_limit() {
        let text = "ä".repeat(5_000);
        let wire = deflated(text.as_bytes()).expect("it gets shorter");
        let Inflated::Whole(payload) = taken(&wire, Format::Text, 10_000) else { panic!("it fits") };
        assert_eq!((payload.format, &payload.data[..]), (Format::Text, text.as_bytes()));
        assert!(matches!(taken(&wire, Format::Text, 9_999), Inflated::TooLarge));
        let bomb = deflated(&vec![0; 50 << 20]).expect("it gets shorter");
        assert!(matches!(taken(&bomb, Format::Binary, 64 << 10), Inflated::TooLarge));
    }

    #[test]
    fn what_does_not_inflate_or_is_no_text_is_broken() {
        let wire = deflated(&[0xff; 1_000]).expect("it gets shorter");
        assert!(matches!(taken(&wire, Format::Text, 10_000), Inflated::Broken));
        assert!(matches!(taken(&wire, Format::Binary, 10_000), Inflated::Whole(_)));
        assert!(matches!(taken(b"\xff\xff\xff", Format::Binary, 10_000), Inflated::Broken));
    }
}
