//! One version of a filter: a component, configured, and what holds for its calls. A filter has one in force at a time; a
//! piece of work is done by the version that was in force when it began.

use super::breaker::{Breaker, Turn};
use super::call::{Callee, Cost};
use super::effects::Effects;
use super::failure::Failure;
use super::life::Life;
use super::load::Handlers;
use super::state::{State, Subject};
use super::{OnError, Rollback};
use crate::metrics::{FilterTally, FilterVerdict};
use arc_swap::Guard;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Store;
use wasmtime::component::Instance;

pub struct Version {
    pub callee: Callee,
    pub handlers: Handlers,
    /// Of the component, in lower-case hex.
    pub sha256: String,
    /// Where it came from, for people.
    pub origin: String,
    /// Bytes of the component.
    pub size: usize,
    pub on_error: OnError,
    pub deadline: Duration,
    /// It is asked, and what it answers is not done.
    pub shadow: bool,
    pub rollback: Option<Rollback>,
    pub breaker: Breaker,
    pub tally: FilterTally,
}

impl Version {
    /// Lets go of instances that nobody has used for long.
    pub fn tidy(&self) {
        if let Some(warm) = &self.callee.warm {
            warm.tidy();
        }
    }
}

/// What a filter may say, as it is counted.
pub trait Counted {
    fn counted(&self) -> FilterVerdict;
}

impl Counted for Vec<bool> {
    fn counted(&self) -> FilterVerdict {
        FilterVerdict::Choose
    }
}

impl Counted for () {
    fn counted(&self) -> FilterVerdict {
        FilterVerdict::Told
    }
}

/// The version in force when a piece of work began, until it is done.
pub struct InForce<'a> {
    life: &'a Life,
    version: Guard<Arc<Version>>,
}

impl<'a> InForce<'a> {
    pub fn new(life: &'a Life, version: Guard<Arc<Version>>) -> Self {
        Self { life, version }
    }

    pub fn name(&self) -> &str {
        &self.life.name
    }

    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// Asks it, unless it is set aside: runs `work` on an instance, and `check` on what comes of it. Whatever it comes to is
    /// counted, and remembered of the version. Blocks for as long as the call takes, the deadline at most.
    pub fn ask<T, U: Counted>(
        &self,
        subject: Subject,
        work: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, String>>,
        check: impl FnOnce(T) -> Result<U, Failure>,
    ) -> (Result<(U, Effects), Failure>, Cost) {
        let version = &**self.version;
        if let Err(failures) = version.breaker.admit(Instant::now()) {
            let failure = Failure::SetAside(failures);
            version.tally.failed(failure.label());
            return (Err(failure), Cost::default());
        }
        let (answer, cost) = version.callee.enter(version.deadline, subject, work);
        let answer = answer.and_then(|(answer, effects)| Ok((check(answer)?, effects)));
        self.remember(&answer, cost);
        (answer, cost)
    }

    fn remember<U: Counted>(&self, answer: &Result<(U, Effects), Failure>, cost: Cost) {
        let version = &**self.version;
        let took = Duration::from_micros(cost.micros);
        let turn = match answer {
            Ok((answer, _)) => {
                version.tally.answered(answer.counted());
                version.tally.took(took, cost.memory);
                self.life.succeeded(&self.version);
                version.breaker.succeeded()
            }
            Err(failure) if !failure.is_its_own() => {
                version.tally.failed(failure.label());
                version.breaker.unasked();
                None
            }
            Err(failure) => {
                version.tally.failed(failure.label());
                version.tally.took(took, cost.memory);
                // While there is a version to go back to, that is what becomes of one that fails.
                if self.life.failed(&self.version, failure) { None } else { version.breaker.failed(Instant::now()) }
            }
        };
        match turn {
            None => {}
            Some(Turn::Recovered) => {
                version.tally.set_aside(false);
                tracing::info!(filter = self.name(), "a filter answers again");
            }
            Some(Turn::SetAside(pause)) => {
                version.tally.set_aside(true);
                let on_error = version.on_error;
                tracing::error!(filter = self.name(), ?pause, ?on_error, "a filter is set aside: it fails each time");
            }
        }
    }
}
