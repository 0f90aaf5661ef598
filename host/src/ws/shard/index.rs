//! Which clients of a shard have a label, or are a subject's: an event for few of them is not held against each of them.

use crate::message::{Audience, Card, Label, Selector};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

#[derive(Default)]
pub struct Index {
    labels: HashMap<Label, BTreeSet<usize>>,
    subjects: HashMap<String, BTreeSet<usize>>,
}

impl Index {
    pub fn add(&mut self, slot: usize, card: &Card) {
        for label in &card.labels {
            self.labels.entry(label.clone()).or_default().insert(slot);
        }
        if let Some(subject) = &card.subject {
            self.subjects.entry(subject.clone()).or_default().insert(slot);
        }
    }

    pub fn remove(&mut self, slot: usize, card: &Card) {
        card.labels.iter().for_each(|label| take(&mut self.labels, label, slot));
        card.subject.iter().for_each(|subject| take(&mut self.subjects, subject, slot));
    }

    /// The slots among which all are whom a selector chooses, in order; `None` when that may be anybody. Of ids it knows nothing.
    fn among(&self, selector: &Selector) -> Option<BTreeSet<usize>> {
        let labelled = |label: &Label| self.labels.get(label).into_iter().flatten().copied();
        match selector {
            Selector::AnyLabel(labels) => Some(labels.iter().flat_map(labelled).collect()),
            Selector::AllLabels(labels) => {
                let rarest = labels.iter().min_by_key(|label| self.labels.get(*label).map_or(0, BTreeSet::len))?;
                Some(labelled(rarest).collect())
            }
            Selector::Subjects(subjects) => {
                Some(subjects.iter().filter_map(|subject| self.subjects.get(subject)).flatten().copied().collect())
            }
            Selector::Everyone | Selector::Streams(_) | Selector::Clients(_) => None,
        }
    }

    /// As `among`, for an audience: the least of what its selectors leave. `seated` finds a client by its id.
    pub fn candidates(
        &self,
        audience: &Audience,
        seated: impl Fn(crate::message::ClientId) -> Option<usize>,
    ) -> Option<BTreeSet<usize>> {
        let found = audience.0.iter().filter_map(|narrowing| match &narrowing.to {
            Selector::Clients(ids) => Some(ids.iter().filter_map(|id| seated(*id)).collect()),
            to => self.among(to),
        });
        found.min_by_key(BTreeSet::len)
    }
}

fn take<K: Hash + Eq>(index: &mut HashMap<K, BTreeSet<usize>>, key: &K, slot: usize) {
    if let Some(slots) = index.get_mut(key) {
        slots.remove(&slot);
        if slots.is_empty() {
            index.remove(key);
        }
    }
}
