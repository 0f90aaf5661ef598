//! Control frames (RFC 6455, section 5.5) that are not tungstenite's: pings, and answers that a filter gives in the place of
//! postern.

use bytes::{BufMut, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

/// The most that a control frame holds.
pub const MOST: usize = 125;

pub fn ping(data: &[u8], out: &mut BytesMut) {
    put(Control::Ping, &data[..data.len().min(MOST)], out);
}

pub fn pong(data: &[u8], out: &mut BytesMut) {
    put(Control::Pong, &data[..data.len().min(MOST)], out);
}

/// A reason that is too long is cut between two letters.
pub fn close(code: u16, reason: &str, out: &mut BytesMut) {
    let reason = &reason[..reason.floor_char_boundary(MOST - 2)];
    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
    put(Control::Close, &payload, out);
}

fn put(kind: Control, payload: &[u8], out: &mut BytesMut) {
    let header = FrameHeader { is_final: true, opcode: OpCode::Control(kind), ..FrameHeader::default() };
    header.format(payload.len() as u64, &mut out.writer()).expect("writing to memory does not fail");
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_is_too_long_is_cut_between_two_letters() {
        let mut out = BytesMut::new();
        close(1008, &"ä".repeat(100), &mut out);
        assert_eq!(out[..4], [0x88, 124, 0x03, 0xf0]);
        assert_eq!(std::str::from_utf8(&out[4..]).expect("text"), "ä".repeat(61));
    }

    #[test]
    fn a_pong_is_not_masked() {
        let mut out = BytesMut::new();
        pong(b"hi", &mut out);
        assert_eq!(&out[..], b"\x8a\x02hi");
    }
}
