//! What the gateway costs beside the floor: `cargo bench -p postern-tests --bench gateway -- [ROW…] [--rounds N] [--tls |
//! --plain] [--clients N]`. Rows: lockstep, stream, burst, paced, ingest, connect, idle, resume, scale.
//!
//! Each round starts the real binary and a floor (`floor.rs`) afresh, one after the other, and puts the same load on both.
//! A figure is the least of the rounds; the ratio is the gateway's by the floor's. Every client must get every event
//! once, else the row says what was wrong and this fails.

mod floor;
mod load;
mod measure;
mod rows;
mod server;
mod table;

use rows::Case;
use server::{Kind, Server};
use std::io::IsTerminal;
use std::process::ExitCode;
use table::Row;
use tokio::runtime::Runtime;

struct Arguments {
    groups: Vec<&'static str>,
    rounds: usize,
    /// Without TLS, with it, or both.
    ways: Vec<bool>,
    clients: Option<usize>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &words[..]
        && first == "floor"
    {
        return ended(floor::run(rest).map_err(|error| error.to_string()));
    }
    ended(arguments(&words).and_then(|arguments| measure(&arguments)))
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(words: &[String]) -> Result<Arguments, String> {
    let mut given = Arguments { groups: vec![], rounds: 2, ways: vec![false, true], clients: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| word.parse().ok()).ok_or(format!("{word} wants a number"));
        match word.as_str() {
            // What cargo adds.
            "--bench" => {}
            "--tls" => given.ways = vec![true],
            "--plain" => given.ways = vec![false],
            "--rounds" => given.rounds = number()?,
            "--clients" => given.clients = Some(number()?),
            name => given.groups.push(
                rows::GROUPS
                    .into_iter()
                    .find(|group| *group == name)
                    .ok_or_else(|| format!("no row is called {name}"))?,
            ),
        }
    }
    if given.groups.is_empty() {
        given.groups = rows::DEFAULT.to_vec();
    }
    Ok(given)
}

fn measure(arguments: &Arguments) -> Result<(), String> {
    // Two ends of each connection, in two processes of which one inherits the limit.
    rlimit::increase_nofile_limit(rlimit::INFINITY).map_err(|error| format!("the limit of open files: {error}"))?;
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    println!("{}", measure::machine());
    let mut failed = false;
    for group in &arguments.groups {
        let ways = arguments.ways.iter();
        let cases = ways.flat_map(|tls| rows::cases(group, *tls, arguments.clients));
        let rows: Vec<Row> = cases.map(|case| row(&runtime, &case, arguments.rounds)).collect();
        failed |= rows.iter().any(|row| row.fault.is_some());
        println!("{}", table::table(group, &rows));
    }
    if failed { Err("not every row is as it must be".to_owned()) } else { Ok(()) }
}

/// All rounds of a case, floor and gateway in turn.
fn row(runtime: &Runtime, case: &Case, rounds: usize) -> Row {
    let mut row = Row { name: case.name.clone(), rounds: vec![], fault: None };
    for round in 0..rounds.min(case.most_rounds) {
        for kind in [Kind::Floor, Kind::Postern] {
            progress(&format!("{}: {}, round {}, {kind:?} ", case.group, case.name, round + 1));
            let outcome = Server::start(runtime, kind, case.setting).and_then(|server| (case.run)(&server));
            match outcome {
                Ok(readings) => row.rounds.push((kind, readings)),
                Err(fault) => {
                    row.fault = Some(format!("{kind:?}: {fault}"));
                    return row;
                }
            }
        }
    }
    progress("");
    row
}

/// One line that is written over, on a terminal.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}
