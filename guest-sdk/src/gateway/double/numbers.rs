//! `metrics`. Acts at once.

use super::{arranged, breach};
use crate::testing::Metric;

/// The longest name, in bytes.
const LONGEST: usize = 64;

pub(crate) fn metrics_count(name: &str, by: u64) {
    note(name, Metric::Count(0), |metric| match metric {
        Metric::Count(count) => *count = count.saturating_add(by),
        _ => breach(&format!("`{name}` is not a counter")),
    });
}

pub(crate) fn metrics_gauge(name: &str, value: f64) {
    note(name, Metric::Gauge(value), |metric| match metric {
        Metric::Gauge(gauge) => *gauge = value,
        _ => breach(&format!("`{name}` is not a gauge")),
    });
}

pub(crate) fn metrics_observe(name: &str, value: f64) {
    note(name, Metric::Observed(vec![]), |metric| match metric {
        Metric::Observed(values) => values.push(value),
        _ => breach(&format!("`{name}` is not a histogram")),
    });
}

fn note(name: &str, first: Metric, with: impl FnOnce(&mut Metric)) {
    let is_letter = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !begins || name.len() > LONGEST || !name.bytes().all(is_letter) {
        breach(&format!(
            "the metric name {name:?}: a name is at most {LONGEST} lower-case letters, digits and `_`, and begins with a letter"
        ));
    }
    arranged(|arranged| with(arranged.metrics.entry(name.to_owned()).or_insert(first)));
}
