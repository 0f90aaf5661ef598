//! What lives from the first configuration to the end: the disk, the clients, the sockets' gate. All else is exchanged when
//! the configuration is.

use super::backlog::Backlog;
use super::ground::Ground;
use super::judges::Judges;
use super::sources::Sources;
use super::telemetry::Telemetry;
use super::{Fault, keeper, service, start};
use crate::config::Config;
use crate::connect::ClientIds;
use crate::forward::{self, Forwards, Targets};
use crate::hub::Hub;
use crate::journal::{Journal, Lane};
use crate::kv;
use crate::listen::{self, Gate};
use crate::message::{EventId, SENT};
use crate::metrics::{ConnectionRefusal, Metrics};
use crate::phase::Phases;
use crate::pool::Pool;
use crate::tap::Tap;
use crate::task::{Handle, Tracker};
use crate::ws::{self, Shards};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// How many clients may wait for admission filters, and how many readers for the journal.
const ADMISSIONS_WAITING: usize = 1024;
const READERS_WAITING: usize = 64;

/// How many components, or configurations, may wait to be looked at: each may be large.
const EXCHANGES_WAITING: usize = 4;

pub struct Base {
    pub ground: Arc<Ground>,
    pub journal: Journal,
    /// Where what filters and operators send goes, and the youngest event of it that was dispatched.
    pub sent: Lane,
    pub judged: watch::Sender<EventId>,
    /// What filters keep; synced when it goes.
    pub store: kv::Store,
    pub sources: Arc<Sources>,
    pub hub: Hub,
    pub shards: Shards,
    pub judges: Judges,
    pub telemetry: Telemetry,
    /// Where events are pushed to.
    forwards: Mutex<Option<Forwards>>,
    /// What they decide, for operators who look on.
    pub tap: Tap,
    pub gate: Gate,
    pub phases: Phases,
    pub connections: Tracker,
    pub webhooks: Tracker,
    pub ids: Arc<ClientIds>,
    pub admission: Pool,
    pub readers: Pool,
    pub exchanges: Pool,
    pub cores: usize,
    /// Where tasks run that threads start.
    pub tasks: Handle,
}

impl Base {
    /// Opens the journal, and what clients are served from. Must be called within a tokio runtime.
    pub async fn open(config: &Config, ground: &Arc<Ground>, handover: bool) -> Result<Self, Fault> {
        let (limits, metrics) = (&config.limits, &ground.metrics);
        let journal = start::journal(config, handover).await?;
        let sent = journal.lane(SENT).expect("the journal was opened with this name");
        let store = kv::Store::open(kv::Config::new(config.data.join("kv"), limits.kv)).map_err(Fault::of)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let hub = Hub::new(config.shards.unwrap_or(cores), limits.ring);
        let sources = Arc::new(Sources::default());
        let backlog = Arc::new(Backlog { journal: journal.clone(), sources: sources.clone() });
        let shards = Shards::start(&shape(config), &hub, journal.tail(), backlog, &ground.clients, metrics);
        keeper::start(journal.clone(), metrics.clone()).map_err(Fault::of)?;
        Ok(Self {
            ground: ground.clone(),
            sent,
            judged: watch::Sender::new(EventId(0)),
            store,
            sources,
            hub,
            shards: shards.map_err(Fault::of)?,
            judges: Judges::default(),
            telemetry: Telemetry::start(metrics.clone()),
            forwards: Mutex::default(),
            tap: Tap::new(ground.clients.clone()),
            gate: gate(config, metrics),
            phases: Phases::default(),
            connections: Tracker::default(),
            webhooks: Tracker::default(),
            ids: Arc::new(ClientIds::new(journal.boot())),
            journal,
            admission: Pool::start("admission", cores, ADMISSIONS_WAITING).map_err(Fault::of)?,
            readers: Pool::start("reader", 1, READERS_WAITING).map_err(Fault::of)?,
            exchanges: Pool::start("exchange", 1, EXCHANGES_WAITING).map_err(Fault::of)?,
            cores,
            tasks: Handle::current(),
        })
    }

    /// Pushes events there from now on.
    pub fn forward(&self, targets: Vec<forward::Settings>, directory: &Path) -> Result<(), Fault> {
        let mut forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        let before = forwards.take();
        *forwards = Some(
            Forwards::start(targets, directory, (&self.journal, &self.ground.metrics), before).map_err(Fault::of)?,
        );
        Ok(())
    }

    /// Where events are pushed to, for operators.
    pub fn targets(&self) -> Targets {
        let forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        forwards.as_ref().map(Forwards::targets).unwrap_or_default()
    }

    /// What pushes events, to be stopped.
    pub fn forwards(&self) -> Option<Forwards> {
        self.forwards.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Works by another configuration from now on, as far as limits go.
    pub fn limit(&self, config: &Config) {
        let limits = &config.limits;
        self.gate.set_limits(gate_limits(config));
        carry(&self.gate, config);
        self.hub.set_limit(limits.ring);
        self.store.set_quota(limits.kv);
        self.ground.host.set_bounds(limits.filter_output, limits.labels);
        let (inbox, outbox) = (start::retention(&config.inbox), start::retention(&config.outbox));
        self.journal.keep(inbox, outbox, config.dedupe_window);
    }
}

/// What holds for every client.
pub fn shape(config: &Config) -> ws::Config {
    let limits = &config.limits;
    ws::Config {
        client_message: limits.client_message,
        client_messages_per_second: limits.client_messages_per_second,
        idle: limits.idle,
        ring: limits.ring,
        labels: limits.labels,
        io_uring: config.io_uring,
    }
}

fn gate_limits(config: &Config) -> listen::Limits {
    listen::Limits { connections: config.limits.connections, per_address: config.limits.connections_per_address }
}

fn gate(config: &Config, metrics: &Metrics) -> Gate {
    let counted = metrics.clone();
    let gate = Gate::new(gate_limits(config), move |refused| {
        counted.refused(match refused {
            listen::Refused::Connections => ConnectionRefusal::TooMany,
            listen::Refused::PerAddress => ConnectionRefusal::TooManyFromAddress,
            listen::Refused::Accept => ConnectionRefusal::Accept,
        });
    });
    carry(&gate, config);
    gate
}

/// Proxies have no share of their own.
fn carry(gate: &Gate, config: &Config) {
    let proxies = service::proxies(config);
    gate.set_carriers(move |address| proxies.trusts(address));
}
