//! When which held event is due to be judged again: the first time soon, then later each time.
//!
//! Only so many are in mind at once; the others are on disk, and come in when there is room. After a start all of them
//! are due soon, since what they waited for may have changed.

use crate::journal::{Error, Journal, Lane};
use crate::message::EventId;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// How many held events are in mind at once.
const IN_MIND: usize = 10_000;

/// So long at most nothing is tried because of what failed before.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a held event waits.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

pub struct Retries {
    backoff: Backoff,
    due: BTreeSet<(Instant, EventId)>,
    known: HashMap<EventId, Attempt>,
    /// Up to which event the disk was looked through for held ones; `None`: there are no more there.
    looked: Option<EventId>,
    /// After one was held once more the others are not likely to fare better: none is tried before this.
    pause: Option<Instant>,
    failures: u32,
}

struct Attempt {
    count: u32,
    due: Instant,
}

impl Backoff {
    /// Doubled each time, up to the longest, and moved by up to a fifth, so that what was held together does not come
    /// back together.
    fn wait(&self, count: u32, event: EventId) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(count.min(30))).min(self.longest);
        let scattered = event.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        doubled + doubled.mul_f64(0.2 * scattered as f64 / f64::from(u32::MAX))
    }
}

impl Retries {
    pub fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            due: BTreeSet::new(),
            known: HashMap::new(),
            looked: Some(EventId(0)),
            pause: None,
            failures: 0,
        }
    }

    /// How long events wait that are held from now on.
    pub fn set_backoff(&mut self, backoff: Backoff) {
        self.backoff = backoff;
    }

    /// An event is held, still or anew.
    pub fn held(&mut self, event: EventId, now: Instant) {
        let count = match self.known.get(&event) {
            Some(attempt) => attempt.count + 1,
            None if self.known.len() >= IN_MIND => {
                // It is found on disk when there is room.
                self.looked = Some(self.looked.map_or(EventId(event.0 - 1), |looked| looked.min(EventId(event.0 - 1))));
                return;
            }
            None => 0,
        };
        self.plan(event, count, now + self.backoff.wait(count, event));
    }

    /// It need not wait any longer.
    pub fn now(&mut self, event: EventId, now: Instant) {
        let count = self.known.get(&event).map_or(0, |attempt| attempt.count);
        self.plan(event, count, now);
    }

    /// It is not held any more, or not for a reason that time would change.
    pub fn settled(&mut self, event: EventId) {
        if let Some(attempt) = self.known.remove(&event) {
            self.due.remove(&(attempt.due, event));
        }
    }

    /// Whether an event is to be judged again by itself.
    pub fn knows(&self, event: EventId) -> bool {
        self.known.contains_key(&event)
    }

    /// One that was tried was held once more: the others wait too, longer each time.
    pub fn failed(&mut self, now: Instant) {
        self.pause = Some(now + self.backoff.wait(self.failures, EventId(0)).min(LONGEST_PAUSE));
        self.failures = self.failures.saturating_add(1);
    }

    /// One that was tried could be judged.
    pub fn succeeded(&mut self) {
        (self.pause, self.failures) = (None, 0);
    }

    /// The next few that are due, the longest due first.
    pub fn due(&self, now: Instant, most: usize) -> Vec<EventId> {
        if self.pause.is_some_and(|pause| now < pause) {
            return Vec::new();
        }
        self.due.iter().take_while(|(due, _)| *due <= now).take(most).map(|(_, event)| *event).collect()
    }

    /// How long nothing is due, at most `longest`.
    pub fn patience(&self, longest: Duration) -> Duration {
        let next = self.due.first().map(|(due, _)| self.pause.map_or(*due, |pause| pause.max(*due)));
        next.map_or(longest, |next| next.saturating_duration_since(Instant::now()).min(longest))
    }

    /// Looks through all that are held once more: one of them may not be in mind.
    pub fn look_again(&mut self) {
        self.looked = Some(EventId(0));
    }

    /// Takes held events in from the disk when there is room for many.
    pub fn fill(&mut self, journal: &Journal, lane: &Lane, now: Instant) -> Result<(), Error> {
        let Some(looked) = self.looked.filter(|_| self.known.len() < IN_MIND / 2) else { return Ok(()) };
        let found = journal.held_of(lane, looked, IN_MIND / 2)?;
        self.looked = (found.len() >= IN_MIND / 2).then(|| found.last().map_or(looked, |held| held.event));
        for held in found {
            if !self.known.contains_key(&held.event) {
                self.plan(held.event, 0, now);
            }
        }
        Ok(())
    }

    fn plan(&mut self, event: EventId, count: u32, due: Instant) {
        self.settled(event);
        self.known.insert(event, Attempt { count, due });
        self.due.insert((due, event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_longer_than_the_one_before_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        let waits: Vec<_> = (0..40).map(|count| backoff.wait(count, EventId(7))).collect();
        assert!(waits.is_sorted());
        assert!(waits[0] >= Duration::from_secs(1) && waits[0] <= Duration::from_millis(1200));
        assert!(waits[39] >= Duration::from_secs(60) && waits[39] <= Duration::from_secs(72));
    }

    #[test]
    fn what_is_held_is_due_once_until_it_is_settled() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        let (mut retries, now) = (Retries::new(backoff), Instant::now());
        retries.held(EventId(1), now);
        retries.held(EventId(2), now);
        assert_eq!(retries.due(now, 10), []);
        let later = now + Duration::from_secs(2);
        let mut due = retries.due(later, 10);
        due.sort();
        assert_eq!(due, [EventId(1), EventId(2)]);
        retries.held(EventId(1), later);
        retries.settled(EventId(2));
        assert_eq!(retries.due(later + Duration::from_secs(1), 10), []);
        retries.now(EventId(1), later);
        assert_eq!(retries.due(later, 10), [EventId(1)]);
    }

    #[test]
    fn one_that_fails_holds_up_the_others_and_one_that_does_not_lets_them_go() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        let (mut retries, now) = (Retries::new(backoff), Instant::now());
        for event in 1..=3 {
            retries.now(EventId(event), now);
        }
        assert_eq!(retries.due(now, 2), [EventId(1), EventId(2)]);
        retries.failed(now);
        assert_eq!(retries.due(now, 2), []);
        let later = now + Duration::from_secs(2);
        assert_eq!(retries.due(later, 1), [EventId(1)]);
        retries.failed(later);
        retries.succeeded();
        assert_eq!(retries.due(later, 3).len(), 3);
    }
}
