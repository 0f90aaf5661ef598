//! What ends a connection, and what keeps it: goodbyes with the code of their reason (RFC 6455, section 7.4.1) and the
//! place to go on at, and heartbeats, which tell that place too.

use super::client::{Client, Closing};
use super::encode::{Form, Own, control};
use crate::message::ClientId;
use crate::metrics::CloseReason;
use std::hash::{BuildHasher, RandomState};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long clients are asked to wait before they connect again, each another time, so that they do not all come at
/// once.
const RETRY_LEAST_MS: u64 = 500;
const RETRY_MOST_MS: u64 = 10_000;

impl Closing {
    pub fn new(reason: CloseReason) -> Self {
        Self { reason, discard: false, answered: false, finished: false }
    }
}

/// Puts a sign of life into what goes out next: a ping, or a comment.
pub fn ping(client: &mut Client) {
    if client.closing.is_some() {
        return;
    }
    client.pinged = true;
    let told = client.told();
    if !client.speaks() {
        client.tell(&Own::Heartbeat { cursor: &told });
    } else if client.awaiting.is_none() {
        control::ping(told.as_bytes(), &mut client.control);
    }
}

/// Begins a goodbye with the close code of its reason. With `discard`, what the client says from now on is not
/// looked at.
pub fn goodbye(client: &mut Client, reason: CloseReason, discard: bool) {
    let code = match reason {
        CloseReason::ByClient => CloseCode::Normal,
        CloseReason::Draining => CloseCode::Away,
        CloseReason::MessageTooBig => CloseCode::Size,
        CloseReason::TooManyMessages | CloseReason::Disconnected | CloseReason::Expired => CloseCode::Policy,
        CloseReason::ProtocolError => CloseCode::Protocol,
        CloseReason::TooSlow => CloseCode::Again,
        CloseReason::Broken | CloseReason::Silent | CloseReason::Fault => CloseCode::Error,
    };
    goodbye_with(client, reason, code, None, discard);
}

/// As `goodbye`, with a code of its own, and `words` in the place of what there is to say otherwise.
pub fn goodbye_with(client: &mut Client, reason: CloseReason, code: CloseCode, words: Option<&str>, discard: bool) {
    if let Some(closing) = &mut client.closing {
        closing.discard |= discard;
        return;
    }
    let told = client.told();
    let is_sse = client.manner.form == Form::Sse;
    if is_sse || (client.manner.form == Form::V1 && reason == CloseReason::Draining) {
        client.tell(&Own::Drain { cursor: &told, retry_after_ms: retry_after_ms(client.card.id) });
    }
    let text = match reason {
        _ if words.is_some() => words.unwrap_or_default(),
        // Not an explanation, which the code is, but what to come back with.
        CloseReason::Draining | CloseReason::TooSlow => &told,
        CloseReason::MessageTooBig => "the message is too large",
        CloseReason::TooManyMessages => "too many messages",
        CloseReason::Expired => "token expired",
        CloseReason::ProtocolError => "protocol error",
        _ => "",
    };
    if client.awaiting.take().is_some() {
        // Its own close frame came first, and this is the answer to it. tungstenite takes that for said.
        control::close(u16::from(code), text, &mut client.control);
        client.closing = Some(Closing { discard, answered: true, ..Closing::new(reason) });
        return;
    }
    let frame = CloseFrame { code, reason: text.into() };
    if let Some((context, mut duplex)) = client.duplex(&mut 0) {
        // It goes to memory.
        let _ = context.close(&mut duplex, Some(frame));
    }
    // Server-sent events know no answer.
    client.closing = Some(Closing { discard, answered: is_sse, ..Closing::new(reason) });
}

/// Answers a ping in the place of postern.
pub fn pong(client: &mut Client, data: &[u8]) {
    if client.closing.is_none() && client.speaks() {
        control::pong(data, &mut client.control);
    }
}

/// Answers a close frame that a filter has not answered in time, with what the client gave.
pub fn give_up_waiting(client: &mut Client) {
    if let Some((code, reason)) = client.awaiting.clone() {
        goodbye_with(client, CloseReason::ByClient, CloseCode::from(code), Some(&reason), false);
    }
}

/// Evenly spread; nobody need be unable to guess it.
fn retry_after_ms(client: ClientId) -> u64 {
    RETRY_LEAST_MS + RandomState::new().hash_one(client) % (RETRY_MOST_MS - RETRY_LEAST_MS + 1)
}
