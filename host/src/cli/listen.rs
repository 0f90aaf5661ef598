//! `postern listen`: receives as a client does. Each event is one line of JSON on standard output, in order, and with
//! `--forward` a POST to a server nearby; all else goes to standard error.
//!
//! A lost connection is opened again, later each time; a refusal is not asked again, unless it is 503. What was sent
//! in between is missed: the raw form has no place to resume from. Standard output is written before the next event is
//! read, so a reader that is slow slows this client only, and the gateway feeds it at that pace.

mod backoff;
mod event;
mod forward;
mod handshake;
mod session;
#[cfg(test)]
mod tests;

use super::Failure;
use super::outward::{self, Destination, Kind, Trust};
use crate::error::Chain;
use backoff::Backoff;
use forward::Forward;
use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use session::{Ending, Over, Session};
use std::future::{Future, pending, ready};
use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::sleep;

/// Receive events as a client, one line of JSON each
#[derive(clap::Args)]
pub struct Listen {
    /// The stream, such as `wss://localhost:8443/ws`
    url: String,
    /// The form in which events are asked for
    #[arg(long, value_enum, default_value_t = Protocol::Raw)]
    protocol: Protocol,
    /// A header for the handshake, such as `Authorization: Bearer …`; may be given several times
    #[arg(long = "header", value_name = "K: V")]
    headers: Vec<String>,
    #[command(flatten)]
    trust: Trust,
    /// POST each event, byte for byte and in order, to this URL
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Protocol {
    /// Each event is its body and nothing else
    Raw,
}

impl Listen {
    pub fn execute(self) -> Result<(), Failure> {
        let work = self.prepare()?;
        outward::block_on(work.run(&mut io::stdout().lock(), interrupted()))
    }

    fn prepare(self) -> Result<Work, Failure> {
        let Protocol::Raw = self.protocol;
        let forward = self.forward.map(|url| Destination::new(&url, Kind::Http, &self.trust)).transpose()?;
        Ok(Work {
            destination: Destination::new(&self.url, Kind::WebSocket, &self.trust)?,
            headers: self.headers.iter().map(|header| parse(header)).collect::<Result<_, _>>()?,
            forward,
            count: self.count,
            first_wait: Backoff::FIRST,
        })
    }
}

/// All that is to be done.
struct Work {
    destination: Destination,
    headers: HeaderMap,
    forward: Option<Destination>,
    count: Option<u64>,
    first_wait: Duration,
}

impl Work {
    /// Receives until there is enough, until `stop`, or until nobody reads `out` any more.
    async fn run(self, out: &mut impl Write, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let mut stop = pin!(stop);
        let forward = self.forward.clone().map(Forward::start);
        let mut session = Session { out, forward, left: self.count };
        let ended = self.connections(&mut session, stop.as_mut()).await;
        // Whatever the reason to end, what was received before is still forwarded.
        match (session.forward, &ended) {
            (Some(forward), Ok(Over::Stopped)) => forward.finish(ready(())).await,
            (Some(forward), _) => forward.finish(stop).await,
            (None, _) => {}
        }
        ended.map(|_| ())
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
                opened = handshake::open(&self.destination, &self.headers) => opened,
            };
            let (lost, asked) = match opened {
                Ok(mut socket) => {
                    outward::note(&format!("connected to {}", self.destination.address));
                    match session.receive(&mut socket, stop.as_mut()).await? {
                        Ending::Over(over) => return Ok(over),
                        Ending::Lost { why, useful } => {
                            if useful {
                                backoff.reset();
                            }
                            (why, None)
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

/// Reads a `--header`. Its value may be a token, so a message repeats its name at most.
fn parse(header: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let usage = |message: String| Failure::new(Failure::USAGE, message);
    let Some((name, value)) = header.split_once(':') else {
        return Err(usage("a `--header` has no colon: write it as `Name: value`".to_owned()));
    };
    let name: HeaderName =
        name.trim().parse().map_err(|_| usage("a `--header` has a name that no header can have".to_owned()))?;
    if name == CONNECTION || name == UPGRADE || name == "sec-websocket-key" || name == "sec-websocket-version" {
        return Err(usage(format!("the header `{name}` is of the WebSocket handshake itself and cannot be chosen")));
    }
    let mut value: HeaderValue =
        value.trim().parse().map_err(|_| usage(format!("the value of the header `{name}` cannot be sent in one")))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Returns at Ctrl-C. Where that cannot be heard of, the system's own way of ending a process remains.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
