//! Room for calls: at most so many at once, over all filters. A call that finds none waits a while for one; it is a
//! burst that waits then, where without it a filter would seem to fail.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

pub struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
    patience: Duration,
}

/// Room for one call, until it is dropped.
pub struct Slot<'a>(&'a Slots);

impl Slots {
    pub fn new(count: u32, patience: Duration) -> Self {
        Self { free: Mutex::new(count), freed: Condvar::new(), patience }
    }

    /// Room, or `None` if there is none for too long.
    pub fn wait(&self) -> Option<Slot<'_>> {
        // Nothing can panic while the lock is held, so it is never poisoned for a reason.
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) = self
            .freed
            .wait_timeout_while(free, self.patience, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
