//! One call of one filter: a fresh instance, `configure` if it has one, the handler, and then nothing of it is left.
//!
//! A fresh instance a call is what makes a filter that leaks, traps or remembers harmless to the next message. It costs
//! some tens of microseconds for a compiled guest; `configure` is run each time and adds to that.

use super::Filter;
use super::bindings::exports::postern::filter as exports;
use super::effects::Effects;
use super::failure::Failure;
use super::limits::Meter;
use super::message::InFlight;
use super::request::HttpRequest;
use super::state::{Settings, State, Subject};
use super::ticker::Deadline;
use super::verdict::{self, Verdict};
use super::{admission, admission::Admission, engine::Machine};
use crate::message::Scope;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource, ResourceTable};

/// Bytes a guest may hand over beside the payloads themselves: list elements, labels, log lines.
const SLACK: usize = 64 << 10;
/// Handles a guest may hold at once. One is what a call gives it.
const HANDLES: usize = 4096;

/// What a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub micros: u64,
    /// Bytes of linear memory at its end, which is the most it had.
    pub memory: u64,
}

/// A component ready to be called.
pub struct Callee {
    pub machine: Arc<Machine>,
    pub pre: InstancePre<State>,
    pub settings: Arc<Settings>,
    pub setup: Option<exports::setup::GuestIndices>,
    pub memory: u64,
}

impl Callee {
    /// Runs `work` on a fresh, configured instance, and gives what the call wants done with its answer. A panic of ours
    /// on the way is the call's failure, not the caller's.
    pub fn enter<T>(
        &self,
        deadline: Duration,
        subject: Subject,
        work: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, String>>,
    ) -> (Result<(T, Effects), Failure>, Cost) {
        let Some(_slot) = self.machine.slots.wait() else {
            return (Err(Failure::Busy), Cost::default());
        };
        let _running = self.machine.ticker.running();
        let settings = self.settings.clone();
        let (meter, deadline) = (Meter::new(self.memory), Deadline::within(deadline));
        let mut clients = ResourceTable::new();
        clients.set_max_capacity(HANDLES);
        let state = State {
            machine: self.machine.clone(),
            settings,
            subject,
            meter,
            deadline,
            effects: Effects::default(),
            clients,
            lines: 0,
            sending: 0,
        };
        let mut store = Store::new(&self.machine.engine, state);
        let answer = catch_unwind(AssertUnwindSafe(|| {
            store.limiter(|state| &mut state.meter);
            store.set_hostcall_fuel(self.machine.output.saturating_add(SLACK));
            store.set_max_component_handles(HANDLES);
            // Before the instance is made: its start functions run then, and one may loop.
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(|mut store| Ok(store.data_mut().deadline.tick()?));
            let instance = self.pre.instantiate(&mut store)?;
            if let Some(setup) = &self.setup
                && let Err(words) = setup.load(&mut store, &instance)?.call_configure(&mut store)?
            {
                return Ok(Err(words));
            }
            work(&mut store, &instance)
        }));
        let answer = match answer {
            Ok(Ok(Ok(answer))) => Ok((answer, std::mem::take(&mut store.data_mut().effects))),
            Ok(Ok(Err(words))) => Err(Failure::refused(&words)),
            Ok(Err(error)) => Err(Failure::of(&error, self.machine.output)),
            Err(panic) => Err(Failure::Bug(words_of(&*panic))),
        };
        let micros = u64::try_from(store.data().deadline.elapsed().as_micros()).unwrap_or(u64::MAX);
        (answer, Cost { micros, memory: store.data().meter.held() })
    }
}

impl Filter {
    /// Asks what to do with a message. It blocks for as long as the call takes, the filter's deadline at most, and may
    /// be called from many threads at once.
    pub(super) fn judge(&self, message: &Arc<InFlight>, scope: &Scope) -> (Result<(Verdict, Effects), Failure>, Cost) {
        let Some(handler) = &self.0.handlers.message else {
            return (Err(Failure::Missing("message-handler")), Cost::default());
        };
        let subject = Subject { message: Some(message.clone()), scope: scope.clone(), ..Subject::default() };
        let (answer, cost) = self.0.callee.enter(self.0.deadline, subject, |store, instance| {
            handler.load(&mut *store, instance)?.call_on_message(store, Resource::new_own(0))
        });
        let output = self.0.callee.machine.output;
        let judged = answer.and_then(|(answer, effects)| Ok((verdict::verdict(answer, output)?, effects)));
        (judged, cost)
    }

    /// Asks whether a client may connect. Blocks as `judge` does.
    pub(super) fn admit(
        &self,
        request: &Arc<HttpRequest>,
        scope: &Scope,
    ) -> (Result<(Admission, Effects), Failure>, Cost) {
        let Some(handler) = &self.0.handlers.admission else {
            return (Err(Failure::Missing("admission-handler")), Cost::default());
        };
        let subject = Subject { request: Some(request.clone()), scope: scope.clone(), ..Subject::default() };
        let (answer, cost) = self.0.callee.enter(self.0.deadline, subject, |store, instance| {
            handler.load(&mut *store, instance)?.call_on_connect(store, Resource::new_own(0))
        });
        let admission = |answer| admission::admission(answer, request, &self.0.callee.machine);
        (answer.and_then(|(answer, effects)| Ok((admission(answer)?, effects))), cost)
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("a panic without words").to_owned()
}
