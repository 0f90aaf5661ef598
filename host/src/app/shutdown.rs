//! The order of stopping, written once:
//!
//! 1. not ready (done when this begins: the phase is *draining*), and nothing more is accepted;
//! 2. webhooks under way are finished, so that what was acknowledged stays so and nobody waits in vain;
//! 3. dispatch judges what is pending;
//! 4. clients get what was decided, their cursor, and 1001; connections come to their end;
//! 5. the journal is put on the disk.
//!
//! Steps 2 and 3 have one budget, `limits.drain_timeout`, of which step 2 has half; a second signal hurries past them.
//! Dispatch has stopped before clients are told, so nothing is decided that they could have had. What was left is not
//! lost: it is in the inbox, and the next start goes on with it.

use crate::dispatch::Stop;
use crate::error::Chain;
use crate::journal::{Journal, Lane};
use crate::task::{self, Tracker};
use crate::ws::Shards;
use std::future::Future;
use std::pin::pin;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long dispatch has to come to an end when it is told to stop at once.
const LAST_EVENT: Duration = Duration::from_secs(1);

/// How long telling clients may take in all: a little more than a shard waits for one.
const GOODBYES: Duration = Duration::from_secs(3);

/// What is left for the last sync by whoever waits for the end.
const LAST_SYNC: Duration = Duration::from_secs(10);

/// How long all of it may take, with the budget that is configured.
pub fn at_most(budget: Duration) -> Duration {
    budget + LAST_EVENT + 2 * GOODBYES + LAST_SYNC
}

pub struct Ending {
    pub connections: Tracker,
    pub webhooks: Tracker,
    pub shards: Shards,
    /// How each dispatcher is told to stop.
    pub stops: Vec<(Stop, Lane)>,
    pub dispatchers: Vec<JoinHandle<()>>,
    pub journal: Journal,
    pub budget: Duration,
}

impl Ending {
    pub async fn run(self, hurry: impl Future<Output = ()>) {
        tracing::info!(connections = self.connections.count(), "draining");
        let mut hurry = pin!(hurry);
        let begun = Instant::now();
        let hurried = tokio::select! {
            done = timeout(self.budget / 2, self.webhooks.idle()) => {
                if done.is_err() {
                    tracing::warn!("webhooks under way took longer than half of `limits.drain_timeout`, leaving them");
                }
                false
            }
            () = &mut hurry => true,
        };
        tell(&self.stops, Stop::when_idle);
        let mut dispatched = join(self.dispatchers);
        let rest = self.budget.saturating_sub(begun.elapsed());
        let orderly = !hurried
            && tokio::select! {
                done = timeout(rest, &mut dispatched) => done.is_ok(),
                () = hurry => false,
            };
        if !orderly {
            tracing::warn!(
                "out of time or told to stop again: what is pending is left in the inbox, for the next start"
            );
            tell(&self.stops, Stop::at_once);
            // The event in hand ends with its filter's deadline.
            let _ = timeout(LAST_EVENT, dispatched).await;
        }
        // A client that does not answer is let go by its shard before this is over.
        if timeout(GOODBYES, self.shards.drain()).await.is_err() {
            tracing::warn!("some clients could not be told");
        }
        // What is left of these is answers on their way: of webhooks, and of streams that were closed just now.
        if timeout(GOODBYES, self.connections.idle()).await.is_err() {
            tracing::debug!(connections = self.connections.count(), "connections left open");
        }
        if let Err(error) = self.journal.sync() {
            tracing::error!(error = %Chain(&error), "the journal could not be synced");
        }
        tracing::info!("stopped");
    }
}

fn tell(stops: &[(Stop, Lane)], how: impl Fn(&Stop)) {
    for (stop, lane) in stops {
        how(stop);
        lane.wake();
    }
}

/// Ends when all of them have. Joining blocks, so it is done on a thread of its own.
fn join(dispatchers: Vec<JoinHandle<()>>) -> oneshot::Receiver<()> {
    let (joined, all_joined) = oneshot::channel();
    let work = move || {
        for dispatcher in dispatchers {
            if dispatcher.join().is_err() {
                tracing::error!("a dispatcher had panicked: this is a bug of postern");
            }
        }
        // Whoever waits may have had enough.
        let _ = joined.send(());
    };
    if let Err(error) = task::thread("ending", work) {
        tracing::error!(%error, "the dispatchers cannot be waited for");
    }
    all_joined
}
