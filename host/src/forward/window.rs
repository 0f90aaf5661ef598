//! The part of the outbox between what a target has altogether and what was read for it: which entries are for it, and which
//! of them are settled.
//!
//! The **cursor** is the end of what is settled without a gap; it is what is kept on disk. What is settled beyond it, when
//! several requests are under way at once, is kept beside it, so that a restart does not send it again.
//!
//! An event that filters have split is several entries, and each is a message of its own to a target. They are told apart by
//! their number within the event, which is counted across a restart too: it is part of the message's id.

use super::parcel::Parcel;
use crate::message::{Entry, EventId, Offset, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Entries that are read ahead, settled ones among them included, and bytes of those that are not settled.
pub const ENTRIES: usize = 1024;
pub const BYTES: usize = 16 << 20;

/// Which of an event's entries one is, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub event: EventId,
    pub number: u32,
}

/// How often something was tried, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    pub attempts: u32,
    pub since: Option<Timestamp>,
}

/// An entry that is to be delivered.
pub struct Job {
    pub entry: Entry,
    pub id: String,
    /// What the filter made of it, once it was asked.
    pub parcel: Option<Parcel>,
    pub tries: Tries,
    /// How often the filter failed over it.
    pub holds: u32,
    /// Not before then.
    pub due: Option<Due>,
    pub under_way: bool,
    /// Bytes of the entry, and of what the filter made of it.
    weight: usize,
}

/// A moment, as it is waited for and as it is told.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    pub at: Instant,
    pub told: Timestamp,
}

impl Due {
    pub fn after(wait: Duration) -> Self {
        let told = Timestamp(Timestamp::now().0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        Self { at: Instant::now() + wait, told }
    }
}

struct Slot {
    offset: Offset,
    /// `None`: settled.
    job: Option<Job>,
    /// Where the cursor goes when all up to here is settled, and the entry before that place.
    end: Offset,
    last: Option<Part>,
}

/// A window as it is kept: enough to go on with after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub cursor: u64,
    pub last: Option<Part>,
    pub ahead: BTreeSet<u64>,
    pub tries: BTreeMap<u64, Tries>,
}

pub struct Window {
    slots: VecDeque<Slot>,
    cursor: Offset,
    last: Option<Part>,
    next: Offset,
    /// The last entry that was read.
    newest: Option<Part>,
    bytes: usize,
    /// Of entries that are not read again yet: those that were settled, and those that were tried.
    ahead: BTreeSet<u64>,
    tries: BTreeMap<u64, Tries>,
}

impl Window {
    pub fn new(kept: Kept) -> Self {
        let Kept { cursor, last, ahead, tries } = kept;
        let cursor = Offset(cursor);
        Self { slots: VecDeque::new(), cursor, last, next: cursor, newest: last, bytes: 0, ahead, tries }
    }

    pub fn kept(&self) -> Kept {
        let (mut ahead, mut tries) = (self.ahead.clone(), self.tries.clone());
        for slot in &self.slots {
            match &slot.job {
                None => drop(ahead.insert(slot.offset.0)),
                Some(job) if job.tries.attempts > 0 => drop(tries.insert(slot.offset.0, job.tries)),
                Some(_) => {}
            }
        }
        Kept { cursor: self.cursor.0, last: self.last, ahead, tries }
    }

    /// Everything before it is settled.
    pub fn cursor(&self) -> Offset {
        self.cursor
    }

    /// Where to read on.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// Whether more is to be read.
    pub fn has_room(&self) -> bool {
        self.slots.len() < ENTRIES && self.bytes < BYTES
    }

    /// Takes what was read from `next` on, up to `next`. What is not wanted is settled.
    pub fn take(&mut self, entries: Vec<Entry>, next: Offset, wanted: impl Fn(&Entry) -> bool) {
        for entry in entries {
            let number = match self.newest {
                Some(newest) if newest.event == entry.event => newest.number + 1,
                _ => 1,
            };
            let part = Part { event: entry.event, number };
            let offset = entry.offset;
            if wanted(&entry) && !self.ahead.remove(&offset.0) {
                self.extend(offset);
                let weight = entry.payload.data.len();
                self.bytes += weight;
                let tries = self.tries.remove(&offset.0).unwrap_or_default();
                let job = Job {
                    id: if number == 1 { entry.event.to_string() } else { format!("{}-{number}", entry.event) },
                    entry,
                    parcel: None,
                    tries,
                    holds: 0,
                    due: None,
                    under_way: false,
                    weight,
                };
                self.slots.push_back(Slot { offset, job: Some(job), end: offset, last: None });
            }
            self.newest = Some(part);
        }
        self.next = next;
        self.extend(next);
        // What was settled or tried before and is not there any more.
        self.ahead = self.ahead.split_off(&next.0);
        self.tries = self.tries.split_off(&next.0);
    }

    /// What lies before `end` and behind the last slot is settled with that.
    fn extend(&mut self, end: Offset) {
        let newest = self.newest;
        match self.slots.back_mut() {
            Some(slot) => (slot.end, slot.last) = (end, newest),
            None => (self.cursor, self.last) = (end, newest),
        }
    }

    pub fn settle(&mut self, offset: Offset) {
        let Some(slot) = self.slot(offset) else { return };
        let weight = slot.job.take().map_or(0, |job| job.weight);
        self.bytes -= weight;
        while let Some(slot) = self.slots.pop_front_if(|slot| slot.job.is_none()) {
            (self.cursor, self.last) = (slot.end, slot.last);
        }
    }

    /// What is not settled, in order.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.slots.iter().filter_map(|slot| slot.job.as_ref())
    }

    pub fn jobs_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.slots.iter_mut().filter_map(|slot| slot.job.as_mut())
    }

    /// The filter made something of an entry that is kept beside it.
    pub fn add_weight(&mut self, offset: Offset, bytes: usize) {
        if let Some(job) = self.job(offset) {
            job.weight += bytes;
            self.bytes += bytes;
        }
    }

    pub fn job(&mut self, offset: Offset) -> Option<&mut Job> {
        self.slot(offset)?.job.as_mut()
    }

    fn slot(&mut self, offset: Offset) -> Option<&mut Slot> {
        let index = self.slots.binary_search_by_key(&offset, |slot| slot.offset).ok()?;
        self.slots.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Audience, Keys, Payload};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn entry(offset: u64, event: u64, webhook: &str) -> Entry {
        Entry {
            offset: Offset(offset),
            epoch: 1,
            event: EventId(event),
            webhook: webhook.into(),
            received: Timestamp(0),
            content_type: None,
            unparsed: false,
            kind: "messages".into(),
            keys: Arc::new(Keys::default()),
            payload: Payload::of(vec![b'x'; 3].into()),
            audience: Audience::default(),
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Read(usize),
        Settle(usize),
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (1..6_usize).prop_map(Step::Read),
            8 => any::<usize>().prop_map(Step::Settle),
            1 => Just(Step::Restart),
        ];
        prop::collection::vec(step, 1..120)
    }

    proptest! {
        /// Whatever is read and settled in whatever order, and however often it starts again: each entry that is wanted is
        /// given until it is settled and never after, always under the same id, and the cursor passes nothing that is not.
        #[test]
        fn what_is_wanted_is_given_until_it_is_settled(
            kinds in prop::collection::vec((any::<bool>(), any::<bool>()), 1..60),
            steps in steps(),
        ) {
            let mut event = 0;
            let log: Vec<Entry> = kinds.iter().enumerate().map(|(index, (fresh, ours))| {
                event += u64::from(*fresh);
                entry(index as u64 + 10, event, if *ours { "ours" } else { "theirs" })
            }).collect();
            let (mut ids, mut before) = (BTreeMap::new(), None);
            for entry in &log {
                let number = match before { Some((event, number)) if event == entry.event => number + 1, _ => 1 };
                before = Some((entry.event, number));
                let id = if number == 1 { entry.event.to_string() } else { format!("{}-{number}", entry.event) };
                if &*entry.webhook == "ours" { ids.insert(entry.offset, id); }
            }
            let mut settled = BTreeSet::new();
            let mut window = Window::new(Kept { cursor: 10, ..Kept::default() });
            for step in steps {
                match step {
                    Step::Read(count) => {
                        let from = (window.next().0 - 10) as usize;
                        let read: Vec<Entry> = log[from..].iter().take(count).cloned().collect();
                        let next = Offset(window.next().0 + read.len() as u64);
                        window.take(read, next, |entry| &*entry.webhook == "ours");
                    }
                    Step::Settle(which) => {
                        let open: Vec<Offset> = window.jobs().map(|job| job.entry.offset).collect();
                        if let Some(offset) = open.get(which.checked_rem(open.len()).unwrap_or(0)) {
                            window.settle(*offset);
                            settled.insert(*offset);
                        }
                    }
                    Step::Restart => window = Window::new(window.kept()),
                }
                let given: BTreeMap<Offset, String> =
                    window.jobs().map(|job| (job.entry.offset, job.id.clone())).collect();
                let mut expected = ids.clone();
                expected.retain(|offset, _| *offset < window.next() && !settled.contains(offset));
                prop_assert_eq!(given, expected);
                let first = ids.keys().find(|offset| !settled.contains(offset)).map_or(u64::MAX, |offset| offset.0);
                prop_assert_eq!(window.cursor().0, first.min(window.next().0));
            }
        }
    }

    #[test]
    fn what_was_tried_is_known_after_a_restart() {
        let mut window = Window::new(Kept { cursor: 1, ..Kept::default() });
        window.take(vec![entry(1, 1, "a"), entry(2, 2, "a")], Offset(3), |_| true);
        let tries = Tries { attempts: 3, since: Some(Timestamp(7)) };
        window.job(Offset(2)).unwrap().tries = tries;
        let mut window = Window::new(window.kept());
        window.take(vec![entry(1, 1, "a"), entry(2, 2, "a")], Offset(3), |_| true);
        assert_eq!(window.jobs().map(|job| job.tries).collect::<Vec<_>>(), [Tries::default(), tries]);
    }
}
