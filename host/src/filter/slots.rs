//! Room for calls: at most so many at once, over all filters. A call that finds none waits a while for one; it is a
//! burst that waits then, where without it a filter would seem to fail.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub struct Slots {
    room: Mutex<Room>,
    freed: Condvar,
    patience: Duration,
}

struct Room {
    free: u32,
    /// How many wait: to wake nobody costs a system call too.
    waiting: u32,
}

/// Room for one call, until it is dropped.
pub struct Slot<'a>(&'a Slots);

impl Slots {
    pub fn new(count: u32, patience: Duration) -> Self {
        Self { room: Mutex::new(Room { free: count, waiting: 0 }), freed: Condvar::new(), patience }
    }

    /// Room, or `None` if there is none for too long.
    pub fn wait(&self) -> Option<Slot<'_>> {
        let mut room = self.lock();
        if room.free == 0 {
            room.waiting += 1;
            let waited = self.freed.wait_timeout_while(room, self.patience, |room| room.free == 0);
            (room, _) = waited.unwrap_or_else(PoisonError::into_inner);
            room.waiting -= 1;
        }
        room.free = room.free.checked_sub(1)?;
        Some(Slot(self))
    }

    // Nothing can panic while the lock is held, so it is never poisoned for a reason.
    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut room = self.0.lock();
        room.free += 1;
        if room.waiting > 0 {
            drop(room);
            self.0.freed.notify_one();
        }
    }
}
