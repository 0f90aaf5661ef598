//! The order of stopping, written once:
//!
//! 1. not ready (done when this begins: the phase is *draining*), and nothing more is accepted;
//! 2. webhooks under way are finished, so that what was acknowledged stays so and nobody waits in vain;
//! 3. dispatch judges what is pending;
//! 4. clients get what was decided, and 1001;
//! 5. the journal is put on the disk.
//!
//! All of it has one budget. What does not fit into it, or is hurried past, is not lost: it is in the inbox, and the
//! next start goes on with it.

use crate::dispatch::Stop;
use crate::error::Chain;
use crate::journal::Journal;
use crate::task::Tracker;
use crate::ws::Shards;
use std::future::Future;
use std::pin::pin;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

pub struct Ending {
    pub connections: Tracker,
    pub shards: Shards,
    pub stop: Stop,
    pub dispatchers: Vec<JoinHandle<()>>,
    pub journal: Journal,
    pub budget: Duration,
}

impl Ending {
    pub async fn run(self, hurry: impl Future<Output = ()>) {
        tracing::info!(connections = self.connections.count(), "draining");
        let (joined, all_joined) = oneshot::channel();
        let (stop, journal, dispatchers) = (self.stop.clone(), self.journal.clone(), self.dispatchers);
        let orderly = async {
            self.connections.idle().await;
            stop.when_idle();
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
            self.shards.drain().await;
        };
        let mut hurry = pin!(hurry);
        tokio::select! {
            done = tokio::time::timeout(self.budget, orderly) => if done.is_err() {
                tracing::warn!("drain took longer than `limits.drain_timeout`, leaving the rest");
            },
            () = &mut hurry => tracing::warn!("told to stop again, leaving the rest"),
        }
        self.stop.at_once();
        if let Err(error) = journal.sync() {
            tracing::error!(error = %Chain(&error), "the journal could not be synced");
        }
        tracing::info!("stopped");
    }
}
