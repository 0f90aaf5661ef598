//! Webhooks as fast as they are acknowledged, on 32 connections; one client stands by, so that dispatch is over when it has
//! them all, and nothing was lost.

use super::fan::{Load, prepared, publish};
use super::paced::percentiles;
use super::{Case, Round, case};
use crate::server::{Server, Setting};
use crate::table::{least, most};

const LOAD: Load = Load { clients: 1, events: 10_000, size: 1_024, connections: 32, under_way: None, pace: None };

/// Over TLS alone, as everyone sends them.
pub fn cases(tls: bool) -> Vec<Case> {
    if !tls {
        return vec![];
    }
    let with = case("ingest", "1 KiB, filter and dispatch".into(), tls, |server| round(server, LOAD));
    let alone = Load { clients: 0, ..LOAD };
    let without = case("ingest", "1 KiB, dispatch off".into(), tls, move |server| round(server, alone));
    let setting = Setting { dispatch: false, ..without.setting };
    vec![with, Case { setting, ..without }]
}

fn round(server: &Server, load: Load) -> Round {
    let (mut clients, window) = prepared(server, load)?;
    clients.open(load.clients, 1, "")?;
    let outcome = publish(server, &mut clients, load, window)?;
    let requests = load.events as f64;
    let acknowledged = outcome.sent.iter().map(|sent| sent.acknowledged).collect();
    let mut readings = vec![
        least("CPU µs a request", outcome.cpu / requests),
        most("requests/s", requests / outcome.time.as_secs_f64()),
    ];
    readings.extend(percentiles(acknowledged, ["200 p50 ms", "200 p99 ms"]));
    Ok(readings)
}
