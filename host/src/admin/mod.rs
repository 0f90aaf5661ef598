//! What operators ask of a running gateway, on a listener of its own.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /` | the page for operators: all that is below, to look at and to press |
//! | `GET /live` | 200 while the process is |
//! | `GET /ready` | 200 while it takes webhooks; 503 while it starts, drains, or cannot write its journal |
//! | `GET /metrics` | all of `metrics`, in the text form of OpenMetrics; in the one before it for who accepts `text/plain` only |
//! | `GET /v1/events` | events, oldest first or `newest`, by `since`, `until`, `webhook`, `kind`, `key`, `number`, `held`; pages |
//! | `GET /v1/events/ID` | one event: its body, its delivery, what each filter said |
//! | `GET /v1/tap` | each event with its trail when it is decided, as server-sent events |
//! | `POST /v1/events/retry` | held ones are judged again: `{"ids":[…]}`, `{"all":true}`, or filters as above |
//! | `POST /v1/events/replay` | any are: clients get what the present filters make of them, once more |
//! | `POST /v1/send` | the body goes to clients: all, or those chosen by `stream`, `label=KEY:VALUE`, `client`, `subject` |
//! | `GET /v1/status` | phase, held events, webhooks with their lag, streams |
//! | `GET /v1/streams` | each stream: its clients, and how far they are behind |
//! | `GET /v1/clients` | who is connected, chosen likewise; pages by `after`, `limit` |
//! | `POST /v1/disconnect` | those chosen are closed, with `code` and `reason` |
//! | `POST /v1/pause`, `/v1/resume` | webhooks are turned away with 503, and taken again; streams go on |
//! | `POST /v1/drain` | it stops, as on SIGTERM: what is under way is finished, clients are told, then it ends |
//! | `GET /v1/filters` | each filter: its component, how its calls fare, what it could go back to |
//! | `PUT /v1/filters/NAME` | the component in the body takes its place, from one piece of work to the next |
//! | `POST /v1/filters/NAME/rollback` | the component before it is back |
//! | `POST /v1/acme/renew` | a new certificate is asked for now, if it is one by ACME; log and metrics tell what becomes of it |
//! | `POST /v1/reload` | the configuration and all it names is read again: all of it is taken, or nothing |
//! | `GET /v1/targets` | each forward target: how far it is, how it fares |
//! | `GET /v1/targets/NAME/dead` | its dead letters |
//! | `POST /v1/targets/NAME/retry` | they are tried once more: `{"cursors":[…]}`, or all of them with `{}` |
//! | `POST /v1/targets/NAME/resume` | it is tried again now, set aside or waiting |
//! | `GET /v1/openapi.json` | all this, for programs |
//!
//! Without a token, a request must name this machine as its host: a page in the operator's browser that has its own name
//! point here must not read what is here; and a page of another origin must not post. With a token, all but `/live`,
//! `/ready` and the files of the page want `Authorization: Bearer`.

mod again;
mod chosen;
pub mod events;
mod filters;
mod origin;
mod page;
mod present;
mod reload;
mod resource;
mod send;
mod status;
mod tap;
pub mod targets;

pub use reload::{Difference, Reloaded};

use crate::clients::Clients;
use crate::dispatch::Desk;
use crate::error::Chain;
use crate::filter::Shelf;
use crate::forward::Targets;
use crate::http::{self, Arrived, Io, Reply};
use crate::journal::{self, Journal, Lane};
use crate::message::{Scope, Timestamp};
use crate::metrics::{Metrics, PerWebhook};
use crate::phase::{Phase, Phases};
use crate::pool::Pool;
use crate::secret::Secret;
use crate::tap::Tap;
use crate::task;
use crate::ws::Shards;
use ::http::header::{ACCEPT, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use ::http::{HeaderMap, Method, StatusCode};
use arc_swap::ArcSwap;
use resource::Resource;
use serde::Serialize;
use std::sync::Arc;
use tokio::net::TcpStream;

const JSON: &str = "application/json";

/// What is here, for programs.
const OPENAPI: &str = include_str!("openapi.json");

/// Reads the configuration and all it names again; blocks.
pub type Reload = Arc<dyn Fn() -> Result<Reloaded, Vec<String>> + Send + Sync>;

/// Has a new certificate asked for, and returns at once.
pub type Renew = Arc<dyn Fn() + Send + Sync>;

pub struct Admin {
    pub token: Option<Secret>,
    pub journal: Journal,
    /// Where events are pushed to.
    pub targets: Targets,
    /// The webhooks by name, for their lag.
    pub webhooks: Vec<String>,
    pub phases: Phases,
    pub metrics: Metrics,
    pub http: http::Config,
    /// Where events are judged again.
    pub desk: Desk,
    /// Where it is seen what becomes of them.
    pub tap: Tap,
    /// Where the journal is read.
    pub readers: Pool,
    /// Who is connected, to which streams there are, and who does things to them.
    pub clients: Clients,
    pub streams: Scope,
    pub shards: Shards,
    /// Where what operators send goes, and how large it may be, in bytes.
    pub lane: Lane,
    pub body: usize,
    /// The filters at work, and the one thread on which they are exchanged.
    pub shelf: Arc<Shelf>,
    pub exchanges: Pool,
    /// Reads files again, or says why they are not taken.
    pub reload: Reload,
    /// Has a new certificate asked for, where there is one by ACME.
    pub renew: Option<Renew>,
    /// How many connections the edge has.
    pub connections: Arc<dyn Fn() -> usize + Send + Sync>,
}

impl Admin {
    /// Starts to serve a connection and returns at once.
    pub fn serve(in_force: &Arc<ArcSwap<Self>>, tcp: TcpStream, permit: impl Send + 'static) {
        let (in_force, http) = (in_force.clone(), in_force.load().http);
        task::background(async move {
            // A connection outlives what is in force.
            let handle = move |request: Arrived| {
                let admin = in_force.load_full();
                async move { admin.answer(request).await }
            };
            http::serve(Io::Plain(tcp), http, handle, std::future::pending()).await;
            drop(permit);
        });
    }

    async fn answer(&self, request: Arrived) -> Reply {
        let path = request.head.uri.path().to_owned();
        let Some(resource) = Resource::at(&path) else {
            return Reply::text(StatusCode::NOT_FOUND, "nothing is here\n");
        };
        if request.head.method != resource.method() {
            return Reply::method_not_allowed(match resource.method() {
                Method::GET => "GET",
                Method::PUT => "PUT",
                _ => "POST",
            });
        }
        if !resource.is_open() && !self.authorized(&request.head.headers) {
            return Reply::text(StatusCode::UNAUTHORIZED, "the admin token is missing or wrong\n")
                .with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if resource.method() != Method::GET && !origin::is_same(&request.head.headers) {
            return Reply::text(StatusCode::FORBIDDEN, "pages of another origin may not do this\n");
        }
        let query = request.head.uri.query().unwrap_or_default().to_owned();
        match resource {
            Resource::Page(file) => file.reply(&request.head.headers),
            Resource::Live => Reply::text(StatusCode::OK, "live\n"),
            Resource::Ready => self.ready(),
            Resource::Metrics => self.metrics(&request.head.headers),
            Resource::Tap => tap::answer(&self.tap, &self.phases),
            Resource::Status => status::answer(self),
            Resource::Streams => status::streams(self).await,
            Resource::Events => self.list(&query).await,
            Resource::Event(id) => self.show(id).await,
            Resource::Again(work) => again::answer(self, work, request).await,
            Resource::Send => send::answer(self, &query, request).await,
            Resource::Clients => present::list(self, &query).await,
            Resource::Disconnect => present::disconnect(self, &query).await,
            Resource::Pause(paused) => self.pause(paused),
            Resource::Drain => self.drain(),
            Resource::Filters => filters::list(self),
            Resource::Filter(name) => filters::put(self, name, request).await,
            Resource::Back(name) => filters::back(self, name).await,
            Resource::Renew => self.renew(),
            Resource::Reload => reload::reload(self).await,
            Resource::Targets => targets::list(self),
            Resource::Dead(name) => targets::dead(self, name),
            Resource::RetryDead(name) => targets::retry(self, name, request).await,
            Resource::ResumeTarget(name) => targets::resume(self, name).await,
            Resource::OpenApi => Reply::of(StatusCode::OK, JSON, OPENAPI),
        }
    }

    fn authorized(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return origin::is_this_machine(headers) };
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|given| token.matches(given))
    }

    fn ready(&self) -> Reply {
        match self.phases.now() {
            Phase::Starting => Reply::later("starting\n"),
            Phase::Draining => Reply::later("draining\n"),
            Phase::Serving if self.phases.is_paused() => Reply::later("paused\n"),
            Phase::Serving if !self.journal.healthy() => Reply::later("the journal cannot write\n"),
            Phase::Serving => Reply::text(StatusCode::OK, "ready\n"),
        }
    }

    fn pause(&self, paused: bool) -> Reply {
        #[derive(Serialize)]
        struct Paused {
            paused: bool,
        }
        if self.phases.set_paused(paused) != paused {
            tracing::info!(paused, "an operator has paused or resumed the gateway");
        }
        json(&Paused { paused })
    }

    fn renew(&self) -> Reply {
        #[derive(Serialize)]
        struct Renewal {
            asked: bool,
        }
        if let Some(renew) = &self.renew {
            tracing::info!("an operator wants a new certificate");
            renew();
        }
        json(&Renewal { asked: self.renew.is_some() })
    }

    /// Begins the end. What serves notices by itself.
    fn drain(&self) -> Reply {
        #[derive(Serialize)]
        struct Drains {
            draining: bool,
        }
        if self.phases.now() != Phase::Draining {
            tracing::info!("an operator has told the gateway to drain");
        }
        self.phases.advance(Phase::Draining);
        json(&Drains { draining: true })
    }

    fn metrics(&self, headers: &HeaderMap) -> Reply {
        let now = Timestamp::now();
        self.metrics.connections.set(i64::try_from((self.connections)()).unwrap_or(i64::MAX));
        for name in &self.webhooks {
            if let Some(lane) = self.journal.lane(name) {
                let lag = i64::try_from(lane.lag()).unwrap_or(i64::MAX);
                let labels = PerWebhook { webhook: lane.name().clone() };
                self.metrics.inbox_lag.get_or_create(&labels).set(lag);
                self.metrics.inbox_lag_seconds.get_or_create(&labels).set(lane.waits(now).as_secs_f64());
            }
        }
        self.targets.measure(&self.metrics, self.journal.tail());
        self.metrics.events_held.set(i64::try_from(self.journal.count_held()).unwrap_or(i64::MAX));
        self.metrics.journal_damage.set(i64::try_from(self.journal.damage().len()).unwrap_or(i64::MAX));
        self.metrics.journal_writable.set(i64::from(self.journal.healthy()));
        let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accepted.contains("text/plain") && !accepted.contains("openmetrics") {
            let content_type = "text/plain; version=0.0.4; charset=utf-8";
            return Reply::of(StatusCode::OK, content_type, self.metrics.plain_text());
        }
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Reply::of(StatusCode::OK, content_type, self.metrics.text())
    }

    async fn list(&self, query: &str) -> Reply {
        match events::Query::parse(query) {
            Ok(query) => self.read(move |journal| events::list(journal, &query)).await,
            Err(wrong) => Reply::text(StatusCode::BAD_REQUEST, wrong),
        }
    }

    async fn show(&self, id: &str) -> Reply {
        let Some(id) = events::id(id) else {
            return Reply::text(StatusCode::BAD_REQUEST, "an event's id is 16 hexadecimal digits\n");
        };
        let journeys = self.metrics.journeys.clone();
        self.read(move |journal| {
            let shown = events::show(journal, id)?;
            Ok(shown.map(|shown| events::Shown { sockets: events::Sockets::of(&journeys, id), ..shown }))
        })
        .await
    }

    /// Looks in the journal and answers with what is found there.
    async fn read<T, F>(&self, look: F) -> Reply
    where
        T: Found + Send + 'static,
        F: FnOnce(&Journal) -> Result<T, journal::Error> + Send + 'static,
    {
        let journal = self.journal.clone();
        match self.readers.run(move || look(&journal)).await {
            Ok(Ok(found)) => found.reply(),
            Ok(Err(error)) => {
                tracing::error!(error = %Chain(&error), "the journal cannot be read for an operator");
                Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the journal cannot be read, see the log\n")
            }
            Err(_) => Reply::later("too many readers at once\n"),
        }
    }
}

/// What was looked for in the journal, as it is answered.
trait Found {
    fn reply(self) -> Reply;
}

impl Found for events::Page {
    fn reply(self) -> Reply {
        json(&self)
    }
}

impl Found for Option<events::Shown> {
    fn reply(self) -> Reply {
        self.map_or_else(
            || Reply::text(StatusCode::NOT_FOUND, "there is no such event, or no longer\n"),
            |found| json(&found),
        )
    }
}

fn json(value: &impl Serialize) -> Reply {
    Reply::of(StatusCode::OK, JSON, serde_json::to_vec(value).expect("strings and numbers are serialisable"))
}
