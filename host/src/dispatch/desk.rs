//! Where operators ask for events to be judged again. The dispatcher of their webhook does it, between what is new, so
//! that nothing is judged by two threads.

use crate::journal::Lane;
use crate::message::EventId;
use crate::metrics::EventOutcome;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::oneshot;

/// How many requests may wait for one dispatcher.
const WAITING: usize = 64;

/// What is to be done with events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Judge those that are held.
    Retry,
    /// Judge them whatever became of them: clients get what the present filters make of them, once more.
    Replay,
}

/// What became of events that were judged again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub delivered: u64,
    pub dropped: u64,
    pub held: u64,
    /// Not held any more, or not there any more.
    pub missing: u64,
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    #[error("the webhook has no dispatcher: it is not in the configuration")]
    NoDispatcher,
    #[error("too many such requests wait already")]
    Busy,
    #[error("the gateway stops, or could not write what was decided")]
    GaveUp,
}

pub(super) struct Asked {
    pub work: Work,
    pub events: Vec<EventId>,
    pub answer: oneshot::Sender<Counts>,
}

/// A place to ask, for every webhook. Clones are the same.
#[derive(Clone, Default)]
pub struct Desk(Arc<RwLock<BTreeMap<String, Seat>>>);

/// A lane, and the way to its dispatcher.
type Seat = (Lane, SyncSender<Asked>);

impl Desk {
    /// From now on a lane's dispatcher is who receives here.
    pub(super) fn seat(&self, lane: &Lane) -> Receiver<Asked> {
        let (sender, receiver) = sync_channel(WAITING);
        let mut seats = self.0.write().unwrap_or_else(PoisonError::into_inner);
        seats.insert(lane.name().to_string(), (lane.clone(), sender));
        receiver
    }

    /// A webhook has no dispatcher any more.
    pub fn leave(&self, webhook: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(webhook);
    }

    fn find(&self, webhook: &str) -> Option<Seat> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(webhook).cloned()
    }

    /// Has events of one webhook judged again, in this order. Takes as long as their filters do.
    pub async fn ask(&self, webhook: &str, work: Work, events: Vec<EventId>) -> Result<Counts, Unanswered> {
        let (lane, dispatcher) = self.find(webhook).ok_or(Unanswered::NoDispatcher)?;
        let (answer, answered) = oneshot::channel();
        dispatcher.try_send(Asked { work, events, answer }).map_err(|error| match error {
            TrySendError::Full(_) => Unanswered::Busy,
            TrySendError::Disconnected(_) => Unanswered::GaveUp,
        })?;
        lane.wake();
        answered.await.map_err(|_| Unanswered::GaveUp)
    }
}

impl Counts {
    pub(super) fn add(&mut self, outcome: Option<EventOutcome>) {
        match outcome {
            Some(EventOutcome::Delivered) => self.delivered += 1,
            Some(EventOutcome::Dropped) => self.dropped += 1,
            Some(EventOutcome::Held) => self.held += 1,
            None => self.missing += 1,
        }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            dropped: self.dropped + other.dropped,
            held: self.held + other.held,
            missing: self.missing + other.missing,
        }
    }
}
