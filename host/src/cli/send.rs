//! `postern send`: signs payloads and POSTs them as Meta does, so that a gateway can be tried without Meta.
//!
//! The bytes of a file are the body, untouched, and the signature is over them; only what is sent again gets new ids,
//! since a gateway recognises what it was sent before. One request at a time on one kept
//! connection; each is a line on standard output as soon as it is answered, so that after a failure the lines say which
//! were acknowledged. The secret is never printed.

mod renew;
mod summary;
#[cfg(test)]
mod tests;

use super::Failure;
use super::outward::{self, Client, Destination, Kind, Trusted, header};
use crate::error::Chain;
use crate::message::Timestamp;
use crate::secret::Secret;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use renew::Places;
use ring::hmac;
use serde::Serialize;
use std::convert::Infallible;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use summary::{Latencies, Summary};
use tokio::time::interval;

/// Sign payloads and POST them as Meta does
///
/// A gateway recognises what it was sent before and does not deliver it again. So of payloads sent several times, each
/// repetition gets new ids: -N after the id of each message and status. The first is sent as it is.
#[derive(clap::Args)]
pub struct Send {
    /// The payloads, each a request body as it is; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The webhook to send them to
    #[arg(long, value_name = "URL")]
    to: String,
    /// The app secret to sign with
    #[arg(long, value_parser = secret, required_unless_present = "secret_file", conflicts_with = "secret_file")]
    secret: Option<Secret>,
    /// A file that holds the app secret: other users of this machine can see what is on a command line
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Send all of them this many times, with new ids after the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// Leave the ids as they are in repetitions too: to see them recognised
    #[arg(long)]
    same: bool,
    /// New ids the first time too, which no other run gives: to have a payload delivered that was sent before
    #[arg(long, conflicts_with = "same")]
    fresh: bool,
    /// Send at most this many a second, such as `100/s` [default: as fast as they are answered]
    #[arg(long, value_name = "N/s", value_parser = pace)]
    rate: Option<Duration>,
    /// A header beside those of the provider, such as `X-Request-Id: 1`; may be given several times
    #[arg(long = "header", value_name = "K: V")]
    headers: Vec<String>,
    #[command(flatten)]
    trust: Trusted,
    /// Print each answer as a line of JSON, and of several a summary with the times they took
    #[arg(long)]
    json: bool,
}

impl Send {
    pub fn execute(self) -> Result<(), Failure> {
        let work = self.prepare(&mut io::stdin().lock())?;
        outward::block_on(work.run(&mut io::stdout().lock()))
    }

    /// Reads all that is to be read: nothing is sent when one of the files cannot be.
    fn prepare(self, input: &mut impl Read) -> Result<Work, Failure> {
        let destination = Destination::new(&self.to, Kind::Http, &self.trust.trust())?;
        let key = key(self.secret, self.secret_file.as_deref())?;
        if self.files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
            return Err(Failure::new(Failure::USAGE, "standard input, `-`, can be sent only once; use --repeat"));
        }
        let payloads: Vec<_> = self.files.iter().map(|file| Payload::read(file, input)).collect::<Result<_, _>>()?;
        let more = self.headers.iter().map(|text| header(text)).collect::<Result<_, _>>()?;
        let ids = match (self.same, self.fresh) {
            (true, _) => Ids::Same,
            (_, true) => Ids::Fresh(Timestamp::now()),
            _ => Ids::Repeated,
        };
        let (repeat, pace, json) = (self.repeat, self.rate, self.json);
        Ok(Work { destination, key, more, payloads, repeat, ids, pace, json })
    }
}

/// All that is to be done.
struct Work {
    destination: Destination,
    key: hmac::Key,
    /// Headers of the user's choice.
    more: Vec<(HeaderName, HeaderValue)>,
    payloads: Vec<Payload>,
    repeat: u64,
    ids: Ids,
    /// From the start of one request to that of the next.
    pace: Option<Duration>,
    json: bool,
}

/// What becomes of the ids in a payload.
#[derive(Clone, Copy)]
enum Ids {
    Same,
    /// New in each repetition after the first.
    Repeated,
    /// New each time, named after when this was begun.
    Fresh(Timestamp),
}

impl Ids {
    /// What to add to each id, the number of the repetition counted from 1.
    fn suffix(self, number: u64) -> Option<String> {
        match self {
            Self::Same => None,
            Self::Repeated => (number > 1).then(|| format!("-{number}")),
            Self::Fresh(began) => Some(format!("-{:x}-{number}", began.0)),
        }
    }
}

impl Work {
    async fn run(self, out: &mut impl Write) -> Result<(), Failure> {
        for payload in self.payloads.iter().filter(|payload| payload.places.is_empty()) {
            if self.ids.suffix(self.repeat).is_some() {
                let file = &payload.file;
                outward::note(&format!("`{file}` has no ids to renew: sent again, it is recognised as sent before"));
            }
        }
        let mut client = Client::new(self.destination);
        let mut ticks = self.pace.map(interval);
        let (began, mut sent, mut refused, mut latencies) = (Instant::now(), 0_u64, 0_u64, Latencies::default());
        let mut progress = Progress::new(self.repeat.saturating_mul(self.payloads.len() as u64));
        for number in 1..=self.repeat {
            let suffix = self.ids.suffix(number);
            for payload in &self.payloads {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                let result = payload.send(&mut client, &self.key, &self.more, suffix.as_deref()).await?;
                sent += 1;
                refused += u64::from(result.status != 200);
                latencies.add(result.milliseconds);
                let line = if self.json { result.json() } else { result.text() };
                writeln!(out, "{line}").map_err(unwritten)?;
                progress.show(sent);
            }
        }
        progress.end();
        if sent > 1 {
            let summary = Summary::new(sent, sent - refused, began.elapsed().as_secs_f64(), &latencies);
            match self.json {
                true => writeln!(out, "{}", summary.json()).map_err(unwritten)?,
                false => outward::note(&summary.text()),
            }
        }
        if refused > 0 {
            return Err(Failure::new(Failure::FAILED, format!("not answered with 200: {refused} of {sent}")));
        }
        Ok(())
    }
}

/// How far it is, on a terminal that does not show the answers themselves.
struct Progress {
    of: u64,
    shown: Option<Instant>,
    is_on: bool,
}

impl Progress {
    const OFTEN: Duration = Duration::from_millis(200);

    fn new(of: u64) -> Self {
        Self { of, shown: None, is_on: io::stderr().is_terminal() && !io::stdout().is_terminal() }
    }

    fn show(&mut self, sent: u64) {
        if self.is_on && self.shown.is_none_or(|shown| shown.elapsed() >= Self::OFTEN) {
            let _ = write!(io::stderr(), "\r{sent} of {}", self.of);
            self.shown = Some(Instant::now());
        }
    }

    fn end(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// One file.
struct Payload {
    file: String,
    body: Bytes,
    places: Places,
}

impl Payload {
    fn read(file: &Path, input: &mut impl Read) -> Result<Self, Failure> {
        let body = if file.as_os_str() == "-" {
            let mut body = Vec::new();
            input.read_to_end(&mut body).map(|_| body)
        } else {
            fs::read(file)
        };
        let body = body.map_err(|error| outward::unreadable(file, &error))?;
        Ok(Self { file: file.display().to_string(), places: Places::find(&body), body: body.into() })
    }

    async fn send(
        &self,
        client: &mut Client,
        key: &hmac::Key,
        more: &[(HeaderName, HeaderValue)],
        suffix: Option<&str>,
    ) -> Result<Sent<'_>, Failure> {
        let body = suffix.map_or_else(|| self.body.clone(), |suffix| self.places.renew(&self.body, suffix).into());
        let (mut headers, bytes) = (headers(key, &body), body.len());
        headers.extend(more.iter().cloned());
        let began = Instant::now();
        let answer = client.post(&headers, body).await.map_err(|error| {
            let (file, to) = (&self.file, &client.destination().address);
            Failure::new(Failure::FAILED, format!("failed to send `{file}` to `{to}`: {}", Chain(&error)))
        })?;
        // Microseconds are as fine as this is true.
        let milliseconds = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let status = answer.status.as_u16();
        let answer = if status == 200 { String::new() } else { outward::first_line(&answer.text) };
        Ok(Sent { status, milliseconds, file: &self.file, bytes, answer })
    }
}

/// What became of one request.
#[derive(Serialize)]
struct Sent<'a> {
    status: u16,
    milliseconds: f64,
    file: &'a str,
    bytes: usize,
    /// What a server that refused it said.
    #[serde(skip_serializing_if = "String::is_empty")]
    answer: String,
}

impl Sent<'_> {
    fn text(&self) -> String {
        let colon = if self.answer.is_empty() { "" } else { ": " };
        format!("{} in {:.1} ms  {}{colon}{}", self.status, self.milliseconds, self.file, self.answer)
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings are always JSON")
    }
}

/// The headers of Meta's own requests that a receiver may look at.
fn headers(key: &hmac::Key, body: &[u8]) -> HeaderMap {
    let signature = format!("sha256={}", HEXLOWER.encode(hmac::sign(key, body).as_ref()));
    let signature = HeaderValue::from_str(&signature).expect("hexadecimal digits may stand in a header");
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (USER_AGENT, HeaderValue::from_static("facebookexternalua")),
        (HeaderName::from_static("x-hub-signature-256"), signature),
    ])
}

fn key(given: Option<Secret>, file: Option<&Path>) -> Result<hmac::Key, Failure> {
    let secret = match (given, file) {
        (Some(secret), _) => secret,
        (None, Some(file)) => outward::secret_of(file)?,
        (None, None) => Secret::new(""),
    };
    if secret.is_empty() {
        return Err(Failure::new(Failure::USAGE, "the secret to sign with is empty"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes()))
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// `100/s`, or `100`, as the time between two.
fn pace(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "write how many a second, such as `100/s`, from 0.001 to 1000000";
    let rate: f64 = text.strip_suffix("/s").unwrap_or(text).trim().parse().map_err(|_| WRONG)?;
    if (0.001..=1e6).contains(&rate) { Ok(Duration::from_secs_f64(1.0 / rate)) } else { Err(WRONG) }
}

fn unwritten(error: io::Error) -> Failure {
    Failure::new(Failure::FAILED, format!("failed to write to standard output: {error}"))
}
