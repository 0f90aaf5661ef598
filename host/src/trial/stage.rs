//! Runs a case: loads the filter as its world has it, arranges the rest, and asks.

use super::Component;
use super::case::{Asked, Case, World};
use super::ear::Ear;
use super::kept::Kept;
use crate::clients::Clients;
use crate::filter::{
    self, Answer, Config, Cost, Effects, Failure, Filter, Host, HostConfig, Instances, Problem, Source,
};
use crate::keyspace::Keyspace;
use crate::message::Scope;
use crate::metrics::{Metrics, Numbers};
use bytes::Bytes;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Calls at once: there is one.
const SLOTS: u32 = 1;

/// Where filters are tried.
pub struct Stage {
    component: Component,
    host: Host,
    ear: Arc<Ear>,
    kept: Arc<Kept>,
    clients: Clients,
    numbers: Numbers,
    /// The filter as it was loaded last, and for which world.
    loaded: Option<(World, Filter)>,
}

/// All that came of a call.
#[derive(Clone, Debug)]
pub struct Happened {
    /// `None` is what a filter that was only configured has to say.
    pub answer: Result<(Option<Answer>, Effects), Failure>,
    pub lines: Vec<String>,
    pub numbers: Map<String, Value>,
    pub kept: BTreeMap<String, Bytes>,
    pub cost: Cost,
}

impl Stage {
    /// `cache` is a directory for compiled code.
    pub fn new(component: Component, cache: &Path) -> Result<Self, filter::Error> {
        let (clients, metrics, ear) = (Clients::default(), Metrics::default(), Arc::<Ear>::default());
        let numbers = metrics.numbers.clone();
        let config = HostConfig {
            slots: SLOTS,
            clients: clients.clone(),
            metrics,
            listener: Some(ear.clone()),
            ..HostConfig::new(cache)
        };
        let (host, kept) = (Host::new(&config)?, Arc::new(Kept::new()));
        Ok(Self { component, host, ear, kept, clients, numbers, loaded: None })
    }

    /// Runs a case, after which nothing of it is left. An error is of a component that cannot be a filter at all.
    pub fn run(&mut self, case: &Case) -> Result<Happened, filter::Error> {
        self.arrange(&case.world);
        let happened = self.ask(case);
        for card in &case.world.clients {
            self.clients.leave(card.id);
        }
        happened
    }

    fn ask(&mut self, case: &Case) -> Result<Happened, filter::Error> {
        let question = match &case.asked {
            Asked::Question(question) => question,
            Asked::Configure => {
                self.loaded = None;
                return Ok(match self.load(&case.world)? {
                    Ok(_) => self.happened(Ok((None, Effects::default())), Cost::default()),
                    Err(failure) => self.happened(Err(failure), Cost::default()),
                });
            }
        };
        let filter = match self.load(&case.world)? {
            Ok(filter) => filter,
            Err(failure) => return Ok(self.happened(Err(failure), Cost::default())),
        };
        // What it did while it was loaded is not of the call.
        self.arrange(&case.world);
        let (answer, cost) = filter::ask(&filter, question, &case.world.scope);
        Ok(self.happened(answer.map(|(answer, effects)| (Some(answer), effects)), cost))
    }

    /// The filter as this world has it. An error is also of one that does not start.
    pub fn filter(&mut self, world: &World) -> Result<Filter, filter::Error> {
        self.arrange(world);
        self.load(world)?.map_err(|failure| filter::Error::Load {
            filter: self.component.name.clone(),
            origin: self.component.origin.clone(),
            problem: Problem::Start(failure),
        })
    }

    /// The same, on instances that are used again.
    pub fn kept(&self, world: &World) -> Result<Filter, filter::Error> {
        self.arrange(world);
        let Component { name, origin, bytes, .. } = &self.component;
        let config = Config { instances: Instances::Reuse, ..self.config(world) };
        self.host.load(name, Source { origin, bytes }, &config)
    }

    /// Forgets what was heard.
    pub fn hush(&self) {
        self.ear.take();
    }

    /// The filter as this world has it; or how it fails to start.
    fn load(&mut self, world: &World) -> Result<Result<Filter, Failure>, filter::Error> {
        if let Some((before, filter)) = &self.loaded
            && is_loaded_alike(before, world)
        {
            return Ok(Ok(filter.clone()));
        }
        let config = self.config(world);
        let Component { name, origin, bytes, .. } = &self.component;
        match self.host.load(name, Source { origin, bytes }, &config) {
            Ok(filter) => {
                self.loaded = Some((world.clone(), filter.clone()));
                Ok(Ok(filter))
            }
            Err(filter::Error::Load { problem: Problem::Start(failure), .. }) => Ok(Err(failure)),
            Err(error) => Err(error),
        }
    }

    fn config(&self, world: &World) -> Config {
        Config {
            deadline: world.deadline,
            memory: world.memory,
            config: world.config.clone(),
            secrets: world.secrets.clone(),
            keyspace: Some(self.kept.clone() as Arc<dyn Keyspace>),
            // Each case by itself: nothing is left of the one before, and nothing follows from it.
            instances: Instances::Fresh,
            breaker: 0,
            ..Config::default()
        }
    }

    pub fn arrange(&self, world: &World) {
        self.numbers.forget();
        self.ear.reset(world.now, world.log);
        self.kept.reset(&world.kept, world.quota);
        for card in &world.clients {
            self.clients.leave(card.id);
            self.clients.join(card.clone(), 0);
        }
    }

    fn happened(&self, answer: Result<(Option<Answer>, Effects), Failure>, cost: Cost) -> Happened {
        let (lines, numbers) = self.ear.take();
        Happened { answer, lines, numbers, kept: self.kept.all(), cost }
    }
}

/// Whether a filter that was loaded for the one world will do for the other. Each call has an instance of its own.
fn is_loaded_alike(one: &World, other: &World) -> bool {
    one.config == other.config
        && one.secrets == other.secrets
        && (one.deadline, one.memory) == (other.deadline, other.memory)
}

impl World {
    /// What holds where nothing is said: no clients, no secrets, nothing kept, 2026 begins, and limits as in service.
    pub fn usual() -> Self {
        let Config { deadline, memory, config, .. } = Config::default();
        Self {
            config,
            now: super::read::NEW_YEAR,
            log: tracing::Level::TRACE,
            secrets: BTreeMap::new(),
            kept: vec![],
            quota: 64 << 20,
            clients: vec![],
            scope: Scope::of([super::read::STREAM.into()]),
            deadline,
            memory,
        }
    }
}
