//! One webhook's part of the inbox: how far it has been judged, and who waits for more.

use super::fresh::Fresh;
use crate::message::{Event, EventId, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One webhook's part of the inbox.
#[derive(Clone)]
pub struct Lane(pub(super) Arc<LaneState>);

pub(super) struct LaneState {
    pub name: Arc<str>,
    /// Up to which event this lane has been judged. Written by its one dispatcher.
    done: AtomicU64,
    /// When the oldest event that is pending was received; 0 when none is. Written by the dispatcher.
    waits: AtomicU64,
    /// No event before this one is pending: a reader need not look there again.
    passed: AtomicU64,
    newest: Mutex<Newest>,
    /// Whoever waits for a younger event waits here.
    arrived: Condvar,
}

struct Newest {
    /// The youngest durable event that is no duplicate.
    event: u64,
    /// Whoever waits is to stop waiting, though nothing has arrived.
    woken: bool,
    /// The event than which somebody waits for a younger one: to wake nobody costs a system call too.
    waits: Option<u64>,
    fresh: Fresh,
}

impl Lane {
    pub(super) fn new(name: &str, done: EventId, newest: EventId) -> Self {
        Self(Arc::new(LaneState {
            name: name.into(),
            done: AtomicU64::new(done.0),
            waits: AtomicU64::new(0),
            passed: AtomicU64::new(done.0 + 1),
            newest: Mutex::new(Newest {
                event: newest.0,
                woken: false,
                waits: None,
                fresh: Fresh::new(EventId(newest.0 + 1)),
            }),
            arrived: Condvar::new(),
        }))
    }

    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// How many positions lie between the youngest event and the last one judged: 0 when nothing is pending, and
    /// otherwise at least the number that is (positions are shared between lanes, and duplicates have theirs).
    pub fn lag(&self) -> u64 {
        self.newest().0.saturating_sub(self.done().0)
    }

    /// For how long the oldest event that is pending waits already: nothing when none is.
    pub fn waits(&self, now: Timestamp) -> Duration {
        match self.0.waits.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(now.0.saturating_sub(since)),
        }
    }

    /// The oldest event that is pending was received then; `None`: none is.
    pub fn note_oldest(&self, received: Option<Timestamp>) {
        self.0.waits.store(received.map_or(0, |received| received.0), Ordering::Relaxed);
    }

    /// Whether an event was pending when that was noted last.
    pub fn is_waited_for(&self) -> bool {
        self.0.waits.load(Ordering::Relaxed) > 0
    }

    /// Blocks until an event younger than `than` may be there, `wake` is called, or `patience` has passed.
    pub fn wait(&self, than: EventId, patience: Duration) {
        let idle = |newest: &mut Newest| newest.event <= than.0 && !newest.woken;
        let mut newest = self.lock();
        newest.waits = Some(than.0);
        // A timeout and a wake-up mean the same to the caller, who looks for himself.
        if let Ok((mut newest, _)) = self.0.arrived.wait_timeout_while(newest, patience, idle) {
            (newest.woken, newest.waits) = (false, None);
        }
    }

    /// Ends a wait, the present one or the next: the gateway is stopping.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.0.arrived.notify_all();
    }

    pub(super) fn newest(&self) -> EventId {
        EventId(self.lock().event)
    }

    /// Whether both are the same webhook's.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether the events that arrive next are to be brought with the news of them.
    pub(super) fn wants_events(&self) -> bool {
        self.lock().fresh.is_wanted()
    }

    /// All that has arrived since last time, and what of it is no duplicate; `None`: it is not brought.
    pub(super) fn arrived(&self, newest: EventId, events: Option<Vec<Event>>) {
        let mut held = self.lock();
        held.event = held.event.max(newest.0);
        match events {
            Some(events) => held.fresh.add(events),
            None => held.fresh.forget(),
        }
        if held.waits.is_some_and(|than| than < newest.0) {
            // Once: who is woken looks for himself.
            held.waits = None;
            drop(held);
            self.0.arrived.notify_all();
        }
    }

    /// The first few that are pending, from memory; none: they are on disk, if there are any.
    pub(super) fn take_fresh(&self, most: usize) -> Vec<Event> {
        let begun = self.passed();
        self.lock().fresh.take(begun, most)
    }

    /// Whoever judges has had all up to `newest` from the disk.
    pub(super) fn caught_up(&self, newest: EventId) {
        let mut held = self.lock();
        if held.event == newest.0 {
            held.fresh.caught_up(EventId(newest.0 + 1));
        }
    }

    pub(super) fn done(&self) -> EventId {
        EventId(self.0.done.load(Ordering::Acquire))
    }

    pub(super) fn judged(&self, up_to: EventId) {
        self.0.done.fetch_max(up_to.0, Ordering::AcqRel);
    }

    /// The first event that may be pending.
    pub(super) fn passed(&self) -> EventId {
        EventId(self.0.passed.load(Ordering::Acquire).max(self.done().0 + 1))
    }

    pub(super) fn pass(&self, before: EventId) {
        self.0.passed.fetch_max(before.0, Ordering::AcqRel);
    }

    /// What the lock guards is two plain values, whole at every instant.
    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
