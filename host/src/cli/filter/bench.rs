//! `postern filter bench`: what a call of a filter costs, beside the same work done in the gateway itself.

use super::component::{cache, component};
use super::configured::Configured;
use super::inspect::size;
use super::table;
use crate::cli::{Failure, outward, print};
use crate::error::Chain;
use crate::trial::{self, Measured, Spread, Track, World, fixtures};
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Measure what a call of a filter costs
///
/// Several filters stand side by side. The last row is what the least that a filter does would cost without one.
#[derive(clap::Args)]
pub struct Bench {
    /// Components (`.wasm`, or `builtin:NAME`), and at most one payload [default: the fixture `text_message`]
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    configured: Configured,
    /// How long each is measured
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// One JSON object a filter
    #[arg(long)]
    json: bool,
}

/// Where the text of a message is, in what Meta sends.
const POINTER: &str = "/entry/0/changes/0/value/messages/0/text/body";

impl Bench {
    pub fn execute(self) -> Result<(), Failure> {
        let (components, payloads): (Vec<_>, Vec<_>) = self.files.iter().partition(|file| is_component(file));
        let payload = match payloads[..] {
            [] => Bytes::from_static(fixtures::fixture("text_message").unwrap_or_default().as_bytes()),
            [file] => std::fs::read(file).map(Bytes::from).map_err(|error| outward::unreadable(file, &error))?,
            _ => {
                let text =
                    "more than one payload is given\nhint: components end in `.wasm`; what does not is a payload";
                return Err(Failure::new(Failure::USAGE, text));
            }
        };
        if components.is_empty() {
            let text = "no component is given\nhint: a component ends in `.wasm`, or is `builtin:NAME`";
            return Err(Failure::new(Failure::USAGE, text));
        }
        let world = World { config: self.configured.value()?, ..World::usual() };
        let mut measured = Vec::new();
        for file in components {
            let component = component(file, None)?;
            let (name, length) = (component.name.clone(), component.bytes.len());
            let failed = |error: crate::filter::Error| Failure::new(Failure::FAILED, Chain(&error).to_string());
            let bench = Track::new(component, &cache(), &world, payload.clone()).map_err(failed)?;
            measured.push((name, length, bench.measure(self.time)));
        }
        let native = natively(&payload, self.time.min(Duration::from_millis(200)));
        if self.json {
            for (name, length, measured) in &measured {
                print(format_args!("{}", told(name, *length, measured, &native)))?;
            }
            return Ok(());
        }
        print(format_args!("{} of payload", size(payload.len() as u64)))?;
        rows(&measured, &native).iter().try_for_each(|line| print(format_args!("{line}")))
    }
}

fn is_component(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "wasm") || file.to_string_lossy().starts_with("builtin:")
}

/// Parses the payload and reads one value of it, as the gateway does for the first filter that asks.
fn natively(payload: &[u8], time: Duration) -> Spread {
    trial::spread(time, || {
        let started = Instant::now();
        let json: Option<Value> = serde_json::from_slice(payload).ok();
        std::hint::black_box(json.as_ref().and_then(|json| json.pointer(POINTER)));
        started.elapsed()
    })
}

fn rows(all: &[(String, usize, Measured)], native: &Spread) -> Vec<String> {
    let row = |heading: &str, cell: &dyn Fn(&(String, usize, Measured)) -> String| {
        std::iter::once(heading.to_owned()).chain(all.iter().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = vec![
        row("", &|(name, ..)| name.clone()),
        row("component", &|(_, length, _)| size(*length as u64)),
        row("asked", &|(.., measured)| measured.handler.to_owned()),
        row("answered", &|(.., measured)| measured.answer.clone()),
    ];
    // Each way to give calls an instance has rows of its own.
    for (index, (mode, _)) in all[0].2.calls.iter().enumerate() {
        let spread = |measured: &Measured, of: fn(&Spread) -> u64| {
            measured.calls.get(index).map_or_else(|| "-".to_owned(), |(_, spread)| micros(of(spread)))
        };
        rows.extend([
            row(&format!("{mode}: p50"), &|(.., measured)| spread(measured, |spread| spread.p50)),
            row(&format!("{mode}: p99"), &|(.., measured)| spread(measured, |spread| spread.p99)),
            row(&format!("{mode}: most"), &|(.., measured)| spread(measured, |spread| spread.most)),
            row(&format!("{mode}: calls"), &|(.., measured)| {
                measured.calls.get(index).map_or_else(|| "-".to_owned(), |(_, spread)| spread.count.to_string())
            }),
        ]);
    }
    rows.push(row("start alone: p50", &|(.., measured)| micros(measured.start.p50)));
    rows.push(row("memory", &|(.., measured)| size(measured.memory)));
    rows.push(row("natively: parse, read one value", &|_| micros(native.p50)));
    table::lines(&rows)
}

fn micros(nanos: u64) -> String {
    format!("{:.1} us", nanos as f64 / 1000.0)
}

fn told(name: &str, length: usize, measured: &Measured, native: &Spread) -> Value {
    let spread = |spread: &Spread| {
        let Spread { count, mean, p50, p99, most } = spread;
        json!({ "count": count, "mean_ns": mean, "p50_ns": p50, "p99_ns": p99, "most_ns": most })
    };
    let calls = measured.calls.iter().map(|(mode, calls)| ((*mode).to_owned(), spread(calls)));
    json!({
        "filter": name, "size": length, "asked": measured.handler, "answered": measured.answer,
        "calls": Value::Object(calls.collect()), "start": spread(&measured.start), "memory": measured.memory,
        "native": spread(native),
    })
}
