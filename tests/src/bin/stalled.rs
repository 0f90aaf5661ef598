//! What clients that stop reading cost the others: `cargo run --release -p postern-tests --bin stalled`.
//!
//! Runs without stalled clients and with, in the order ABBA and then BAAB: what one run leaves behind (pages to be
//! written back, files to be deleted) falls on both alike. The medians of their p99 are compared. By default 1 000
//! clients of which 100 stall, 2 000 events a second of 1 KiB for a minute, each to one of 20 groups: 100 000 frames a
//! second. `stalled CLIENTS STALLED GROUPS RATE SECONDS ROUNDS` to choose; a round is two runs of each.

use postern_tests::{Load, Outcome, report, stalled};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    // Started by itself with `run`, it is the gateway.
    if std::env::args().nth(1).is_some_and(|word| word == "run") {
        return postern::cli::main();
    }
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |index: usize, default: u64| given.get(index).copied().unwrap_or(default);
    let count = |index, default| usize::try_from(number(index, default)).unwrap_or(usize::MAX);
    let load = Load {
        clients: count(0, 1_000),
        stalled: count(1, 100),
        groups: count(2, 20),
        rate: number(3, 2_000),
        size: 1_024,
        seconds: number(4, 60),
        ring: "64MiB",
    };
    let binary = std::env::current_exe().expect("the system knows what it runs").display().to_string();
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    runtime.block_on(async {
        let (mut without, mut with) = (vec![], vec![]);
        for round in 0..number(5, 2) {
            let order = if round % 2 == 0 { [false, true, true, false] } else { [true, false, false, true] };
            for stalling in order {
                let stalled_clients = if stalling { load.stalled } else { 0 };
                let outcome = stalled(&binary, Load { stalled: stalled_clients, ..load }).await;
                report(format_args!("{stalled_clients} of {} stall: {outcome:?}", load.clients));
                if stalling { with.push(outcome) } else { without.push(outcome) }
            }
        }
        let (without, with) = (median(&without), median(&with));
        let ratio = with.as_secs_f64() / without.as_secs_f64();
        report(format_args!(
            "p99 of those who read, medians: {without:?} without, {with:?} with stalled: {ratio:.2} times"
        ));
    });
    ExitCode::SUCCESS
}

/// The mean of the middle two, when they are even in number.
fn median(outcomes: &[Outcome]) -> Duration {
    let mut all: Vec<Duration> = outcomes.iter().map(|outcome| outcome.p99).collect();
    all.sort_unstable();
    let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
    (low + high) / 2
}
