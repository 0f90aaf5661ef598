//! How far along a gateway is. It only ever goes forward.

use std::sync::Arc;
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not yet listening everywhere.
    Starting,
    Serving,
    /// Nothing new is taken; what was begun is finished.
    Draining,
}

/// One gateway's phase. Clones are the same.
#[derive(Clone)]
pub struct Phases(Arc<watch::Sender<Phase>>);

impl Default for Phases {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Starting)))
    }
}

impl Phases {
    pub fn now(&self) -> Phase {
        *self.0.borrow()
    }

    pub fn advance(&self, phase: Phase) {
        self.0.send_modify(|now| *now = (*now).max(phase));
    }

    /// Returns once draining has begun. Cancel safe.
    pub async fn draining(&self) {
        let mut phase = self.0.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
    }
}
