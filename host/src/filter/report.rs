//! What there is to know of a filter at work.

use super::Filter;
use super::life::Rejected;
use super::warm::Warm;
use serde::Serialize;
use std::time::{Duration, Instant};

/// One filter, for an operator.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub name: String,
    pub sha256: String,
    /// Where the component in force came from.
    pub origin: String,
    pub size: usize,
    pub handlers: Vec<&'static str>,
    /// `fresh` or `reuse`.
    pub instances: &'static str,
    /// Those that wait for a call.
    pub idle_instances: usize,
    pub shadow: bool,
    pub answered: u64,
    pub failed: u64,
    /// Milliseconds for which it is not asked yet, because it failed so often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_aside_ms: Option<u128>,
    /// Seconds since it is in force, while it has not proved itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probation_s: Option<u64>,
    /// What would be put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What was given up, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejected>,
}

impl Report {
    pub fn of(filter: &Filter) -> Self {
        let standing = filter.0.standing();
        let version = &standing.version;
        let (answered, failed) = version.tally.totals();
        Self {
            name: filter.name().to_owned(),
            sha256: version.sha256.clone(),
            origin: version.origin.clone(),
            size: version.size,
            handlers: version.handlers.names(),
            instances: if version.callee.warm.is_some() { "reuse" } else { "fresh" },
            idle_instances: version.callee.warm.as_ref().map_or(0, Warm::count),
            shadow: version.shadow,
            answered,
            failed,
            set_aside_ms: version.breaker.aside(Instant::now()).map(|left| left.as_millis()),
            probation_s: standing.probation.as_ref().map(Duration::as_secs),
            previous: standing.previous.map(|version| version.sha256.clone()),
            rejected: standing.rejected,
        }
    }
}
