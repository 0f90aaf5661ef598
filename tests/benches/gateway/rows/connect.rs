//! What clients cost before they get anything: to let in, and to keep.

use super::{Case, Round, case};
use crate::load::{Clients, Tally};
use crate::server::Server;
use crate::table::{least, most};
use std::time::{Duration, Instant};

/// What a start leaves behind, and what a connection needs only at first, is gone after so long.
const SETTLED: Duration = Duration::from_secs(3);

pub fn connect(tls: bool) -> Vec<Case> {
    let count = if tls { 2_000 } else { 5_000 };
    vec![case("connect", "a handshake".into(), tls, move |server| knock(server, count))]
}

pub fn idle(tls: bool, clients: usize) -> Vec<Case> {
    let idle = case("idle", format!("{clients} clients"), tls, move |server| keep(server, clients));
    vec![Case { most_rounds: 1, ..idle }]
}

fn knock(server: &Server, count: usize) -> Round {
    let mut clients = nobody(server)?;
    // The first ones warm up.
    clients.knock(100)?;
    let (before, start) = (server.meter.cpu(), Instant::now());
    clients.knock(count)?;
    let (cpu, time) = (server.meter.cpu() - before, start.elapsed());
    let count = count as f64;
    Ok(vec![least("CPU µs a handshake", cpu / count), most("handshakes/s", count / time.as_secs_f64())])
}

fn keep(server: &Server, count: usize) -> Round {
    let mut clients = nobody(server)?;
    clients.settle(Duration::from_secs(1))?;
    let before = server.meter.resident();
    clients.open(count, 1, "")?;
    clients.settle(SETTLED)?;
    let after = server.meter.resident();
    Ok(vec![least("KiB a connection", (after - before) / count as f64)])
}

/// Clients that are to get nothing.
fn nobody(server: &Server) -> Result<Clients, String> {
    Clients::new(&server.door, Tally::new(0, 0, server.setting.streams, None))
}
