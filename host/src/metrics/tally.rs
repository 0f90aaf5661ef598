//! What is counted of one filter's calls. The handles are found once a version of it, not once a call.

use super::{FilterFailure, FilterFailureLabels, FilterLabels, FilterVerdict, Metrics, PerFilter};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use std::sync::Arc;
use std::time::Duration;

pub struct FilterTally {
    verdicts: Vec<Counter>,
    failures: Vec<Counter>,
    seconds: Histogram,
    memory: Gauge,
    set_aside: Gauge,
}

impl FilterTally {
    /// `shadow`: what it says is not done, and is counted apart.
    pub fn new(metrics: &Metrics, filter: &Arc<str>, shadow: bool) -> Self {
        let calls = if shadow { &metrics.filter_shadow_calls } else { &metrics.filter_calls };
        let verdict = |verdict| calls.get_or_create_owned(&FilterLabels { filter: filter.clone(), verdict });
        let failure = |failure| {
            metrics.filter_failures.get_or_create_owned(&FilterFailureLabels { filter: filter.clone(), failure })
        };
        let this = PerFilter { filter: filter.clone() };
        Self {
            verdicts: FilterVerdict::ALL.iter().copied().map(verdict).collect(),
            failures: FilterFailure::ALL.iter().copied().map(failure).collect(),
            seconds: metrics.filter_seconds.get_or_create_owned(&this),
            memory: metrics.filter_memory.get_or_create_owned(&this),
            set_aside: metrics.filter_set_aside.get_or_create_owned(&this),
        }
    }

    pub fn answered(&self, verdict: FilterVerdict) {
        self.verdicts[verdict as usize].inc();
    }

    pub fn failed(&self, failure: FilterFailure) {
        self.verdicts[FilterVerdict::Error as usize].inc();
        self.failures[failure as usize].inc();
    }

    /// What a call took, that was made.
    pub fn took(&self, time: Duration, memory: u64) {
        self.seconds.observe(time.as_secs_f64());
        self.memory.set(i64::try_from(memory).unwrap_or(i64::MAX));
    }

    pub fn set_aside(&self, is_aside: bool) {
        self.set_aside.set(i64::from(is_aside));
    }

    /// Calls that were answered, and that failed, of all versions since the start.
    pub fn totals(&self) -> (u64, u64) {
        let failed = self.verdicts[FilterVerdict::Error as usize].get();
        (self.verdicts.iter().map(Counter::get).sum::<u64>() - failed, failed)
    }
}
