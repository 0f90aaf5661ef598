//! `postern listen`: receives as a client does. Each event is one line of JSON on standard output, in order, and with
//! `--forward` a POST to a server nearby; all else goes to standard error.
//!
//! A lost connection is opened again, later each time, and goes on where the last one ended; a refusal is not asked
//! again, unless it is one that passes. With `--cursor-file` it also goes on where the last run ended: the file is
//! written after an event is done with, so a crash of this program repeats a few and loses none. A gap, which is what
//! can no longer be had, is a line of its own, `{"gap":{"from":"…","to":"…","reason":"…"}}`, and a warning.
//!
//! Standard output is written before the next event is read, so a reader that is slow slows this client only, and the
//! gateway feeds it at that pace.

mod backoff;
mod event;
mod forward;
mod frame;
mod handshake;
mod keeper;
mod output;
mod place;
mod session;
#[cfg(test)]
mod tests;

use super::Failure;
use super::outward::{self, Destination, Kind, Trusted, header};
use crate::error::Chain;
use backoff::Backoff;
use forward::{Forward, Manner};
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use keeper::Keeper;
use output::{Output, Over};
use place::{Asked, Start};
use session::{Ending, Loss, Session};
use std::future::{Future, pending, ready};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::sleep;

/// Receive events as a client, one line of JSON each
///
/// Each event is a line on standard output; a gap, which is what the gateway can no longer give, is a line
/// {"gap":{…}}. A lost connection is opened again and goes on where it ended, without a miss and without a repeat.
#[derive(clap::Args)]
pub struct Listen {
    /// The stream, such as `wss://localhost:8443/ws`
    url: String,
    /// Begin there: a cursor, `earliest`, `last:N`, or a time such as 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "PLACE")]
    since: Option<Asked>,
    /// Keep in this file how far it has got, and begin there when it exists, whatever --since says.
    ///
    /// It is written after an event was printed, and with --forward taken, at most ten times a second. So each event is
    /// received exactly once across ends of the gateway, and at least once across ends of this program.
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// The form in which events are asked for [default: v1 where the server speaks it, else raw]
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// A header for the handshake, such as `Authorization: Bearer …`; may be given several times
    #[arg(long = "header", value_name = "K: V")]
    headers: Vec<String>,
    #[command(flatten)]
    trust: Trusted,
    /// POST each event, byte for byte and in order, to this URL.
    ///
    /// With its own content type, and the headers Postern-Event-Id, Postern-Cursor, Postern-Webhook, Postern-Kind and
    /// Postern-Received. While nobody answers there, or with 5xx, 408 or 429, the same event is sent again, later each
    /// time: five times in all, and with --cursor-file until it is taken. Any other answer is shown and gone on from.
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Protocol {
    /// Each event is its body and nothing else
    Raw,
    /// `postern.v1`: each event says what it is, where it stands and what came before
    V1,
}

impl Listen {
    pub fn execute(self) -> Result<(), Failure> {
        let work = self.prepare()?;
        outward::block_on(work.run(&mut io::stdout().lock(), interrupted()))
    }

    fn prepare(self) -> Result<Work, Failure> {
        let forward = self.forward.map(|url| Destination::new(&url, Kind::Http, &self.trust.trust())).transpose()?;
        let destination = Destination::new(&self.url, Kind::WebSocket, &self.trust.trust())?;
        let headers = self.headers.iter().map(|header| parse(header)).collect::<Result<_, _>>()?;
        let kept = self.cursor_file.as_deref().map(keeper::read).transpose()?.flatten();
        let own = Start::of_query(destination.address.target.query());
        let asked = self.since.map_or(own, Start::Asked);
        // Where both streams are the same terminal, the lines of JSON are all that is wanted, unless there are answers.
        let show = io::stderr().is_terminal() && (forward.is_some() || !io::stdout().is_terminal());
        Ok(Work {
            destination,
            headers,
            protocol: self.protocol,
            start: kept.map_or(asked, Start::Known),
            cursor_file: self.cursor_file,
            forward,
            count: self.count,
            first_wait: Backoff::FIRST,
            show,
        })
    }
}

/// All that is to be done.
struct Work {
    destination: Destination,
    headers: HeaderMap,
    protocol: Option<Protocol>,
    start: Start,
    cursor_file: Option<PathBuf>,
    forward: Option<Destination>,
    count: Option<u64>,
    first_wait: Duration,
    show: bool,
}

impl Work {
    /// Receives until there is enough, until `stop`, or until nobody reads `out` any more.
    async fn run(self, out: &mut impl Write, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let mut stop = pin!(stop);
        let keeper = self.cursor_file.clone().map(Keeper::start);
        let manner = Manner { first_wait: self.first_wait, keeper: keeper.clone(), show: self.show };
        let forward = self.forward.clone().map(|to| Forward::start(to, manner));
        let output = Output { out, forward, keeper: keeper.clone(), left: self.count, show: self.show };
        let mut session = Session { output, start: self.start.clone() };
        let ended = self.connections(&mut session, stop.as_mut()).await;
        // Whatever the reason to end, what was received before is still forwarded.
        match (session.output.forward, &ended) {
            (Some(forward), Ok(Over::Stopped)) => forward.finish(ready(())).await,
            (Some(forward), _) => forward.finish(stop).await,
            (None, _) => {}
        }
        let kept = keeper.map_or(Ok(()), |keeper| keeper.finish());
        ended.and(kept)
    }

    async fn connections<W, S>(&self, session: &mut Session<'_, W>, mut stop: Pin<&mut S>) -> Result<Over, Failure>
    where
        W: Write,
        S: Future<Output = ()>,
    {
        let mut backoff = Backoff::new(self.first_wait);
        loop {
            let opened = tokio::select! {
                biased;
                () = &mut stop => return Ok(Over::Stopped),
                opened = handshake::open(&self.destination, &self.headers, &session.start, self.protocol) => opened,
            };
            let (lost, asked) = match opened {
                Ok(opened) => {
                    let form = if opened.framed { "postern.v1" } else { "raw" };
                    outward::note(&format!("connected to {} ({form})", self.destination.address));
                    match session.receive(opened, stop.as_mut()).await? {
                        Ending::Over(over) => return Ok(over),
                        Ending::Lost(Loss { why, useful, asked }) => {
                            if useful {
                                backoff.reset();
                            }
                            (why, asked)
                        }
                    }
                }
                Err(error) if error.passing() => (Chain(&error).to_string(), error.retry_after()),
                Err(error) => return Err(Failure::new(Failure::FAILED, Chain(&error).to_string())),
            };
            let wait = backoff.wait(asked);
            outward::note(&format!("{lost}\nconnecting again in {:.1} s", wait.as_secs_f64()));
            tokio::select! {
                biased;
                () = &mut stop => return Ok(Over::Stopped),
                () = sleep(wait) => {}
            }
        }
    }
}

/// Reads a `--header`, which is not one of the handshake itself.
fn parse(text: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let (name, value) = header(text)?;
    if name == CONNECTION || name == UPGRADE || name == "sec-websocket-key" || name == "sec-websocket-version" {
        let text = format!("the header `{name}` is of the WebSocket handshake itself and cannot be chosen");
        return Err(Failure::new(Failure::USAGE, text));
    }
    Ok((name, value))
}

/// Returns at Ctrl-C. Where that cannot be heard of, the system's own way of ending a process remains.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
