//! Signs of life for systemd's watchdog. Not a timer that goes on whatever happens: a sign is given when the runtime
//! turns, the inbox has answered, behind all that waits for the disk, and then every shard, behind all that it was
//! asked. What is stuck in one of these helps nobody any more but by a restart, which loses nothing.
//!
//! Dispatch has no part in it: a filter that takes its time is on a meter of its own, and what it holds up is pending.

use crate::journal::Journal;
use crate::supervisor::Supervisor;
use crate::task;
use crate::ws::Shards;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// How often a sign is due while systemd waits for one.
const SIGNS: u32 = 3;

/// Starts it, where systemd wants signs; it ends with the process.
pub(super) fn start(supervisor: &Supervisor, journal: &Journal, shards: &Shards) {
    let Some(watchdog) = supervisor.watchdog() else { return };
    let every = (watchdog / SIGNS).max(Duration::from_millis(1));
    let (supervisor, journal, shards) = (supervisor.clone(), journal.clone(), shards.clone());
    task::background(async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match silent(&journal, &shards, Instant::now() + every).await {
                None => supervisor.alive(),
                Some(part) => {
                    tracing::error!(part, "it does not answer: unless it does soon, systemd starts postern again");
                }
            }
        }
    });
}

/// The first part that does not answer in time, by the name of its thread.
async fn silent(journal: &Journal, shards: &Shards, until: Instant) -> Option<String> {
    if !timeout_at(until, journal.beat()).await.unwrap_or(false) {
        return Some("inbox".to_owned());
    }
    shards.silent(until).await.map(|number| format!("shard-{number}"))
}
