//! Clients that the operator's own service lets in: it is asked about each, over HTTP, as nginx's `auth_request` asks.
//!
//! ```text
//! GET <url>                                  200 or 204: let in, and the body, if it is JSON, says as whom
//! X-Forwarded-Method, -Uri, -Host, -For      401, 403, any other 4xx: not let in, with that status and body
//! X-Postern-Stream, X-Postern-Secret         anything else, or nothing in time: not let in, 503
//! and the headers that the configuration names
//! ```
//!
//! It fails closed: what is not a plain yes is a no. Connections are kept and used again; only so many are open at once.

use crate::error::Chain;
use crate::message::{Label, Timestamp};
use crate::outward::{Answer, Ask, Client, Destination};
use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, request};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How many are asked about at once.
const AT_ONCE: usize = 64;

const SECRET: HeaderName = HeaderName::from_static("x-postern-secret");

/// The longest answer that is read.
const LONGEST: usize = 64 << 10;

#[derive(Clone)]
pub struct Config {
    pub destination: Destination,
    pub timeout: Duration,
    /// Which of a client's headers are sent along.
    pub headers: Vec<HeaderName>,
    /// By which the service knows who asks.
    pub secret: Option<HeaderValue>,
}

pub struct Callout {
    config: Config,
    /// Connections that nobody uses now.
    idle: Mutex<Vec<Client>>,
    places: Semaphore,
}

/// Who the service says a client is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    pub subject: Option<String>,
    pub labels: Vec<Label>,
    pub expires: Option<Timestamp>,
    pub subprotocol: Option<String>,
}

/// Why a client is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The service said so, and this to it.
    Refused(StatusCode, String),
    /// The service did not say anything that could be understood, in time.
    Unanswered,
    /// So many are asked about that its turn did not come in time.
    Busy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    subject: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, Values>,
    /// Seconds since 1970.
    expires: Option<u64>,
    subprotocol: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl Callout {
    pub fn new(config: Config) -> Self {
        Self { config, idle: Mutex::default(), places: Semaphore::new(AT_ONCE) }
    }

    /// Asks about a client that wants to connect to `stream`. Takes as long as the timeout at most.
    pub async fn ask(&self, stream: &str, head: &request::Parts, peer: SocketAddr) -> Result<Allowed, Denied> {
        let begun = Instant::now();
        let place = tokio::time::timeout(self.config.timeout, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(Denied::Busy) };
        let left = self.config.timeout.saturating_sub(begun.elapsed());
        let mut client = self.lock().pop().unwrap_or_else(|| Client::new(self.config.destination.clone()));
        let headers = self.headers(stream, head, peer);
        let asked = client.ask(Ask {
            method: Method::GET,
            target: self.config.destination.address.target.clone(),
            headers: &headers,
            body: Bytes::new(),
            patience: left,
            most: LONGEST,
        });
        // Connecting has a longer patience of its own.
        let answer = match tokio::time::timeout(left, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let to = &self.config.destination.address;
                tracing::error!(stream, %to, error = %Chain(&error), "the admission service did not answer");
                return Err(Denied::Unanswered);
            }
            Err(_) => {
                let (to, timeout) = (&self.config.destination.address, self.config.timeout);
                tracing::error!(stream, %to, ?timeout, "the admission service did not answer in time");
                return Err(Denied::Unanswered);
            }
        };
        self.lock().push(client);
        understood(&answer).inspect_err(|denied| {
            if *denied == Denied::Unanswered {
                let (to, status) = (&self.config.destination.address, answer.status);
                tracing::error!(stream, %to, %status, "the admission service answered what is no answer");
            }
        })
    }

    fn headers(&self, stream: &str, head: &request::Parts, peer: SocketAddr) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in &self.config.headers {
            for value in head.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        let mut tell = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        tell("x-forwarded-method", head.method.as_str());
        tell("x-forwarded-uri", head.uri.path_and_query().map_or("/", |target| target.as_str()));
        let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
        tell("x-forwarded-host", host.or(head.uri.host()).unwrap_or_default());
        tell("x-forwarded-for", &peer.ip().to_canonical().to_string());
        tell("x-postern-stream", stream);
        if let Some(secret) = &self.config.secret {
            headers.insert(SECRET, secret.clone());
        }
        headers
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn understood(answer: &Answer) -> Result<Allowed, Denied> {
    match answer.status {
        StatusCode::NO_CONTENT => Ok(Allowed::default()),
        StatusCode::OK if answer.text.trim().is_empty() => Ok(Allowed::default()),
        StatusCode::OK if answer.complete => {
            let said: Said = serde_json::from_str(&answer.text).map_err(|_| Denied::Unanswered)?;
            let labels = said.labels.into_iter().flat_map(|(key, values)| {
                let values = match values {
                    Values::One(value) => vec![value],
                    Values::Several(values) => values,
                };
                values.into_iter().map(move |value| Label { key: key.clone(), value })
            });
            Ok(Allowed {
                subject: said.subject,
                labels: labels.collect(),
                expires: said.expires.map(|seconds| Timestamp(seconds.saturating_mul(1000))),
                subprotocol: said.subprotocol,
            })
        }
        status if status.is_client_error() => Err(Denied::Refused(status, answer.text.clone())),
        _ => Err(Denied::Unanswered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Result<Allowed, Denied> {
        let status = StatusCode::from_u16(status).expect("a status");
        understood(&Answer { status, headers: HeaderMap::new(), text: text.to_owned(), complete: true })
    }

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        let said = r#"{"subject":"ann","labels":{"room":["a","b"],"desk":"1"},"expires":1700000000}"#;
        let label = |key: &str, value: &str| Label { key: key.into(), value: value.into() };
        let allowed = answer(200, said).expect("it is a yes");
        assert_eq!(allowed.labels, [label("desk", "1"), label("room", "a"), label("room", "b")]);
        assert_eq!((allowed.subject.as_deref(), allowed.expires), (Some("ann"), Some(Timestamp(1_700_000_000_000))));
        assert_eq!((answer(204, ""), answer(200, " ")), (Ok(Allowed::default()), Ok(Allowed::default())));
        assert_eq!(answer(403, "no"), Err(Denied::Refused(StatusCode::FORBIDDEN, "no".into())));
        for (status, text) in [(200, "yes"), (200, "[]"), (200, r#"{"subjct":"ann"}"#), (201, ""), (302, ""), (500, "")]
        {
            assert_eq!(answer(status, text), Err(Denied::Unanswered), "{status} {text}");
        }
    }
}
