//! The clock that ends calls: one thread that moves the engine's epoch while it finds a call under way, and the deadline each
//! call checks when it sees the epoch move.
//!
//! To wake a thread costs more than most calls take, so it is not woken for each. While there are calls it looks now and then,
//! often enough for the shortest deadline among them, and ticks as long as it finds one. A call wakes it only where it would
//! look too late, which is so for the first after a while without any.
//!
//! A thread and not a task, because a runtime whose workers all sit in looping guests would never run the task that is
//! to stop them.

use crate::task;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use wasmtime::{Engine, UpdateDeadline};

const TICK: Duration = Duration::from_millis(1);
/// Milliseconds between two looks, at most: two thirds of the deadline that filters have unless told otherwise.
const NAP: u32 = 33;
/// The thread does not look again until it is woken.
const FOR_EVER: u32 = u32::MAX;

pub struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

struct Shared {
    /// Under way.
    calls: AtomicUsize,
    /// Begun, ever.
    begun: AtomicUsize,
    /// Milliseconds after which the least patient of those begun since the last look wants one.
    wanted: AtomicU32,
    /// Milliseconds that the thread sleeps, if no call wakes it.
    asleep: AtomicU32,
    ended: AtomicBool,
}

/// A call under way, until it is dropped.
pub struct Running<'a>(&'a Ticker);

impl Ticker {
    pub fn start(engine: &Engine) -> io::Result<Self> {
        let shared = Arc::new(Shared::new());
        let (engine, watched) = (engine.weak(), shared.clone());
        let handle = task::thread("filter-ticker", move || {
            let mut seen = 0;
            while !watched.ended.load(Ordering::SeqCst) {
                if watched.sleep(&mut seen) {
                    continue;
                }
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
                thread::sleep(TICK);
            }
        })?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Counts a call that may take so long, and sees to it that it is found before two thirds of that are over.
    pub fn running(&self, limit: Duration) -> Running<'_> {
        if self.shared.begin(limit) {
            self.thread.unpark();
        }
        Running(self)
    }
}

impl Shared {
    fn new() -> Self {
        Self {
            calls: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            wanted: AtomicU32::new(NAP),
            asleep: AtomicU32::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Counts a call. Whether the thread must be woken for it.
    fn begin(&self, limit: Duration) -> bool {
        let wanted = u32::try_from(limit.as_millis() * 2 / 3).unwrap_or(NAP).clamp(1, NAP);
        if self.wanted.load(Ordering::Relaxed) > wanted {
            self.wanted.fetch_min(wanted, Ordering::Relaxed);
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.asleep.load(Ordering::SeqCst) > wanted && self.asleep.swap(0, Ordering::SeqCst) > 0
    }

    /// How long to sleep: a while if calls have begun since the last time, else until one begins.
    fn nap(&self, seen: &mut usize) -> u32 {
        let begun = self.begun.load(Ordering::Relaxed);
        let wanted = self.wanted.swap(NAP, Ordering::Relaxed);
        let nap = if std::mem::replace(seen, begun) == begun { FOR_EVER } else { wanted };
        self.asleep.store(nap, Ordering::SeqCst);
        nap
    }

    /// Sleeps, unless a call is under way.
    fn sleep(&self, seen: &mut usize) -> bool {
        let nap = self.nap(seen);
        // Whoever begins a call counts it first and looks at `asleep` then, so that one of the two sees the other.
        let sleeps = self.calls.load(Ordering::SeqCst) == 0;
        if sleeps {
            match nap {
                FOR_EVER => thread::park(),
                millis => thread::park_timeout(Duration::from_millis(millis.into())),
            }
        }
        self.asleep.store(0, Ordering::SeqCst);
        sleeps
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
/// up to four times as long, while it was seen in fewer than an eighth of the ticks it was promised: for two thirds of its time
/// there may be none.
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
        let starved = TICK.saturating_mul(self.seen.saturating_mul(8)) < self.limit;
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
    fn the_clock_is_woken_for_the_first_call_and_for_one_that_cannot_wait_so_long() {
        let (shared, mut seen, usual) = (Shared::new(), 0, Duration::from_millis(50));
        assert_eq!(shared.nap(&mut seen), FOR_EVER, "there was no call");
        assert!(shared.begin(usual));
        assert!(!shared.begin(usual), "once is enough");
        assert_eq!(shared.nap(&mut seen), NAP);
        assert!(!shared.begin(usual), "it looks in time");
        assert!(shared.begin(Duration::from_millis(9)));
        assert_eq!(shared.nap(&mut seen), 6, "as long as there are such calls");
        assert!(!shared.begin(Duration::from_millis(9)));
        assert!(!shared.begin(usual));
        assert_eq!(shared.nap(&mut seen), 6);
        assert!(!shared.begin(usual));
        assert_eq!(shared.nap(&mut seen), NAP);
        assert_eq!(shared.nap(&mut seen), FOR_EVER);
    }

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
