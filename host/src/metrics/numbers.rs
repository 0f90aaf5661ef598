//! Filters' own numbers, as `postern_filter_<name>{filter="…"}`. A name is made when it is first used, and is one kind of
//! number from then on, whichever filter uses it: Prometheus has one type a name.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// How many names there may be, over all filters, and how long one may be.
const NAMES: usize = 256;
const LONGEST: usize = 64;

/// Postern's own of that form.
const TAKEN: [&str; 7] = ["calls", "seconds", "failures", "memory", "set_aside", "shadow_calls", "swaps"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PerFilter {
    filter: Arc<str>,
}

/// What a filter has to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Count(u64),
    Gauge(f64),
    Observe(f64),
}

#[derive(Clone)]
enum Metric {
    Counter(Family<PerFilter, Counter>),
    Gauge(Family<PerFilter, Gauge<f64, AtomicU64>>),
    Histogram(Family<PerFilter, Histogram, fn() -> Histogram>),
}

/// Why a number is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    #[error(
        "the metric name {0:?}: a name is at most {LONGEST} lower-case letters, digits and `_`, and begins with a letter"
    )]
    Name(String),
    #[error("the metric name `{0}`, which postern has itself")]
    Taken(String),
    #[error("the metric `{0}` as another kind of number than it is")]
    Kind(String),
    #[error("the metric `{0}`: there are {NAMES} already, and no room for more")]
    Room(String),
}

/// Clones are the same.
#[derive(Clone, Default)]
pub struct Numbers(Arc<Mutex<BTreeMap<String, Metric>>>);

impl Numbers {
    /// Forgets all names, as a new process would.
    pub fn forget(&self) {
        self.0.lock().expect("no holder of this lock panics").clear();
    }

    pub fn note(&self, filter: &Arc<str>, name: &str, number: Number) -> Result<(), Untold> {
        let labels = PerFilter { filter: filter.clone() };
        match (self.metric(name, number)?, number) {
            (Metric::Counter(family), Number::Count(by)) => drop(family.get_or_create(&labels).inc_by(by)),
            (Metric::Gauge(family), Number::Gauge(value)) => drop(family.get_or_create(&labels).set(value)),
            (Metric::Histogram(family), Number::Observe(value)) => family.get_or_create(&labels).observe(value),
            _ => return Err(Untold::Kind(name.to_owned())),
        }
        Ok(())
    }

    fn metric(&self, name: &str, number: Number) -> Result<Metric, Untold> {
        let mut metrics = self.0.lock().expect("no holder of this lock panics");
        if let Some(metric) = metrics.get(name) {
            return Ok(metric.clone());
        }
        let letters = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins || name.len() > LONGEST || !name.bytes().all(letters) {
            return Err(Untold::Name(name.chars().take(LONGEST).collect()));
        }
        if TAKEN.contains(&name) {
            return Err(Untold::Taken(name.to_owned()));
        }
        if metrics.len() >= NAMES {
            return Err(Untold::Room(name.to_owned()));
        }
        let metric = match number {
            Number::Count(_) => Metric::Counter(Family::default()),
            Number::Gauge(_) => Metric::Gauge(Family::default()),
            Number::Observe(_) => Metric::Histogram(Family::new_with_constructor(histogram)),
        };
        metrics.insert(name.to_owned(), metric.clone());
        Ok(metric)
    }

    /// All of them in the text form of OpenMetrics, without its end.
    pub(super) fn encode(&self, text: &mut String) {
        let mut registry = Registry::with_prefix("postern_filter");
        for (name, metric) in &*self.0.lock().expect("no holder of this lock panics") {
            let help = "A filter's own";
            match metric.clone() {
                Metric::Counter(family) => registry.register(name, help, family),
                Metric::Gauge(family) => registry.register(name, help, family),
                Metric::Histogram(family) => registry.register(name, help, family),
            }
        }
        // Writing to a string cannot fail.
        let _ = text::encode_registry(text, &registry);
    }
}

/// What is observed may be seconds or bytes or anything: three buckets for each power of ten, from a thousandth to ten
/// millions.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 10_f64.powf(1.0 / 3.0), 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_kind_of_number_and_none_of_posterns_own() {
        let (numbers, filter) = (Numbers::default(), Arc::<str>::from("chat"));
        numbers.note(&filter, "words", Number::Count(2)).expect("a new name");
        numbers.note(&filter, "words", Number::Count(3)).expect("a known name");
        numbers.note(&filter, "rooms", Number::Gauge(1.5)).expect("a new name");
        numbers.note(&filter, "length", Number::Observe(40.0)).expect("a new name");
        assert_eq!(numbers.note(&filter, "words", Number::Gauge(1.0)), Err(Untold::Kind("words".into())));
        assert_eq!(numbers.note(&filter, "calls", Number::Count(1)), Err(Untold::Taken("calls".into())));
        for name in ["", "1a", "A", "a b", "a\\n", &"a".repeat(65)] {
            assert!(matches!(numbers.note(&filter, name, Number::Count(1)), Err(Untold::Name(_))), "{name}");
        }
        let mut text = String::new();
        numbers.encode(&mut text);
        assert!(text.contains("postern_filter_words_total{filter=\"chat\"} 5"), "{text}");
        assert!(text.contains("postern_filter_rooms{filter=\"chat\"} 1.5"), "{text}");
        assert!(text.contains("postern_filter_length_count{filter=\"chat\"} 1"), "{text}");
    }

    #[test]
    fn names_are_bounded_in_number() {
        let (numbers, filter) = (Numbers::default(), Arc::<str>::from("chat"));
        for number in 0..NAMES {
            numbers.note(&filter, &format!("n{number}"), Number::Count(1)).expect("there is room");
        }
        assert_eq!(numbers.note(&filter, "one_more", Number::Count(1)), Err(Untold::Room("one_more".into())));
    }
}
