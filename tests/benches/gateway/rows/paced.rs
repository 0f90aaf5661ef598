//! Twenty events a second: how long after a webhook is sent the last client has it, and how long its 200 takes, beside
//! one sync of the same disk.

use super::fan::{Load, prepared, publish};
use super::{Case, Round, case};
use crate::server::Server;
use crate::table::{Reading, least};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

pub fn cases(tls: bool, clients: usize) -> Vec<Case> {
    let pace = Some(Duration::from_millis(50));
    let load = Load { clients, events: 60, size: 256, connections: 2, under_way: None, pace };
    vec![case("paced", format!("256 B, {clients} clients"), tls, move |server| round(server, load))]
}

fn round(server: &Server, load: Load) -> Round {
    let (mut clients, window) = prepared(server, load)?;
    clients.open(load.clients, 1, "")?;
    clients.settle(Duration::from_millis(300))?;
    let outcome = publish(server, &mut clients, load, window)?;
    let last = |event: usize, at: Instant| outcome.done[event].map(|done| done.saturating_duration_since(at));
    let delivered: Vec<Duration> = outcome.sent.iter().filter_map(|sent| last(sent.event, sent.at)).collect();
    let acknowledged: Vec<Duration> = outcome.sent.iter().map(|sent| sent.acknowledged).collect();
    let synced = syncs(&server.directory()).map_err(|error| format!("a sync: {error}"))?;
    let mut readings = vec![least("CPU µs a delivery", outcome.cpu / outcome.deliveries as f64)];
    readings.extend(percentiles(delivered, ["last client p50 ms", "last client p99 ms"]));
    readings.extend(percentiles(acknowledged, ["200 p50 ms", "200 p99 ms"]));
    readings.extend(percentiles(synced, ["one fdatasync p50 ms", "one fdatasync p99 ms"]));
    Ok(readings)
}

pub fn percentiles(mut times: Vec<Duration>, [half, most]: [&'static str; 2]) -> [Reading; 2] {
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    let reading = |what, share| least(what, at(share).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0));
    [reading(half, 0.5), reading(most, 0.99)]
}

/// What an append of one event costs on this disk, at the same pace.
fn syncs(directory: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = std::fs::File::create(directory.join("syncs"))?;
    let mut one = || {
        std::thread::sleep(Duration::from_millis(20));
        let start = Instant::now();
        file.write_all(&[b'x'; 512])?;
        file.sync_data()?;
        Ok(start.elapsed())
    };
    (0..30).map(|_| one()).collect()
}
