//! What dispatch has decided, for operators who look on: each event with its trail, a moment after it is decided.
//!
//! Looking on changes nothing. While nobody does, an event costs one look at a counter; a watcher who is slow misses some
//! and is told how many, and dispatch never waits for one.

use crate::clients::Clients;
use crate::message::{Audience, EventId, Keys, Scope, Step, Timestamp};
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// How many decisions wait for a watcher before it misses the oldest.
const WAITING: usize = 4096;

/// How many may look on at the same time.
const WATCHERS: usize = 16;

/// Clones are the same.
#[derive(Clone)]
pub struct Tap {
    sender: broadcast::Sender<Arc<Told>>,
    clients: Clients,
}

/// A decision, without any body.
#[derive(Clone, Debug)]
pub struct Told {
    pub event: EventId,
    pub webhook: Arc<str>,
    pub kind: Arc<str>,
    pub keys: Arc<Keys>,
    pub received: Timestamp,
    pub decided: Timestamp,
    pub unparsed: bool,
    pub trail: Vec<Step>,
    pub became: Became,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub enum Became {
    Delivered {
        /// As how many entries.
        parts: usize,
        /// How many clients that are connected get at least one of them; `None` where to count them would take too long.
        clients: Option<usize>,
    },
    Dropped,
    Held {
        filter: String,
        reason: String,
    },
}

/// Somebody who looks on.
pub struct Watching(broadcast::Receiver<Arc<Told>>);

/// What a watcher gets.
pub enum Seen {
    Told(Arc<Told>),
    /// So many passed unseen.
    Missed(u64),
    /// Nothing more will come.
    Over,
}

impl Tap {
    pub fn new(clients: Clients) -> Self {
        Self { sender: broadcast::Sender::new(WAITING), clients }
    }

    pub fn is_watched(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Looks on from now on, if not too many do.
    pub fn watch(&self) -> Option<Watching> {
        (self.sender.receiver_count() < WATCHERS).then(|| Watching(self.sender.subscribe()))
    }

    pub fn tell(&self, told: Told) {
        // Whoever looked on may have gone.
        let _ = self.sender.send(Arc::new(told));
    }

    /// How many clients of a scope (`None`: of every stream) are in one of these audiences, at least.
    pub fn addressed(&self, scope: Option<&Scope>, audiences: &[&Audience]) -> Option<usize> {
        self.clients.addressed(scope, audiences)
    }
}

impl Watching {
    /// The next decision. Cancel safe.
    pub async fn next(&mut self) -> Seen {
        match self.0.recv().await {
            Ok(told) => Seen::Told(told),
            Err(RecvError::Lagged(missed)) => Seen::Missed(missed),
            Err(RecvError::Closed) => Seen::Over,
        }
    }

    /// The next, if it is there already.
    pub fn at_once(&mut self) -> Option<Seen> {
        match self.0.try_recv() {
            Ok(told) => Some(Seen::Told(told)),
            Err(TryRecvError::Lagged(missed)) => Some(Seen::Missed(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: u64) -> Told {
        let (webhook, kind, keys) = ("whatsapp".into(), "messages".into(), Arc::default());
        let (received, decided) = (Timestamp(1), Timestamp(2));
        let (trail, became) = (Vec::new(), Became::Dropped);
        Told { event: EventId(event), webhook, kind, keys, received, decided, unparsed: false, trail, became }
    }

    #[test]
    fn a_slow_watcher_is_told_how_many_it_missed_and_goes_on() {
        let tap = Tap::new(Clients::default());
        assert!(!tap.is_watched());
        tap.tell(told(1));
        let mut watching = tap.watch().expect("nobody else does");
        for event in 2..WAITING as u64 + 7 {
            tap.tell(told(event));
        }
        assert!(matches!(watching.at_once(), Some(Seen::Missed(5))));
        assert!(matches!(watching.at_once(), Some(Seen::Told(told)) if told.event == EventId(7)));
        drop(watching);
        assert!(!tap.is_watched());
    }

    #[test]
    fn so_many_look_on_and_no_more() {
        let tap = Tap::new(Clients::default());
        let all: Vec<_> = (0..WATCHERS).map(|_| tap.watch().expect("there is room")).collect();
        assert!(tap.watch().is_none());
        drop(all);
        assert!(tap.watch().is_some());
    }
}
