//! Numbers for the operator, shown as `postern_filter_<name>{filter="…"}`. A name is of lower-case letters, digits and
//! `_`, and is one kind of number, whichever filter uses it; anything else is an error of the filter.

use crate::gateway;

/// Adds to a counter.
pub fn count(name: &str, by: u64) {
    gateway::metrics_count(name, by);
}

/// Sets a gauge.
pub fn gauge(name: &str, value: f64) {
    gateway::metrics_gauge(name, value);
}

/// Adds one observation to a histogram.
pub fn observe(name: &str, value: f64) {
    gateway::metrics_observe(name, value);
}
