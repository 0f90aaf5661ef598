//! What is said to one client alone.

use super::texts::{Lines, base64, is_json};
use super::{Form, header, opcode};
use crate::message::{ClientId, Gap, Payload};
use bytes::BytesMut;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Something for one client. Cursors are told as text, since one may have `~N` behind it, see `Client::told`.
pub enum Own<'a> {
    Hello {
        cursor: &'a str,
        client: ClientId,
    },
    Gap(Gap),
    /// It has everything there was when it came.
    Live,
    /// The connection is about to end; where to go on, and how long to wait before.
    Drain {
        cursor: &'a str,
        retry_after_ms: u64,
    },
    /// What admission says to it first.
    Greeting(&'a Payload),
    /// The connection is alive. Over WebSocket that is a ping, which is made elsewhere.
    Heartbeat {
        cursor: &'a str,
    },
}

/// A message of `postern.v1` that is no event, as it is.
pub fn text(text: &str, out: &mut BytesMut) {
    header(OpCode::Data(Data::Text), false, text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Puts it behind `out`. Nothing, in a form that has no words for it.
pub fn own(form: Form, said: &Own<'_>, out: &mut BytesMut) {
    match form {
        Form::Raw => {
            if let Own::Greeting(payload) = said {
                header(opcode(payload), false, payload.data.len(), out);
                out.extend_from_slice(&payload.data);
            }
        }
        Form::V1 => {
            if let Some(said) = json(said) {
                text(&said, out);
            }
        }
        Form::Sse => out.extend_from_slice(block(said).as_bytes()),
    }
}

fn json(said: &Own<'_>) -> Option<String> {
    Some(match said {
        Own::Hello { cursor, client } => format!(r#"{{"type":"hello","cursor":"{cursor}","client":"{client}"}}"#),
        Own::Gap(Gap { from, to, loss }) => {
            format!(r#"{{"type":"gap","from":"{from}","to":"{to}","reason":"{}"}}"#, loss.name())
        }
        Own::Live => r#"{"type":"live"}"#.to_owned(),
        Own::Drain { cursor, retry_after_ms } => {
            format!(r#"{{"type":"drain","cursor":"{cursor}","retry_after_ms":{retry_after_ms}}}"#)
        }
        Own::Greeting(payload) => format!(r#"{{"type":"greeting",{}}}"#, body(payload)),
        Own::Heartbeat { .. } => return None,
    })
}

fn block(said: &Own<'_>) -> String {
    let data = || json(said).map(|text| Lines(&text).to_string()).unwrap_or_default();
    match said {
        // What a browser waits before it connects again, unless it is told otherwise.
        Own::Hello { cursor, .. } => {
            format!(": postern\nretry: 3000\n\nid: {cursor}\nevent: postern.hello\n{}\n", data())
        }
        Own::Gap(gap) => format!("id: {}\nevent: postern.gap\n{}\n", gap.to, data()),
        Own::Live => format!("event: postern.live\n{}\n", data()),
        Own::Drain { cursor, retry_after_ms } => {
            format!("id: {cursor}\nevent: postern.drain\n{}\nretry: {retry_after_ms}\n\n", data())
        }
        Own::Greeting(_) => format!("event: postern.greeting\n{}\n", data()),
        Own::Heartbeat { cursor } => format!(": {cursor}\n\n"),
    }
}

/// As an event's body: the JSON itself, anything else in base64.
fn body(payload: &Payload) -> String {
    match std::str::from_utf8(&payload.data) {
        Ok(text) if is_json(&payload.data) => format!(r#""body":{text}"#),
        _ => base64(&payload.data),
    }
}
