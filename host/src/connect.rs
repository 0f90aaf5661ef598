//! One client, from its request to the shard that will own it:
//!
//! ```text
//! draining? ─ is it a good upgrade ─ origin ─ admission filters ─ 101 ─ shard
//! ```
//!
//! Where a refusal becomes an answer is `refuse`.

use crate::filter::{self, ConnectRequest, Denial, Filter, Grant};
use crate::http::{Arrived, Reply, Upgrade};
use crate::journal::Journal;
use crate::message::ClientId;
use crate::metrics::{ConnectOutcome, Metrics};
use crate::phase::{Phase, Phases};
use crate::pool::Pool;
use crate::task::{self, Tracker};
use crate::ws::{self, Joining, Shards, Who, encode, handshake};
use ::http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};
use ::http::{Method, StatusCode, Version, request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// One stream of the configuration.
pub struct Stream {
    pub name: Arc<str>,
    pub shape: Arc<ws::Stream>,
    /// Every one must allow. None: whoever comes is let in, as the configuration said aloud.
    pub admission: Arc<[Filter]>,
    /// Lower case. `None`: any.
    pub origins: Option<Vec<String>>,
}

pub struct Connect {
    pub streams: Vec<Stream>,
    pub journal: Journal,
    pub shards: Shards,
    /// Where admission filters run, so that one that takes its time holds up no other connection.
    pub admission: Pool,
    pub ids: ClientIds,
    pub phases: Phases,
    pub metrics: Metrics,
    pub tasks: Tracker,
}

/// Gives numbers to clients: the number of this start of the journal, then a count. So no number ever comes again, and
/// an event that was sent to a client by its number reaches nobody else after a restart.
pub struct ClientIds {
    boot: u32,
    next: AtomicU32,
}

/// Why a client is not let in.
enum Refusal {
    Draining,
    NotWebSocket,
    Handshake(handshake::Refusal),
    Origin,
    Busy,
    /// A filter chose a subprotocol that the client did not ask for.
    Subprotocol,
    Denied(Denial),
}

impl ClientIds {
    pub fn new(boot: u32) -> Self {
        Self { boot, next: AtomicU32::new(1) }
    }

    fn next(&self) -> ClientId {
        ClientId(u64::from(self.boot) << 32 | u64::from(self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Connect {
    /// Answers a request to become a client. `permit` lives as long as the client does.
    pub async fn connect(&self, stream: usize, request: Arrived, peer: SocketAddr, permit: Box<dyn Send>) -> Reply {
        let stream = &self.streams[stream];
        let (head, upgrade) = request.into_upgrade();
        match self.admit(stream, &head, peer).await {
            Ok((headers, who)) => {
                self.metrics.connect(&stream.name, ConnectOutcome::Connected);
                self.hand_over(upgrade, who, permit);
                Reply { headers, ..Reply::empty(StatusCode::SWITCHING_PROTOCOLS) }
            }
            Err(refusal) => {
                let (outcome, reply) = refuse(stream, refusal);
                self.metrics.connect(&stream.name, outcome);
                reply
            }
        }
    }

    async fn admit(
        &self,
        stream: &Stream,
        head: &request::Parts,
        peer: SocketAddr,
    ) -> Result<(HeaderMap, Who), Refusal> {
        if self.phases.now() == Phase::Draining {
            return Err(Refusal::Draining);
        }
        if head.method != Method::GET || head.version != Version::HTTP_11 || !handshake::asked(&head.headers) {
            return Err(Refusal::NotWebSocket);
        }
        // Before the filters are troubled with it.
        handshake::accept(&head.headers, None).map_err(Refusal::Handshake)?;
        if !origin_allowed(stream.origins.as_deref(), &head.headers) {
            return Err(Refusal::Origin);
        }
        let grant = self.ask(stream, head, peer).await?;
        if let Some(chosen) = &grant.subprotocol
            && !handshake::subprotocols(&head.headers).contains(&chosen.as_str())
        {
            tracing::warn!(stream = %stream.name, subprotocol = %chosen, "admission chose a subprotocol nobody asked for");
            return Err(Refusal::Subprotocol);
        }
        let headers = handshake::accept(&head.headers, grant.subprotocol.as_deref()).map_err(Refusal::Handshake)?;
        let id = self.ids.next();
        tracing::debug!(client = %id, stream = %stream.name, subject = grant.subject.as_deref(), %peer, "client admitted");
        let who = Who {
            id,
            stream: stream.shape.clone(),
            labels: grant.labels.into(),
            // Taken before the answer is sent: whatever is decided once the client knows it is connected, it gets.
            cursor: self.journal.tail(),
            greeting: grant.greeting.as_ref().map(encode::alone),
        };
        Ok((headers, who))
    }

    async fn ask(&self, stream: &Stream, head: &request::Parts, peer: SocketAddr) -> Result<Grant, Refusal> {
        if stream.admission.is_empty() {
            return Ok(Grant::default());
        }
        let request = ConnectRequest {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
            address: peer,
        };
        let chain = stream.admission.clone();
        let answer = self.admission.run(move || filter::admit(&chain, &request)).await;
        answer.map_err(|_| Refusal::Busy)?.map_err(Refusal::Denied)
    }

    fn hand_over(&self, upgrade: Upgrade, who: Who, permit: Box<dyn Send>) {
        let shards = self.shards.clone();
        task::tracked(&self.tasks, async move {
            let Some(upgraded) = upgrade.done().await else { return };
            let joining = Joining { who, tcp: upgraded.tcp, tls: upgraded.tls, early: upgraded.early, permit };
            // False at the very end only, when there is nobody left to tell.
            let _ = shards.join(joining).await;
        });
    }
}

fn refuse(stream: &Stream, refusal: Refusal) -> (ConnectOutcome, Reply) {
    match refusal {
        Refusal::Draining => (ConnectOutcome::Draining, Reply::later("the gateway is stopping\n")),
        Refusal::Busy => (ConnectOutcome::Busy, Reply::later("too many clients connect at once\n")),
        Refusal::NotWebSocket => {
            let reply = Reply::text(StatusCode::UPGRADE_REQUIRED, "connect with a WebSocket client\n");
            (ConnectOutcome::NotWebSocket, upgrade_hints(reply))
        }
        Refusal::Handshake(refusal) => {
            let status = match refusal {
                handshake::Refusal::Version => StatusCode::UPGRADE_REQUIRED,
                handshake::Refusal::Key | handshake::Refusal::Connection => StatusCode::BAD_REQUEST,
            };
            (ConnectOutcome::NotWebSocket, upgrade_hints(Reply::text(status, format!("{refusal}\n"))))
        }
        Refusal::Origin => {
            (ConnectOutcome::OriginRefused, Reply::text(StatusCode::FORBIDDEN, "this origin may not connect\n"))
        }
        Refusal::Subprotocol => (ConnectOutcome::Denied, Reply::later("this cannot be decided now, try again later\n")),
        Refusal::Denied(denial) => {
            tracing::info!(stream = %stream.name, status = denial.status, why = denial.reason.as_deref(), "client denied");
            let status = StatusCode::from_u16(denial.status).unwrap_or(StatusCode::FORBIDDEN);
            let reply = if status == StatusCode::SERVICE_UNAVAILABLE {
                Reply { body: denial.body.into(), ..Reply::later("") }
            } else {
                Reply::text(status, denial.body)
            };
            (ConnectOutcome::Denied, reply)
        }
    }
}

/// What RFC 6455, section 4.4, and RFC 9110, section 15.5.22, want said to who did it wrong.
fn upgrade_hints(reply: Reply) -> Reply {
    reply
        .with(::http::header::UPGRADE, HeaderValue::from_static("websocket"))
        .with(HeaderName::from_static("sec-websocket-version"), HeaderValue::from_static("13"))
}

/// Browsers say where a page comes from and cannot be made to lie; others need not say, and are for admission to judge.
fn origin_allowed(allowed: Option<&[String]>, headers: &HeaderMap) -> bool {
    let Some(allowed) = allowed else { return true };
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| {
            let origin = origin.trim_end_matches('/');
            allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
        }),
        (Some(_), Some(_)) => false,
    }
}
