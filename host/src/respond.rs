//! A plain HTTP request that a filter answers:
//!
//! ```text
//! path ─ body ─ http filter (WASM) ─ its answer
//!                                  └ accept: inbox, durable ─ its answer
//! ```
//!
//! Threads of each page's own: a filter that loops keeps nobody waiting but those who ask for its page.

use crate::converse;
use crate::filter::{self, Effects, Failure, Filter, HttpAnswer, HttpRequest, OnError, Response};
use crate::http::{Arrived, Reply, Unread};
use crate::journal::{Journal, Lane};
use crate::message::{Delivery, Scope};
use crate::phase::{Phase, Phases};
use crate::pool::Pool;
use crate::ws::Shards;
use ::http::StatusCode;
use ::http::header::CONTENT_TYPE;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// One `[http.NAME]` of the configuration.
pub struct Page {
    pub name: Arc<str>,
    pub filter: Filter,
    /// Where its filter is asked.
    pub pool: Pool,
    /// Whose clients its filter may see and reach.
    pub scope: Scope,
    /// Through which webhook what it accepts goes.
    pub webhook: Option<Lane>,
}

pub struct Respond {
    pub pages: Vec<Arc<Page>>,
    pub journal: Journal,
    /// Where what filters send goes.
    pub lane: Lane,
    pub shards: Shards,
    pub phases: Phases,
    pub inflight: Arc<Semaphore>,
    /// The largest body, in bytes, and how long one may take to arrive.
    pub body: usize,
    pub body_timeout: Duration,
}

/// What one page said to a request.
enum Said {
    Pass,
    Answer(Reply),
}

impl Respond {
    /// Asks these pages, in order; gives the request back when it is none of theirs.
    pub async fn answer(
        &self,
        pages: impl Iterator<Item = usize>,
        request: Arrived,
        peer: SocketAddr,
    ) -> Result<Reply, Arrived> {
        let mut pages = pages.peekable();
        if pages.peek().is_none() {
            return Err(request);
        }
        let (head, body, upgrade) = request.into_parts();
        let Ok(_permit) = self.inflight.try_acquire() else {
            body.forget().await;
            return Ok(Reply::later("too many requests at once\n"));
        };
        let body = match body.read(&head.headers, self.body, self.body_timeout).await {
            Ok(body) => body,
            Err(unread) => return Ok(refuse(unread)),
        };
        let asked = Arc::new(HttpRequest::new(&head, peer, body.clone()));
        for page in pages {
            if let Said::Answer(reply) = self.ask(&self.pages[page], &asked).await {
                return Ok(reply);
            }
        }
        Err(Arrived::with_body(head, body, upgrade))
    }

    async fn ask(&self, page: &Page, request: &Arc<HttpRequest>) -> Said {
        let (filter, scope, asked) = (page.filter.clone(), page.scope.clone(), request.clone());
        let Ok(answer) = page.pool.run(move || filter::respond(&filter, &asked, &scope)).await else {
            return Said::Answer(Reply::later("too many requests at once\n"));
        };
        match answer {
            Ok((answer, effects)) => self.follow(page, answer, effects).await,
            Err(failure) => failed(page, &failure),
        }
    }

    /// Does what the filter wants done, all of it or nothing.
    async fn follow(&self, page: &Page, answer: HttpAnswer, effects: Effects) -> Said {
        let refused = |text| Said::Answer(Reply::later(text));
        let (answer, accepted) = match answer {
            HttpAnswer::Pass => (None, None),
            HttpAnswer::Respond(response) => (Some(response), None),
            HttpAnswer::Accept(payload, response) => (Some(response), Some(payload)),
        };
        let Effects { sends, changes } = effects;
        let sends = converse::to_streams(sends, &page.scope);
        let (lane, delivery) = match accepted {
            Some(_) if self.phases.now() == Phase::Draining || self.phases.is_paused() => {
                return refused("no webhooks are taken now\n");
            }
            Some(payload) => {
                let Some(lane) = &page.webhook else {
                    let why = Failure::Invalid("`accept`, and no `webhook` is configured to take it".to_owned());
                    return failed(page, &why);
                };
                (lane, Some(Delivery::accepted(lane.name().clone(), payload, sends, changes.clone())))
            }
            None if sends.is_empty() => (&self.lane, None),
            None => (&self.lane, Some(Delivery::sent("send", sends, changes.clone()))),
        };
        match delivery {
            None => self.shards.applied(changes.all(), self.journal.tail()).await,
            Some(delivery) => {
                if self.journal.append(lane, delivery).await.is_err() {
                    return refused("not stored\n");
                }
            }
        }
        answer.map_or(Said::Pass, |response| Said::Answer(reply(response)))
    }
}

fn failed(page: &Page, failure: &Failure) -> Said {
    let (filter, kind, on_error) = (page.filter.name(), failure.kind(), page.filter.on_error());
    if !failure.was_told() {
        tracing::warn!(page = %page.name, filter, kind, %failure, ?on_error, "an http filter failed");
    }
    match on_error {
        OnError::Pass => Said::Pass,
        OnError::Hold | OnError::Drop => Said::Answer(Reply::later("this cannot be answered now\n")),
    }
}

fn reply(response: Response) -> Reply {
    let Response { status, headers, body } = response;
    let typed = headers.contains_key(CONTENT_TYPE) || body.is_empty();
    let mut reply = if typed { Reply { body: body.into(), ..Reply::empty(status) } } else { Reply::text(status, body) };
    for (name, value) in &headers {
        reply.headers.append(name, value.clone());
    }
    reply
}

fn refuse(unread: Unread) -> Reply {
    match unread {
        Unread::TooLarge => Reply::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"),
        Unread::TooSlow => Reply::text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
        Unread::Broken => Reply::text(StatusCode::BAD_REQUEST, "the body broke off\n"),
    }
}
