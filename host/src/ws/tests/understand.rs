//! What a client is sent, taken apart as its own side would.

use crate::ws::Form;
use flate2::{Decompress, FlushDecompress};

/// What a receiver understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// A message or a block: for server-sent events the id, the event and the data with line ends between.
    Text(String),
    Binary(Vec<u8>),
    Block {
        id: Option<String>,
        event: String,
        data: String,
    },
    Comment(String),
    Ping(String),
    Pong,
    Close(u16, String),
}

/// Takes the next whole thing off `bytes`.
pub fn understand(form: Form, bytes: &mut Vec<u8>) -> Option<Got> {
    if form == Form::Sse { block(bytes) } else { message(bytes) }
}

fn message(bytes: &mut Vec<u8>) -> Option<Got> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(first & 0xb0, 0x80, "whole, and no bits that nobody agreed to");
    let (head, length) = match second {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, usize::from(length)),
    };
    let mut payload = bytes.get(head..head + length)?.to_vec();
    bytes.drain(..head + length);
    if first & 0x40 != 0 {
        payload = inflate(&payload);
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text is UTF-8");
    Some(match first & 0x0f {
        1 => Got::Text(text(&payload)),
        2 => Got::Binary(payload),
        9 => Got::Ping(text(&payload)),
        10 => Got::Pong,
        8 => Got::Close(u16::from_be_bytes([payload[0], payload[1]]), text(&payload[2..])),
        other => panic!("opcode {other}"),
    })
}

/// As RFC 7692, section 7.2.2, has it, with a new window for each message.
pub fn inflate(deflated: &[u8]) -> Vec<u8> {
    let whole = [deflated, &[0, 0, 0xff, 0xff]].concat();
    let mut plain = Vec::with_capacity(4 << 20);
    let mut decompress = Decompress::new(false);
    let status = decompress.decompress_vec(&whole, &mut plain, FlushDecompress::Sync).expect("it inflates");
    assert_eq!(decompress.total_in(), whole.len() as u64, "all of it: {status:?}");
    plain
}

/// As the HTML standard, section 9.2.6, has it.
fn block(bytes: &mut Vec<u8>) -> Option<Got> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let text = String::from_utf8(bytes.drain(..end + 2).collect()).expect("a stream is UTF-8");
    let (mut id, mut event, mut data, mut comment) = (None, String::new(), Vec::new(), None);
    for line in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match name {
            "id" => id = Some(value),
            "event" => event = value,
            "data" => data.push(value),
            "retry" => assert!(value.parse::<u64>().is_ok()),
            "" => comment = Some(value),
            other => panic!("field {other}"),
        }
    }
    if data.is_empty() {
        return Some(Got::Comment(comment.unwrap_or_default()));
    }
    Some(Got::Block { id, event, data: data.join("\n") })
}
