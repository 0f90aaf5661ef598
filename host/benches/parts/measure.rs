//! A part and its floor by turns, and the line of the table that they become.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds of each.
const ROUNDS: usize = 40;
/// As long as a round should take, so that the clock is no part of it.
const ROUND: Duration = Duration::from_millis(10);

pub struct Pair<'a> {
    pub part: &'a str,
    /// What the floor is.
    pub floor: &'a str,
}

impl Pair<'_> {
    /// Prints nanoseconds a call: the least of the rounds, because what else the machine does only ever adds, and the
    /// median; and the ratio of the leasts.
    pub fn run<A, B>(&self, mut part: impl FnMut() -> A, mut floor: impl FnMut() -> B) {
        let calls = [fitting(&mut part), fitting(&mut floor)];
        let mut times = [vec![], vec![]];
        for _ in 0..ROUNDS {
            times[0].push(round(calls[0], &mut part));
            times[1].push(round(calls[1], &mut floor));
        }
        let [part, floor] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            (times[0], times[ROUNDS / 2])
        });
        let ratio = part.0 / floor.0;
        let cells = [part.0, part.1, floor.0, floor.1].map(|nanoseconds| format!("{nanoseconds:.0}"));
        println!("| {} | {} | {} | {ratio:.2} |", self.part, self.floor, cells.join(" | "));
    }
}

/// How many calls make a round.
fn fitting<T>(work: &mut impl FnMut() -> T) -> u32 {
    let mut calls = 1;
    loop {
        let time = round(calls, work) * f64::from(calls);
        if time >= ROUND.as_nanos() as f64 || calls >= 1 << 24 {
            return calls;
        }
        calls = if time < ROUND.as_nanos() as f64 / 8.0 { calls * 8 } else { calls * 2 };
    }
}

fn round<T>(calls: u32, work: &mut impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(work());
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}
