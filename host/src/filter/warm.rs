//! Instances that are kept for the next call, of a filter that takes long to start. One call has one at a time; one that
//! has failed, has grown, is old or has idled is not used again.

use super::call::Live;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls of one instance.
const CALLS: u32 = 10_000;
/// How long one may idle.
const IDLE: Duration = Duration::from_secs(30);

/// Instances kept by all filters together: each has a place in the pool that calls under way have theirs in.
pub struct Room {
    kept: AtomicU32,
    limit: u32,
}

impl Room {
    pub fn new(limit: u32) -> Self {
        Self { kept: AtomicU32::new(0), limit }
    }

    fn take(self: &Arc<Self>) -> Option<Place> {
        let taken = |kept| (kept < self.limit).then_some(kept + 1);
        self.kept.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken).ok().map(|_| Place(self.clone()))
    }
}

/// Room for one kept instance, until it is dropped.
struct Place(Arc<Room>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.kept.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The kept instances of one version of a filter, the last used last.
pub struct Warm {
    room: Arc<Room>,
    most: usize,
    idle: Mutex<Vec<Kept>>,
}

struct Kept {
    live: Live,
    since: Instant,
    _place: Place,
}

impl Warm {
    /// At most `most` of one filter.
    pub fn new(room: Arc<Room>, most: usize) -> Self {
        Self { room, most, idle: Mutex::default() }
    }

    pub fn take(&self) -> Option<Live> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().map(|kept| kept.live)
    }

    /// Keeps an instance that has answered, if it is to be used again.
    pub fn keep(&self, live: Live) {
        if live.calls >= CALLS || live.has_grown() {
            return;
        }
        let Some(place) = self.room.take() else { return };
        let since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that idle are at the front. One a call is enough: they came one a call.
        let stale = idle.first().is_some_and(|kept| since.duration_since(kept.since) > IDLE);
        let old = if stale { Some(idle.remove(0)) } else { None };
        let kept = Kept { live, since, _place: place };
        let refused = if idle.len() < self.most {
            idle.push(kept);
            None
        } else {
            Some(kept)
        };
        drop(idle);
        // Outside of the lock: to take an instance apart takes time.
        drop((old, refused));
    }

    /// Lets go of those that have idled too long.
    pub fn tidy(&self) {
        let now = Instant::now();
        let stale: Vec<Kept> = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = idle.iter().position(|kept| now.duration_since(kept.since) <= IDLE).unwrap_or(idle.len());
            idle.drain(..fresh).collect()
        };
        drop(stale);
    }

    pub fn count(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
