//! How far along a gateway is, which only ever goes forward, and whether an operator has paused it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
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
pub struct Phases {
    phase: Arc<watch::Sender<Phase>>,
    paused: Arc<AtomicBool>,
}

/// How finely a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

impl Default for Phases {
    fn default() -> Self {
        Self { phase: Arc::new(watch::Sender::new(Phase::Starting)), paused: Arc::default() }
    }
}

impl Phases {
    pub fn now(&self) -> Phase {
        *self.phase.borrow()
    }

    pub fn advance(&self, phase: Phase) {
        self.phase.send_modify(|now| *now = (*now).max(phase));
    }

    /// Returns once draining has begun. Cancel safe.
    pub async fn draining(&self) {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = phase.wait_for(|phase| *phase == Phase::Draining).await;
    }

    /// Whether webhooks are turned away for now. Streams go on.
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// Says whether webhooks are turned away, and gives what was so before.
    pub fn set_paused(&self, paused: bool) -> bool {
        self.paused.swap(paused, Ordering::AcqRel)
    }

    /// Lets a thread wait. False when draining has begun, before or meanwhile.
    pub fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            if self.now() == Phase::Draining {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}
