//! One call of one filter: an instance, the handler, and then nothing of the call is left.
//!
//! The instance is a fresh one, configured, and gone with the call: what makes a filter that leaks, traps or remembers
//! harmless to the next message. It costs some tens of microseconds for a compiled guest. Filters that take much longer to
//! start (interpreters) are called on instances that are kept, see `warm`; one that has failed never is.

use super::bindings::exports::postern::filter as exports;
use super::effects::Effects;
use super::engine::Machine;
use super::failure::Failure;
use super::limits::Meter;
use super::slots::Slot;
use super::state::{Cards, Settings, State, Subject};
use super::ticker::{Deadline, Running};
use super::warm::Warm;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

/// Bytes a guest may hand over beside the payloads themselves: list elements, labels, log lines.
const SLACK: usize = 64 << 10;
/// Handles a fresh instance may hold at once.
pub(super) const HANDLES: usize = 4096;
/// Handles that one which is kept may hold: what collects garbage lets go of them when it likes.
const KEPT_HANDLES: usize = 1 << 16;
/// How long an instance that is to be kept may take to start; its calls have their own time.
pub(super) const START: Duration = Duration::from_secs(1);

/// What a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub micros: u64,
    /// Bytes of linear memory at its end, which is the most it had.
    pub memory: u64,
}

/// What a call came to, with what it wants done; and what it took.
pub type Called<T> = (Result<(T, Effects), Failure>, Cost);

/// A component ready to be called.
pub struct Callee {
    pub machine: Arc<Machine>,
    pub pre: InstancePre<State>,
    pub settings: Arc<Settings>,
    pub setup: Option<exports::setup::GuestIndices>,
    pub memory: u64,
    /// `None`: each call gets an instance of its own.
    pub warm: Option<Warm>,
}

/// An instance, configured.
pub struct Live {
    store: Store<State>,
    instance: Instance,
    pub calls: u32,
    /// Bytes it had when it was new.
    born: u64,
}

impl Live {
    /// Whether it holds so much more than it began with that a new one is better.
    pub fn has_grown(&self) -> bool {
        let state = self.store.data();
        let (held, limit) = (state.meter.held(), state.meter.limit());
        held > limit / 2 && held > self.born.saturating_mul(2) || state.cards.outstanding() > HANDLES
    }
}

impl Callee {
    /// Runs `work` on an instance, and gives what the call wants done with its answer. A panic of ours on the way is the
    /// call's failure, not the caller's.
    pub fn enter<T>(
        &self,
        deadline: Duration,
        subject: Subject,
        work: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, String>>,
    ) -> Called<T> {
        let Some(_room) = self.room(deadline) else { return (Err(Failure::Busy), Cost::default()) };
        match &self.warm {
            None => self.on_fresh(deadline, subject, work),
            Some(warm) => match warm.take().map_or_else(|| self.start(), Ok) {
                Ok(live) => self.on_kept(warm, live, deadline, subject, work),
                Err((failure, cost)) => (Err(failure), cost),
            },
        }
    }

    /// Runs `work` on an instance that is made for it, whatever is kept.
    pub fn enter_fresh<T>(
        &self,
        deadline: Duration,
        subject: Subject,
        work: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, String>>,
    ) -> Called<T> {
        let Some(_room) = self.room(deadline) else { return (Err(Failure::Busy), Cost::default()) };
        self.on_fresh(deadline, subject, work)
    }

    /// Room for a call, and the clock that ends it, until it is dropped; `None` if there is none for too long.
    fn room(&self, deadline: Duration) -> Option<(Slot<'_>, Running<'_>)> {
        Some((self.machine.slots.wait()?, self.machine.ticker.running(deadline)))
    }

    fn on_fresh<T>(
        &self,
        deadline: Duration,
        subject: Subject,
        work: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, String>>,
    ) -> Called<T> {
        let mut store = self.store(deadline, subject, HANDLES);
        let answer = attempt(|| match self.instance(&mut store)? {
            Ok(instance) => work(&mut store, &instance),
            Err(words) => Ok(Err(words)),
        });
        self.outcome(&mut store, answer)
    }

    /// An instance to be kept.
    fn start(&self) -> Result<Live, (Failure, Cost)> {
        let mut store = self.store(START, Subject::default(), KEPT_HANDLES);
        let failure = match attempt(|| self.instance(&mut store)) {
            Ok(Ok(instance)) => {
                let born = store.data().meter.held();
                return Ok(Live { store, instance, calls: 0, born });
            }
            Ok(Err(words)) => Failure::refused(&words),
            Err(ended) => self.failure(ended),
        };
        Err((failure, cost(&store)))
    }

    fn on_kept<T>(
        &self,
        warm: &Warm,
        mut live: Live,
        deadline: Duration,
        subject: Subject,
        work: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, String>>,
    ) -> Called<T> {
        let Live { store, instance, calls, .. } = &mut live;
        *calls += 1;
        store.data_mut().begin(deadline, subject);
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(self.machine.bounds.output().saturating_add(SLACK));
        let answer = attempt(|| work(store, instance));
        let (usable, outcome) = (answer.is_ok(), self.outcome(store, answer));
        if usable {
            store.data_mut().end();
            warm.keep(live);
        }
        outcome
    }

    fn store(&self, deadline: Duration, subject: Subject, handles: usize) -> Store<State> {
        let state = State {
            machine: self.machine.clone(),
            settings: self.settings.clone(),
            subject,
            call: 0,
            meter: Meter::new(self.memory),
            deadline: Deadline::within(deadline),
            effects: Effects::default(),
            cards: Cards::default(),
            lines: 0,
            sending: 0,
        };
        let mut store = Store::new(&self.machine.engine, state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(self.machine.bounds.output().saturating_add(SLACK));
        store.set_max_component_handles(handles);
        // Before the instance is made: its start functions run then, and one may loop.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().deadline.tick()?));
        store
    }

    /// An instance that has accepted its configuration, or its words why not.
    fn instance(&self, store: &mut Store<State>) -> wasmtime::Result<Result<Instance, String>> {
        let instance = self.pre.instantiate(&mut *store)?;
        let Some(setup) = &self.setup else { return Ok(Ok(instance)) };
        let configured = setup.load(&mut *store, &instance)?.call_configure(&mut *store)?;
        Ok(configured.map(|()| instance))
    }

    fn outcome<T>(&self, store: &mut Store<State>, answer: Result<Result<T, String>, Ended>) -> Called<T> {
        let answer = match answer {
            Ok(Ok(answer)) => Ok((answer, std::mem::take(&mut store.data_mut().effects))),
            Ok(Err(words)) => Err(Failure::refused(&words)),
            Err(ended) => Err(self.failure(ended)),
        };
        (answer, cost(store))
    }

    fn failure(&self, ended: Ended) -> Failure {
        match ended {
            Ended::Error(error) => Failure::of(&error, self.machine.bounds.output()),
            Ended::Panic(words) => Failure::Bug(words),
        }
    }
}

fn cost(store: &Store<State>) -> Cost {
    let state = store.data();
    let micros = u64::try_from(state.deadline.elapsed().as_micros()).unwrap_or(u64::MAX);
    Cost { micros, memory: state.meter.held() }
}

/// How a call ended that has not returned. Its store is of no use any more.
enum Ended {
    Error(wasmtime::Error),
    Panic(String),
}

fn attempt<T>(work: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, Ended> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(answer) => answer.map_err(Ended::Error),
        Err(panic) => Err(Ended::Panic(words_of(&*panic))),
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("a panic without words").to_owned()
}
