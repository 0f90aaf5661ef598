//! The house: from a configuration to a running gateway, and to its end.
//!
//! [`Plan::new`] does all that can fail without touching the network: certificates are read, filters compiled and
//! configured, the data directory tried. `postern check` is that and nothing else, so that it cannot disagree with
//! `postern run`. [`Plan::bind`] opens the journal and the sockets; [`App::run`] serves until it is told to stop.

mod plan;
mod shutdown;

pub use plan::{Fault, Plan};

use crate::admin::Admin;
use crate::connect;
use crate::connect::{ClientIds, Connect};
use crate::dispatch::{Dispatch, Stop};
use crate::edge::Edge;
use crate::error::Chain;
use crate::hub::Hub;
use crate::ingest;
use crate::ingest::Ingest;
use crate::journal::{Journal, Lane};
use crate::listen::{self, Gate, Listeners};
use crate::message::Offset;
use crate::metrics::{ConnectionRefusal, Metrics};
use crate::phase::{Phase, Phases};
use crate::pool::Pool;
use crate::route::Routes;
use crate::task::{self, Tracker};
use crate::tls;
use crate::ws::{self, Fetch, Shards, encode};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A catch-up reads the outbox in pieces of at most this.
const PIECE_ENTRIES: usize = 256;
const PIECE_BYTES: usize = 256 << 10;

/// A gateway with all its sockets bound, which serves nobody yet.
pub struct App {
    edge: Arc<Edge>,
    admin: Arc<Admin>,
    gate: Gate,
    edge_listeners: Listeners,
    admin_listeners: Listeners,
    lanes: Vec<Lane>,
    journal: Journal,
    shards: Shards,
    dispatchers: Vec<JoinHandle<()>>,
    stop: Stop,
    phases: Phases,
    connections: Tracker,
    drain_timeout: Duration,
    /// Takes up changed certificates as long as it lives.
    _certificates: Option<tls::Watch>,
}

impl Plan {
    /// Opens the journal, binds every socket, starts dispatch. Must be called within a tokio runtime; blocks shortly.
    pub fn bind(self) -> Result<App, Fault> {
        let Self { config, tls, filters } = self;
        let limits = config.limits;
        let edge_listeners = listen::bind(&config.listen).map_err(Fault::of)?;
        let admin_listeners = listen::bind(&[config.admin.listen]).map_err(Fault::of)?;
        let names: Vec<String> = config.webhooks.keys().cloned().collect();
        let journal = Journal::open(&config.data.join("journal"), &names, limits.inflight).map_err(Fault::of)?;
        let metrics = Metrics::default();
        let phases = Phases::default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);

        let hub = Hub::new(cores, limits.ring);
        let shape = ws::Config {
            client_message: limits.client_message,
            client_messages_per_second: limits.client_messages_per_second,
            idle: limits.idle,
            ring: limits.ring,
        };
        let fetch = fetch(journal.clone(), names.clone());
        let shards = Shards::start(&shape, &hub, journal.tail(), fetch, &metrics).map_err(Fault::of)?;

        let stop = Stop::default();
        let mut lanes = Vec::new();
        let mut dispatchers = Vec::new();
        let mut webhooks = Vec::new();
        for (index, (name, webhook)) in config.webhooks.iter().enumerate() {
            let lane = journal.lane(name).expect("the journal was opened with this name");
            let dispatch = Dispatch {
                lane: lane.clone(),
                webhook: index,
                chain: webhook.filters.iter().map(|name| filters[name].clone()).collect(),
                journal: journal.clone(),
                hub: hub.clone(),
                metrics: metrics.clone(),
            };
            lanes.push(lane.clone());
            dispatchers.push(dispatch.start(stop.clone()).map_err(Fault::of)?);
            let keys = plan::keys(&webhook.app_secret).map_err(Fault::of)?;
            let verify_token = webhook.verify_token.clone();
            webhooks.push(ingest::Webhook { name: name.as_str().into(), lane, verify_token, keys });
        }
        let streams = config.streams.iter().map(|(name, stream)| {
            let name: Arc<str> = name.as_str().into();
            let shape = ws::Stream {
                name: name.clone(),
                carries: names.iter().map(|webhook| stream.webhooks.contains(webhook)).collect(),
                slow: plan::slow(stream.slow),
                heartbeat: stream.heartbeat,
            };
            let admission = stream.admission.iter().map(|name| filters[name].clone()).collect();
            connect::Stream { name, shape: Arc::new(shape), admission, origins: stream.origins.clone() }
        });
        let connections = Tracker::default();
        let paths = |paths: Vec<&String>| paths.into_iter().cloned().collect::<Vec<_>>();
        let routes = Routes::new(
            paths(config.webhooks.values().map(|webhook| &webhook.path).collect()),
            paths(config.streams.values().map(|stream| &stream.path).collect()),
        );
        let http = crate::http::Config {
            headers: limits.headers,
            header_count: limits.header_count,
            header_timeout: limits.header_timeout,
        };
        let edge = Edge {
            routes,
            ingest: Ingest {
                webhooks,
                journal: journal.clone(),
                phases: phases.clone(),
                metrics: metrics.clone(),
                inflight: Arc::new(Semaphore::new(limits.inflight.min(Semaphore::MAX_PERMITS))),
                body: limits.body,
                body_timeout: limits.body_timeout,
            },
            connect: Connect {
                streams: streams.collect(),
                journal: journal.clone(),
                shards: shards.clone(),
                admission: Pool::start("admission", cores, ADMISSIONS_WAITING).map_err(Fault::of)?,
                ids: ClientIds::new(journal.boot()),
                phases: phases.clone(),
                metrics: metrics.clone(),
                tasks: connections.clone(),
            },
            tls: tls.clone(),
            http,
            phases: phases.clone(),
            metrics: metrics.clone(),
            connections: connections.clone(),
        };
        let counted = metrics.clone();
        let gate_limits =
            listen::Limits { connections: limits.connections, per_address: limits.connections_per_address };
        let gate = Gate::new(gate_limits, move |refused| {
            counted.refused(match refused {
                listen::Refused::Connections => ConnectionRefusal::TooMany,
                listen::Refused::PerAddress => ConnectionRefusal::TooManyFromAddress,
                listen::Refused::Accept => ConnectionRefusal::Accept,
            });
        });
        let open = gate.clone();
        let admin = Admin {
            token: config.admin.token,
            journal: journal.clone(),
            webhooks: names,
            phases: phases.clone(),
            metrics,
            http,
            readers: Pool::start("reader", 1, READERS_WAITING).map_err(Fault::of)?,
            connections: Arc::new(move || open.open()),
        };
        Ok(App {
            edge: Arc::new(edge),
            admin: Arc::new(admin),
            gate,
            edge_listeners,
            admin_listeners,
            lanes,
            journal,
            shards,
            dispatchers,
            stop,
            phases,
            connections,
            drain_timeout: limits.drain_timeout,
            _certificates: tls.map(|acceptor| acceptor.watch()).transpose().map_err(Fault::of)?,
        })
    }
}

/// How many clients may wait for admission filters, and how many readers for the journal.
const ADMISSIONS_WAITING: usize = 1024;
const READERS_WAITING: usize = 64;

/// How many connections the admin listener has room for.
const ADMIN_CONNECTIONS: usize = 256;

impl App {
    /// Where it listens: the edge's addresses, and the admin's.
    pub fn addresses(&self) -> (&[SocketAddr], &[SocketAddr]) {
        (self.edge_listeners.addresses(), self.admin_listeners.addresses())
    }

    /// What reads the certificate again. A bad one is logged, and changes nothing.
    pub fn reloader(&self) -> impl Fn() + Send + use<> {
        let acceptor = self.edge.tls.clone();
        move || match acceptor.as_ref().map(tls::Acceptor::reload) {
            None | Some(Ok(_)) => tracing::info!("certificate read again"),
            Some(Err(error)) => tracing::error!(error = %Chain(&error), "certificate not taken, the old one serves on"),
        }
    }

    /// Serves until `shutdown` is done, then drains. `hurry` done means: leave what takes time.
    pub async fn run<S, H>(self, shutdown: S, hurry: H)
    where
        S: Future<Output = ()> + Send,
        H: Future<Output = ()> + Send,
    {
        for (kind, addresses) in [("edge", self.addresses().0), ("admin", self.addresses().1)] {
            for address in addresses {
                tracing::info!(%address, kind, "listening");
            }
        }
        let admin_gate =
            Gate::new(listen::Limits { connections: ADMIN_CONNECTIONS, per_address: ADMIN_CONNECTIONS }, |_| {
                tracing::warn!("the admin listener has no room")
            });
        let admin = self.admin.clone();
        let admin_listeners = self.admin_listeners;
        task::background(async move {
            let serve = |tcp, _, permit| admin.serve(tcp, permit);
            admin_listeners.run(&admin_gate, serve, std::future::pending()).await;
        });
        self.phases.advance(Phase::Serving);
        tracing::info!("ready");
        let edge = self.edge.clone();
        let serve = |tcp, peer, permit| edge.serve(tcp, peer, permit);
        let phases = self.phases.clone();
        let begin = async {
            shutdown.await;
            phases.advance(Phase::Draining);
        };
        self.edge_listeners.run(&self.gate, serve, begin).await;
        let ending = shutdown::Ending {
            connections: self.connections,
            shards: self.shards,
            stop: self.stop,
            dispatchers: self.dispatchers,
            lanes: self.lanes,
            journal: self.journal,
            budget: self.drain_timeout,
        };
        ending.run(hurry).await;
    }
}

fn fetch(journal: Journal, webhooks: Vec<String>) -> Fetch {
    Arc::new(move |from: Offset| match journal.outbox(from, PIECE_ENTRIES, PIECE_BYTES) {
        Ok(entries) => Some(
            entries
                .iter()
                // What came through a webhook that is no longer configured is carried by no stream.
                .map(|entry| {
                    let webhook = webhooks.iter().position(|name| **name == *entry.webhook);
                    encode::raw(entry, webhook.unwrap_or(usize::MAX))
                })
                .collect(),
        ),
        Err(error) => {
            tracing::error!(error = %Chain(&error), from = from.0, "the outbox cannot be read for a client");
            None
        }
    })
}
