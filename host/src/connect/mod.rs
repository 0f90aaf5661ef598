//! One client, from its request to the shard that will own it:
//!
//! ```text
//! draining? ─ WebSocket or event stream ─ origin ─ since ─ token, callout, filters ─ 101 or 200 ─ shard
//! ```
//!
//! A client comes by one of three doors, and gets the same events in the same order behind each: an upgrade of
//! HTTP/1.1, whose socket the shard takes over; an extended CONNECT of HTTP/2 (RFC 8441); or a `GET` that accepts
//! `text/event-stream`, over either. The last two stay with hyper, and reach the shard through a pipe.
//!
//! | file | what |
//! | --- | --- |
//! | `wish` | what a request asks for: form, subprotocols, where to begin |
//! | `refuse` | where a refusal becomes an answer |

mod refuse;
mod wish;

use crate::callout::{Allowed, Callout, Denied};
use crate::converse;
use crate::filter::{self, Denial, Effects, Filter, Grant, HttpRequest};
use crate::http::{Arrived, Reply, Upgrade, Upgraded, bridge};
use crate::journal::{Journal, Lane};
use crate::jwt;
use crate::message::{Card, ClientId, Cursor, Gap, Label, Loss, NotASince, Scope, Since, Start, Timestamp};
use crate::metrics::{ConnectOutcome, Metrics};
use crate::phase::{Phase, Phases};
use crate::pipe;
use crate::pool::Pool;
use crate::task::{self, Tracker};
use crate::ws::{self, Form, Joining, Manner, Shards, Transport, Who, handshake};
use ::http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS};
use ::http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY};
use ::http::{StatusCode, request};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wish::{Door, Wish};

/// One stream of the configuration.
pub struct Stream {
    pub name: Arc<str>,
    pub shape: Arc<ws::Stream>,
    /// Every one must allow, here and in the two below. None at all: whoever comes is let in, as the configuration said
    /// aloud.
    pub admission: Arc<[Filter]>,
    /// Who checks a token, and where it is.
    pub jwt: Option<(Arc<jwt::Verifier>, Vec<jwt::Place>)>,
    pub callout: Option<Arc<Callout>>,
    /// Lower case. `None`: any.
    pub origins: Option<Vec<String>>,
    /// The most bytes of a message that go in one frame.
    pub frame_size: Option<usize>,
    /// Events are deflated for clients that offer to inflate them.
    pub compression: bool,
}

pub struct Connect {
    pub streams: Vec<Arc<Stream>>,
    pub journal: Journal,
    /// Where what admission filters send goes.
    pub lane: Lane,
    pub shards: Shards,
    /// The most labels a client may be given.
    pub labels: usize,
    /// Where admission filters run and places are looked up, so that what takes its time holds up no other connection.
    pub admission: Pool,
    pub ids: Arc<ClientIds>,
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
    NotAClient,
    Handshake(handshake::Refusal),
    Origin,
    Since(NotASince),
    Busy,
    /// A filter chose a subprotocol that the client did not ask for.
    Subprotocol,
    Denied(Denial),
    Token(jwt::Refusal),
    /// The operator's service let it not in.
    Called(StatusCode, String),
}

/// How much of what a pipe carries waits in it.
const PIPE: usize = 64 << 10;

const CURSOR: HeaderName = HeaderName::from_static("postern-cursor");
const GAP: HeaderName = HeaderName::from_static("postern-gap");
const GREETING: HeaderName = HeaderName::from_static("postern-greeting");

impl ClientIds {
    pub fn new(boot: u32) -> Self {
        Self { boot, next: AtomicU32::new(1) }
    }

    fn next(&self) -> ClientId {
        ClientId(u64::from(self.boot) << 32 | u64::from(self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Whether a request wants to become a client, well or badly.
pub fn wanted(request: &Arrived) -> bool {
    wish::door(request).is_some()
}

impl Connect {
    /// Answers a request to become a client. `permit` lives as long as the client does.
    pub async fn connect(&self, stream: usize, request: Arrived, peer: SocketAddr, permit: Box<dyn Send>) -> Reply {
        let stream = &self.streams[stream];
        let door = wish::door(&request);
        let (head, upgrade) = request.into_upgrade();
        match self.admit(stream, door, &head, peer).await {
            Ok((door, headers, who)) => {
                self.metrics.connect(&stream.name, ConnectOutcome::Connected);
                self.hand_over(door, upgrade, headers, who, permit).await
            }
            Err(refusal) => {
                let (outcome, reply) = refuse::answer(stream, door, refusal);
                self.metrics.connect(&stream.name, outcome);
                // A page of an allowed origin may know why.
                Reply { headers: shared(stream, &head.headers, reply.headers), ..reply }
            }
        }
    }

    async fn admit(
        &self,
        stream: &Stream,
        door: Option<Door>,
        head: &request::Parts,
        peer: SocketAddr,
    ) -> Result<(Door, HeaderMap, Who), Refusal> {
        if self.phases.now() == Phase::Draining {
            return Err(Refusal::Draining);
        }
        let door = door.ok_or(Refusal::NotAClient)?;
        // Before the filters are troubled with it.
        let wish = Wish::of(door, head)?;
        if !origin_allowed(stream.origins.as_deref(), &head.headers) {
            return Err(Refusal::Origin);
        }
        let (grant, expires) = self.grant(stream, head, peer).await?;
        let subprotocol = wish.subprotocol(grant.subprotocol.as_deref()).map_err(|()| {
            tracing::warn!(stream = %stream.name, subprotocol = grant.subprotocol, "admission chose a subprotocol nobody asked for");
            Refusal::Subprotocol
        })?;
        let form = wish.form(subprotocol);
        let (deflate, mut headers) = wish.accept(head, subprotocol, stream.compression).map_err(Refusal::Handshake)?;
        let card = Arc::new(Card {
            id: self.ids.next(),
            stream: stream.name.clone(),
            subject: grant.subject,
            labels: grant.labels,
            address: peer,
            since: Timestamp::now(),
        });
        self.follow(stream, grant.effects).await?;
        // Taken before the answer is sent: whatever is decided once the client knows it is connected, it gets.
        let (cursor, gap) = self.begin(wish.since, stream, &card).await?;
        let gap = if form == Form::Raw && gap.is_none() { self.hole(cursor).await? } else { gap };
        headers.insert(CURSOR, printed(&cursor));
        if let Some(Gap { from, to, loss }) = &gap {
            headers.insert(GAP, printed(&format_args!("{from} {to} {}", loss.name())));
        }
        if form == Form::Raw && grant.greeting.is_some() {
            // In raw form it looks like an event, and whoever counts events must not count it.
            headers.insert(GREETING, HeaderValue::from_static("1"));
        }
        let subject = card.subject.as_deref();
        tracing::debug!(client = %card.id, stream = %stream.name, subject, %peer, ?form, "client admitted");
        let who = Who {
            card,
            stream: stream.shape.clone(),
            manner: Manner { form, deflate, frame_size: stream.frame_size },
            cursor,
            skip: wish.since.skip,
            gap,
            greeting: grant.greeting,
            expires,
        };
        Ok((door, shared(stream, &head.headers, headers), who))
    }

    /// Where a client begins, and what it does not get of what it asked for.
    async fn begin(&self, since: Since, stream: &Stream, client: &Arc<Card>) -> Result<(Cursor, Option<Gap>), Refusal> {
        let journal = &self.journal;
        let start = match since.start {
            Start::Now => journal.tail(),
            Start::Earliest => journal.earliest(),
            Start::Last(0) => journal.tail(),
            Start::Last(count) => {
                let found = self.shards.last(&stream.shape, client, count, journal.tail()).await;
                found.ok_or(Refusal::Busy)?
            }
            Start::Cursor(cursor) => {
                let (start, gap) = journal.resume(cursor);
                let gap = match gap {
                    None => self.lost(cursor, since.skip, stream, client).await?,
                    gap => gap,
                };
                return Ok((gap.map_or_else(|| journal.cursor(start), |gap| gap.from), gap));
            }
            Start::Time(time) => {
                let journal = journal.clone();
                self.admission.run(move || journal.offset_at(time)).await.map_err(|_| Refusal::Busy)?
            }
        };
        Ok((journal.cursor(start), None))
    }

    /// What is damaged just where a client goes on. A raw one, which has no words for a gap later on, was sent away when
    /// it came to it, and is told now.
    async fn hole(&self, cursor: Cursor) -> Result<Option<Gap>, Refusal> {
        if cursor.offset >= self.journal.tail() {
            return Ok(None);
        }
        let journal = self.journal.clone();
        let piece = self.admission.run(move || journal.outbox(cursor.offset, 1, 1)).await.map_err(|_| Refusal::Busy)?;
        // One that cannot be read is no gap: the shard ends the connection.
        Ok(piece.ok().and_then(|piece| piece.gap).map(|gap| Gap { from: cursor, ..gap }))
    }

    /// The gap of a client that has counted more events since a cursor than there are of that cursor's epoch: it has seen
    /// some that are lost.
    async fn lost(
        &self,
        cursor: Cursor,
        counted: u64,
        stream: &Stream,
        client: &Arc<Card>,
    ) -> Result<Option<Gap>, Refusal> {
        let Some(parted) = self.journal.parted(cursor).filter(|_| counted > 0) else { return Ok(None) };
        let there = self.shards.count(&stream.shape, client, cursor.offset..parted, counted).await;
        let is_lost = there.ok_or(Refusal::Busy)? < counted;
        Ok(is_lost.then(|| Gap { from: cursor, to: self.journal.cursor(parted), loss: Loss::Reset }))
    }

    /// As whom a client is let in, and until when, by all that guard the stream.
    async fn grant(
        &self,
        stream: &Stream,
        head: &request::Parts,
        peer: SocketAddr,
    ) -> Result<(Grant, Option<Timestamp>), Refusal> {
        let (mut granted, mut expires) = (Grant::default(), None::<Timestamp>);
        let mut until = |time: Option<Timestamp>| expires = expires.into_iter().chain(time).min();
        if let Some((verifier, places)) = &stream.jwt {
            let token = jwt::find(places, head).ok_or(Refusal::Token(jwt::Refusal::Missing))?;
            let identity = verifier.verify(&token, Timestamp::now()).await.map_err(Refusal::Token)?;
            if !fits(identity.subject.as_deref(), &identity.labels) {
                return Err(Refusal::Token(jwt::Refusal::Claims));
            }
            until(identity.expires);
            granted.add(Grant { subject: identity.subject, labels: identity.labels, ..Grant::default() });
        }
        if let Some(callout) = &stream.callout {
            let allowed = callout.ask(&stream.name, head, peer).await.map_err(|denied| match denied {
                Denied::Refused(status, text) => Refusal::Called(status, text),
                Denied::Unanswered => Refusal::Called(StatusCode::SERVICE_UNAVAILABLE, String::new()),
                Denied::Busy => Refusal::Busy,
            })?;
            until(allowed.expires);
            let Allowed { subject, labels, subprotocol, .. } = allowed;
            if !fits(subject.as_deref(), &labels) {
                tracing::error!(stream = %stream.name, "the admission service gave a subject or a label that is too long, or that it may not give");
                return Err(Refusal::Called(StatusCode::SERVICE_UNAVAILABLE, String::new()));
            }
            granted.add(Grant { subject, labels, subprotocol, ..Grant::default() });
        }
        granted.add(self.ask(stream, head, peer).await?);
        if granted.labels.len() > self.labels {
            let (count, most) = (granted.labels.len(), self.labels);
            tracing::warn!(stream = %stream.name, count, most, "a client has more labels than it may have: it is not let in");
            return Err(Refusal::Called(StatusCode::SERVICE_UNAVAILABLE, String::new()));
        }
        Ok((granted, expires))
    }

    async fn ask(&self, stream: &Stream, head: &request::Parts, peer: SocketAddr) -> Result<Grant, Refusal> {
        if stream.admission.is_empty() {
            return Ok(Grant::default());
        }
        let request = HttpRequest::new(head, peer, Bytes::new());
        let (chain, scope) = (stream.admission.clone(), Scope::of([stream.name.clone()]));
        let answer = self.admission.run(move || filter::admit(&chain, request, &scope)).await;
        answer.map_err(|_| Refusal::Busy)?.map_err(Refusal::Denied)
    }

    /// Does what admission filters want done beside letting the client in.
    async fn follow(&self, stream: &Stream, effects: Effects) -> Result<(), Refusal> {
        let Effects { sends, changes } = effects;
        if sends.is_empty() && changes.is_empty() {
            return Ok(());
        }
        match converse::delivery("send", sends, changes.clone(), &Scope::of([stream.name.clone()])) {
            Some(delivery) => {
                self.journal.append(&self.lane, delivery).await.map_err(|_| Refusal::Busy)?;
            }
            None => self.shards.applied(changes.all(), self.journal.tail()).await,
        }
        Ok(())
    }

    async fn hand_over(
        &self,
        door: Door,
        upgrade: Upgrade,
        headers: HeaderMap,
        who: Who,
        permit: Box<dyn Send>,
    ) -> Reply {
        let shards = self.shards.clone();
        // False at the very end only, when there is nobody left to tell.
        let join = async move |transport, early| {
            let _ = shards.join(Joining { who, transport, early, permit });
        };
        match door {
            Door::Events => {
                let (near, far) = pipe::pair(PIPE);
                join(Transport::Pipe(near), Vec::new()).await;
                let mut reply = Reply::stream("text/event-stream", far);
                reply.headers.extend(headers);
                reply
            }
            Door::Upgrade | Door::Connect => {
                let switched = async move |upgraded| match upgraded {
                    Upgraded::Socket { tcp, tls, early } => join(Transport::Tcp { tcp, tls }, early).await,
                    Upgraded::Stream(tunnel) => {
                        let (near, far) = pipe::pair(PIPE);
                        join(Transport::Pipe(near), Vec::new()).await;
                        // Not tracked: the shard ends it when it has said goodbye.
                        task::background(bridge(tunnel, far));
                    }
                };
                let status = if door == Door::Connect { StatusCode::OK } else { StatusCode::SWITCHING_PROTOCOLS };
                Reply { status, headers, body: upgrade.then(&self.tasks, switched) }
            }
        }
    }
}

fn printed(value: &impl std::fmt::Display) -> HeaderValue {
    HeaderValue::try_from(value.to_string()).expect("cursors and words are letters and digits")
}

/// Browsers say where a page comes from and cannot be made to lie; others need not say, and are for admission to judge.
/// Whether what was said of a client is short enough to be kept for as long as it stays.
fn fits(subject: Option<&str>, labels: &[Label]) -> bool {
    subject.is_none_or(Label::subject_fits) && labels.iter().all(Label::fits)
}

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

/// Lets a page of an allowed origin read an event stream (the Fetch standard's CORS protocol); WebSockets need no leave.
/// Cookies are allowed only where the configuration names the origins.
fn shared(stream: &Stream, request: &HeaderMap, mut headers: HeaderMap) -> HeaderMap {
    let Some(origin) = request.get(ORIGIN) else { return headers };
    if stream.origins.is_some() {
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if !origin_allowed(stream.origins.as_deref(), request) {
            return headers;
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Postern-Cursor, Postern-Gap"));
    headers
}
