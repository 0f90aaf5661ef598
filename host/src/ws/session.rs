//! What clients say. In this version nobody listens to their messages; what is kept is the protocol: pings answered,
//! closes answered, limits held, and every breach told by the close code that RFC 6455, section 7.4.1, gives it.

use super::Config;
use super::client::{Allowance, Client, Closing};
use super::encode::{Form, Manner};
use super::farewell::{goodbye, goodbye_with};
use super::inbound::Inbound;
use super::socket::Socket;
use crate::metrics::CloseReason;
use bytes::BytesMut;
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
    /// It is gone.
    Gone(CloseReason),
}

/// What understands what a client says.
pub struct Ears {
    pub context: WebSocketContext,
    /// With permessage-deflate.
    inbound: Option<Inbound>,
}

impl Ears {
    /// For a client whose messages may have `limit` bytes, and who sent `early` behind its handshake. `None` for server-sent
    /// events.
    pub fn new(manner: Manner, mut early: Vec<u8>, limit: usize) -> Option<Self> {
        if manner.form == Form::Sse {
            return None;
        }
        // Small buffers: a client that says nothing should hold next to nothing.
        let config = WebSocketConfig::default()
            .read_buffer_size(512)
            .write_buffer_size(0)
            .max_write_buffer_size(64 << 10)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        let mut inbound = manner.deflate.then_some(Inbound::First);
        if let Some(inbound) = &mut inbound {
            inbound.pass(&mut early);
        }
        Some(Self { context: WebSocketContext::from_partially_read(early, Role::Server, Some(config)), inbound })
    }
}

/// Reads what a client has sent. Answers go into its `control`; the caller flushes.
pub fn read(client: &mut Client, config: &Config, now: Instant) -> Heard {
    let mut budget = TURN_BYTES;
    for _ in 0..TURN {
        if client.closing.as_ref().is_some_and(|closing| closing.discard || closing.answered) {
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
            Ok(Message::Close(_)) => {
                client.heard = now;
                client.closing.get_or_insert(Closing::new(CloseReason::ByClient)).answered = true;
                // Tungstenite's answer to it, if it was theirs first, is put into `control` by this.
                let _ = client.duplex(&mut 0).map(|(context, mut duplex)| context.flush(&mut duplex));
            }
            Ok(_) => {
                client.heard = now;
                client.pinged = false;
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
            Err(Error::Utf8(_)) => goodbye_with(client, CloseReason::ProtocolError, CloseCode::Invalid, true),
            Err(_) => goodbye(client, CloseReason::ProtocolError, true),
        }
    }
    Heard::More
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
    let unsaid = if client.ears.is_some() { CloseReason::Broken } else { CloseReason::ByClient };
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
    /// What tungstenite works with; `None` for server-sent events.
    pub fn duplex<'a>(&'a mut self, budget: &'a mut usize) -> Option<(&'a mut WebSocketContext, Duplex<'a>)> {
        let Ears { context, inbound } = self.ears.as_mut()?;
        let (socket, control) = (&mut self.socket, &mut self.control);
        Some((context, Duplex { socket, control, inbound: inbound.as_mut(), budget }))
    }
}

/// What tungstenite sees of a client: it reads from the socket and writes to memory, so that its answers never cut
/// into an event that is half sent.
pub struct Duplex<'a> {
    socket: &'a mut Socket,
    control: &'a mut BytesMut,
    inbound: Option<&'a mut Inbound>,
    /// How much may still be read in this turn.
    budget: &'a mut usize,
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
                if let Some(inbound) = &mut self.inbound {
                    inbound.pass(&mut buffer[..read]);
                }
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
        self.control.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
