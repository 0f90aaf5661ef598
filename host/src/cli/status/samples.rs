//! The samples in what `/metrics` answers: as much of the text form of OpenMetrics as the gateway's own gauges need.

use std::collections::BTreeMap;

pub struct Samples<'a>(Vec<Sample<'a>>);

struct Sample<'a> {
    name: &'a str,
    /// As they stand between the braces. The values are names of the configuration, which need no escapes.
    labels: &'a str,
    value: f64,
}

impl<'a> Samples<'a> {
    pub fn of(text: &'a str) -> Self {
        let sample = |line: &'a str| {
            let (what, value) = line.rsplit_once(' ')?;
            let (name, labels) = what.split_once('{').unwrap_or((what, ""));
            Some(Sample { name, labels: labels.trim_end_matches('}'), value: value.parse().ok()? })
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect())
    }

    /// Of all samples of a metric together.
    pub fn sum(&self, name: &str) -> u64 {
        whole(self.named(name).map(|sample| sample.value).sum())
    }

    /// By the value of a label.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, u64> {
        let value = |sample: &Sample<'a>| {
            let start = format!("{label}=\"");
            let value =
                sample.labels.split(',').find_map(|pair| pair.strip_prefix(start.as_str())?.strip_suffix('"'))?;
            Some((value.to_owned(), whole(sample.value)))
        };
        self.named(name).filter_map(value).collect()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Sample<'a>> {
        self.0.iter().filter(move |sample| sample.name == name)
    }
}

/// Counts and sizes of queues: never below nought.
fn whole(value: f64) -> u64 {
    // A float becomes the nearest number there is.
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_and_told_apart_by_their_labels() {
        let text = "# HELP postern_clients Clients.\npostern_clients{stream=\"a\"} 2\npostern_clients{stream=\"b-c\"} 3\n\
                    postern_events_held 1\npostern_clients_other 9\n# EOF\n";
        let samples = Samples::of(text);
        assert_eq!(samples.sum("postern_clients"), 5);
        assert_eq!(samples.sum("postern_nothing"), 0);
        let by = samples.by("postern_clients", "stream");
        assert_eq!(by, BTreeMap::from([("a".to_owned(), 2), ("b-c".to_owned(), 3)]));
    }
}
