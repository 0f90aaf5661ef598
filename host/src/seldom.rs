//! Log lines that strangers cause, one a request: some of them are told, and with the next how many were not. The metrics
//! count all.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many in so long: enough to see what is wrong, and not enough to fill a disk.
const MOST: u32 = 20;
const SPAN: Duration = Duration::from_secs(10);

/// Of one kind of line.
pub struct Seldom(Mutex<State>);

struct State {
    since: Option<Instant>,
    told: u32,
    passed_over: u64,
}

impl Seldom {
    pub const fn new() -> Self {
        Self(Mutex::new(State { since: None, told: 0, passed_over: 0 }))
    }

    /// Calls `tell` with how many were passed over since the last that was told, or passes this one over.
    pub fn tell(&self, tell: impl FnOnce(u64)) {
        if let Some(passed_over) = self.admit(Instant::now()) {
            tell(passed_over);
        }
    }

    fn admit(&self, now: Instant) -> Option<u64> {
        // Three plain values, right enough at any instant.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.since.is_none_or(|since| now.saturating_duration_since(since) >= SPAN) {
            (state.since, state.told) = (Some(now), 0);
        }
        if state.told >= MOST {
            state.passed_over += 1;
            return None;
        }
        state.told += 1;
        Some(std::mem::take(&mut state.passed_over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_told_and_the_next_says_how_many_were_not() {
        let (seldom, now) = (Seldom::new(), Instant::now());
        let told = (0..1_000).filter_map(|_| seldom.admit(now)).collect::<Vec<_>>();
        assert_eq!(told, vec![0; MOST as usize]);
        assert_eq!(seldom.admit(now + SPAN - Duration::from_nanos(1)), None);
        assert_eq!(seldom.admit(now + SPAN), Some(1_001 - u64::from(MOST)));
        assert_eq!(seldom.admit(now + SPAN), Some(0));
    }
}
