//! What operators ask of a running gateway, on a listener of its own.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /live` | 200 while the process is |
//! | `GET /ready` | 200 while it takes webhooks; 503 while it starts, drains, or cannot write its journal |
//! | `GET /metrics` | all of `metrics`, in the text form of OpenMetrics |
//! | `GET /v1/events?held=true` | the events that wait for a filter that can judge them, oldest first |
//!
//! Without a token, a request must name this machine as its host: a page in the operator's browser that has its own name
//! point here must not read what is here. With a token, all but `/live` and `/ready` want `Authorization: Bearer`.

use crate::error::Chain;
use crate::http::{self, Arrived, Io, Reply};
use crate::journal::Journal;
use crate::message::EventId;
use crate::metrics::{Metrics, PerWebhook};
use crate::phase::{Phase, Phases};
use crate::pool::Pool;
use crate::secret::Secret;
use crate::task;
use ::http::header::{AUTHORIZATION, HOST, HeaderValue, WWW_AUTHENTICATE};
use ::http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::TcpStream;

/// How many held events one answer lists.
const PAGE: usize = 1000;

const JSON: &str = "application/json";

pub struct Admin {
    pub token: Option<Secret>,
    pub journal: Journal,
    /// The webhooks by name, for their lag.
    pub webhooks: Vec<String>,
    pub phases: Phases,
    pub metrics: Metrics,
    pub http: http::Config,
    /// Where the journal is read.
    pub readers: Pool,
    /// How many connections the edge has.
    pub connections: Arc<dyn Fn() -> usize + Send + Sync>,
}

#[derive(Serialize)]
struct HeldEvents {
    events: Vec<HeldEvent>,
}

/// A held event, as the API and `postern events` show it.
#[derive(Serialize)]
pub struct HeldEvent {
    id: String,
    webhook: String,
    /// RFC 3339.
    received: String,
    filter: String,
    reason: String,
}

impl From<crate::journal::Held> for HeldEvent {
    fn from(held: crate::journal::Held) -> Self {
        let received = UNIX_EPOCH + Duration::from_millis(held.received.0);
        Self {
            id: EventId::to_string(&held.event),
            webhook: held.webhook,
            received: humantime::format_rfc3339_millis(received).to_string(),
            filter: held.filter,
            reason: held.reason,
        }
    }
}

impl fmt::Display for HeldEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, webhook, received, filter, reason } = self;
        write!(f, "{id}  {received}  {webhook}  held by {filter}: {reason}")
    }
}

impl Admin {
    /// Starts to serve a connection and returns at once.
    pub fn serve(self: &Arc<Self>, tcp: TcpStream, permit: impl Send + 'static) {
        let admin = self.clone();
        task::background(async move {
            let answer = admin.clone();
            let handle = move |request: Arrived| {
                let admin = answer.clone();
                async move { admin.answer(&request).await }
            };
            http::serve(Io::Plain(tcp), admin.http, handle, std::future::pending()).await;
            drop(permit);
        });
    }

    async fn answer(&self, request: &Arrived) -> Reply {
        let path = request.head.uri.path();
        if !matches!(path, "/live" | "/ready" | "/metrics" | "/v1/events") {
            return Reply::text(StatusCode::NOT_FOUND, "nothing is here\n");
        }
        if request.head.method != Method::GET {
            return Reply::method_not_allowed("GET");
        }
        if !matches!(path, "/live" | "/ready") && !self.authorized(&request.head.headers) {
            return Reply::text(StatusCode::UNAUTHORIZED, "the admin token is missing or wrong\n")
                .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        match path {
            "/live" => Reply::text(StatusCode::OK, "live\n"),
            "/ready" => self.ready(),
            "/metrics" => self.metrics(),
            _ if request.head.uri.query() == Some("held=true") => self.held().await,
            _ => Reply::text(StatusCode::BAD_REQUEST, "this version lists held events only: ?held=true\n"),
        }
    }

    fn authorized(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return is_this_machine(headers) };
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|given| token.matches(given))
    }

    fn ready(&self) -> Reply {
        match self.phases.now() {
            Phase::Starting => Reply::later("starting\n"),
            Phase::Draining => Reply::later("draining\n"),
            Phase::Serving if !self.journal.healthy() => Reply::later("the journal cannot write\n"),
            Phase::Serving => Reply::text(StatusCode::OK, "ready\n"),
        }
    }

    fn metrics(&self) -> Reply {
        self.metrics.connections.set(i64::try_from((self.connections)()).unwrap_or(i64::MAX));
        for name in &self.webhooks {
            if let Some(lane) = self.journal.lane(name) {
                let lag = i64::try_from(lane.lag()).unwrap_or(i64::MAX);
                self.metrics.inbox_lag.get_or_create(&PerWebhook { webhook: lane.name().clone() }).set(lag);
            }
        }
        self.metrics.events_held.set(i64::try_from(self.journal.count_held()).unwrap_or(i64::MAX));
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Reply::of(StatusCode::OK, content_type, self.metrics.text())
    }

    async fn held(&self) -> Reply {
        let journal = self.journal.clone();
        match self.readers.run(move || journal.held(PAGE)).await {
            Ok(Ok(held)) => {
                let events = HeldEvents { events: held.into_iter().map(HeldEvent::from).collect() };
                let body = serde_json::to_vec(&events).expect("strings are serialisable");
                Reply::of(StatusCode::OK, JSON, body)
            }
            Ok(Err(error)) => {
                tracing::error!(error = %Chain(&error), "held events cannot be listed");
                Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the journal cannot be read, see the log\n")
            }
            Err(_) => Reply::later("too many readers at once\n"),
        }
    }
}

/// Whether the host asked for is `localhost` or an address.
fn is_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_this_machine() {
        let named = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).expect("a header"));
            is_this_machine(&headers)
        };
        assert!(named("localhost") && named("localhost:9440") && named("127.0.0.1:9440") && named("[::1]:9440"));
        assert!(!named("evil.example:9440") && !named("localhost.evil.example") && !named(""));
        assert!(!is_this_machine(&HeaderMap::new()));
    }
}
