//! From a plan to a gateway with all its sockets bound.

use super::backlog::Backlog;
use super::{App, Fault, Plan, acme, keeper, plan, reload, streams};
use crate::admin::{Admin, Renew};
use crate::config::{self, Config};
use crate::connect::{ClientIds, Connect};
use crate::dispatch::{Backoff, Desk, Dispatch, Stop};
use crate::edge::{Certificate, Certificates, Edge};
use crate::hub::{Hub, Source};
use crate::ingest::{self, Ingest};
use crate::journal::{self, Journal};
use crate::kv;
use crate::listen::{self, Gate, Inherited};
use crate::message::{EventId, SENT, Scope};
use crate::metrics::ConnectionRefusal;
use crate::phase::Phases;
use crate::pool::Pool;
use crate::proxy::{Headers, Proxies};
use crate::respond::{Page, Respond};
use crate::route::Routes;
use crate::task::{self, Tracker};
use crate::ws::{self, Shards};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// How many clients may wait for admission filters, and how many readers for the journal.
const ADMISSIONS_WAITING: usize = 1024;
const READERS_WAITING: usize = 64;

/// How many components may wait to be looked at: each may be large.
const EXCHANGES_WAITING: usize = 4;

/// Threads that ask the filter of one page, at most, and how many requests may wait for them.
const PAGE_THREADS: usize = 4;
const PAGES_WAITING: usize = 256;

/// How often a data directory that another process has is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Takes the sockets that whoever started this process has opened for it. To be called once, before any thread starts.
pub fn inherited() -> Result<Inherited, Fault> {
    listen::inherited().map_err(Fault::of)
}

impl Plan {
    /// Binds every socket, opens the journal, starts dispatch. Must be called within a tokio runtime.
    ///
    /// Sockets are those `inherited`, else they are bound. They come first: when this process takes over from another, whoever connects from now on waits in its queue,
    /// and is served once the other has let go of the journal.
    pub async fn bind(self, inherited: Inherited) -> Result<App, Fault> {
        let Self { config, tls, acme, shelf, guards, clients, metrics, keyspaces } = self;
        let filter = |name: &String| shelf.filter(name).expect("a plan has all that is named").clone();
        let limits = config.limits.clone();
        let given = inherited.assign(&config.listen, &[config.admin.listen]).map_err(Fault::of)?;
        let handover = config.reuse_port || !given.edge.is_empty();
        let edge_listeners = listen::bind(&config.listen, given.edge, config.reuse_port).map_err(Fault::of)?;
        let admin_listeners =
            listen::bind(&[config.admin.listen], given.admin, config.reuse_port).map_err(Fault::of)?;
        let plain_listeners = acme::bind(&config)?;
        let names: Vec<String> = config.webhooks.keys().cloned().collect();
        let journal = open(&config, handover).await?;
        let sent = journal.lane(SENT).expect("the journal was opened with this name");
        let store = kv::Store::open(kv::Config::new(config.data.join("kv"), limits.kv)).map_err(Fault::of)?;
        for (name, promised) in &keyspaces {
            promised.keep(store.space(name).map_err(Fault::of)?);
        }
        let phases = Phases::default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);

        let hub = Hub::new(cores, limits.ring);
        let shape = ws::Config {
            client_message: limits.client_message,
            client_messages_per_second: limits.client_messages_per_second,
            idle: limits.idle,
            ring: limits.ring,
            labels: limits.labels,
        };
        let backlog = Arc::new(Backlog { journal: journal.clone(), webhooks: names.clone() });
        let shards = Shards::start(&shape, &hub, journal.tail(), backlog, &clients, &metrics).map_err(Fault::of)?;

        let stop = Stop::default();
        let mut desk = Desk::default();
        let mut lanes = Vec::new();
        let mut dispatchers = Vec::new();
        let mut webhooks = Vec::new();
        for (index, (name, webhook)) in config.webhooks.iter().enumerate() {
            let lane = journal.lane(name).expect("the journal was opened with this name");
            let carriers = config.streams.iter().filter(|(_, stream)| stream.webhooks.contains(name));
            let dispatch = Dispatch {
                lane: lane.clone(),
                source: Source::Webhook(index),
                scope: Scope::of(carriers.map(|(stream, _)| stream.as_str().into())),
                chain: webhook.filters.iter().map(filter).collect(),
                phone_number_ids: webhook.phone_number_ids.clone().map(Into::into),
                ordered: webhook.ordered,
                backoff: Backoff { first: config.retry.first, longest: config.retry.longest },
                journal: journal.clone(),
                hub: hub.clone(),
                judged: watch::Sender::new(EventId(0)),
                shards: shards.clone(),
                metrics: metrics.clone(),
            };
            lanes.push(lane.clone());
            dispatchers.push(dispatch.start(stop.clone(), &mut desk).map_err(Fault::of)?);
            let keys = plan::keys(&webhook.app_secret).map_err(Fault::of)?;
            let verify_token = webhook.verify_token.clone();
            let split = webhook.split;
            webhooks.push(ingest::Webhook { name: name.as_str().into(), lane, verify_token, keys, split });
        }
        let judged = watch::Sender::new(EventId(0));
        let dispatch = Dispatch {
            lane: sent.clone(),
            source: Source::Sent,
            scope: Scope::default(),
            chain: Arc::new([]),
            phone_number_ids: None,
            ordered: false,
            backoff: Backoff { first: config.retry.first, longest: config.retry.longest },
            journal: journal.clone(),
            hub: hub.clone(),
            judged: judged.clone(),
            shards: shards.clone(),
            metrics: metrics.clone(),
        };
        lanes.push(sent.clone());
        dispatchers.push(dispatch.start(stop.clone(), &mut desk).map_err(Fault::of)?);
        let parts = streams::Parts {
            webhooks: &names,
            shelf: &shelf,
            guards: &guards,
            lane: sent.clone(),
            journal: journal.clone(),
            judged: judged.subscribe(),
            shards: shards.clone(),
            clients: clients.clone(),
            phases: phases.clone(),
            metrics: metrics.clone(),
            cores,
        };
        let streams = config.streams.iter().map(|(name, stream)| parts.stream(name, stream));
        let streams = streams.collect::<Result<Vec<_>, _>>()?;
        for (verifier, _) in guards.values().filter_map(|guards| guards.jwt.clone()) {
            // An issuer that does not answer keeps nobody else waiting.
            task::background(async move { verifier.refresh().await });
        }
        let inflight = Arc::new(Semaphore::new(limits.inflight.min(Semaphore::MAX_PERMITS)));
        let pages = config.http.iter().map(|(name, page)| -> Result<Page, Fault> {
            Ok(Page {
                name: name.as_str().into(),
                filter: filter(&page.filter),
                pool: Pool::start(&format!("http-{name}"), cores.min(PAGE_THREADS), PAGES_WAITING)
                    .map_err(Fault::of)?,
                scope: Scope::of(page.streams.iter().map(|stream| stream.as_str().into())),
                webhook: page.webhook.as_ref().and_then(|webhook| journal.lane(webhook)),
            })
        });
        let respond = Respond {
            pages: pages.collect::<Result<_, _>>()?,
            journal: journal.clone(),
            lane: sent.clone(),
            shards: shards.clone(),
            phases: phases.clone(),
            inflight: inflight.clone(),
            body: limits.body,
            body_timeout: limits.body_timeout,
        };
        let (connections, under_way) = (Tracker::default(), Tracker::default());
        let paths = |paths: Vec<&String>| paths.into_iter().cloned().collect::<Vec<_>>();
        let routes = Routes::new(
            paths(config.webhooks.values().map(|webhook| &webhook.path).collect()),
            paths(config.streams.values().map(|stream| &stream.path).collect()),
            paths(config.http.values().map(|page| &page.path).collect()),
        );
        let http = crate::http::Config {
            headers: limits.headers,
            header_count: limits.header_count,
            header_timeout: limits.header_timeout,
        };
        let counted = metrics.clone();
        let gate_limits =
            listen::Limits { connections: limits.connections, per_address: limits.connections_per_address };
        let proxies = proxies(&config);
        let (carries, front) = (proxies.clone(), proxies.clone());
        let gate = Gate::behind(
            move |address| carries.trusts(address),
            gate_limits,
            move |refused| {
                counted.refused(match refused {
                    listen::Refused::Connections => ConnectionRefusal::TooMany,
                    listen::Refused::PerAddress => ConnectionRefusal::TooManyFromAddress,
                    listen::Refused::Accept => ConnectionRefusal::Accept,
                });
            },
        );
        let edge = Edge {
            routes,
            ingest: Ingest {
                webhooks,
                journal: journal.clone(),
                phases: phases.clone(),
                metrics: metrics.clone(),
                inflight,
                body: limits.body,
                body_timeout: limits.body_timeout,
            },
            connect: Connect {
                streams,
                journal: journal.clone(),
                lane: sent.clone(),
                shards: shards.clone(),
                labels: limits.labels,
                admission: Pool::start("admission", cores, ADMISSIONS_WAITING).map_err(Fault::of)?,
                ids: ClientIds::new(journal.boot()),
                phases: phases.clone(),
                metrics: metrics.clone(),
                tasks: connections.clone(),
            },
            respond,
            certificates: Certificates {
                webhooks: config.webhooks.values().map(|webhook| certificate(&webhook.client)).collect(),
                streams: config.streams.values().map(|stream| certificate(&stream.certificate)).collect(),
            },
            proxies,
            complained: AtomicBool::new(false),
            tls: tls.clone(),
            http,
            phases: phases.clone(),
            metrics: metrics.clone(),
            connections: connections.clone(),
            gate: gate.clone(),
            webhooks: under_way.clone(),
        };
        let plain = acme.as_ref().zip(plain_listeners).map(|(acme, listeners)| {
            (acme::plain(acme, &listeners, edge_listeners.addresses(), front, http, phases.clone()), listeners)
        });
        // Once the data directory is this process's alone.
        let acme = match (acme, &tls) {
            (Some(acme), Some(acceptor)) => Some(acme::start(acme, acceptor, &metrics)?),
            _ => None,
        };
        let open = gate.clone();
        let (again, acceptor) = (shelf.clone(), tls.clone());
        let admin = Admin {
            shelf: shelf.clone(),
            exchanges: Pool::start("filter-exchange", 1, EXCHANGES_WAITING).map_err(Fault::of)?,
            reload: Arc::new(move || reload::all(&again, acceptor.as_ref())),
            renew: acme.as_ref().map(|acme| Arc::new(acme.renewer()) as Renew),
            clients,
            streams: Scope::of(config.streams.keys().map(|name| name.as_str().into())),
            shards: shards.clone(),
            lane: sent.clone(),
            body: limits.body,
            token: config.admin.token,
            journal: journal.clone(),
            webhooks: names,
            phases: phases.clone(),
            metrics: metrics.clone(),
            http,
            desk,
            readers: Pool::start("reader", 1, READERS_WAITING).map_err(Fault::of)?,
            connections: Arc::new(move || open.open()),
        };
        let certificates = tls.map(|acceptor| acceptor.watch(&metrics)).transpose();
        keeper::start(journal.clone(), metrics).map_err(Fault::of)?;
        Ok(App {
            edge: Arc::new(edge),
            admin: Arc::new(admin),
            gate,
            edge_listeners,
            admin_listeners,
            plain,
            lanes,
            journal,
            _store: store,
            shards,
            dispatchers,
            stop,
            phases,
            connections,
            webhooks: under_way,
            drain_timeout: limits.drain_timeout,
            _filters: reload::watch(shelf).map_err(Fault::of)?,
            _acme: acme,
            _certificates: certificates.map_err(Fault::of)?,
        })
    }
}

/// Opens the journal. With `handover`, waits for the process that has it now to come to its end.
async fn open(config: &Config, handover: bool) -> Result<Journal, Fault> {
    let settings = journal_config(config);
    let begun = Instant::now();
    let mut told = false;
    loop {
        match Journal::open(&settings) {
            Err(journal::Error::InUse(_)) if handover && begun.elapsed() < config.limits.handover_timeout => {
                if !told {
                    tracing::info!("waiting for the process that has the data directory to let go of it");
                    told = true;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            opened => return opened.map_err(Fault::of),
        }
    }
}

fn proxies(config: &Config) -> Proxies {
    let headers = match config.proxy.headers {
        config::ForwardedBy::None => Headers::None,
        config::ForwardedBy::XForwardedFor => Headers::XForwardedFor,
        config::ForwardedBy::Forwarded => Headers::Forwarded,
    };
    Proxies { trusted: config.proxy.trusted.clone(), protocol: config.proxy.protocol, headers }
}

fn certificate(client: &config::ClientAuth) -> Certificate {
    // Where none is asked for, one that is shown all the same is not looked at.
    let name = client.name.clone().filter(|_| client.demand != config::Demand::None);
    Certificate { required: client.demand == config::Demand::Required, name }
}

/// The journal that a configuration is about.
pub fn journal_config(config: &Config) -> journal::Config {
    let retention = |kept: &config::Retention| journal::Retention { age: kept.age, size: kept.size };
    journal::Config {
        directory: config.data.join("journal"),
        webhooks: config.webhooks.keys().cloned().chain([SENT.to_owned()]).collect(),
        waiting: config.limits.inflight,
        inbox: retention(&config.inbox),
        outbox: retention(&config.outbox),
        dedupe_window: config.dedupe_window,
    }
}
