//! One webhook, from its head to its answer:
//!
//! ```text
//! draining, paused? ─ claim of a signature ─ permit ─ body ─ signature ─ split ─ inbox (dedupe, durable) ─ 200
//! ```
//!
//! A delivery of Slack's may be a question whether this is the right place: it is answered, and not stored.
//!
//! No filter and no client stands between a webhook and its 200, and nothing that a body holds can change the answer:
//! it is taken as the bytes that were signed, and `split` finds its parts or finds none. What the answer may be is the table of contract section 4, and the one place where a refusal becomes an
//! answer is `refuse`.

use crate::http::{Arrived, Reply, Unread};
use crate::journal::{Appended, Journal, Lane, Refused};
use crate::journey::Receipt;
use crate::message::{Delivery, Timestamp};
use crate::metrics::{Metrics, WebhookOutcome, WebhookTally};
use crate::phase::{Phase, Phases};
use crate::provider::{Pointer, Provider};
use crate::secret::Secret;
use crate::seldom::Seldom;
use crate::split::{self, Split, Told};
use crate::verify::{HandshakeRefusal, Head, Scheme, SignatureRefusal, Signed, meta, slack};
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Where a sender that traces says as part of what (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// Anyone may send what is refused, as often as he pleases.
static REFUSED: Seldom = Seldom::new();
static HANDSHAKES_REFUSED: Seldom = Seldom::new();

/// One webhook of the configuration.
pub struct Webhook {
    pub name: Arc<str>,
    pub lane: Lane,
    pub provider: Provider,
    /// How its deliveries are signed.
    pub scheme: Scheme,
    /// What the GET must say that asks whether this is the right place; only Meta asks so.
    pub verify_token: Option<Secret>,
    /// Of Meta's: an event an item; otherwise one a delivery.
    pub split: bool,
    /// Where in the body the kind of a delivery is, if the configuration says so.
    pub kind: Option<Pointer>,
    pub tally: WebhookTally,
}

impl Webhook {
    /// The methods it answers, for those who try another.
    pub fn methods(&self) -> &'static str {
        if self.verify_token.is_some() { "GET, POST" } else { "POST" }
    }

    /// The events of a delivery.
    fn events(&self, headers: &HeaderMap, body: &[u8], signed: &Signed) -> Split {
        if self.provider == Provider::Meta {
            return split::split(&self.name, body, self.split);
        }
        let topic = split::topic(self.provider, headers);
        split::whole(self.provider, &self.name, body, Told { name: signed.name(), topic, kind: self.kind.as_ref() })
    }
}

pub struct Ingest {
    pub webhooks: Vec<Webhook>,
    pub journal: Journal,
    pub phases: Phases,
    pub metrics: Metrics,
    pub inflight: Arc<Semaphore>,
    /// The largest body, in bytes, and how long one may take to arrive.
    pub body: usize,
    pub body_timeout: Duration,
}

/// Why a webhook is not taken.
enum Refusal {
    Draining,
    Paused,
    Busy,
    Signature(SignatureRefusal),
    Body(Unread),
    Journal(Refused),
    Handshake(HandshakeRefusal),
}

/// What became of a delivery that is not refused.
enum Taken {
    Stored(Appended),
    /// It asked whether this is the right place, and is answered with this.
    Question(String),
}

impl Ingest {
    /// Answers the GET by which Meta checks a callback address.
    pub fn handshake(&self, webhook: usize, query: Option<&str>) -> Reply {
        let began = Instant::now();
        let webhook = &self.webhooks[webhook];
        let Some(verify_token) = &webhook.verify_token else {
            return Reply::method_not_allowed(webhook.methods());
        };
        let (outcome, reply) = match meta::handshake(query, verify_token) {
            Ok(challenge) => (WebhookOutcome::Verified, Reply::text(StatusCode::OK, challenge)),
            Err(refusal) => refuse(webhook, &Refusal::Handshake(refusal)),
        };
        webhook.tally.answered(outcome, began.elapsed());
        reply
    }

    /// Takes a webhook, and answers when it is durable or refused.
    pub async fn receive(&self, webhook: usize, request: Arrived) -> Reply {
        let parent = |headers: &HeaderMap| {
            let mut parents = headers.get_all(TRACEPARENT).iter();
            let parent = parents.next()?;
            parents.next().is_none().then(|| parent.to_str().ok()).flatten().map(str::to_owned)
        };
        let receipt = self.metrics.journeys.begin(|| parent(&request.head.headers));
        let began = receipt.begun;
        let webhook = &self.webhooks[webhook];
        let (outcome, reply) = match self.take(webhook, request, receipt).await {
            Ok(Taken::Question(challenge)) => (WebhookOutcome::Verified, Reply::text(StatusCode::OK, challenge)),
            Ok(Taken::Stored(Appended { new, duplicates, .. })) => {
                webhook.tally.stored(began.elapsed(), new, duplicates);
                let outcome = if new == 0 { WebhookOutcome::Duplicate } else { WebhookOutcome::Accepted };
                (outcome, Reply::empty(StatusCode::OK))
            }
            Err(refusal) => refuse(webhook, &refusal),
        };
        webhook.tally.answered(outcome, began.elapsed());
        reply
    }

    async fn take(&self, webhook: &Webhook, request: Arrived, mut receipt: Receipt) -> Result<Taken, Refusal> {
        let Arrived { head, body, .. } = request;
        if self.phases.now() == Phase::Draining {
            body.forget().await;
            return Err(Refusal::Draining);
        }
        if self.phases.is_paused() {
            body.forget().await;
            return Err(Refusal::Paused);
        }
        let received = Timestamp::now();
        let now = received.0 / 1000;
        let claim = match webhook.scheme.claim(Head { headers: &head.headers, query: head.uri.query(), now }) {
            Ok(claim) => claim,
            // What nobody claims to have signed takes neither memory nor a place among those under way.
            Err(refusal) => {
                body.forget().await;
                return Err(Refusal::Signature(refusal));
            }
        };
        let Ok(_permit) = self.inflight.try_acquire() else {
            body.forget().await;
            return Err(Refusal::Busy);
        };
        let mut proof = claim.begin();
        let body = body.read_by(&head.headers, self.body, self.body_timeout, |piece| proof.update(piece)).await;
        let body = body.map_err(Refusal::Body)?;
        receipt.mark(|reception| &mut reception.read);
        let signed = proof.finish(&body).map_err(Refusal::Signature)?;
        receipt.mark(|reception| &mut reception.verified);
        if webhook.provider == Provider::Slack
            && let Some(answer) = slack::challenge(&body)
        {
            return answer.map(Taken::Question).map_err(Refusal::Handshake);
        }
        let content_type = content_type(&head.headers);
        let Split { items, unparsed } = webhook.events(&head.headers, &body, &signed);
        receipt.mark(|reception| &mut reception.split);
        // Its values lie in what hyper receives into, which can be used again without it.
        drop(head);
        let delivery =
            Delivery { webhook: webhook.name.clone(), received, content_type, unparsed, items, body, orders: None };
        self.journal.receive(&webhook.lane, delivery, receipt).await.map(Taken::Stored).map_err(Refusal::Journal)
    }
}

fn refuse(webhook: &Webhook, refusal: &Refusal) -> (WebhookOutcome, Reply) {
    use WebhookOutcome as Outcome;
    let text = |status, text: &'static str| Reply::text(status, text);
    match refusal {
        Refusal::Draining => (Outcome::Draining, Reply::later("the gateway is stopping\n")),
        Refusal::Paused => (Outcome::Paused, Reply::later("the gateway is paused\n")),
        Refusal::Busy => (Outcome::Busy, Reply::later("too many webhooks at once\n")),
        Refusal::Journal(Refused::Busy) => (Outcome::Busy, Reply::later("too many webhooks at once\n")),
        Refusal::Journal(Refused::Storage) => (Outcome::Storage, Reply::later("not stored\n")),
        Refusal::Body(Unread::TooLarge) => {
            (Outcome::TooLarge, text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"))
        }
        Refusal::Body(Unread::TooSlow) => {
            (Outcome::TooSlow, text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"))
        }
        Refusal::Body(Unread::Broken) => (Outcome::Broken, text(StatusCode::BAD_REQUEST, "the body broke off\n")),
        Refusal::Handshake(refusal) => {
            HANDSHAKES_REFUSED.tell(|others| {
                tracing::info!(webhook = %webhook.name, why = %refusal, others, "verification handshake refused");
            });
            (Outcome::HandshakeRefused, Reply::empty(refusal.status()))
        }
        Refusal::Signature(refusal) => {
            REFUSED.tell(|others| tracing::info!(webhook = %webhook.name, why = %refusal, others, "webhook refused"));
            let outcome = match refusal {
                SignatureRefusal::Missing(_) => Outcome::SignatureMissing,
                SignatureRefusal::Repeated(_) => Outcome::SignatureRepeated,
                SignatureRefusal::Malformed(_) => Outcome::SignatureMalformed,
                SignatureRefusal::TooOld(_) | SignatureRefusal::TooNew(_) => Outcome::SignatureExpired,
                SignatureRefusal::LegacyOnly => Outcome::SignatureLegacy,
                SignatureRefusal::Wrong => Outcome::SignatureWrong,
            };
            // The outside learns that it was refused, not how near it came.
            (outcome, text(StatusCode::UNAUTHORIZED, "the signature is missing or wrong\n"))
        }
    }
}

/// The content type as it was sent, if it is text of a sensible length: it goes back out in headers one day.
fn content_type(headers: &HeaderMap) -> Option<String> {
    const LONGEST: usize = 256;
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    (value.len() <= LONGEST).then(|| value.to_owned())
}
