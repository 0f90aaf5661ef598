//! The course of a connection, from its first request to its end.

use super::leash::FAREWELL;
use crate::task::{Guard, Tracker};
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// In a drain, a connection that has not said anything yet may still say this long what it came for: it was accepted,
/// so its client has nowhere else to go.
pub const FIRST_REQUEST: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(1) };

/// Clones are the same connection's.
#[derive(Clone, Default)]
pub struct Course {
    under_way: Tracker,
    begun: Arc<Notify>,
    requests: Arc<AtomicU64>,
}

impl Course {
    /// A request has arrived.
    pub fn begin(&self) -> Guard {
        self.begun.notify_one();
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.under_way.begin()
    }

    /// Drives a connection to its end, and asks it once to come to one: when `drain` is done, or when nothing has been
    /// under way for as long as `patience`, where that is given.
    pub async fn run<C, E>(
        &self,
        connection: C,
        shut_down: impl Fn(Pin<&mut C>),
        drain: impl Future<Output = ()>,
        patience: Option<Duration>,
    ) where
        C: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let mut connection = pin!(connection);
        let asked = async {
            drain.await;
            // Kept for us if it was before.
            let _ = timeout(FIRST_REQUEST, self.begun.notified()).await;
        };
        tokio::select! {
            ended = connection.as_mut() => return tell(ended),
            () = asked => {}
            () = self.idle(patience) => {}
        }
        shut_down(connection.as_mut());
        tokio::select! {
            ended = connection.as_mut() => tell(ended),
            () = self.unread() => tracing::debug!("the last answers of a connection were not read, let go"),
        }
    }

    async fn idle(&self, patience: Option<Duration>) {
        let Some(patience) = patience else { return std::future::pending().await };
        loop {
            self.under_way.idle().await;
            let seen = self.requests.load(Ordering::Relaxed);
            tokio::time::sleep(patience).await;
            if self.under_way.count() == 0 && self.requests.load(Ordering::Relaxed) == seen {
                return;
            }
        }
    }

    /// Returns when nothing has been under way for a moment, and still the connection has not ended by itself.
    async fn unread(&self) {
        loop {
            self.under_way.idle().await;
            tokio::time::sleep(FAREWELL).await;
            if self.under_way.count() == 0 {
                return;
            }
        }
    }
}

fn tell<E: fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        // The other side's doing, and their affair: a reset, half a request, a head too slow.
        tracing::debug!(%error, "connection ended badly");
    }
}
