//! Events that wait for a filter that can judge them.

use super::index::{HeldRecord, Store, conversation, event_of, lane as lane_key, read};
use super::{Error, Journal, Lane, Outcome};
use crate::message::{EventId, Keys, Timestamp};
use std::sync::atomic::Ordering;

/// An event that waits for a filter that can judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub event: EventId,
    pub webhook: String,
    pub received: Timestamp,
    /// When it was held, the last time.
    pub decided: Timestamp,
    pub kind: String,
    pub keys: Keys,
    pub filter: String,
    pub reason: String,
}

impl Journal {
    /// Held events that are younger than `after`, oldest first, at most `most`. Blocks.
    pub fn held(&self, after: EventId, most: usize) -> Result<Vec<Held>, Error> {
        self.0.keeper.read(|store| {
            let mut found = Vec::new();
            for item in store.held.range(after.0.saturating_add(1).to_be_bytes()..) {
                if found.len() >= most {
                    break;
                }
                found.extend(read(Some(item.value()?))?.and_then(listed));
            }
            Ok(found)
        })
    }

    /// The same for one lane.
    pub fn held_of(&self, lane: &Lane, after: EventId, most: usize) -> Result<Vec<Held>, Error> {
        let key = |event: u64| [&lane_key(lane.name())[..], &event.to_be_bytes()].concat();
        self.0.keeper.current(|store| {
            let mut found = Vec::new();
            for item in store.lanes.range(key(after.0.saturating_add(1))..=key(u64::MAX)) {
                if found.len() >= most {
                    break;
                }
                let event = event_of(&item.key()?);
                found.extend(event.map(|event| record(store, event)).transpose()?.flatten().and_then(listed));
            }
            Ok(found)
        })
    }

    /// How an event of this lane is held; `None` when it is not. Blocks.
    pub fn held_as(&self, lane: &Lane, event: EventId) -> Result<Option<Held>, Error> {
        let held = self.0.keeper.current(|store| Ok(record(store, event)?.and_then(listed)))?;
        Ok(held.filter(|held| *held.webhook == **lane.name()))
    }

    /// The oldest event of this lane and this conversation that is held. One without any key is in no conversation.
    /// Blocks, if anything is held.
    pub fn first_held(&self, lane: &Lane, keys: &Keys) -> Result<Option<EventId>, Error> {
        if *keys == Keys::default() {
            return Ok(None);
        }
        self.0.keeper.current(|store| {
            if self.count_held() == 0 {
                return Ok(None);
            }
            let found = store.conversations.prefix(conversation(lane.name(), keys)).next();
            Ok(found.map(|item| item.key()).transpose()?.and_then(|key| event_of(&key)))
        })
    }

    /// How many events are held. Never waits.
    pub fn count_held(&self) -> u64 {
        self.0.keeper.count_held.load(Ordering::Acquire)
    }
}

fn record(store: &Store, event: EventId) -> fjall::Result<Option<HeldRecord>> {
    read(store.held.get(event.0.to_be_bytes())?)
}

fn listed(record: HeldRecord) -> Option<Held> {
    let HeldRecord { webhook, verdict } = record;
    let Outcome::Held { filter, reason } = verdict.outcome else { return None };
    let (event, received, decided) = (verdict.event, verdict.received, verdict.decided);
    Some(Held { event, webhook, received, decided, kind: verdict.kind, keys: verdict.keys, filter, reason })
}
