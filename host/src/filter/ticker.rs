//! The clock that ends calls: one thread that moves the engine's epoch while any call is under way, and the deadline
//! each call checks when it sees the epoch move.
//!
//! A thread and not a task, because a runtime whose workers all sit in looping guests would never run the task that is
//! to stop them.

use crate::task;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use wasmtime::{Engine, UpdateDeadline};

const TICK: Duration = Duration::from_millis(1);
/// Ticks without a call before the thread sleeps until it is woken. Waking it costs a system call, as a tick does, so not at
/// once.
const IDLE: u32 = 2;

pub struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

struct Shared {
    calls: AtomicUsize,
    ended: AtomicBool,
}

/// A call under way, until it is dropped.
pub struct Running<'a>(&'a Ticker);

impl Ticker {
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let shared = Arc::new(Shared { calls: AtomicUsize::new(0), ended: AtomicBool::new(false) });
        let (engine, watched) = (engine.weak(), shared.clone());
        let handle = task::thread("filter-ticker", move || {
            let mut idle = 0;
            while !watched.ended.load(Ordering::SeqCst) {
                if watched.calls.load(Ordering::SeqCst) > 0 {
                    idle = 0;
                } else if idle < IDLE {
                    idle += 1;
                } else {
                    // Whoever starts a call counts it first and unparks then, so none can be missed between the load
                    // above and this.
                    thread::park();
                    idle = 0;
                    continue;
                }
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    pub fn running(&self) -> Running<'_> {
        if self.shared.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            self.thread.unpark();
        }
        Running(self)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.shared.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// When a call must end. It is wall time, host functions included; but a call is not blamed for time in which its thread
/// was not given the processor. Each tick it is seen in counts as one it ran in, and it is let go on past the deadline,
/// up to four times as long, while it was seen in fewer than a quarter of the ticks it was promised.
pub struct Deadline {
    started: Instant,
    limit: Duration,
    seen: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("ran past its deadline of {0:?}")]
pub struct Overrun(pub Duration);

impl Deadline {
    pub fn within(limit: Duration) -> Self {
        Self { started: Instant::now(), limit, seen: 0 }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn tick(&mut self) -> Result<UpdateDeadline, Overrun> {
        self.seen = self.seen.saturating_add(1);
        let elapsed = self.elapsed();
        let starved = TICK.saturating_mul(self.seen.saturating_mul(4)) < self.limit;
        if elapsed < self.limit || (starved && elapsed < self.limit.saturating_mul(4)) {
            Ok(UpdateDeadline::Continue(1))
        } else {
            Err(Overrun(self.limit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_kept_from_running_is_given_more_time_but_not_for_ever() {
        let long_ago = |millis| Instant::now() - Duration::from_millis(millis);
        let limit = Duration::from_millis(50);
        let mut starved = Deadline { started: long_ago(60), limit, seen: 1 };
        assert!(starved.tick().is_ok());
        let mut ran = Deadline { started: long_ago(60), limit, seen: 20 };
        assert!(ran.tick().is_err());
        let mut too_long = Deadline { started: long_ago(201), limit, seen: 1 };
        assert!(too_long.tick().is_err());
        assert!(Deadline::within(limit).tick().is_ok());
    }
}
