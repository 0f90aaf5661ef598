//! What became of many requests: how many, how fast. Any number of them in the same little memory.

use serde::Serialize;

/// Steps within each power of two: a time is known to one part in so many.
const STEPS: u64 = 32;

/// Times, counted in steps that grow with them.
pub struct Latencies {
    /// From a microsecond to days.
    counts: Vec<u64>,
    count: u64,
    longest: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; 64 * usize::try_from(STEPS).unwrap_or_default()], count: 0, longest: 0.0 }
    }
}

impl Latencies {
    pub fn add(&mut self, milliseconds: f64) {
        let step = step((milliseconds * 1000.0) as u64).min(self.counts.len() - 1);
        self.counts[step] += 1;
        self.count += 1;
        self.longest = self.longest.max(milliseconds);
    }

    /// The milliseconds within which this part of them was answered.
    fn within(&self, part: f64) -> f64 {
        let wanted = (part * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return (end(step) as f64 / 1000.0).min(self.longest);
            }
        }
        self.longest
    }

    pub fn told(&self) -> Milliseconds {
        Milliseconds { p50: self.within(0.5), p90: self.within(0.9), p99: self.within(0.99), max: self.longest }
    }
}

/// As many steps as there are microseconds at first, then `STEPS` in each power of two.
fn step(microseconds: u64) -> usize {
    let power = microseconds.checked_ilog2().unwrap_or_default();
    let shift = power.saturating_sub(STEPS.ilog2());
    let step = (microseconds >> shift) + u64::from(shift) * STEPS;
    usize::try_from(step).unwrap_or(usize::MAX)
}

/// The largest number of microseconds in a step.
fn end(step: usize) -> u64 {
    let step = step as u64;
    let shift = (step / STEPS).saturating_sub(1);
    let begin = step - shift * STEPS;
    u64::try_from(((u128::from(begin) + 1) << shift.min(64)) - 1).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Milliseconds {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

/// Of a whole run.
#[derive(Serialize)]
pub struct Summary {
    pub sent: u64,
    /// Those that were answered with 200.
    pub acknowledged: u64,
    pub seconds: f64,
    pub per_second: f64,
    pub milliseconds: Milliseconds,
}

impl Summary {
    pub fn new(sent: u64, acknowledged: u64, seconds: f64, latencies: &Latencies) -> Self {
        let per_second = if seconds > 0.0 { sent as f64 / seconds } else { 0.0 };
        Self { sent, acknowledged, seconds, per_second, milliseconds: latencies.told() }
    }

    pub fn text(&self) -> String {
        let Self { sent, acknowledged, seconds, per_second, milliseconds: Milliseconds { p50, p90, p99, max } } = self;
        format!(
            "{acknowledged} of {sent} answered 200, in {seconds:.1} s, {per_second:.0} a second; half of them within \
             {p50:.1} ms, 90% {p90:.1}, 99% {p99:.1}, all {max:.1}"
        )
    }

    /// A line of its own among those of the answers.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            summary: &'a Summary,
        }
        serde_json::to_string(&Line { summary: self }).expect("numbers are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_the_step_that_ends_with_it_or_a_little_after() {
        for microseconds in (0..100_000).chain([1 << 20, (1 << 40) + 12_345]) {
            let end = end(step(microseconds));
            assert!(end >= microseconds, "{microseconds} is beyond {end}");
            assert!(end - microseconds <= microseconds / STEPS + 1, "{microseconds} is far from {end}");
        }
    }

    #[test]
    fn parts_are_told_as_they_would_be_by_counting() {
        let mut latencies = Latencies::default();
        for millisecond in 1..=1000 {
            latencies.add(f64::from(millisecond));
        }
        let Milliseconds { p50, p90, p99, max } = latencies.told();
        for (told, counted) in [(p50, 500.0), (p90, 900.0), (p99, 990.0), (max, 1000.0)] {
            assert!((counted..=counted * 1.05).contains(&told), "{told} for {counted}");
        }
        assert_eq!(Latencies::default().told().p99, 0.0);
    }
}
