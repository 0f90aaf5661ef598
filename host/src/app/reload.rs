//! Another configuration in the place of the one in force, all of it or nothing: no socket is closed, nothing is lost. And
//! components of filters that change, each by itself.

use super::Fault;
use super::base::Base;
use super::difference;
use super::plan::Plan;
use super::service::Service;
use super::warnings::Warning;
use crate::admin::{Admin, Reload, Reloaded};
use crate::config::{self, Problem, Source};
use crate::edge::Front;
use crate::error::Chain;
use crate::filter::Shelf;
use crate::plain::Plain;
use crate::watch::{self, Watch};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// Changes what is logged.
pub type Level = Box<dyn Fn(&str) + Send + Sync>;

pub struct Reloader {
    pub base: Arc<Base>,
    pub front: Arc<Front>,
    pub operators: Arc<ArcSwap<Admin>>,
    /// What is answered in plain HTTP, if anything is.
    pub plain: Arc<ArcSwapOption<Plain>>,
    /// Where the configuration is read.
    source: Source,
    level: Level,
    /// In force. Held while another is made.
    service: Mutex<Service>,
}

impl Reloader {
    /// Puts the first configuration in force.
    pub fn start(plan: Plan, base: Arc<Base>, source: Source, level: Level) -> Result<Arc<Self>, Fault> {
        let slot = Arc::<OnceLock<Weak<Self>>>::default();
        let found = slot.clone();
        let reload: Reload = Arc::new(move || match found.get().and_then(Weak::upgrade) {
            Some(reloader) => reloader.reload(),
            None => Err(vec!["the gateway starts or stops".to_owned()]),
        });
        let settings = config::explain(&source).unwrap_or_default();
        let ready = Service::make(plan, settings, &base, None, &reload)?;
        let service = ready.begin(&base);
        let front = Arc::new(Front::new(service.edge.clone()));
        let operators = Arc::new(ArcSwap::new(service.admin.clone()));
        let plain = Arc::new(ArcSwapOption::new(service.plain.clone()));
        let service = Mutex::new(service);
        let reloader = Arc::new(Self { base, front, operators, plain, source, level, service });
        let _ = slot.set(Arc::downgrade(&reloader));
        Ok(reloader)
    }

    /// Reads the configuration and all it names again, and puts it in force; or says all that is wrong with it, and nothing
    /// has changed. Blocks: filters are compiled.
    pub fn reload(&self) -> Result<Reloaded, Vec<String>> {
        let exchanged = self.exchange();
        match &exchanged {
            Ok(Reloaded { changed, filters }) => {
                for change in changed {
                    tracing::info!(key = change.key, from = change.from, to = change.to, "changed");
                }
                tracing::info!(changed = changed.len(), filters = filters.len(), "the configuration was read again");
            }
            Err(problems) => {
                for why in problems {
                    tracing::error!(why, "the configuration is not taken, all is as before");
                }
            }
        }
        exchanged
    }

    fn exchange(&self) -> Result<Reloaded, Vec<String>> {
        let told = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        // A filter's configuration may start tasks.
        let _runtime = self.base.tasks.enter();
        let mut service = self.service();
        let shelf = service.shelf.clone();
        let _alone = shelf.alone();
        let config = config::load(&self.source).map_err(told)?;
        let settings = config::explain(&self.source).map_err(told)?;
        let plan = Plan::after(config, &service).map_err(told)?;
        let changed = difference::between((&service.config, &service.settings), (&plan.config, &settings));
        // Its line may be another by now.
        let told = |Warning { problem, .. }: &&Warning| {
            service
                .warnings
                .iter()
                .any(|told| told.problem.key == problem.key && told.problem.message == problem.message)
        };
        for Warning { problem, .. } in plan.warnings.iter().filter(|warning| !told(warning)) {
            tracing::warn!(%problem, "the configuration is taken, and not right");
        }
        let ready = Service::make(plan, settings, &self.base, Some(&service), &service.admin.reload.clone());
        let ready = ready.map_err(|fault| vec![fault.to_string()])?;
        let filters = ready.changes.iter().filter(|change| change.from != change.to).cloned().collect();
        *service = ready.enforce(&self.base, &self.front, &self.operators);
        self.plain.store(service.plain.clone());
        (self.level)(&service.config.log.level);
        Ok(Reloaded { changed, filters })
    }

    /// How long stopping may take, as the configuration in force says.
    pub fn drain_timeout(&self) -> Duration {
        self.service().config.limits.drain_timeout
    }

    fn service(&self) -> MutexGuard<'_, Service> {
        // It is replaced whole or not at all, so it is right even if somebody panicked who made another.
        self.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Exchanges components when their files change, until what it gives is dropped.
pub fn watch(shelf: Arc<Shelf>) -> io::Result<Watch> {
    let watched = shelf.clone();
    let mut told = BTreeSet::new();
    let look = move || {
        let (_, refusals) = shelf.look();
        let refusals: BTreeSet<String> = refusals.iter().map(|refusal| Chain(refusal).to_string()).collect();
        // Said once, not at every change of a busy directory.
        for why in refusals.difference(&told) {
            tracing::error!(why, "a changed component is not taken, the old one works on");
        }
        told = refusals;
    };
    Watch::start("filter-reload", move || watch::directories(watched.files()), look)
}
