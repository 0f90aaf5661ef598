//! The house: from a configuration to a running gateway, and to its end.
//!
//! [`Plan::new`] does all that can fail without touching the network: certificates are read, filters compiled and
//! configured, the data directory tried. `postern check` is that and nothing else, so that it cannot disagree with
//! `postern run`. [`Plan::bind`] opens the journal and the sockets; [`App::run`] serves until it is told to stop.
//!
//! | file | what |
//! | --- | --- |
//! | `plan`, `filters`, `guards` | a configuration that holds what it promises |
//! | `ground`, `base`, `sources`, `judges` | what lives from the first configuration to the end |
//! | `service`, `streams` | what a configuration makes, exchanged as a whole |
//! | `reload`, `difference` | another configuration in the place of the one in force |
//! | `acme` | a certificate by ACME, and what is answered in plain HTTP |
//! | `start`, `shutdown` | the two ends |

mod acme;
mod backlog;
mod base;
mod difference;
mod filters;
mod forwards;
mod ground;
mod guards;
mod judges;
mod keeper;
mod plan;
mod promised;
mod pulse;
mod reload;
mod schemes;
mod service;
mod shutdown;
mod sources;
mod start;
mod streams;
mod telemetry;
mod warnings;

pub use plan::{Fault, Plan, intentions};
pub use reload::Level;
pub use start::{inherited, journal_config};
pub use warnings::{Warning, foreseen, warnings};

use crate::admin::Admin;
use crate::listen::{self, Gate, Listeners};
use crate::phase::Phase;
use crate::supervisor::Supervisor;
use crate::task;
use reload::Reloader;
use std::net::SocketAddr;
use std::sync::Arc;

/// How many connections the admin listener has room for.
const ADMIN_CONNECTIONS: usize = 256;

/// A gateway with all its sockets bound, which serves nobody yet.
pub struct App {
    reloader: Arc<Reloader>,
    edge_listeners: Listeners,
    admin_listeners: Listeners,
    /// Where plain HTTP is spoken.
    plain_listeners: Option<Listeners>,
}

impl App {
    /// Where it listens: the edge's addresses, and the admin's.
    pub fn addresses(&self) -> (&[SocketAddr], &[SocketAddr]) {
        (self.edge_listeners.addresses(), self.admin_listeners.addresses())
    }

    /// What reads the configuration and all it names again. What is wrong with it is logged, and changes nothing. Blocks.
    pub fn reloader(&self) -> impl Fn() + Send + Sync + use<> {
        let reloader = self.reloader.clone();
        move || drop(reloader.reload())
    }

    /// Serves until `shutdown` is done, then drains. `hurry` done means: leave what takes time. The supervisor is told how
    /// it stands.
    pub async fn run<S, H>(self, supervisor: &Supervisor, shutdown: S, hurry: H)
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
        let Self { reloader, edge_listeners, admin_listeners, plain_listeners } = self;
        let admin_addresses = admin_listeners.addresses().to_vec();
        let base = reloader.base.clone();
        let operators = reloader.operators.clone();
        task::background(async move {
            let serve = |tcp, _, permit| Admin::serve(&operators, tcp, permit);
            admin_listeners.run(&admin_gate, serve, std::future::pending()).await;
        });
        if let Some(listeners) = plain_listeners {
            acme::serve(reloader.plain.clone(), listeners, base.phases.clone());
        }
        base.phases.advance(Phase::Serving);
        tracing::info!("ready");
        supervisor.serving(edge_listeners.addresses(), &admin_addresses);
        pulse::start(supervisor, &base.journal, &base.shards);
        let front = reloader.front.clone();
        let (gate, phases) = (base.gate.clone(), base.phases.clone());
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        // On the runtime's own threads: whoever accepts on this one wakes another for each connection.
        task::background(async move {
            let serve = |tcp, peer, permit| front.serve(tcp, peer, permit);
            edge_listeners.run(&gate, serve, phases.draining()).await;
            drop(end);
        });
        let begin = async {
            // By whoever runs it, or by an operator.
            tokio::select! {
                () = shutdown => {}
                () = base.phases.draining() => {}
            }
            base.phases.advance(Phase::Draining);
            supervisor.stopping(base.connections.count(), shutdown::at_most(reloader.drain_timeout()));
        };
        begin.await;
        // Never sent, and dropped when nobody is accepted any more.
        let _ = ended.await;
        let (stops, dispatchers) = base.judges.dismiss();
        let ending = shutdown::Ending {
            connections: base.connections.clone(),
            webhooks: base.webhooks.clone(),
            shards: base.shards.clone(),
            stops,
            dispatchers,
            forwards: base.forwards(),
            journal: base.journal.clone(),
            budget: reloader.drain_timeout(),
        };
        ending.run(hurry).await;
    }
}
