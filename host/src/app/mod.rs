//! The house: from a configuration to a running gateway, and to its end.
//!
//! [`Plan::new`] does all that can fail without touching the network: certificates are read, filters compiled and
//! configured, the data directory tried. `postern check` is that and nothing else, so that it cannot disagree with
//! `postern run`. [`Plan::bind`] opens the journal and the sockets; [`App::run`] serves until it is told to stop.

mod acme;
mod backlog;
mod bind;
mod guards;
mod keeper;
mod plan;
mod promised;
mod reload;
mod shutdown;
mod streams;

pub use bind::{inherited, journal_config};
pub use plan::{Fault, Plan};

use crate::acme::Acme;
use crate::admin::Admin;
use crate::dispatch::Stop;
use crate::edge::Edge;
use crate::journal::{Journal, Lane};
use crate::kv;
use crate::listen::{self, Gate, Listeners};
use crate::phase::{Phase, Phases};
use crate::plain::Plain;
use crate::task::{self, Tracker};
use crate::watch::Watch;
use crate::ws::Shards;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How many connections the admin listener has room for.
const ADMIN_CONNECTIONS: usize = 256;

/// A gateway with all its sockets bound, which serves nobody yet.
pub struct App {
    edge: Arc<Edge>,
    admin: Arc<Admin>,
    gate: Gate,
    edge_listeners: Listeners,
    admin_listeners: Listeners,
    /// Where plain HTTP is answered.
    plain: Option<(Plain, Listeners)>,
    lanes: Vec<Lane>,
    journal: Journal,
    /// What filters keep; synced when it goes.
    _store: kv::Store,
    shards: Shards,
    dispatchers: Vec<JoinHandle<()>>,
    stop: Stop,
    phases: Phases,
    connections: Tracker,
    webhooks: Tracker,
    drain_timeout: Duration,
    /// Take up changed certificates, and changed filters, as long as they live.
    _certificates: Option<Watch>,
    _acme: Option<Acme>,
    _filters: Watch,
}

impl App {
    /// Where it listens: the edge's addresses, and the admin's.
    pub fn addresses(&self) -> (&[SocketAddr], &[SocketAddr]) {
        (self.edge_listeners.addresses(), self.admin_listeners.addresses())
    }

    /// What reads the files of filters and certificates again. Bad ones are logged, and change nothing. Blocks.
    pub fn reloader(&self) -> impl Fn() + Send + Sync + use<> {
        let reload = self.admin.reload.clone();
        move || drop(reload())
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
        if let Some((plain, listeners)) = self.plain {
            acme::serve(plain, listeners);
        }
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
            webhooks: self.webhooks,
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
