//! How events fare while this process lives: when each webhook arrived, when it was on disk, when it was judged, which
//! clients had it when. Of the youngest some ten thousands; what is older, and what was there before this process, is not
//! known. The journal knows what became of an event, this is how long that took.
//!
//! Whoever takes a webhook begins a [`Receipt`]; the journal makes it a journey of each event; dispatch and the shards
//! note what they do, a batch or a turn at a time, under one short lock. A moment after an event was published its journey
//! is settled: it is counted, and told to whoever traces. What is judged again later is no longer a matter of these times.

mod context;
#[cfg(test)]
mod tests;

pub use context::{Context, Sampler, SpanId, TraceId};

use crate::message::{EventId, Step};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many are kept.
const MOST: usize = 32 << 10;

/// So long after an event was published those who keep up have it.
const SETTLES: Duration = Duration::from_secs(1);

/// So many are settled under one lock.
const AT_ONCE: usize = 1024;

/// Clones are the same.
#[derive(Clone, Default)]
pub struct Journeys(Arc<Table>);

#[derive(Default)]
struct Table {
    sampler: Sampler,
    /// How many of those kept are traced and not settled.
    traced: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// In the order of their events.
    journeys: VecDeque<Journey>,
    /// Those that were published, in that order, and when.
    settling: VecDeque<(Instant, EventId)>,
}

/// A webhook that arrives.
pub struct Receipt {
    journeys: Journeys,
    pub begun: Instant,
    trace: Option<Box<Reception>>,
}

/// What is noted of a webhook that is traced, before it is on disk.
#[derive(Clone, Debug)]
pub struct Reception {
    pub context: Context,
    /// When its body had arrived, its signature was checked, and it was split.
    pub read: Option<Instant>,
    pub verified: Option<Instant>,
    pub split: Option<Instant>,
}

/// One event's.
#[derive(Clone, Debug)]
pub struct Journey {
    pub event: EventId,
    pub webhook: Arc<str>,
    /// When the head of its webhook had arrived.
    pub begun: Instant,
    pub durable: Instant,
    pub published: Option<Instant>,
    pub sockets: Sockets,
    pub trace: Option<Box<Traced>>,
    /// It was judged more than once: how long that took from its arrival says nothing of the gateway.
    pub retried: bool,
    settled: bool,
}

/// The clients that were given an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    pub clients: u32,
    pub first: Option<Instant>,
    /// The last of those that keep up.
    pub last: Option<Instant>,
}

/// What is noted of an event that is traced.
#[derive(Clone, Debug)]
pub struct Traced {
    pub reception: Arc<Reception>,
    /// It is the first of its delivery, which is told with it.
    pub leads: bool,
    pub judging: Option<Judging>,
}

#[derive(Clone, Debug)]
pub struct Judging {
    pub began: Instant,
    pub ended: Instant,
    pub outcome: &'static str,
    pub trail: Vec<Step>,
}

/// What a shard has given of one event since it last said so.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub event: EventId,
    pub clients: u32,
    /// Some of them keep up.
    pub timely: bool,
    pub first: Instant,
}

impl Receipt {
    /// Notes that a stage is done, if the webhook is traced.
    pub fn mark(&mut self, stage: impl FnOnce(&mut Reception) -> &mut Option<Instant>) {
        if let Some(trace) = &mut self.trace {
            *stage(trace) = Some(Instant::now());
        }
    }

    /// The events of these webhooks are on disk: they are under way from now on. All under one lock.
    pub fn arrived<E>(all: impl Iterator<Item = (Self, Arc<str>, E)>, durable: Instant)
    where
        E: Iterator<Item = EventId>,
    {
        let mut all = all.peekable();
        let Some((Self { journeys, .. }, ..)) = all.peek() else { return };
        let journeys = journeys.clone();
        let mut kept = journeys.lock();
        for (Self { begun, trace, .. }, webhook, events) in all {
            let reception = trace.map(|trace| Arc::new(*trace));
            for (index, event) in events.enumerate() {
                if kept.journeys.len() >= MOST {
                    let oldest = kept.journeys.pop_front();
                    journeys.let_go(oldest.as_ref());
                }
                let trace = reception.as_ref().map(|reception| {
                    journeys.0.traced.fetch_add(1, Ordering::Relaxed);
                    Box::new(Traced { reception: reception.clone(), leads: index == 0, judging: None })
                });
                kept.journeys.push_back(Journey {
                    event,
                    webhook: webhook.clone(),
                    begun,
                    durable,
                    published: None,
                    sockets: Sockets::default(),
                    trace,
                    retried: false,
                    settled: false,
                });
            }
        }
    }
}

impl Journeys {
    /// Which webhooks are traced: none, or this part of those whose senders do not say.
    pub fn sample(&self, ratio: Option<f64>) {
        self.0.sampler.set(ratio);
    }

    /// A webhook's head has arrived. `traceparent` is asked for only where anything is traced.
    pub fn begin(&self, traceparent: impl FnOnce() -> Option<String>) -> Receipt {
        let context = self.0.sampler.decide(traceparent);
        let trace = context.map(|context| Box::new(Reception { context, read: None, verified: None, split: None }));
        Receipt { journeys: self.clone(), begun: Instant::now(), trace }
    }

    /// Whether what is noted of an event is told to anybody who traces.
    pub fn is_traced(&self, event: EventId) -> bool {
        self.0.traced.load(Ordering::Relaxed) > 0
            && self.lock().find(event).is_some_and(|journey| journey.trace.is_some() && !journey.settled)
    }

    /// What the filters said of an event that is traced.
    pub fn judged(&self, event: EventId, judging: Judging) {
        if let Some(trace) = self.lock().find(event).and_then(|journey| journey.trace.as_mut()) {
            trace.judging = Some(judging);
        }
    }

    /// What was decided of these is durable, and `when` those that go to clients were about to be given to the shards.
    pub fn published(&self, events: impl Iterator<Item = EventId>, when: Instant) {
        let mut kept = self.lock();
        for event in events {
            if let Some(journey) = kept.find(event).filter(|journey| journey.published.is_none()) {
                journey.published = Some(when);
                kept.settling.push_back((when, event));
            }
        }
    }

    /// An event is judged once more. Who is given it from now on is not noted.
    pub fn again(&self, event: EventId) {
        if let Some(journey) = self.lock().find(event) {
            journey.retried = true;
        }
    }

    /// What a shard has given to its clients, all of it by `now`.
    pub fn given(&self, all: impl Iterator<Item = Given>, now: Instant) {
        let mut kept = self.lock();
        for Given { event, clients, timely, first } in all {
            let Some(journey) = kept.find(event).filter(|journey| !journey.retried) else { continue };
            let sockets = &mut journey.sockets;
            sockets.clients = sockets.clients.saturating_add(clients);
            sockets.first = Some(sockets.first.map_or(first, |before| before.min(first)));
            if timely {
                sockets.last = Some(sockets.last.map_or(now, |before| before.max(now)));
            }
        }
    }

    /// What has come to its end: each journey once.
    pub fn settle(&self, now: Instant) -> Vec<Journey> {
        let mut settled = Vec::new();
        loop {
            let before = settled.len();
            let mut kept = self.lock();
            while settled.len() - before < AT_ONCE {
                let due = kept.settling.front().filter(|(when, _)| now.saturating_duration_since(*when) >= SETTLES);
                let Some((_, event)) = due.copied() else { return settled };
                kept.settling.pop_front();
                if let Some(journey) = kept.find(event).filter(|journey| !journey.settled) {
                    self.let_go(Some(journey));
                    let trace = journey.trace.take();
                    journey.settled = true;
                    settled.push(Journey { trace, ..journey.clone() });
                }
            }
        }
    }

    /// Which clients had an event, and after how long the first and the last of them; `None` when that is not known.
    pub fn sockets(&self, event: EventId) -> Option<(u32, Option<Duration>, Option<Duration>)> {
        let mut kept = self.lock();
        let journey = kept.find(event)?;
        let since = |at: Instant| at.saturating_duration_since(journey.begun);
        Some((journey.sockets.clients, journey.sockets.first.map(since), journey.sockets.last.map(since)))
    }

    /// One that is traced no longer.
    fn let_go(&self, journey: Option<&Journey>) {
        if journey.is_some_and(|journey| journey.trace.is_some() && !journey.settled) {
            self.0.traced.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What the lock guards is whole at every instant: lists whose entries are complete.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, event: EventId) -> Option<&mut Journey> {
        let first = self.journeys.front()?.event;
        // Where no other kind of event came between, and that is nearly always, it is where one would look first.
        let guess = usize::try_from(event.0.checked_sub(first.0)?).ok()?;
        let is_there = self.journeys.get(guess).is_some_and(|journey| journey.event == event);
        let index = match is_there {
            true => guess,
            false => self.journeys.binary_search_by_key(&event, |journey| journey.event).ok()?,
        };
        self.journeys.get_mut(index)
    }
}
