//! Frames (RFC 6455, section 5.2). A server's frames are not masked, so one encoding serves every client.

use crate::hub::Frame;
use crate::message::{Audience, Entry, Format, Offset, Payload};
use bytes::{BufMut, Bytes, BytesMut};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// An entry as every raw client gets it.
pub fn raw(entry: &Entry, webhook: usize) -> Arc<Frame> {
    let bytes = message(&entry.payload);
    Arc::new(Frame { offset: entry.offset, webhook, audience: entry.audience.clone(), bytes })
}

/// A payload that is for one client alone, and is in no log.
pub fn alone(payload: &Payload) -> Arc<Frame> {
    let (offset, webhook, audience) = (Offset(0), usize::MAX, Audience::default());
    Arc::new(Frame { offset, webhook, audience, bytes: message(payload) })
}

/// A payload as one unfragmented message.
fn message(payload: &Payload) -> Bytes {
    let opcode = match payload.format {
        Format::Text => OpCode::Data(Data::Text),
        Format::Binary => OpCode::Data(Data::Binary),
    };
    let header = FrameHeader { is_final: true, opcode, ..FrameHeader::default() };
    let length = payload.data.len() as u64;
    let mut frame = BytesMut::with_capacity(header.len(length) + payload.data.len()).writer();
    header.format(length, &mut frame).expect("writing to memory does not fail");
    let mut frame = frame.into_inner();
    frame.put_slice(&payload.data);
    frame.freeze()
}
