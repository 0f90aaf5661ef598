//! From a file to a filter: every way in which a component can be unfit is found here, named, and met with what to do,
//! before it sees a message.

use super::bindings::exports::postern::filter as exports;
use super::breaker::Breaker;
use super::call::{Callee, Cost, START};
use super::engine::{MEMORIES, Machine, TABLES};
use super::problem::{self, Problem};
use super::state::{Settings, State, Subject};
use super::version::Version;
use super::warm::Warm;
use super::{Config, Error, Instances, Source};
use crate::metrics::FilterTally;
use ring::digest;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, types::ComponentItem};

/// The largest component read. CPython with its library is 18 MiB.
const SIZE: u64 = 64 << 20;
/// Microseconds within which a filter starts that gets a fresh instance for each call. Compiled ones take some tens of
/// them, QuickJS 150, Go 300, CPython a thousand.
const QUICK: u64 = 100;
/// Times a filter that is not so quick is started at load, to be sure that it is not.
const TRIALS: u32 = 5;
pub(super) const PAGE: u64 = 64 << 10;

pub fn load(machine: &Arc<Machine>, name: &str, source: Source<'_>, config: &Config) -> Result<Version, Error> {
    attempt(machine, name, source, config).map_err(|problem| Error::Load {
        filter: name.to_owned(),
        origin: source.origin.to_owned(),
        problem,
    })
}

fn attempt(machine: &Arc<Machine>, name: &str, source: Source<'_>, config: &Config) -> Result<Version, Problem> {
    let Source { origin, bytes } = source;
    let (sha256, size) = (digest(bytes), bytes.len());
    if let Some(wanted) = &config.sha256
        && !wanted.eq_ignore_ascii_case(&sha256)
    {
        return Err(Problem::Pin { wanted: wanted.clone(), found: sha256 });
    }
    problem::check_kind(bytes)?;
    let component = compile(machine, &sha256, bytes)?;
    let (imports, exports) = names(machine, &component);
    problem::check_names(&imports, &exports)?;
    let uncalled = problem::uncalled(&exports);
    if !uncalled.is_empty() {
        tracing::warn!(filter = name, handlers = ?uncalled, "a filter exports handlers that this postern never calls");
    }
    check_size(&component, config.memory)?;
    let pre = machine.linker.instantiate_pre(&component).map_err(|error| Problem::Import(format!("{error:#}")))?;

    let signature = |error: wasmtime::Error| Problem::Signature(format!("{error:#}"));
    let handlers = Handlers::of(&component, &pre).map_err(signature)?;

    let name: Arc<str> = name.into();
    let text = config.config.to_string();
    let settings = Arc::new(Settings {
        name: name.clone(),
        config: config.config.clone(),
        text,
        secrets: config.secrets.clone(),
        keyspace: config.keyspace.clone(),
    });
    let setup = handlers.setup.clone();
    let mut callee = Callee { machine: machine.clone(), pre, settings, setup, memory: config.memory, warm: None };
    // Where it makes no difference how long it takes, once is enough.
    let trials = if config.instances == Instances::Auto { TRIALS } else { 1 };
    let cost = try_out(&callee, &handlers, trials)?;
    callee.warm = match config.instances {
        Instances::Fresh => None,
        Instances::Reuse => Some(Warm::new(machine.room.clone(), machine.kept)),
        Instances::Auto if cost.micros <= QUICK => None,
        Instances::Auto => {
            let micros = cost.micros;
            tracing::info!(
                filter = &*name,
                micros,
                "a filter takes long to start: its instances are used again, and what it keeps in memory later calls may see"
            );
            Some(Warm::new(machine.room.clone(), machine.kept))
        }
    };
    if callee.warm.is_none() && Duration::from_micros(cost.micros) > config.deadline {
        tracing::warn!(filter = &*name, micros = cost.micros, "a filter takes longer to start than a call may take");
    }
    tracing::debug!(filter = &*name, sha256, micros = cost.micros, memory = cost.memory, "a filter is loaded");
    Ok(Version {
        callee,
        handlers,
        sha256,
        origin: origin.to_owned(),
        size,
        on_error: config.on_error,
        deadline: config.deadline,
        shadow: config.shadow,
        rollback: config.rollback,
        breaker: Breaker::new(config.breaker),
        tally: FilterTally::new(&machine.metrics, &name, config.shadow),
    })
}

/// Of bytes, in lower-case hex.
pub fn digest(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A trial: it must start, accept its configuration, and have handlers of the right types. Gives the least it took of a few
/// times, since what else a machine does makes the others longer.
fn try_out(callee: &Callee, handlers: &Handlers, trials: u32) -> Result<Cost, Problem> {
    let mut least: Option<Cost> = None;
    for _ in 0..trials {
        let mut wrong = None;
        let (trial, cost) = callee.enter_fresh(START, Subject::default(), |store, instance| {
            wrong = handlers.try_each(store, instance).err();
            Ok(Ok(()))
        });
        match (trial, wrong) {
            (Ok(_), None) => {}
            (Ok(_), Some(error)) => return Err(Problem::Signature(format!("{error:#}"))),
            (Err(failure), _) => return Err(Problem::Start(failure)),
        }
        least = least.filter(|least| least.micros <= cost.micros).or(Some(cost));
        if cost.micros <= QUICK {
            break;
        }
    }
    Ok(least.unwrap_or_default())
}

/// The handlers that a component exports.
#[derive(Default)]
pub struct Handlers {
    pub setup: Option<exports::setup::GuestIndices>,
    pub message: Option<exports::message_handler::GuestIndices>,
    pub admission: Option<exports::admission_handler::GuestIndices>,
    pub client: Option<exports::client_handler::GuestIndices>,
    pub event: Option<exports::event_handler::GuestIndices>,
    pub audience: Option<exports::audience_handler::GuestIndices>,
    pub http: Option<exports::http_handler::GuestIndices>,
}

impl Handlers {
    /// Finds them by their names.
    fn of(component: &Component, pre: &InstancePre<State>) -> wasmtime::Result<Self> {
        let has =
            |interface: &str| component.get_export_index(None, format!("postern:filter/{interface}@0.1.0")).is_some();
        Ok(Self {
            setup: has("setup").then(|| exports::setup::GuestIndices::new(pre)).transpose()?,
            message: has("message-handler").then(|| exports::message_handler::GuestIndices::new(pre)).transpose()?,
            admission: has("admission-handler")
                .then(|| exports::admission_handler::GuestIndices::new(pre))
                .transpose()?,
            client: has("client-handler").then(|| exports::client_handler::GuestIndices::new(pre)).transpose()?,
            event: has("event-handler").then(|| exports::event_handler::GuestIndices::new(pre)).transpose()?,
            audience: has("audience-handler").then(|| exports::audience_handler::GuestIndices::new(pre)).transpose()?,
            http: has("http-handler").then(|| exports::http_handler::GuestIndices::new(pre)).transpose()?,
        })
    }

    /// Their interfaces.
    pub fn names(&self) -> Vec<&'static str> {
        let all = [
            ("setup", self.setup.is_some()),
            ("message-handler", self.message.is_some()),
            ("admission-handler", self.admission.is_some()),
            ("client-handler", self.client.is_some()),
            ("event-handler", self.event.is_some()),
            ("audience-handler", self.audience.is_some()),
            ("http-handler", self.http.is_some()),
        ];
        all.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect()
    }

    /// Whether each has the type that the package gives it.
    fn try_each(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<()> {
        self.message.as_ref().map(|handler| handler.load(&mut *store, instance)).transpose()?;
        self.admission.as_ref().map(|handler| handler.load(&mut *store, instance)).transpose()?;
        self.client.as_ref().map(|handler| handler.load(&mut *store, instance)).transpose()?;
        self.event.as_ref().map(|handler| handler.load(&mut *store, instance)).transpose()?;
        self.audience.as_ref().map(|handler| handler.load(&mut *store, instance)).transpose()?;
        self.http.as_ref().map(|handler| handler.load(&mut *store, instance)).transpose()?;
        Ok(())
    }
}

pub fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Problem::Read)?;
    file.take(SIZE + 1).read_to_end(&mut bytes).map_err(Problem::Read)?;
    if bytes.len() as u64 > SIZE {
        return Err(Problem::TooLarge(SIZE));
    }
    Ok(bytes)
}

pub(super) fn compile(machine: &Machine, sha256: &str, bytes: &[u8]) -> Result<Component, Problem> {
    if let Some(component) = machine.cache.as_ref().and_then(|cache| cache.load(&machine.engine, sha256)) {
        return Ok(component);
    }
    // A compiler is large, and what it reads is anyone's: should it panic, a reload must not take postern down.
    let compiled = catch_unwind(AssertUnwindSafe(|| Component::from_binary(&machine.engine, bytes)));
    let component = match compiled {
        Ok(compiled) => compiled.map_err(|error| problem::of_compiler(format!("{error:#}")))?,
        Err(_) => return Err(Problem::Compiler),
    };
    if let Some(cache) = &machine.cache
        && let Err(error) = cache.store(sha256, &component)
    {
        tracing::warn!(%error, "a compiled filter could not be kept: the next start compiles it anew");
    }
    Ok(component)
}

/// What a component imports and exports. Instances of types alone ask nothing of the host, but they do say which
/// version of the package the component was built against, so they count too.
fn names(machine: &Machine, component: &Component) -> (Vec<String>, Vec<String>) {
    let of_type = component.component_type();
    let imports = of_type.imports(&machine.engine).map(|(name, _)| name.to_owned()).collect();
    let exports = of_type.exports(&machine.engine);
    let exports = exports
        .filter(|(_, export)| matches!(export.ty, ComponentItem::ComponentInstance(_)))
        .map(|(name, _)| name.to_owned())
        .collect();
    (imports, exports)
}

fn check_size(component: &Component, limit: u64) -> Result<(), Problem> {
    let Some(required) = component.resources_required() else { return Ok(()) };
    let needed = required.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE);
    if needed > limit {
        return Err(Problem::Memory { needed, limit });
    }
    let (memories, tables) = (required.num_memories, required.num_tables);
    if memories > MEMORIES || tables > TABLES { Err(Problem::Parts { memories, tables }) } else { Ok(()) }
}
