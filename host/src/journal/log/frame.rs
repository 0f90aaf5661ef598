//! How a frame stands in a segment: a header of 36 bytes, then the payload. All numbers are big-endian; the top bit of the
//! length says that the frame *follows*: it was written together with the one before it.
//!
//! ```text
//! magic 4 · length 4 · count 4 · position 8 · written 8 · CRC of the payload 4 · CRC of this header 4 · payload
//! ```
//!
//! The header has a check of its own, so that a damaged length is never believed, and a damaged payload still says which
//! positions are lost with it. That check covers the place too: a frame is valid only where it was written, so neither
//! the leftovers of another file nor a payload that looks like a frame is ever taken for one.

use super::{NewFrame, Place};
use crate::message::Timestamp;
use crc32fast::Hasher;

pub(super) const MAGIC: [u8; 4] = [0xb7, b'F', b'r', 0x1a];

/// The length of a frame's header.
pub(super) const HEADER: usize = 36;

/// The longest payload.
pub(super) const MOST_PAYLOAD: usize = 80 << 20;

const FOLLOWS: u32 = 1 << 31;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Not the first of its group. Whatever is before one that is the first was on disk when that was written.
    pub follows: bool,
    pub length: u32,
    pub count: u32,
    pub position: u64,
    pub written: Timestamp,
    pub payload_check: u32,
}

impl Header {
    /// The bytes from the beginning of this frame to that of the next.
    pub(super) fn total(&self) -> u64 {
        HEADER as u64 + u64::from(self.length)
    }

    /// The position behind it.
    pub(super) fn next(&self) -> u64 {
        self.position.saturating_add(u64::from(self.count))
    }

    /// Reads a header that begins at a place. `None`: there is none, or it is damaged.
    pub(super) fn decode(bytes: &[u8], place: Place) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.first_chunk()?;
        let (content, check) = bytes.split_at(HEADER - 4);
        if content[..4] != MAGIC || check != header_check(content, place).to_be_bytes() {
            return None;
        }
        let (follows, length) = (word(content, 4)? & FOLLOWS != 0, word(content, 4)? & !FOLLOWS);
        let written = Timestamp(long(content, 20)?);
        let known = length as usize <= MOST_PAYLOAD;
        let (count, position, payload_check) = (word(content, 8)?, long(content, 12)?, word(content, 28)?);
        known.then_some(Self { follows, length, count, position, written, payload_check })
    }

    pub(super) fn covers(&self, payload: &[u8]) -> bool {
        payload.len() == self.length as usize && crc32fast::hash(payload) == self.payload_check
    }
}

/// Writes a frame behind `buffer`, as it has to stand at a place. Its payload is no longer than [`MOST_PAYLOAD`].
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    place: Place,
    position: u64,
    written: Timestamp,
    follows: bool,
    frame: &NewFrame,
) {
    let begin = buffer.len();
    let follows = if follows { FOLLOWS } else { 0 };
    buffer.extend_from_slice(&MAGIC);
    buffer.extend_from_slice(&(frame.length() as u32 | follows).to_be_bytes());
    buffer.extend_from_slice(&frame.count.to_be_bytes());
    buffer.extend_from_slice(&position.to_be_bytes());
    buffer.extend_from_slice(&written.0.to_be_bytes());
    let mut hasher = Hasher::new();
    hasher.update(&frame.payload);
    hasher.update(&frame.body);
    buffer.extend_from_slice(&hasher.finalize().to_be_bytes());
    let check = header_check(&buffer[begin..], place);
    buffer.extend_from_slice(&check.to_be_bytes());
    buffer.extend_from_slice(&frame.payload);
    buffer.extend_from_slice(&frame.body);
}

fn header_check(content: &[u8], place: Place) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&place.segment.to_be_bytes());
    hasher.update(&place.at.to_be_bytes());
    hasher.update(content);
    hasher.finalize()
}

/// The four bytes at `at` as a number.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The eight bytes at `at` as a number.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_header_is_valid_only_whole_and_only_where_it_was_written() {
        let (place, mut buffer) = (Place { segment: 3, at: 900 }, Vec::new());
        let frame = NewFrame { count: 2, payload: Bytes::from_static(b"pay"), body: Bytes::from_static(b"load") };
        encode(&mut buffer, place, 17, Timestamp(5), true, &frame);
        let header = Header::decode(&buffer, place).unwrap();
        assert_eq!((header.position, header.next(), header.count, header.written), (17, 19, 2, Timestamp(5)));
        assert_eq!((header.total(), header.follows), (buffer.len() as u64, true));
        assert!(header.covers(&buffer[HEADER..]));
        assert!(!header.covers(&buffer[HEADER..buffer.len() - 1]));
        assert_eq!(Header::decode(&buffer, Place { segment: 3, at: 901 }), None);
        assert_eq!(Header::decode(&buffer, Place { segment: 4, at: 900 }), None);
        assert_eq!(Header::decode(&buffer[..HEADER - 1], place), None);
        for bit in 0..HEADER * 8 {
            let mut damaged = buffer.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&damaged, place), None, "bit {bit}");
        }
    }
}
