//! How costs grow: more clients, and the same clients on more streams.

use super::fan::{Load, prepared, publish};
use super::{Case, Round, case};
use crate::server::{Server, Setting};
use crate::table::least;
use std::time::Duration;

/// Deliveries that are enough to measure.
const DELIVERIES: usize = 200_000;

pub fn cases(tls: bool, clients: Option<usize>) -> Vec<Case> {
    let counts = clients.map_or(vec![1_000, 5_000, 10_000, 19_000], |count| vec![count]);
    let each = |count: usize| [1, 10, 100].map(|streams| one(tls, count, streams));
    counts.into_iter().flat_map(each).collect()
}

fn one(tls: bool, clients: usize, streams: usize) -> Case {
    let events = (DELIVERIES * streams / clients).clamp(20, 500);
    let load = Load { clients, events, size: 256, connections: 1, under_way: Some(1), pace: None };
    let name = format!("{clients} clients, {streams} streams");
    let scaled = case("scale", name, tls, move |server| round(server, load));
    Case { setting: Setting { streams, ..scaled.setting }, most_rounds: 2, ..scaled }
}

fn round(server: &Server, load: Load) -> Round {
    let count = load.clients as f64;
    let (mut clients, window) = prepared(server, load)?;
    clients.settle(Duration::from_millis(500))?;
    let (memory, cpu) = (server.meter.resident(), server.meter.cpu());
    clients.open(load.clients, server.setting.streams, "")?;
    let connecting = (server.meter.cpu() - cpu) / count;
    clients.settle(Duration::from_secs(2))?;
    let kept = (server.meter.resident() - memory) / count;
    let outcome = publish(server, &mut clients, load, window)?;
    Ok(vec![
        least("KiB a connection", kept),
        least("CPU µs a connection", connecting),
        least("CPU µs a delivery", outcome.cpu / outcome.deliveries as f64),
        least("CPU µs an event", outcome.cpu / load.events as f64),
    ])
}
