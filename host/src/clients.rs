//! Who is connected now: a card for each client, found by id, by label, by stream. Shards put clients in and take them
//! out; filters and operators look. It decides nothing about what anybody is sent: each shard asks its own clients.

mod addressed;
mod news;

pub use news::Changed;

use crate::message::{Card, ClientId, Label, Scope, Selector};
use news::News;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Clones are the same.
#[derive(Clone, Default)]
pub struct Clients(Arc<RwLock<Directory>>);

#[derive(Default)]
struct Directory {
    seats: HashMap<ClientId, Seat>,
    /// By stream, and by label: ids ascend with time, so these are in the order of connecting.
    streams: HashMap<Arc<str>, BTreeSet<ClientId>>,
    labels: HashMap<Label, BTreeSet<ClientId>>,
    /// Of the streams that tell who comes and goes.
    news: HashMap<Arc<str>, News>,
}

struct Seat {
    card: Arc<Card>,
    shard: usize,
}

impl Clients {
    pub fn join(&self, card: Arc<Card>, shard: usize) {
        let mut directory = self.write();
        directory.streams.entry(card.stream.clone()).or_default().insert(card.id);
        for label in &card.labels {
            directory.labels.entry(label.clone()).or_default().insert(card.id);
        }
        if let Some(news) = directory.news.get_mut(&card.stream) {
            news.came(&card);
        }
        directory.seats.insert(card.id, Seat { card, shard });
    }

    /// From now on it is noted who comes to a stream and goes.
    pub fn tell_news(&self, stream: &Arc<str>) {
        self.write().news.entry(stream.clone()).or_default();
    }

    /// The number of the youngest change in a stream that tells them.
    pub fn news(&self, stream: &str) -> u64 {
        self.read().news.get(stream).map_or(0, News::number)
    }

    /// What has changed in a stream since the change of that number; `None` when that is not known any more.
    pub fn news_since(&self, stream: &str, seen: u64) -> Option<Changed> {
        self.read().news.get(stream)?.since(seen)
    }

    pub fn leave(&self, id: ClientId) {
        let mut directory = self.write();
        let Some(Seat { card, .. }) = directory.seats.remove(&id) else { return };
        if let Some(news) = directory.news.get_mut(&card.stream) {
            news.went(id);
        }
        take(&mut directory.streams, &card.stream, id);
        for label in &card.labels {
            take(&mut directory.labels, label, id);
        }
    }

    pub fn card(&self, id: ClientId) -> Option<Arc<Card>> {
        self.read().seats.get(&id).map(|seat| seat.card.clone())
    }

    /// Which shard has a client.
    pub fn shard(&self, id: ClientId) -> Option<usize> {
        self.read().seats.get(&id).map(|seat| seat.shard)
    }

    /// Gives a client a label beside those it has, if it has fewer than `most`; and its new card and its shard, if that
    /// changed anything.
    pub fn add_label(&self, id: ClientId, label: Label, most: usize) -> Option<(Arc<Card>, usize)> {
        self.relabel(id, |directory, card| {
            if card.labels.contains(&label) || card.labels.len() >= most {
                return false;
            }
            directory.entry(label.clone()).or_default().insert(id);
            card.labels.push(label);
            true
        })
    }

    /// Takes a label from a client; and its new card and its shard, if it had it.
    pub fn remove_label(&self, id: ClientId, label: &Label) -> Option<(Arc<Card>, usize)> {
        self.relabel(id, |directory, card| {
            let before = card.labels.len();
            card.labels.retain(|other| other != label);
            take(directory, label, id);
            card.labels.len() < before
        })
    }

    fn relabel(
        &self,
        id: ClientId,
        change: impl FnOnce(&mut HashMap<Label, BTreeSet<ClientId>>, &mut Card) -> bool,
    ) -> Option<(Arc<Card>, usize)> {
        let mut directory = self.write();
        let Directory { seats, labels, news, .. } = &mut *directory;
        let seat = seats.get_mut(&id)?;
        let mut card = Card::clone(&seat.card);
        if !change(labels, &mut card) {
            return None;
        }
        seat.card = Arc::new(card);
        if let Some(news) = news.get_mut(&seat.card.stream) {
            news.came(&seat.card);
        }
        Some((seat.card.clone(), seat.shard))
    }

    /// How many clients of `scope` a selector chooses.
    pub fn count(&self, among: &Selector, scope: &Scope) -> usize {
        let directory = self.read();
        match among {
            Selector::Everyone => directory.of(scope).count(),
            _ => directory.chosen(among, scope).count(),
        }
    }

    /// Those of `scope` whom a selector chooses, the longest connected first, at most `limit`, beginning behind `after`.
    pub fn find(&self, among: &Selector, scope: &Scope, after: Option<ClientId>, limit: usize) -> Vec<Arc<Card>> {
        let directory = self.read();
        let mut found: Vec<_> =
            directory.chosen(among, scope).filter(|card| after.is_none_or(|after| card.id > after)).collect();
        found.sort_unstable_by_key(|card| card.id);
        found.truncate(limit);
        found.into_iter().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.0.read().expect("no holder of this lock panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.0.write().expect("no holder of this lock panics")
    }
}

impl Directory {
    /// The ids of all clients of some streams.
    fn of<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a ClientId> {
        scope.0.iter().filter_map(|stream| self.streams.get(stream)).flatten()
    }

    /// Those whom a selector chooses, by the index that has the fewest to look at.
    fn chosen<'a>(&'a self, among: &'a Selector, scope: &'a Scope) -> impl Iterator<Item = &'a Arc<Card>> {
        let labelled = |label: &Label| self.labels.get(label).into_iter().flatten().copied();
        let ids: BTreeSet<ClientId> = match among {
            Selector::Clients(ids) => ids.iter().copied().collect(),
            Selector::AnyLabel(labels) => labels.iter().flat_map(labelled).collect(),
            Selector::AllLabels(labels) => {
                match labels.iter().min_by_key(|label| self.labels.get(label).map_or(0, BTreeSet::len)) {
                    Some(rarest) => labelled(rarest).collect(),
                    None => self.of(scope).copied().collect(),
                }
            }
            Selector::Everyone | Selector::Subjects(_) | Selector::Streams(_) => self.of(scope).copied().collect(),
        };
        let cards = ids.into_iter().filter_map(|id| self.seats.get(&id)).map(|seat| &seat.card);
        cards.filter(move |card| scope.has(&card.stream) && among.chooses(card))
    }
}

fn take<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<ClientId>>, key: &K, id: ClientId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: &str) -> Label {
        Label { key: "room".into(), value: value.into() }
    }

    fn ids(found: &[Arc<Card>]) -> Vec<u64> {
        found.iter().map(|card| card.id.0).collect()
    }

    #[test]
    fn clients_are_found_by_what_they_are_now() {
        let (clients, agents) = (Clients::default(), Scope::of(["agents".into()]));
        for id in [3, 1, 2] {
            clients.join(Arc::new(Card { labels: vec![label("a")], ..Card::test(id) }), 0);
        }
        clients.join(Arc::new(Card { stream: "public".into(), labels: vec![label("a")], ..Card::test(4) }), 1);
        let in_room = |room| Selector::AnyLabel(vec![label(room)]);
        assert_eq!(ids(&clients.find(&in_room("a"), &agents, None, 10)), [1, 2, 3], "the longest connected first");
        assert_eq!(ids(&clients.find(&in_room("a"), &agents, Some(ClientId(1)), 1)), [2]);
        assert_eq!(clients.count(&Selector::Everyone, &agents), 3, "those of other streams are out of reach");
        clients.add_label(ClientId(2), label("b"), 32).expect("it had not");
        assert!(clients.add_label(ClientId(2), label("b"), 32).is_none(), "it has");
        assert!(clients.add_label(ClientId(3), label("b"), 1).is_none(), "it has as many as it may");
        let both = Selector::AllLabels(vec![label("a"), label("b")]);
        assert_eq!(ids(&clients.find(&both, &agents, None, 10)), [2]);
        clients.remove_label(ClientId(2), &label("a")).expect("it had");
        assert_eq!(clients.count(&both, &agents), 0);
        assert_eq!(clients.shard(ClientId(4)), Some(1));
        for id in 1..=4 {
            clients.leave(ClientId(id));
        }
        let directory = clients.read();
        assert!(directory.seats.is_empty() && directory.labels.is_empty() && directory.streams.is_empty());
    }
}
