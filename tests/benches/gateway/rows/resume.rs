//! Clients that come back, all at once, with a cursor that lies a thousand events back.

use super::fan::{Load, prepared, publish};
use super::{Case, Round, case};
use crate::load::{Clients, Tally, cursor};
use crate::server::{Kind, Server};
use crate::table::{least, most};
use std::time::Instant;

const EVENTS: usize = 1_000;

pub fn cases(tls: bool, clients: usize) -> Vec<Case> {
    vec![case("resume", format!("1 000 x 256 B, {clients} clients"), tls, move |server| round(server, clients))]
}

fn round(server: &Server, count: usize) -> Round {
    let since = match server.kind {
        // It has no cursors, and gives all that it has kept.
        Kind::Floor => "0".to_owned(),
        Kind::Postern => cursor(&server.door).map_err(|error| format!("a cursor: {error}"))?,
    };
    let load = Load { clients: 1, events: EVENTS, size: 256, connections: 16, under_way: Some(64), pace: None };
    let (mut witness, window) = prepared(server, load)?;
    witness.open(1, 1, "")?;
    publish(server, &mut witness, load, window)?;
    drop(witness);

    let mut clients = Clients::new(&server.door, Tally::new(count, EVENTS, 1, None))?;
    let (before, start) = (server.meter.cpu(), Instant::now());
    clients.open(count, 1, &format!("?since={since}"))?;
    clients.receive(|| false)?;
    let (cpu, time) = (server.meter.cpu() - before, start.elapsed());
    let deliveries = clients.tally.deliveries() as f64;
    Ok(vec![
        least("CPU µs a delivery, connecting included", cpu / deliveries),
        most("deliveries/s", deliveries / time.as_secs_f64()),
    ])
}
