//! All that a configuration makes, and that is exchanged as a whole when the configuration is: routes, webhooks, streams,
//! pages, filters, certificates, what operators may see. What has not changed is taken over as it is.

use super::acme;
use super::base::{self, Base};
use super::ground::Ground;
use super::guards::Guards;
use super::judges::Orders;
use super::reload;
use super::streams::Parts;
use super::warnings::Warning;
use super::{Fault, Plan, forwards};
use crate::acme::Acme;
use crate::admin::{Admin, Reload, Renew};
use crate::config::{self, Config, Setting};
use crate::connect::{self, Connect};
use crate::edge::{Certificate, Certificates, Edge, Front};
use crate::filter::{Change, Shelf};
use crate::http;
use crate::ingest::{self, Ingest};
use crate::message::Scope;
use crate::metrics::WebhookTally;
use crate::plain::Plain;
use crate::pool::Pool;
use crate::proxy::{Headers, Proxies};
use crate::respond::{Page, Respond};
use crate::route::Routes;
use crate::task;
use crate::tls::Acceptor;
use crate::trace;
use crate::verify::Scheme;
use crate::watch::Watch;
use crate::ws::Renewal;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Threads that ask the filter of one page, at most, and how many requests may wait for them.
const PAGE_THREADS: usize = 4;
const PAGES_WAITING: usize = 256;

pub struct Service {
    pub config: Config,
    /// The same for people.
    pub settings: Vec<Setting>,
    /// What is not right about it.
    pub warnings: Vec<Warning>,
    pub ground: Arc<Ground>,
    pub tls: Option<Acceptor>,
    pub shelf: Arc<Shelf>,
    pub guards: BTreeMap<String, Guards>,
    pub edge: Arc<Edge>,
    pub admin: Arc<Admin>,
    /// What is answered in plain HTTP.
    pub plain: Option<Arc<Plain>>,
    /// Keeps the certificate, where that is the way.
    acme: Option<Arc<Acme>>,
    /// Take up changed certificates, and changed filters, as long as they live.
    _certificates: Option<Watch>,
    _filters: Watch,
}

/// One that is ready, and not in force yet.
pub struct Ready {
    pub service: Service,
    orders: Orders,
    renewal: Renewal,
    /// Where traces go from now on, if that is elsewhere than before.
    traces: Option<Option<trace::Config>>,
    pub changes: Vec<Change>,
}

impl Service {
    /// Makes all of it, in the place of the service `before`. What fails has changed nothing. Must be called within a tokio
    /// runtime. The new versions of filters are in force when this returns: nothing fails after that.
    pub fn make(
        plan: Plan,
        settings: Vec<Setting>,
        base: &Base,
        before: Option<&Self>,
        reload: &Reload,
    ) -> Result<Ready, Fault> {
        let Plan { config, warnings, tls, acme, shelf, guards, forwards, traces, ground } = plan;
        ground.keep(&base.store).map_err(Fault::of)?;
        let names: Vec<String> = config.webhooks.keys().cloned().collect();
        for name in &names {
            base.sources.number(name);
            base.journal.open_lane(name).map_err(Fault::of)?;
        }
        let parts = Parts { base, shelf: &shelf, guards: &guards };
        let streams = config.streams.iter().map(|(name, stream)| {
            let former = before.and_then(|before| {
                let same = before.config.streams.get(name) == Some(stream);
                same.then(|| before.edge.connect.streams.iter().find(|former| *former.name == **name)).flatten()
            });
            former.map_or_else(|| parts.stream(name, stream).map(Arc::new), |former| Ok(former.clone()))
        });
        let streams = streams.collect::<Result<Vec<_>, _>>()?;
        let pages = config.http.iter().map(|(name, page)| {
            let former = before.and_then(|before| {
                let same = before.config.http.get(name) == Some(page);
                same.then(|| before.edge.respond.pages.iter().find(|former| *former.name == **name)).flatten()
            });
            former.map_or_else(|| page_of(base, &shelf, name, page).map(Arc::new), |former| Ok(former.clone()))
        });
        let pages = pages.collect::<Result<Vec<_>, Fault>>()?;
        let webhooks = config.webhooks.iter().map(|(name, webhook)| webhook_of(base, name, webhook));
        let webhooks = webhooks.collect::<Result<Vec<_>, Fault>>()?;
        let same_room = before.filter(|before| before.config.limits.inflight == config.limits.inflight);
        let inflight = match same_room {
            Some(before) => before.edge.ingest.inflight.clone(),
            None => Arc::new(Semaphore::new(config.limits.inflight.min(Semaphore::MAX_PERMITS))),
        };
        let orders = base.judges.prepare(base, &config, &shelf)?;
        if let Some(acceptor) = before.filter(|before| before.config.tls == config.tls).and(tls.as_ref()) {
            acceptor.reload().map_err(Fault::of)?;
        }
        let metrics = &base.ground.metrics;
        let certificates = tls.as_ref().map(|acceptor| acceptor.watch(metrics)).transpose().map_err(Fault::of)?;
        let plain = acme
            .as_ref()
            .filter(|_| !acme::addresses(&config).is_empty())
            .map(|acme| Arc::new(acme::plain(&config, acme, proxies(&config), http(&config), base.phases.clone())));
        let same_certificate = before.filter(|before| before.config.tls == config.tls);
        let acme = match (same_certificate.and_then(|before| before.acme.clone()), acme, &tls) {
            (Some(former), _, _) => Some(former),
            (None, Some(acme), Some(acceptor)) => {
                let _runtime = base.tasks.enter();
                Some(Arc::new(acme::start(acme, acceptor, metrics)?))
            }
            _ => None,
        };
        let shelf = Arc::new(shelf);
        let filters = reload::watch(shelf.clone()).map_err(Fault::of)?;
        if before.is_none_or(|before| before.config.forward != config.forward) {
            forwards::warn(&forwards);
            base.forward(forwards, &config.data.join("forward"))?;
        }
        let changes = before.map(|before| shelf.take_place(&before.shelf)).unwrap_or_default();
        for (name, guards) in &guards {
            let former = before.and_then(|before| before.guards.get(name)).and_then(|former| former.jwt.as_ref());
            if let Some((verifier, _)) = &guards.jwt
                && !former.is_some_and(|(former, _)| Arc::ptr_eq(former, verifier))
            {
                let verifier = verifier.clone();
                // An issuer that does not answer keeps nobody else waiting.
                task::background_on(&base.tasks, async move { verifier.refresh().await });
            }
        }
        let shapes = streams.iter().map(|stream| (stream.name.clone(), stream.shape.clone()));
        let renewal = Renewal { config: base::shape(&config), streams: shapes.collect() };
        let edge = Arc::new(edge(base, &config, tls.clone(), Made { webhooks, streams, pages, inflight }));
        let renew = acme.as_ref().map(|acme| Arc::new(acme.renewer()) as Renew);
        let admin = Arc::new(admin(base, &config, shelf.clone(), names, (reload.clone(), renew)));
        let service = Self {
            config,
            settings,
            warnings,
            ground,
            tls,
            shelf,
            guards,
            edge,
            admin,
            plain,
            acme,
            _certificates: certificates,
            _filters: filters,
        };
        let traces = before.is_none_or(|before| before.config.traces != service.config.traces).then_some(traces);
        Ok(Ready { service, orders, renewal, traces, changes })
    }
}

impl Ready {
    /// Puts the first in force.
    pub fn begin(self, base: &Base) -> Service {
        outward(base, self.traces);
        self.service
    }

    /// Puts it in force: whoever comes from now on is served by it, and whoever is there stays. Blocks while shards are
    /// behind.
    pub fn enforce(self, base: &Base, front: &Front, operators: &ArcSwap<Admin>) -> Service {
        let Self { service, orders, renewal, traces, .. } = self;
        base.limit(&service.config);
        outward(base, traces);
        // Clients know what they carry, and dispatchers what they do, before anything new comes in; and nothing old comes
        // in when dispatchers are let go of.
        base.shards.renew(renewal);
        base.judges.tell(orders);
        front.exchange(service.edge.clone());
        operators.store(service.admin.clone());
        base.judges.release(&service.config);
        service
    }
}

/// What goes out from here, to where it goes now.
fn outward(base: &Base, traces: Option<Option<trace::Config>>) {
    if let Some(traces) = traces {
        base.telemetry.exchange(traces);
    }
}

struct Made {
    webhooks: Vec<ingest::Webhook>,
    streams: Vec<Arc<connect::Stream>>,
    pages: Vec<Arc<Page>>,
    inflight: Arc<Semaphore>,
}

fn edge(base: &Base, config: &Config, tls: Option<Acceptor>, made: Made) -> Edge {
    let Made { webhooks, streams, pages, inflight } = made;
    let limits = &config.limits;
    let (journal, phases, shards) = (base.journal.clone(), base.phases.clone(), base.shards.clone());
    let metrics = base.ground.metrics.clone();
    Edge {
        routes: routes(config),
        ingest: Ingest {
            webhooks,
            journal: journal.clone(),
            phases: phases.clone(),
            metrics: metrics.clone(),
            inflight: inflight.clone(),
            body: limits.body,
            body_timeout: limits.body_timeout,
        },
        connect: Connect {
            streams,
            journal: journal.clone(),
            lane: base.sent.clone(),
            shards: shards.clone(),
            labels: limits.labels,
            admission: base.admission.clone(),
            ids: base.ids.clone(),
            phases: phases.clone(),
            metrics: metrics.clone(),
            tasks: base.connections.clone(),
        },
        respond: Respond {
            pages,
            journal,
            lane: base.sent.clone(),
            shards,
            phases: phases.clone(),
            inflight,
            body: limits.body,
            body_timeout: limits.body_timeout,
        },
        certificates: Certificates {
            webhooks: config.webhooks.values().map(|webhook| certificate(&webhook.client)).collect(),
            streams: config.streams.values().map(|stream| certificate(&stream.certificate)).collect(),
        },
        proxies: proxies(config),
        tls,
        http: http(config),
        phases,
        metrics,
        connections: base.connections.clone(),
        gate: base.gate.clone(),
        webhooks: base.webhooks.clone(),
    }
}

fn admin(
    base: &Base,
    config: &Config,
    shelf: Arc<Shelf>,
    webhooks: Vec<String>,
    (reload, renew): (Reload, Option<Renew>),
) -> Admin {
    let open = base.gate.clone();
    Admin {
        shelf,
        exchanges: base.exchanges.clone(),
        reload,
        renew,
        clients: base.ground.clients.clone(),
        streams: Scope::of(config.streams.keys().map(|name| name.as_str().into())),
        shards: base.shards.clone(),
        lane: base.sent.clone(),
        body: config.limits.body,
        token: config.admin.token.clone(),
        journal: base.journal.clone(),
        targets: base.targets(),
        webhooks,
        phases: base.phases.clone(),
        metrics: base.ground.metrics.clone(),
        http: http(config),
        desk: base.judges.desk.clone(),
        tap: base.tap.clone(),
        readers: base.readers.clone(),
        connections: Arc::new(move || open.open()),
    }
}

fn http(config: &Config) -> http::Config {
    let limits = &config.limits;
    http::Config { headers: limits.headers, header_count: limits.header_count, header_timeout: limits.header_timeout }
}

fn routes(config: &Config) -> Routes {
    let paths = |paths: Vec<&String>| paths.into_iter().cloned().collect::<Vec<_>>();
    Routes::new(
        paths(config.webhooks.values().map(|webhook| &webhook.path).collect()),
        paths(config.streams.values().map(|stream| &stream.path).collect()),
        paths(config.http.values().map(|page| &page.path).collect()),
    )
}

fn webhook_of(base: &Base, name: &str, webhook: &config::Webhook) -> Result<ingest::Webhook, Fault> {
    Ok(ingest::Webhook {
        name: name.into(),
        lane: base.journal.open_lane(name).map_err(Fault::of)?,
        provider: webhook.signing.provider,
        scheme: Scheme::new(&webhook.signing).map_err(Fault::of)?,
        verify_token: webhook.verify_token.clone(),
        split: webhook.split,
        kind: webhook.kind.clone(),
        tally: WebhookTally::new(&base.ground.metrics, &name.into()),
    })
}

fn page_of(base: &Base, shelf: &Shelf, name: &str, page: &config::Page) -> Result<Page, Fault> {
    Ok(Page {
        name: name.into(),
        filter: shelf.filter(&page.filter).expect("a plan has all that is named").clone(),
        pool: Pool::start(&format!("http-{name}"), base.cores.min(PAGE_THREADS), PAGES_WAITING).map_err(Fault::of)?,
        scope: Scope::of(page.streams.iter().map(|stream| stream.as_str().into())),
        webhook: page.webhook.as_ref().and_then(|webhook| base.journal.lane(webhook)),
    })
}

pub fn proxies(config: &Config) -> Proxies {
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
