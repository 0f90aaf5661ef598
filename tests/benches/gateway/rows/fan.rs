//! Events to many clients: one at a time, so that nothing can be joined; many under way; a thousand at once.

use super::{Case, Round, case};
use crate::load::{Clients, Order, Publishers, Sent, Tally, Window};
use crate::server::Server;
use crate::table::{least, most};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A load of events.
#[derive(Clone, Copy)]
pub struct Load {
    pub clients: usize,
    pub events: usize,
    pub size: usize,
    pub connections: usize,
    pub under_way: Option<usize>,
    pub pace: Option<Duration>,
}

/// What came of it.
pub struct Outcome {
    /// Microseconds of the server's.
    pub cpu: f64,
    pub deliveries: u64,
    pub time: Duration,
    pub sent: Vec<Sent>,
    /// When the last client had it, by event.
    pub done: Vec<Option<Instant>>,
}

pub fn lockstep(tls: bool, clients: usize) -> Vec<Case> {
    let load = |size, events| Load { clients, events, size, connections: 1, under_way: Some(1), pace: None };
    vec![fanned("lockstep", "256 B", load(256, 120), tls), fanned("lockstep", "16 KiB", load(16 << 10, 40), tls)]
}

pub fn stream(tls: bool, clients: usize) -> Vec<Case> {
    let load = |size, events| Load { clients, events, size, connections: 16, under_way: Some(64), pace: None };
    vec![fanned("stream", "256 B", load(256, 800), tls), fanned("stream", "16 KiB", load(16 << 10, 128), tls)]
}

pub fn burst(tls: bool, clients: usize) -> Vec<Case> {
    let load = Load { clients, events: 1_000, size: 256, connections: 50, under_way: None, pace: None };
    vec![fanned("burst", "1 000 x 256 B", load, tls)]
}

fn fanned(group: &'static str, name: &str, load: Load, tls: bool) -> Case {
    case(group, format!("{name}, {} clients", load.clients), tls, move |server| round(server, load))
}

fn round(server: &Server, load: Load) -> Round {
    let (mut clients, window) = prepared(server, load)?;
    clients.open(load.clients, server.setting.streams, "")?;
    clients.settle(Duration::from_millis(300))?;
    let outcome = publish(server, &mut clients, load, window)?;
    Ok(vec![
        least("CPU µs a delivery", outcome.cpu / outcome.deliveries as f64),
        most("deliveries/s", outcome.deliveries as f64 / outcome.time.as_secs_f64()),
    ])
}

/// The clients of a load, none of which has connected.
pub fn prepared(server: &Server, load: Load) -> Result<(Clients, Option<Arc<Window>>), String> {
    let window = load.under_way.map(|size| Arc::new(Window::new(size)));
    let tally = Tally::new(load.clients, load.events, server.setting.streams, window.clone());
    Ok((Clients::new(&server.door, tally)?, window))
}

/// Publishes all of a load to clients that are there, and waits until all have it.
pub fn publish(
    server: &Server,
    clients: &mut Clients,
    load: Load,
    window: Option<Arc<Window>>,
) -> Result<Outcome, String> {
    let Load { events, size, connections, pace, .. } = load;
    let order = Order { events, size, connections, streams: server.setting.streams, window, pace };
    let publishers = Publishers::connect(&server.door, order)?;
    let (before, start) = (server.meter.cpu(), Instant::now());
    let publishers = publishers.start();
    let received = clients.receive(|| publishers.has_failed());
    if received.is_ok() || publishers.has_failed() {
        let sent = publishers.finish()?;
        received?;
        let (cpu, time) = (server.meter.cpu() - before, start.elapsed());
        // A second copy would come soon after the first.
        clients.settle(Duration::from_millis(50))?;
        let (deliveries, done) = (clients.tally.deliveries(), clients.tally.done.clone());
        return Ok(Outcome { cpu, deliveries, time, sent, done });
    }
    Err(received.err().unwrap_or_default())
}
