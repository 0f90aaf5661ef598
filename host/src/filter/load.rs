//! From a file to a filter: every way in which a component can be unfit is found here, named, and met with what to do,
//! before it sees a message.

use super::bindings::exports::postern::filter as exports;
use super::call::Callee;
use super::engine::{MEMORIES, Machine, TABLES};
use super::problem::{self, Problem};
use super::state::{Settings, State, Subject};
use super::{Config, Error, Filter, Inner, Source};
use ring::digest;
use std::borrow::Cow;
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
/// How long a filter may take to start and to check its configuration, once, at load.
pub(super) const START: Duration = Duration::from_secs(1);
pub(super) const PAGE: u64 = 64 << 10;

pub fn load(machine: &Arc<Machine>, name: &str, source: Source<'_>, config: &Config) -> Result<Filter, Error> {
    let origin = match &source {
        Source::File(path) => path.display().to_string(),
        Source::Bytes { origin, .. } => (*origin).to_owned(),
    };
    attempt(machine, name, source, config).map_err(|problem| Error::Load { filter: name.to_owned(), origin, problem })
}

fn attempt(machine: &Arc<Machine>, name: &str, source: Source<'_>, config: &Config) -> Result<Filter, Problem> {
    let bytes = match source {
        Source::File(path) => Cow::Owned(read(path)?),
        Source::Bytes { bytes, .. } => Cow::Borrowed(bytes),
    };
    let sha256: String =
        digest::digest(&digest::SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(wanted) = &config.sha256
        && !wanted.eq_ignore_ascii_case(&sha256)
    {
        return Err(Problem::Pin { wanted: wanted.clone(), found: sha256 });
    }
    problem::check_kind(&bytes)?;
    let component = compile(machine, &sha256, &bytes)?;
    drop(bytes);
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

    let text = config.config.to_string();
    let settings = Arc::new(Settings {
        name: name.into(),
        config: config.config.clone(),
        text,
        secrets: config.secrets.clone(),
        keyspace: config.keyspace.clone(),
    });
    let setup = handlers.setup.clone();
    let callee = Callee { machine: machine.clone(), pre, settings, setup, memory: config.memory };
    // A trial: it must start, accept its configuration, and have handlers of the right types.
    let mut wrong = None;
    let (trial, cost) = callee.enter(START, Subject::default(), |store, instance| {
        wrong = handlers.try_each(store, instance).err();
        Ok(Ok(()))
    });
    match (trial, wrong) {
        (Ok(_), None) => {}
        (Ok(_), Some(error)) => return Err(signature(error)),
        (Err(failure), _) => return Err(Problem::Start(failure)),
    }
    if Duration::from_micros(cost.micros) > config.deadline {
        tracing::warn!(filter = name, micros = cost.micros, "a filter takes longer to start than a call may take");
    }
    tracing::debug!(filter = name, sha256, micros = cost.micros, memory = cost.memory, "a filter is loaded");
    let (on_error, deadline) = (config.on_error, config.deadline);
    Ok(Filter(Arc::new(Inner { callee, handlers, sha256, on_error, deadline })))
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

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
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
