//! One connection, from the handshake to its end.

use super::event::Event;
use super::forward::Forward;
use super::handshake::Socket;
use crate::cli::{Failure, outward};
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

/// A server that says nothing for this long is pinged, and one that says nothing to that is gone: a connection can die
/// without a word, as when a router forgets it.
const SILENCE: Duration = Duration::from_secs(45);

/// For a goodbye to be answered.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection that held this long was of use even if no event came.
const LONG: Duration = Duration::from_secs(60);

/// What outlives a connection.
pub struct Session<'a, W> {
    pub out: &'a mut W,
    pub forward: Option<Forward>,
    /// How many events are still wanted; `None`: all.
    pub left: Option<u64>,
}

/// Why no more is to be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// As many events as were wanted, or nobody reads them any more.
    Enough,
    Stopped,
}

/// How a connection ended.
pub enum Ending {
    Over(Over),
    /// `useful`: it worked for a while, so that the server is in order.
    Lost {
        why: String,
        useful: bool,
    },
}

impl<W: Write> Session<'_, W> {
    /// Receives until the connection ends, and ends it properly when it is this side that does.
    pub async fn receive<S>(&mut self, socket: &mut Socket, mut stop: Pin<&mut S>) -> Result<Ending, Failure>
    where
        S: Future<Output = ()>,
    {
        let began = Instant::now();
        let mut events = 0_u64;
        let mut why = "the connection was lost".to_owned();
        let mut pinged = false;
        loop {
            let next = tokio::select! {
                biased;
                () = &mut stop => {
                    goodbye(socket).await;
                    return Ok(Ending::Over(Over::Stopped));
                }
                next = timeout(SILENCE, socket.next()) => next,
            };
            let Ok(next) = next else {
                if pinged || socket.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                    why = "the connection was lost: the server no longer answers".to_owned();
                    break;
                }
                pinged = true;
                continue;
            };
            pinged = false;
            let event = match next {
                Some(Ok(Message::Text(text))) => Event::text(text.into()),
                Some(Ok(Message::Binary(bytes))) => Event::binary(bytes),
                Some(Ok(Message::Close(frame))) => {
                    why = match frame {
                        Some(frame) => closed(u16::from(frame.code), &frame.reason),
                        None => "the server closed the connection".to_owned(),
                    };
                    continue;
                }
                // The answer to a ping goes out with the next read.
                Some(Ok(_)) => continue,
                Some(Err(tungstenite::Error::ConnectionClosed)) | None => break,
                Some(Err(error)) => {
                    why = format!("{why}: {error}");
                    break;
                }
            };
            events += 1;
            if let Some(over) = self.take(event, stop.as_mut()).await? {
                goodbye(socket).await;
                return Ok(Ending::Over(over));
            }
        }
        Ok(Ending::Lost { why, useful: events > 0 || began.elapsed() > LONG })
    }

    /// Shows an event and forwards it.
    async fn take<S>(&mut self, event: Event, stop: Pin<&mut S>) -> Result<Option<Over>, Failure>
    where
        S: Future<Output = ()>,
    {
        let line = event.line(SystemTime::now());
        if let Some(forward) = &self.forward {
            // Before it is shown, so that one that is not taken because of a stop was not shown either.
            tokio::select! {
                () = forward.push(event) => {}
                () = stop => return Ok(Some(Over::Stopped)),
            }
        }
        match writeln!(self.out, "{line}").and_then(|()| self.out.flush()) {
            Ok(()) => {}
            // As with `head`: whoever read has what he wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Some(Over::Enough)),
            Err(error) => {
                return Err(Failure::new(Failure::FAILED, format!("failed to write to standard output: {error}")));
            }
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok((self.left == Some(0)).then_some(Over::Enough))
    }
}

fn closed(code: u16, reason: &str) -> String {
    let reason = outward::first_line(reason);
    let colon = if reason.is_empty() { "" } else { ": " };
    format!("the server closed the connection with {code}{colon}{reason}")
}

/// Closes, and waits a moment for the server to do so too: events that were under way are not wanted any more.
async fn goodbye(socket: &mut Socket) {
    let closing = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // A server that does not answer a goodbye is left without.
    let _ = timeout(GOODBYE, closing).await;
}
