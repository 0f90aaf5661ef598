//! The order of stopping, written once:
//!
//! 1. not ready (done when this begins: the phase is *draining*), and nothing more is accepted;
//! 2. webhooks under way are finished, so that what was acknowledged stays so and nobody waits in vain;
//! 3. dispatch judges what is pending;
//! 4. clients get what was decided, and 1001;
//! 5. the journal is put on the disk.
//!
//! Steps 2 and 3 have one budget, `limits.drain_timeout`; a second signal hurries past them. Clients are told in any
//! case. What was left is not lost: it is in the inbox, and the next start goes on with it.

use crate::dispatch::Stop;
use crate::error::Chain;
use crate::journal::{Journal, Lane};
use crate::task::Tracker;
use crate::ws::Shards;
use std::future::Future;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long telling clients may take in all: a little more than a shard waits for one.
const GOODBYES: Duration = Duration::from_secs(3);

pub struct Ending {
    pub connections: Tracker,
    pub shards: Shards,
    pub stop: Stop,
    pub dispatchers: Vec<JoinHandle<()>>,
    pub lanes: Vec<Lane>,
    pub journal: Journal,
    pub budget: Duration,
}

impl Ending {
    pub async fn run(self, hurry: impl Future<Output = ()>) {
        tracing::info!(connections = self.connections.count(), "draining");
        let (joined, all_joined) = oneshot::channel();
        let (stop, journal, dispatchers, lanes) = (self.stop.clone(), self.journal, self.dispatchers, self.lanes);
        let finish = async {
            self.connections.idle().await;
            stop.when_idle();
            lanes.iter().for_each(Lane::wake);
            // Joining threads blocks, so it is done on one of its own.
            let started = crate::task::thread("ending", move || {
                for dispatcher in dispatchers {
                    if dispatcher.join().is_err() {
                        tracing::error!("a dispatcher had panicked: this is a bug of postern");
                    }
                }
                let _ = joined.send(());
            });
            if started.is_ok() {
                let _ = all_joined.await;
            }
        };
        tokio::select! {
            done = tokio::time::timeout(self.budget, finish) => if done.is_err() {
                tracing::warn!("drain took longer than `limits.drain_timeout`, leaving the rest");
            },
            () = hurry => tracing::warn!("told to stop again, leaving the rest"),
        }
        // A client that does not answer is let go by its shard before this is over.
        if tokio::time::timeout(GOODBYES, self.shards.drain()).await.is_err() {
            tracing::warn!("some clients could not be told");
        }
        self.stop.at_once();
        if let Err(error) = journal.sync() {
            tracing::error!(error = %Chain(&error), "the journal could not be synced");
        }
        tracing::info!("stopped");
    }
}
