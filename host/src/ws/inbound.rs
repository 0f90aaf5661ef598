//! What stands between a socket and tungstenite when permessage-deflate (RFC 7692) was agreed.
//!
//! A compressed message has the first reserved bit set in its first frame, which tungstenite refuses. Nobody listens to
//! messages in this version, so they are not decompressed: the bit is cleared, and a compressed text made binary, since
//! it is no UTF-8. The bit is left where it must not be, on control frames and continuations, so that it is refused.

/// Where in the stream of frames the next byte is. A frame's header may come in pieces.
#[derive(Debug)]
pub enum Inbound {
    First,
    /// Behind the opcode.
    Length,
    /// So many bytes of the extended length are still to come; then so many of the mask.
    Extended {
        left: u8,
        length: u64,
        mask: u8,
    },
    /// So many bytes until the next frame.
    Body(u64),
}

const RESERVED: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

impl Inbound {
    /// Changes what needs be changed of the next `bytes`.
    pub fn pass(&mut self, mut bytes: &mut [u8]) {
        while let Some((first, rest)) = std::mem::take(&mut bytes).split_first_mut() {
            *self = match *self {
                Self::First => {
                    if *first & RESERVED != 0 && matches!(*first & OPCODE, TEXT | BINARY) {
                        *first = *first & !RESERVED & !OPCODE | BINARY;
                    }
                    Self::Length
                }
                Self::Length => {
                    let mask = if *first & 0x80 == 0 { 0 } else { 4 };
                    match *first & 0x7f {
                        126 => Self::Extended { left: 2, length: 0, mask },
                        127 => Self::Extended { left: 8, length: 0, mask },
                        length => Self::body(u64::from(length), mask),
                    }
                }
                Self::Extended { left, length, mask } => {
                    let length = length << 8 | u64::from(*first);
                    match left {
                        1 => Self::body(length, mask),
                        left => Self::Extended { left: left - 1, length, mask },
                    }
                }
                Self::Body(left) => {
                    // This byte and as many behind it as there are.
                    let more = usize::try_from(left - 1).unwrap_or(usize::MAX).min(rest.len());
                    bytes = &mut rest[more..];
                    *self = Self::until(left - 1 - more as u64);
                    continue;
                }
            };
            bytes = rest;
        }
    }

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
            let mut inbound = Inbound::First;
            let mut passed = given.clone();
            passed.chunks_mut(piece).for_each(|bytes| inbound.pass(bytes));
            assert!(passed == wanted, "in pieces of {piece}");
            assert!(matches!(inbound, Inbound::First));
        }
    }
}
