//! Spans on their way to a collector: a bounded queue, and one task that sends what has gathered.

use super::otlp::{self, Clock};
use super::spans::{Span, spans};
use crate::error::Chain;
use crate::journey::Journey;
use crate::metrics::{Metrics, SpanOutcome};
use crate::outward::{Ask, Client, Destination};
use crate::task;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{sleep, timeout};

/// How many spans may wait, and how many go in one request.
const WAITING: usize = 8192;
const AT_ONCE: usize = 512;

/// How long a collector may take, from a connection to its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// After a failure the collector is left alone for so long, then twice as long each time.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Of its answer, nothing but the status is wanted.
const ANSWER: usize = 1 << 10;

#[derive(Clone)]
pub struct Config {
    pub destination: Destination,
    /// What the collector wants to be told, such as a key.
    pub headers: HeaderMap,
    /// Who sends them.
    pub service: String,
    /// Which part of the webhooks is traced whose senders do not say.
    pub sample: f64,
}

/// Dropped, it sends what waits, and ends.
pub struct Exporter {
    sender: mpsc::Sender<Span>,
    metrics: Metrics,
}

struct Sending {
    client: Client,
    config: Config,
    metrics: Metrics,
    /// That it is down was said.
    told: bool,
}

/// Why a collector does not take something.
enum Untaken {
    /// It may later.
    Now(String),
    /// It never will.
    Ever(StatusCode),
}

impl Exporter {
    /// Must be called within a tokio runtime.
    pub fn start(mut config: Config, metrics: &Metrics) -> Self {
        config.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (sender, receiver) = mpsc::channel(WAITING);
        let client = Client::new(config.destination.clone());
        let sending = Sending { client, config, metrics: metrics.clone(), told: false };
        task::background(sending.run(receiver));
        Self { sender, metrics: metrics.clone() }
    }

    /// Takes the spans of a journey, if it is traced and as far as there is room.
    pub fn tell(&self, journey: &Journey) {
        let mut dropped = 0;
        for span in spans(journey) {
            match self.sender.try_send(span) {
                Ok(()) => {}
                // One that has ended will take none either.
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => dropped += 1,
            }
        }
        if dropped > 0 {
            self.metrics.spans(SpanOutcome::Dropped, dropped);
        }
    }
}

impl Sending {
    async fn run(mut self, mut receiver: mpsc::Receiver<Span>) {
        let mut batch = Vec::with_capacity(AT_ONCE);
        while receiver.recv_many(&mut batch, AT_ONCE).await > 0 {
            self.send(&batch, &receiver).await;
            batch.clear();
        }
    }

    /// Sends a batch, however long it takes; while it does, what comes after it waits, and is dropped when that is too much.
    async fn send(&mut self, batch: &[Span], receiver: &mpsc::Receiver<Span>) {
        let body = Bytes::from(otlp::request(&self.config.service, batch, Clock::now()));
        let mut pause = FIRST;
        let outcome = loop {
            match self.post(body.clone()).await {
                Ok(()) => {
                    if std::mem::take(&mut self.told) {
                        tracing::info!(to = %self.config.destination.address, "traces are taken again");
                    }
                    break SpanOutcome::Exported;
                }
                Err(Untaken::Ever(status)) => {
                    self.complain(&format!("it answers {status}"));
                    break SpanOutcome::Dropped;
                }
                Err(Untaken::Now(why)) => {
                    self.complain(&why);
                    // Nobody will bring more: this process, or this configuration, has come to its end.
                    if receiver.is_closed() {
                        break SpanOutcome::Dropped;
                    }
                    sleep(pause).await;
                    pause = (2 * pause).min(LONGEST);
                }
            }
        };
        self.metrics.spans(outcome, batch.len());
    }

    async fn post(&mut self, body: Bytes) -> Result<(), Untaken> {
        let asked = self.client.ask(Ask {
            method: Method::POST,
            target: self.config.destination.address.target.clone(),
            headers: &self.config.headers,
            body,
            patience: PATIENCE,
            most: ANSWER,
        });
        let answer = match timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Untaken::Now(Chain(&error).to_string())),
            Err(_) => return Err(Untaken::Now(format!("no answer within {} s", PATIENCE.as_secs()))),
        };
        match answer.status {
            status if status.is_success() => Ok(()),
            // What OTLP says may be tried again.
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Untaken::Now(format!("it answers {}", answer.status))),
            status => Err(Untaken::Ever(status)),
        }
    }

    fn complain(&mut self, why: &str) {
        if !std::mem::replace(&mut self.told, true) {
            let to = &self.config.destination.address;
            tracing::warn!(%to, why, "traces are not taken by their collector, and dropped when too many wait");
        }
    }
}
