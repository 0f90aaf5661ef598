//! What clients say: given to whoever wants to hear it, one thing at a time. What is kept here is the protocol: pings
//! answered, closes answered, limits held, and every breach told by the close code that RFC 6455, section 7.4.1, gives it.

use super::Config;
use super::client::{Allowance, Client, Closing};
use super::encode::{Form, Manner};
use super::farewell::{goodbye, goodbye_with};
use super::inbound::{Inbound, Inflated};
use super::presence;
use super::said::{Kinds, What};
use super::socket::Socket;
use crate::message::Format;
use crate::metrics::CloseReason;
use bytes::{Bytes, BytesMut};
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

/// After so many messages in one go, the other clients of the shard have their turn.
const TURN: usize = 32;

/// And after so many bytes: empty fragments are no messages, and would never end.
const TURN_BYTES: usize = 64 << 10;

/// Answers that a client does not read may gather up to this many bytes.
const UNREAD_ANSWERS: usize = 4096;

/// What is to be done about a client after it was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It has said all it had to say for now.
    All,
    /// There may be more.
    More,
    /// It has said something that somebody wants to hear, before there may be more.
    Said(What),
    /// It is gone.
    Gone(CloseReason),
}

/// What understands what a client says. Most say nothing, so it is there only from the first byte of a message to its last, and
/// during a goodbye.
pub struct Ears {
    context: WebSocketContext,
    inbound: Inbound,
    /// It has been given bytes that it was not asked for yet.
    early: bool,
}

impl Ears {
    /// For a client whose messages may have `limit` bytes, and who sent `early` behind its handshake.
    pub fn new(manner: Manner, mut early: Vec<u8>, limit: usize) -> Self {
        // Small buffers: one that says little should hold little.
        let config = WebSocketConfig::default()
            .read_buffer_size(512)
            .write_buffer_size(0)
            .max_write_buffer_size(64 << 10)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        let mut inbound = Inbound::new(manner.deflate);
        inbound.pass(&mut early);
        let has_early = !early.is_empty();
        let context = WebSocketContext::from_partially_read(early, Role::Server, Some(config));
        Self { context, inbound, early: has_early }
    }
}

/// Reads what a client has sent. Answers go into its `control`; the caller flushes.
pub fn read(client: &mut Client, config: &Config, now: Instant) -> Heard {
    let heard = read_turn(client, config, now);
    client.ears.as_mut().into_iter().for_each(|ears| ears.early = false);
    let goes_on = client.closing.is_some() || client.awaiting.is_some();
    if heard == Heard::All && !goes_on && client.ears.as_ref().is_some_and(|ears| ears.inbound.is_at_rest()) {
        client.ears = None;
    }
    heard
}

fn read_turn(client: &mut Client, config: &Config, now: Instant) -> Heard {
    let mut budget = TURN_BYTES;
    let kinds = client.stream.hearing.as_ref().map_or_else(Kinds::default, |hearing| hearing.kinds);
    for _ in 0..TURN {
        let deaf = client.closing.as_ref().is_some_and(|closing| closing.discard || closing.answered);
        if deaf || client.awaiting.is_some() {
            return discard(client, &mut budget);
        }
        let before = budget;
        let Some((context, mut duplex)) = client.duplex(&mut budget) else { return discard(client, &mut budget) };
        let read = context.read(&mut duplex);
        if !allowed(client, config, before - budget, read.is_ok(), now) {
            goodbye(client, CloseReason::TooManyMessages, true);
            continue;
        }
        match read {
            Ok(Message::Close(frame)) => {
                client.heard = now;
                // Tungstenite's answer to it, if it was theirs first.
                answer(client, client.stream.manual_close && client.closing.is_none());
                let frame = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                if client.closing.is_none() && client.stream.manual_close {
                    client.awaiting = Some(frame.clone().unwrap_or((u16::from(CloseCode::Normal), String::new())));
                } else {
                    client.closing.get_or_insert(Closing::new(CloseReason::ByClient)).answered = true;
                }
                if kinds.close {
                    return Heard::Said(What::Close(frame));
                }
            }
            Ok(message) => {
                client.heard = now;
                client.pinged = false;
                let said = match message {
                    Message::Ping(data) => {
                        answer(client, client.stream.manual_pong);
                        kinds.ping.then_some(What::Ping(data))
                    }
                    Message::Pong(data) => kinds.pong.then_some(What::Pong(data)),
                    Message::Text(text) => data(client, kinds, config, Format::Text, text.into()),
                    Message::Binary(bytes) => data(client, kinds, config, Format::Binary, bytes),
                    Message::Close(_) | Message::Frame(_) => None,
                };
                // Behind a goodbye there is nothing to be said.
                if let Some(what) = said.filter(|_| client.closing.is_none()) {
                    return Heard::Said(what);
                }
                if client.control.len().saturating_sub(client.unasked) > UNREAD_ANSWERS {
                    goodbye(client, CloseReason::TooSlow, true);
                }
            }
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                return if budget == 0 { Heard::More } else { Heard::All };
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                client.closing.get_or_insert(Closing::new(CloseReason::ByClient)).answered = true;
            }
            Err(Error::Capacity(_)) => goodbye(client, CloseReason::MessageTooBig, true),
            Err(Error::Io(_) | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => return gone(client),
            Err(Error::Utf8(_)) => invalid(client),
            Err(_) => goodbye(client, CloseReason::ProtocolError, true),
        }
    }
    Heard::More
}

/// Puts tungstenite's answer to what was read just now into `control`, or nowhere.
fn answer(client: &mut Client, nowhere: bool) {
    if let Some((context, mut duplex)) = client.duplex(&mut 0) {
        duplex.nowhere = nowhere;
        // Memory takes all.
        let _ = context.flush(&mut duplex);
    }
}

/// A message, inflated if it came deflated; `None` when nobody wants to hear it, or when it breaks a limit or a rule, and
/// the client was told so.
fn data(client: &mut Client, kinds: Kinds, config: &Config, format: Format, data: Bytes) -> Option<What> {
    let is_asked = client.stream.presence.is_some() && client.manner.form == Form::V1;
    let inbound = &mut client.ears.as_mut()?.inbound;
    if !kinds.message && !is_asked {
        inbound.forget();
        return None;
    }
    match inbound.inflate(data, format, config.client_message) {
        Inflated::Whole(payload) if is_asked && presence::is_asked(&payload.data) => {
            client.presence = None;
            None
        }
        Inflated::Whole(payload) => kinds.message.then_some(What::Message(payload)),
        Inflated::TooLarge => {
            goodbye(client, CloseReason::MessageTooBig, true);
            None
        }
        Inflated::Broken => {
            invalid(client);
            None
        }
    }
}

/// 1007: data that is not what its type says.
fn invalid(client: &mut Client) {
    goodbye_with(client, CloseReason::ProtocolError, CloseCode::Invalid, None, true);
}

/// Reads and forgets, until the client has closed its end: closing ours with bytes unread would make the kernel send a
/// reset, which may overtake the close frame.
fn discard(client: &mut Client, budget: &mut usize) -> Heard {
    let mut nowhere = [0; 4096];
    if *budget < nowhere.len() {
        return Heard::More;
    }
    match client.socket.read(&mut nowhere) {
        Ok(0) => gone(client),
        Ok(read) => {
            *budget -= read;
            Heard::More
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Heard::All,
        Err(_) => gone(client),
    }
}

fn gone(client: &Client) -> Heard {
    // The end of a WebSocket is said; whoever has only to listen, just leaves.
    let unsaid = if client.speaks() { CloseReason::Broken } else { CloseReason::ByClient };
    Heard::Gone(client.closing.as_ref().map_or(unsaid, |closing| closing.reason))
}

/// Counts what was read in the present second: messages, and bytes as if every message were as large as it may be.
fn allowed(client: &mut Client, config: &Config, bytes: usize, message: bool, now: Instant) -> bool {
    let Allowance { messages, bytes: total, since } = &mut client.allowance;
    if now.duration_since(*since) >= Duration::from_secs(1) {
        (*messages, *total, *since) = (0, 0, now);
    }
    *messages += u32::from(message);
    *total += bytes;
    let most_bytes = (config.client_messages_per_second as usize).saturating_mul(config.client_message.max(1024));
    *messages <= config.client_messages_per_second && *total <= most_bytes
}

impl Client {
    /// Whether it may say anything: one of server-sent events does not.
    pub fn speaks(&self) -> bool {
        self.manner.form != Form::Sse
    }

    /// Whether it has said something that its socket tells of no more: what came with its handshake.
    pub fn has_unread(&self) -> bool {
        self.ears.as_ref().is_some_and(|ears| ears.early) || self.socket.has_unread()
    }

    /// What tungstenite works with; `None` for server-sent events.
    pub fn duplex<'a>(&'a mut self, budget: &'a mut usize) -> Option<(&'a mut WebSocketContext, Duplex<'a>)> {
        if !self.speaks() {
            return None;
        }
        let new = || Box::new(Ears::new(self.manner, Vec::new(), self.message));
        let Ears { context, inbound, .. } = &mut **self.ears.get_or_insert_with(new);
        let (socket, control) = (&mut self.socket, &mut self.control);
        Some((context, Duplex { socket, control, inbound, budget, nowhere: false }))
    }
}

/// What tungstenite sees of a client: it reads from the socket and writes to memory, so that its answers never cut
/// into an event that is half sent.
pub struct Duplex<'a> {
    socket: &'a mut Socket,
    control: &'a mut BytesMut,
    inbound: &'a mut Inbound,
    /// How much may still be read in this turn.
    budget: &'a mut usize,
    /// What is written is not said.
    nowhere: bool,
}

impl Read for Duplex<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.budget == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = buffer.len().min(*self.budget);
        match self.socket.read(&mut buffer[..most]) {
            Ok(read) => {
                *self.budget -= read;
                self.inbound.pass(&mut buffer[..read]);
                Ok(read)
            }
            // Records without content are no end of what there is, see `Socket`.
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                *self.budget = 0;
                Err(ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    }
}

impl Write for Duplex<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.nowhere {
            self.control.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
