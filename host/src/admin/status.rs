//! How the gateway stands, in a few words; and each stream, with how far its clients are behind.

use super::{Admin, json};
use crate::http::Reply;
use crate::phase::Phase;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Status {
    version: &'static str,
    phase: &'static str,
    paused: bool,
    /// Whether the journal can be written.
    healthy: bool,
    held: u64,
    webhooks: Vec<Webhook>,
    streams: Vec<Arc<str>>,
}

#[derive(Serialize)]
struct Webhook {
    name: String,
    /// Inbox positions between the youngest event and the last judged.
    lag: u64,
}

#[derive(Serialize)]
struct Streams {
    streams: Vec<Stream>,
}

#[derive(Serialize)]
struct Stream {
    name: Arc<str>,
    clients: u64,
    /// How many of them have not been given all there is, and how many entries the one furthest behind has before it.
    behind: u64,
    lag: u64,
}

pub fn answer(admin: &Admin) -> Reply {
    let phase = match admin.phases.now() {
        Phase::Starting => "starting",
        Phase::Serving => "serving",
        Phase::Draining => "draining",
    };
    let lag = |name: &String| admin.journal.lane(name).map_or(0, |lane| lane.lag());
    json(&Status {
        version: env!("CARGO_PKG_VERSION"),
        phase,
        paused: admin.phases.is_paused(),
        healthy: admin.journal.healthy(),
        held: admin.journal.count_held(),
        webhooks: admin.webhooks.iter().map(|name| Webhook { name: name.clone(), lag: lag(name) }).collect(),
        streams: admin.streams.0.to_vec(),
    })
}

pub async fn streams(admin: &Admin) -> Reply {
    let crowds = admin.shards.crowds().await;
    let stream = |name: &Arc<str>| {
        let crowd = crowds.get(name).copied().unwrap_or_default();
        Stream { name: name.clone(), clients: crowd.clients, behind: crowd.behind, lag: crowd.lag }
    };
    json(&Streams { streams: admin.streams.0.iter().map(stream).collect() })
}
