//! What clients that stop reading cost the others: `cargo run --release -p postern-tests --bin stalled`.
//!
//! A run without stalled clients and one with, the least p99 of each of a few rounds compared. By default 1 000 clients
//! of which 100 stall, 2 000 events a second of 1 KiB for a minute, each to one of 20 groups: 100 000 frames a second.
//! `stalled CLIENTS STALLED GROUPS RATE SECONDS` to choose.

use postern_tests::{Load, report, stalled};
use std::process::ExitCode;

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
        for round in 1..=2 {
            let without = stalled(&binary, Load { stalled: 0, ..load }).await;
            report(format_args!("round {round}, nobody stalls: {without:?}"));
            let with = stalled(&binary, load).await;
            report(format_args!("round {round}, {} of {} stall: {with:?}", load.stalled, load.clients));
            let ratio = with.p99.as_secs_f64() / without.p99.as_secs_f64();
            report(format_args!("round {round}: p99 of those who read {ratio:.2} times that without the stalled"));
        }
    });
    ExitCode::SUCCESS
}
