//! A filter's life: versions come and go, the name stays. A new one is in force from one piece of work to the next; the
//! one before it is kept until the new one has proved itself, and is back when it fails too often.

use super::Rollback;
use super::failure::Failure;
use super::version::{InForce, Version};
use crate::metrics::{FilterSwap, FilterSwapLabels, Metrics};
use arc_swap::ArcSwap;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub struct Life {
    pub name: Arc<str>,
    current: ArcSwap<Version>,
    /// Whether `trial` holds something, so that most calls need not look.
    on_trial: AtomicBool,
    trial: Mutex<Trial>,
    metrics: Metrics,
    /// Told when a version has been given up.
    pub given_up: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Trial {
    /// `None`: the version in force has proved itself.
    probation: Option<Probation>,
    /// The one that was in force before, for an operator who wants it back.
    previous: Option<Arc<Version>>,
    /// The last one that did not prove itself.
    rejected: Option<Rejected>,
}

/// Of a version that is new.
struct Probation {
    rollback: Rollback,
    since: Instant,
    failures: VecDeque<Instant>,
    has_succeeded: bool,
}

/// A version that failed too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    pub sha256: String,
    /// What the last of its failures was.
    pub why: String,
}

/// What an operator may want to know of a filter's versions.
pub struct Standing {
    pub version: Arc<Version>,
    pub previous: Option<Arc<Version>>,
    pub rejected: Option<Rejected>,
    /// For how long the version in force has been on probation.
    pub probation: Option<Duration>,
}

impl Life {
    pub fn new(name: Arc<str>, first: Version, metrics: Metrics) -> Self {
        first.tally.set_aside(false);
        Self {
            name,
            current: ArcSwap::from_pointee(first),
            on_trial: AtomicBool::new(false),
            trial: Mutex::default(),
            metrics,
            given_up: OnceLock::new(),
        }
    }

    /// The version in force, for one piece of work.
    pub fn in_force(&self) -> InForce<'_> {
        InForce::new(self, self.current.load())
    }

    pub fn is_steady(&self) -> bool {
        let version = self.current.load();
        let keeps = version.callee.settings.keyspace.is_some();
        !keeps && version.breaker.is_well() && !self.on_trial.load(Ordering::Acquire)
    }

    pub fn current(&self) -> Arc<Version> {
        self.current.load_full()
    }

    pub fn standing(&self) -> Standing {
        let trial = self.lock();
        Standing {
            version: self.current.load_full(),
            previous: trial.previous.clone(),
            rejected: trial.rejected.clone(),
            probation: trial.probation.as_ref().map(|probation| probation.since.elapsed()),
        }
    }

    /// Puts a new version in force. Work under way is finished by the one before.
    pub fn replace(&self, new: Version) {
        new.tally.set_aside(false);
        let mut trial = self.lock();
        let rollback = new.rollback;
        let old = self.current.swap(Arc::new(new));
        // One that has not proved itself is nothing to go back to.
        if trial.probation.is_none() || trial.previous.is_none() {
            trial.previous = Some(old);
        }
        trial.probation = rollback.map(|rollback| Probation {
            rollback,
            since: Instant::now(),
            failures: VecDeque::new(),
            has_succeeded: false,
        });
        self.on_trial.store(trial.probation.is_some(), Ordering::Release);
        self.count(FilterSwap::Swapped);
    }

    /// Puts the version before this one back in force, for good. `None`: there is none.
    pub fn back(&self) -> Option<Arc<Version>> {
        let mut trial = self.lock();
        let previous = trial.previous.take()?;
        self.restore(&mut trial, &previous);
        self.count(FilterSwap::Returned);
        Some(previous)
    }

    fn restore(&self, trial: &mut Trial, previous: &Arc<Version>) {
        self.current.store(previous.clone());
        trial.probation = None;
        self.on_trial.store(false, Ordering::Release);
        let aside = previous.breaker.aside(Instant::now()).is_some();
        previous.tally.set_aside(aside);
        if let Some(tell) = self.given_up.get() {
            tell();
        }
    }

    pub fn refused(&self) {
        self.count(FilterSwap::Refused);
    }

    fn count(&self, outcome: FilterSwap) {
        self.metrics.filter_swaps.get_or_create(&FilterSwapLabels { filter: self.name.clone(), outcome }).inc();
    }

    /// A call of this version has succeeded.
    pub fn succeeded(&self, version: &Arc<Version>) {
        if !self.on_trial.load(Ordering::Acquire) {
            return;
        }
        let mut trial = self.lock();
        if !self.is_current(version) {
            return;
        }
        let Some(probation) = &mut trial.probation else { return };
        probation.has_succeeded = true;
        if probation.since.elapsed() >= probation.rollback.within {
            trial.probation = None;
            self.on_trial.store(false, Ordering::Release);
            tracing::info!(
                filter = &*self.name,
                sha256 = version.sha256,
                "a new version of a filter has proved itself"
            );
        }
    }

    /// A call of this version has failed. Says whether it is on probation, or was until now.
    pub fn failed(&self, version: &Arc<Version>, failure: &Failure) -> bool {
        if !self.on_trial.load(Ordering::Acquire) {
            return false;
        }
        let mut trial = self.lock();
        if !self.is_current(version) {
            return false;
        }
        let now = Instant::now();
        let Some(probation) = &mut trial.probation else { return false };
        let Rollback { failures, within } = probation.rollback;
        // One that never succeeded proves nothing by letting time pass.
        if probation.has_succeeded && now.duration_since(probation.since) >= within {
            return false;
        }
        probation.failures.push_back(now);
        while probation.failures.front().is_some_and(|failed| now.duration_since(*failed) > within) {
            probation.failures.pop_front();
        }
        if probation.failures.len() <= failures as usize {
            return true;
        }
        let Some(previous) = trial.previous.take() else { return false };
        self.restore(&mut trial, &previous);
        let why = failure.to_string();
        tracing::error!(
            filter = &*self.name,
            from = version.sha256,
            to = previous.sha256,
            why,
            "a new version of a filter fails too often: the one before it is back"
        );
        trial.rejected = Some(Rejected { sha256: version.sha256.clone(), why });
        self.count(FilterSwap::RolledBack);
        true
    }

    fn is_current(&self, version: &Arc<Version>) -> bool {
        Arc::ptr_eq(&self.current.load(), version)
    }

    // What it guards is replaced whole, so it is right even if a holder of the lock panicked.
    fn lock(&self) -> MutexGuard<'_, Trial> {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
