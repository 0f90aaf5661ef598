//! Several events judged at once: by the dispatcher itself and by a few helpers, who end with it. What they decide is
//! settled by the dispatcher, in the order of the events, as if it had judged them one after the other.

use super::{BATCH_BYTES, Dispatch, Stop};
use crate::error::Chain;
use crate::journal::Decision;
use crate::message::{Changes, Event};
use crate::task;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Helpers of one dispatcher, at most.
const MOST: usize = 7;

/// One for each core but the dispatcher's own.
pub struct Team {
    helpers: Vec<Helper>,
}

struct Helper {
    /// `None` only while it is dropped.
    batches: Option<SyncSender<Arc<Batch>>>,
    thread: Option<JoinHandle<()>>,
}

/// Events to be judged. Whoever is free takes the next.
struct Batch {
    dispatch: Arc<Dispatch>,
    stop: Stop,
    events: Vec<Mutex<Place>>,
    next: AtomicUsize,
    /// How many of bodies were decided.
    bytes: AtomicUsize,
    until: Instant,
    at_work: Mutex<AtWork>,
    /// Told when a helper has come to the end.
    done: Condvar,
}

enum Place {
    Waiting(Event),
    /// Somebody has taken it, and if that is so still at the end, has panicked.
    Taken,
    Judged(Decision, Changes),
}

#[derive(Default)]
struct AtWork {
    helpers: usize,
    /// Nobody joins in any more.
    closed: bool,
}

impl Team {
    pub fn start(name: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let helpers = (1..cores).take(MOST).map_while(|_| match Helper::start(name) {
            Ok(helper) => Some(helper),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "events are judged by fewer threads than there are cores");
                None
            }
        });
        Self { helpers: helpers.collect() }
    }

    /// Judges events until a moment, or until one of their filters fails: those behind it are judged one by one. Gives what
    /// was decided, and the events that were not judged.
    pub fn judge(
        &self,
        dispatch: &Arc<Dispatch>,
        stop: &Stop,
        events: Vec<Event>,
        until: Instant,
    ) -> (Vec<(Decision, Changes)>, Vec<Event>) {
        let batch = Arc::new(Batch {
            dispatch: dispatch.clone(),
            stop: stop.clone(),
            events: events.into_iter().map(|event| Mutex::new(Place::Waiting(event))).collect(),
            next: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            until,
            at_work: Mutex::default(),
            done: Condvar::new(),
        });
        for helper in self.helpers.iter().take(batch.events.len() - 1) {
            // One that is still on its way out of the last batch is not needed.
            let _ = helper.batches.as_ref().map(|batches| batches.try_send(batch.clone()));
        }
        batch.work();
        batch.close();
        let (mut judged, mut left) = (Vec::with_capacity(batch.events.len()), Vec::new());
        for place in &batch.events {
            match std::mem::replace(&mut *lock(place), Place::Taken) {
                Place::Judged(decision, changes) => judged.push((decision, changes)),
                Place::Waiting(event) => left.push(event),
                Place::Taken => panic!("a helper of a dispatcher panicked"),
            }
        }
        (judged, left)
    }
}

impl Helper {
    fn start(name: &str) -> std::io::Result<Self> {
        let (batches, given) = sync_channel(1);
        let thread = task::thread(name, move || help(&given))?;
        Ok(Self { batches: Some(batches), thread: Some(thread) })
    }
}

/// Whoever waits for the dispatcher's end may let go of the journal then.
impl Drop for Helper {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            // A panic of its own was told, and is over.
            let _ = thread.join();
        }
    }
}

fn help(given: &Receiver<Arc<Batch>>) {
    while let Ok(batch) = given.recv() {
        if batch.join() {
            // What it had taken tells whoever looks at it.
            let _ = catch_unwind(AssertUnwindSafe(|| batch.work()));
            batch.leave();
        }
    }
}

impl Batch {
    fn work(&self) {
        loop {
            let settings = self.dispatch.settings.load();
            let has_room = self.bytes.load(Ordering::Relaxed) < BATCH_BYTES && Instant::now() < self.until;
            let go_on = has_room && settings.are_steady() && !self.stop.is_at_once();
            // One at least: what is decided is what it was begun for.
            if !go_on && self.next.load(Ordering::Relaxed) > 0 {
                return;
            }
            let Some(place) = self.events.get(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            let taken = std::mem::replace(&mut *lock(place), Place::Taken);
            let Place::Waiting(event) = taken else { return };
            let (decision, changes) = self.dispatch.judge_noted(event);
            self.bytes.fetch_add(decision.bytes(), Ordering::Relaxed);
            *lock(place) = Place::Judged(decision, changes);
        }
    }

    fn join(&self) -> bool {
        let mut at_work = lock(&self.at_work);
        if at_work.closed {
            return false;
        }
        at_work.helpers += 1;
        true
    }

    fn leave(&self) {
        lock(&self.at_work).helpers -= 1;
        self.done.notify_all();
    }

    /// Returns when nobody is at work on it any more.
    fn close(&self) {
        let mut at_work = lock(&self.at_work);
        at_work.closed = true;
        drop(self.done.wait_while(at_work, |at_work| at_work.helpers > 0).unwrap_or_else(PoisonError::into_inner));
    }
}

/// Nothing is done under any of these locks that could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
