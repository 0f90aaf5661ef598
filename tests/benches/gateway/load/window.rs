//! How many events may be under way: publishers take, and whoever sees an event delivered to all gives back.

use super::PATIENCE;
use std::sync::{Condvar, Mutex};

pub struct Window {
    free: Mutex<usize>,
    given: Condvar,
}

impl Window {
    pub fn new(size: usize) -> Self {
        Self { free: Mutex::new(size), given: Condvar::new() }
    }

    pub fn take(&self) -> Result<(), String> {
        let free = self.free.lock().expect("no holder panics");
        let waited = self.given.wait_timeout_while(free, PATIENCE, |free| *free == 0);
        let (mut free, waited) = waited.expect("no holder panics");
        if waited.timed_out() {
            return Err("no event was delivered to all for too long".to_owned());
        }
        *free -= 1;
        Ok(())
    }

    pub fn give(&self) {
        *self.free.lock().expect("no holder panics") += 1;
        self.given.notify_one();
    }
}
