//! Ten thousand clients dropped at once and returning: `cargo run --release -p postern-tests --bin stampede [CLIENTS]`.
//!
//! Give it open files: two sockets a client, one here and one in the gateway (`ulimit -n`).

use postern_tests::{report, stampede};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Started by itself with `run`, it is the gateway.
    if std::env::args().nth(1).is_some_and(|word| word == "run") {
        return postern::cli::main();
    }
    let clients = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(10_000);
    let binary = std::env::current_exe().expect("the system knows what it runs").display().to_string();
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    let returned = runtime.block_on(stampede(&binary, clients));
    report(format_args!("{clients} clients dropped at once, all back and none missing anything: {returned:?}"));
    ExitCode::SUCCESS
}
