//! A filter that fails and fails is set aside: it is not asked for a while, and its `on_error` answers in its place. Then
//! one call is let through; when it succeeds all is as before, when it fails the while is twice as long.
//!
//! Without it a filter that is broken costs its whole deadline for each message, and one that traps a backtrace.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a filter is set aside, at first and at the most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

pub struct Breaker {
    /// Failures in a row after which it is set aside. 0: never.
    limit: u32,
    failures: AtomicU32,
    aside: Mutex<Option<Aside>>,
}

struct Aside {
    until: Instant,
    pause: Duration,
    /// The one call that finds out whether it has recovered is under way.
    trying: bool,
}

/// What a call's end has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    SetAside(Duration),
    Recovered,
}

impl Breaker {
    pub fn new(limit: u32) -> Self {
        Self { limit, failures: AtomicU32::new(0), aside: Mutex::new(None) }
    }

    /// Whether a call may be made now; else how many failed before it.
    pub fn admit(&self, now: Instant) -> Result<(), u32> {
        let failures = self.failures.load(Ordering::Relaxed);
        if self.limit == 0 || failures < self.limit {
            return Ok(());
        }
        match &mut *self.aside.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(aside) if aside.trying || now < aside.until => Err(failures),
            Some(aside) => {
                aside.trying = true;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether the last call succeeded, as far as it counts.
    pub fn is_well(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0
    }

    pub fn succeeded(&self) -> Option<Turn> {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.aside.lock().unwrap_or_else(PoisonError::into_inner).take().map(|_| Turn::Recovered)
    }

    pub fn failed(&self, now: Instant) -> Option<Turn> {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if self.limit == 0 || failures < self.limit {
            return None;
        }
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match &*aside {
            // Calls that were under way when it was set aside say nothing new.
            Some(aside) if !aside.trying => return None,
            Some(aside) => (aside.pause * 2).min(LONGEST),
            None => FIRST,
        };
        *aside = Some(Aside { until: now + pause, pause, trying: false });
        Some(Turn::SetAside(pause))
    }

    /// A call that was admitted has found out nothing: there was no room for it.
    pub fn unasked(&self) {
        if let Some(aside) = &mut *self.aside.lock().unwrap_or_else(PoisonError::into_inner) {
            aside.trying = false;
        }
    }

    /// For how long it is set aside yet; `None` when it is not.
    pub fn aside(&self, now: Instant) -> Option<Duration> {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.as_ref().map(|aside| aside.until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_in_a_row_is_set_aside_and_tried_by_one_call_at_a_time() {
        let (breaker, start) = (Breaker::new(2), Instant::now());
        let later = |millis| start + Duration::from_millis(millis);
        assert_eq!(breaker.failed(start), None);
        assert_eq!(breaker.succeeded(), None);
        assert_eq!(breaker.failed(start), None);
        assert_eq!(breaker.failed(start), Some(Turn::SetAside(FIRST)));
        assert_eq!(breaker.failed(start), None, "it was under way");
        assert_eq!(breaker.admit(later(999)), Err(3));
        assert_eq!(breaker.admit(later(1000)), Ok(()));
        assert_eq!(breaker.admit(later(1000)), Err(3), "one is enough");
        assert_eq!(breaker.failed(later(1001)), Some(Turn::SetAside(FIRST * 2)));
        assert_eq!(breaker.admit(later(3000)), Err(4));
        assert_eq!(breaker.admit(later(3001)), Ok(()));
        assert_eq!(breaker.succeeded(), Some(Turn::Recovered));
        assert_eq!(breaker.admit(later(3002)), Ok(()));
    }

    #[test]
    fn a_trial_that_found_no_room_leaves_the_next_one_free() {
        let (breaker, start) = (Breaker::new(1), Instant::now());
        breaker.failed(start);
        assert_eq!(breaker.admit(start + FIRST), Ok(()));
        breaker.unasked();
        assert_eq!(breaker.admit(start + FIRST), Ok(()));
    }

    #[test]
    fn the_pause_has_an_end() {
        let (breaker, mut now) = (Breaker::new(1), Instant::now());
        let mut last = breaker.failed(now);
        for _ in 0..20 {
            now += LONGEST;
            assert_eq!(breaker.admit(now), Ok(()));
            last = breaker.failed(now);
        }
        assert_eq!(last, Some(Turn::SetAside(LONGEST)));
    }

    #[test]
    fn without_a_limit_nobody_is_set_aside() {
        let breaker = Breaker::new(0);
        assert!((0..100).all(|_| breaker.failed(Instant::now()).is_none()));
        assert_eq!(breaker.admit(Instant::now()), Ok(()));
    }
}
