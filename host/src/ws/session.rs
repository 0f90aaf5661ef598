//! What clients say. In this version nobody listens to their messages; what is kept is the protocol: pings answered,
//! closes answered, limits held, and every breach told by the close code that RFC 6455, section 7.4.1, gives it.

use super::Config;
use super::client::{Allowance, Client, Closing};
use super::socket::Socket;
use crate::metrics::CloseReason;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

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

/// Reads what a client has sent. Answers go into its `control`; the caller flushes.
pub fn read(client: &mut Client, config: &Config, now: Instant) -> Heard {
    let mut budget = TURN_BYTES;
    for _ in 0..TURN {
        if client.closing.as_ref().is_some_and(|closing| closing.discard || closing.answered) {
            return discard(client, &mut budget);
        }
        let before = budget;
        let mut duplex = Duplex { socket: &mut client.socket, control: &mut client.control, budget: &mut budget };
        let read = client.context.read(&mut duplex);
        if !allowed(client, config, before - budget, read.is_ok(), now) {
            goodbye(client, CloseReason::TooManyMessages, true);
            continue;
        }
        match read {
            Ok(Message::Close(_)) => {
                client.heard = now;
                let closing = client.closing.get_or_insert(Closing::new(CloseReason::ByClient));
                closing.answered = true;
                // Tungstenite's answer to it, if it was theirs first, is put into `control` by this.
                let mut duplex = Duplex { socket: &mut client.socket, control: &mut client.control, budget: &mut 0 };
                let _ = client.context.flush(&mut duplex);
            }
            Ok(_) => {
                client.heard = now;
                client.pinged = false;
                if client.control.len() > UNREAD_ANSWERS {
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

/// Puts a ping into what goes out next.
pub fn ping(client: &mut Client) {
    if client.closing.is_none() {
        client.pinged = true;
        let mut duplex = Duplex { socket: &mut client.socket, control: &mut client.control, budget: &mut 0 };
        // It goes to memory; a context that is closing refuses it, rightly.
        let _ = client.context.write(&mut duplex, Message::Ping(Bytes::new()));
        let _ = client.context.flush(&mut duplex);
    }
}

/// Begins a goodbye with the close code of its reason. With `discard`, what the client says from now on is not
/// looked at.
pub fn goodbye(client: &mut Client, reason: CloseReason, discard: bool) {
    let code = match reason {
        CloseReason::ByClient => CloseCode::Normal,
        CloseReason::Draining => CloseCode::Away,
        CloseReason::MessageTooBig => CloseCode::Size,
        CloseReason::TooManyMessages => CloseCode::Policy,
        CloseReason::ProtocolError => CloseCode::Protocol,
        CloseReason::TooSlow => CloseCode::Again,
        CloseReason::Broken | CloseReason::Silent | CloseReason::Fault => CloseCode::Error,
    };
    goodbye_with(client, reason, code, discard);
}

fn goodbye_with(client: &mut Client, reason: CloseReason, code: CloseCode, discard: bool) {
    if let Some(closing) = &mut client.closing {
        closing.discard |= discard;
        return;
    }
    let text = match reason {
        CloseReason::Draining => "the gateway is stopping, connect again",
        CloseReason::MessageTooBig => "the message is too large",
        CloseReason::TooManyMessages => "too many messages",
        CloseReason::ProtocolError => "protocol error",
        CloseReason::TooSlow => "too slow, connect again",
        _ => "",
    };
    let frame = CloseFrame { code, reason: text.into() };
    let mut duplex = Duplex { socket: &mut client.socket, control: &mut client.control, budget: &mut 0 };
    // It goes to memory.
    let _ = client.context.close(&mut duplex, Some(frame));
    client.closing = Some(Closing { discard, ..Closing::new(reason) });
}

impl Closing {
    fn new(reason: CloseReason) -> Self {
        Self { reason, discard: false, answered: false, finished: false }
    }
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
    Heard::Gone(client.closing.as_ref().map_or(CloseReason::Broken, |closing| closing.reason))
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

/// What tungstenite sees of a client: it reads from the socket and writes to memory, so that its answers never cut
/// into an event that is half sent.
struct Duplex<'a> {
    socket: &'a mut Socket,
    control: &'a mut Vec<u8>,
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
