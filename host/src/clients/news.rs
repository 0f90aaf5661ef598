//! Who has come and gone, for streams that tell it: the youngest changes, numbered. Whoever has seen up to a number is
//! told what came after it, or, when that is no longer here, all that is.

use crate::message::{Card, ClientId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many changes are kept for those that have not seen them.
const KEPT: usize = 1024;

#[derive(Default)]
pub(super) struct News {
    changes: VecDeque<Change>,
    /// The number of the youngest change.
    number: u64,
}

/// Somebody came or has other labels now (`Some`), or is gone.
struct Change(ClientId, Option<Arc<Card>>);

/// What has changed in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Those who came, or have other labels now.
    pub here: Vec<Arc<Card>>,
    pub gone: Vec<ClientId>,
}

impl News {
    pub fn came(&mut self, card: &Arc<Card>) {
        self.add(Change(card.id, Some(card.clone())));
    }

    pub fn went(&mut self, id: ClientId) {
        self.add(Change(id, None));
    }

    fn add(&mut self, change: Change) {
        self.number += 1;
        self.changes.push_back(change);
        if self.changes.len() > KEPT {
            self.changes.pop_front();
        }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// What came of all changes after `seen`; `None` when some of them are no longer here.
    pub fn since(&self, seen: u64) -> Option<Changed> {
        let unseen = usize::try_from(self.number.saturating_sub(seen)).ok()?;
        let skip = self.changes.len().checked_sub(unseen)?;
        let mut last = BTreeMap::new();
        for Change(id, card) in self.changes.range(skip..) {
            last.insert(*id, card.clone());
        }
        let gone = last.iter().filter(|(_, card)| card.is_none()).map(|(id, _)| *id).collect();
        Some(Changed { here: last.into_values().flatten().collect(), gone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_many_changes_is_told_once_and_what_is_forgotten_is_not_told() {
        let card = |id| Arc::new(Card::test(id));
        let mut news = News::default();
        news.came(&card(1));
        news.came(&card(2));
        news.went(ClientId(1));
        let all = Changed { here: vec![card(2)], gone: vec![ClientId(1)] };
        assert_eq!(news.since(0), Some(all));
        assert_eq!(news.since(2), Some(Changed { here: vec![], gone: vec![ClientId(1)] }));
        assert_eq!(news.since(3), Some(Changed { here: vec![], gone: vec![] }));
        for id in 10..10 + KEPT as u64 {
            news.came(&card(id));
        }
        assert_eq!(news.since(2), None);
        assert_eq!(news.since(3).map(|changed| changed.here.len()), Some(KEPT));
    }
}
