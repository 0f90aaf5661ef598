//! One connection, from the handshake to its end.

use super::event::Event;
use super::frame::{Frame, Gap};
use super::handshake::{Opened, Socket};
use super::output::{Output, Over};
use super::place::{Place, Start};
use crate::cli::{Failure, outward};
use crate::message::Cursor;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::time::{Duration, Instant};
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
    pub output: Output<'a, W>,
    pub start: Start,
}

/// How a connection ended.
pub enum Ending {
    Over(Over),
    Lost(Loss),
}

pub struct Loss {
    pub why: String,
    /// It worked for a while, so that the server is in order.
    pub useful: bool,
    /// How long the server asked to be left alone.
    pub asked: Option<Duration>,
}

/// What is known of one connection while it lasts.
struct Connection {
    framed: bool,
    /// Of the raw form: the next message is admission's and no event.
    greeted: bool,
    /// Of `postern.v1`: the cursor that the next event must name as the one before it.
    chain: Option<Cursor>,
    asked: Option<Duration>,
    why: String,
}

/// What a message means for the connection.
enum Step {
    On,
    Taken(Option<Over>),
    Broken,
}

impl<W: Write> Session<'_, W> {
    /// Receives until the connection ends, and ends it properly when it is this side that does.
    pub async fn receive<S>(&mut self, opened: Opened, mut stop: Pin<&mut S>) -> Result<Ending, Failure>
    where
        S: Future<Output = ()>,
    {
        let Opened { mut socket, framed, cursor, gap, greeted } = opened;
        let (began, mut events) = (Instant::now(), 0_u64);
        let why = "the connection was lost".to_owned();
        let greeted = greeted && !framed;
        let mut connection = Connection { framed, greeted, chain: None, asked: None, why };
        if !framed && let Some(over) = self.begin_raw(cursor, gap)? {
            goodbye(&mut socket).await;
            return Ok(Ending::Over(over));
        }
        let mut pinged = false;
        loop {
            let next = tokio::select! {
                biased;
                () = &mut stop => {
                    goodbye(&mut socket).await;
                    return Ok(Ending::Over(Over::Stopped));
                }
                next = timeout(SILENCE, socket.next()) => next,
            };
            let Ok(next) = next else {
                if pinged || socket.send(Message::Ping(Bytes::new())).await.is_err() {
                    connection.why.push_str(": the server no longer answers");
                    break;
                }
                pinged = true;
                continue;
            };
            pinged = false;
            let message = match next {
                Some(Ok(message)) => message,
                Some(Err(tungstenite::Error::ConnectionClosed)) | None => break,
                Some(Err(error)) => {
                    connection.why = format!("{}: {error}", connection.why);
                    break;
                }
            };
            match self.hear(&mut connection, message, stop.as_mut()).await? {
                Step::On => {}
                Step::Taken(None) => events += 1,
                Step::Taken(Some(over)) => {
                    goodbye(&mut socket).await;
                    return Ok(Ending::Over(over));
                }
                Step::Broken => {
                    goodbye(&mut socket).await;
                    // What is wrong is likely to be wrong again: the waits grow.
                    return Ok(Ending::Lost(Loss { why: connection.why, useful: false, asked: None }));
                }
            }
        }
        let useful = events > 0 || began.elapsed() > LONG;
        Ok(Ending::Lost(Loss { why: connection.why, useful, asked: connection.asked }))
    }

    /// The raw form says at the handshake where it begins, and what is not to be had.
    fn begin_raw(&mut self, cursor: Option<Cursor>, gap: Option<Gap>) -> Result<Option<Over>, Failure> {
        if let Some(gap) = gap {
            self.stand(Place::from(gap.to));
            return self.output.gap(&gap);
        }
        match cursor {
            Some(cursor) => self.begin(cursor),
            None => {
                if self.start != Start::Unsaid || self.output.keeps() {
                    outward::note("warning: the server tells no cursor: what is sent while this is away is missed");
                }
                self.start = Start::Unknown;
            }
        }
        Ok(None)
    }

    /// The server begins at this cursor, and passes over what it was told to.
    fn begin(&mut self, cursor: Cursor) {
        self.stand(Place { cursor, count: self.start.skip() });
    }

    async fn hear<S>(
        &mut self,
        connection: &mut Connection,
        message: Message,
        stop: Pin<&mut S>,
    ) -> Result<Step, Failure>
    where
        S: Future<Output = ()>,
    {
        match message {
            Message::Text(text) if connection.framed => self.frame(connection, &text.into(), stop).await,
            Message::Binary(_) if connection.framed => {
                connection.why = "the server sent a binary message, which `postern.v1` has none of".to_owned();
                Ok(Step::Broken)
            }
            Message::Text(_) | Message::Binary(_) if std::mem::take(&mut connection.greeted) => {
                greet(&message.into_data());
                Ok(Step::On)
            }
            Message::Text(text) => self.raw(text.into(), stop).await,
            Message::Binary(bytes) => self.raw(bytes, stop).await,
            Message::Close(frame) => {
                connection.why = match frame {
                    Some(frame) => {
                        self.told(frame.reason.as_bytes());
                        closed(u16::from(frame.code), &frame.reason)
                    }
                    None => "the server closed the connection".to_owned(),
                };
                Ok(Step::On)
            }
            // The answer goes out with the next read.
            Message::Ping(payload) => {
                self.told(&payload);
                Ok(Step::On)
            }
            _ => Ok(Step::On),
        }
    }

    async fn raw<S: Future<Output = ()>>(&mut self, bytes: Bytes, stop: Pin<&mut S>) -> Result<Step, Failure> {
        let place = match self.start {
            Start::Known(place) => Some(Place { count: place.count + 1, ..place }),
            _ => None,
        };
        self.take(Event::of(bytes), place, stop).await
    }

    async fn frame<S>(&mut self, connection: &mut Connection, text: &Bytes, stop: Pin<&mut S>) -> Result<Step, Failure>
    where
        S: Future<Output = ()>,
    {
        let frame = match Frame::read(text) {
            Ok(frame) => frame,
            Err(error) => {
                connection.why = error.to_string();
                return Ok(Step::Broken);
            }
        };
        match frame {
            Frame::Hello(cursor) => {
                connection.chain = Some(cursor);
                self.begin(cursor);
            }
            Frame::Greeting(words) => greet(&words),
            Frame::Event { cursor, prev, event } => {
                if let Some(had) = connection.chain.filter(|had| *had != prev) {
                    connection.why = format!(
                        "error: the chain is broken: the event after cursor {had} says that it follows {prev}; \
                         either one was lost on the way or the gateway is at fault; going back to {had}"
                    );
                    self.start = Start::Known(Place::from(had));
                    return Ok(Step::Broken);
                }
                connection.chain = Some(cursor);
                return self.take(event, Some(Place::from(cursor)), stop).await;
            }
            Frame::Gap(gap) => {
                connection.chain = Some(gap.to);
                let over = self.output.gap(&gap)?;
                self.stand(Place::from(gap.to));
                if over.is_some() {
                    return Ok(Step::Taken(over));
                }
            }
            Frame::Live => outward::note("caught up, live from here"),
            Frame::Drain { place, retry_after } => {
                connection.asked = Some(retry_after);
                outward::note("the gateway is about to stop, and asks its clients to come back");
                self.stand(place);
            }
            Frame::Other(kind) => outward::note(&format!("passed over: a frame of a kind not known here, `{kind}`")),
        }
        Ok(Step::On)
    }

    /// Shows an event, passes it on, and stands behind it.
    async fn take<S>(&mut self, event: Event, place: Option<Place>, stop: Pin<&mut S>) -> Result<Step, Failure>
    where
        S: Future<Output = ()>,
    {
        let taken = self.output.take(event, place, stop).await?;
        if let Some(place) = place {
            self.start = Start::Known(place);
        }
        Ok(Step::Taken(taken))
    }

    /// Pings and goodbyes may carry the place behind all that was sent before them.
    fn told(&mut self, words: &[u8]) {
        if let Some(place) = std::str::from_utf8(words).ok().and_then(|text| text.parse().ok()) {
            self.stand(place);
        }
    }

    fn stand(&mut self, place: Place) {
        self.start = Start::Known(place);
        self.output.mark(place);
    }
}

/// What admission says first is for whoever looks on.
fn greet(words: &[u8]) {
    outward::note(&format!("the server greets: {}", outward::first_line(&String::from_utf8_lossy(words))));
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
