//! The one wasmtime engine: what it is set to, and what every filter links against.

use super::slots::Slots;
use super::state::State;
use super::ticker::Ticker;
use super::warm::Room;
use super::{Error, HostConfig, Listener, bindings, cache::Cache};
use crate::clients::Clients;
use crate::metrics::Metrics;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
};

/// Memories and tables one filter may have. A compiled guest has one memory and two tables, QuickJS three of each.
pub const MEMORIES: u32 = 4;
pub const TABLES: u32 = 8;
/// Core instances within one of its instances.
pub const CORES: u32 = 48;

/// What all filters of a host share.
pub struct Machine {
    pub engine: Engine,
    pub linker: Linker<State>,
    pub ticker: Ticker,
    pub slots: Slots,
    pub cache: Option<Cache>,
    pub bounds: Bounds,
    pub clients: Clients,
    pub metrics: Metrics,
    pub listener: Option<Arc<dyn Listener>>,
    /// For instances that are kept between calls.
    pub room: Arc<Room>,
    /// How many of one filter are kept: as many as can be at work at once.
    pub kept: usize,
}

/// What may change while filters work.
pub struct Bounds {
    output: AtomicUsize,
    labels: AtomicUsize,
}

impl Bounds {
    pub fn set(&self, output: usize, labels: usize) {
        self.output.store(output, Ordering::Relaxed);
        self.labels.store(labels, Ordering::Relaxed);
    }

    /// The most bytes a call may return.
    pub fn output(&self) -> usize {
        self.output.load(Ordering::Relaxed)
    }

    /// The most labels a client may be given.
    pub fn labels(&self) -> usize {
        self.labels.load(Ordering::Relaxed)
    }
}

impl Machine {
    pub fn new(config: &HostConfig) -> Result<Self, Error> {
        let engine = engine(config.slots).map_err(|error| Error::Engine(format!("{error:#}")))?;
        let mut linker = Linker::new(&engine);
        bindings::Postern::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)
            .map_err(|error| Error::Engine(format!("{error:#}")))?;
        let ticker = Ticker::start(&engine).map_err(Error::Thread)?;
        let cache = match Cache::open(&config.cache, &engine) {
            Ok(cache) => Some(cache),
            Err(error) => {
                let directory = config.cache.display();
                tracing::warn!(%directory, %error, "compiled filters are not kept: each start compiles them anew");
                None
            }
        };
        let slots = Slots::new(config.slots, config.patience);
        let bounds = Bounds { output: config.output.into(), labels: config.labels.into() };
        let (clients, metrics, listener) = (config.clients.clone(), config.metrics.clone(), config.listener.clone());
        let room = Arc::new(Room::new(config.slots));
        let kept = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2);
        Ok(Self { engine, linker, ticker, slots, cache, bounds, clients, metrics, listener, room, kept })
    }
}

/// With a pool a fresh instance costs a third of what it costs without. The pool reserves address space (not memory)
/// for all its slots at once, which some containers and `ulimit -v` forbid: there, instances are made on demand.
fn engine(slots: u32) -> wasmtime::Result<Engine> {
    Engine::new(settings().allocation_strategy(pool(slots))).or_else(|error| {
        let error = format!("{error:#}");
        tracing::warn!(
            error,
            "no address space for a pool of filter instances: each is made on demand, at thrice the cost"
        );
        Engine::new(
            settings()
                .allocation_strategy(InstanceAllocationStrategy::OnDemand)
                .memory_reservation(16 << 20)
                .memory_reservation_for_growth(16 << 20)
                .memory_guard_size(64 << 10),
        )
    })
}

fn settings() -> Config {
    let mut config = Config::new();
    config
        // Guests are synchronous. On, it doubles the cost of a call.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(512 << 10)
        // Names and lines in the report of a trap; they cost only then.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(20))
        .native_unwind_info(false)
        .parallel_compilation(true)
        .cranelift_opt_level(OptLevel::Speed)
        // Less to attack.
        .wasm_memory64(false)
        .shared_memory(false)
        // A fresh instance maps its first memory instead of copying it; the largest guest known begins with 12 MiB.
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(64 << 20);
    config
}

fn pool(slots: u32) -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    // As many calls, and as many instances that wait for one. A compiled guest has a few core instances, QuickJS more than
    // ten, CPython some forty.
    let instances = slots.saturating_mul(2);
    pool.total_component_instances(instances)
        .total_memories(instances.saturating_mul(MEMORIES))
        .total_tables(instances.saturating_mul(TABLES))
        .total_core_instances(instances.saturating_mul(CORES))
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(8 << 20)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .table_elements(100_000)
        // A slot is this large in address space anyway, so that no bounds need checking. What a filter may use of it is
        // counted by its `Meter`.
        .max_memory_size(4 << 30)
        .max_unused_warm_slots(slots / 4)
        // Resetting these few by hand is cheaper than giving them back to the system and faulting them in again. More
        // would make every small guest pay for a large one.
        .linear_memory_keep_resident(128 << 10)
        .table_keep_resident(16 << 10)
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}
