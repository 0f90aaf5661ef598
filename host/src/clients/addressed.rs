//! How many of those who are connected an event is for, for an operator who looks on.

use super::{Clients, Directory};
use crate::message::{Audience, ClientId, Scope, Selector};
use std::collections::BTreeSet;

/// So many clients are looked at one by one, and no more: who looks on keeps nobody waiting.
const MOST: usize = 1000;

impl Clients {
    /// How many clients of a scope (`None`: of every stream) are in at least one of these audiences. `None`: there is no
    /// telling without looking at too many.
    pub fn addressed(&self, scope: Option<&Scope>, audiences: &[&Audience]) -> Option<usize> {
        let directory = self.read();
        let every;
        let scope = match scope {
            Some(scope) => scope,
            None => {
                every = Scope::of(directory.streams.keys().cloned());
                &every
            }
        };
        let all = directory.size(scope);
        if audiences.iter().any(|audience| audience.0.is_empty()) {
            return Some(all);
        }
        let mut found = BTreeSet::<ClientId>::new();
        for audience in audiences {
            let indexed = audience.0.iter().map(|narrowing| &narrowing.to).find(|to| directory.is_few(to));
            let first = match indexed {
                Some(selector) => selector,
                None if all <= MOST => &Selector::Everyone,
                None => return None,
            };
            let chosen = directory.chosen(first, scope).filter(|card| audience.includes(card));
            found.extend(chosen.map(|card| card.id));
        }
        Some(found.len())
    }
}

impl Directory {
    fn size(&self, scope: &Scope) -> usize {
        scope.0.iter().filter_map(|stream| self.streams.get(stream)).map(BTreeSet::len).sum()
    }

    /// Whether an index has those whom a selector chooses, and they are few.
    fn is_few(&self, selector: &Selector) -> bool {
        let labelled = |label| self.labels.get(label).map_or(0, BTreeSet::len);
        match selector {
            Selector::Clients(ids) => ids.len() <= MOST,
            Selector::AnyLabel(labels) => labels.iter().map(labelled).sum::<usize>() <= MOST,
            Selector::AllLabels(labels) => labels.iter().map(labelled).min().is_some_and(|least| least <= MOST),
            Selector::Everyone | Selector::Subjects(_) | Selector::Streams(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Card, Label, Narrowing};
    use std::sync::Arc;

    fn only(to: Selector) -> Audience {
        Audience(vec![Narrowing { to, except: Vec::new() }])
    }

    #[test]
    fn a_client_in_two_audiences_is_counted_once_and_too_many_are_not_counted() {
        let (clients, label) = (Clients::default(), Label { key: "room".into(), value: "a".into() });
        for id in 0..3 {
            clients.join(Arc::new(Card { labels: vec![label.clone()], ..Card::test(id) }), 0);
        }
        clients.join(Arc::new(Card { stream: "public".into(), ..Card::test(9) }), 0);
        let agents = Scope::of(["agents".into()]);
        let room = only(Selector::AnyLabel(vec![label]));
        let one = only(Selector::Clients(vec![ClientId(1), ClientId(9)]));
        assert_eq!(clients.addressed(Some(&agents), &[&room, &one]), Some(3));
        assert_eq!(clients.addressed(Some(&agents), &[&one]), Some(1));
        assert_eq!(clients.addressed(None, &[&room, &one]), Some(4));
        assert_eq!(clients.addressed(None, &[&one, &Audience::default()]), Some(4));
        for id in 10..10 + MOST as u64 {
            clients.join(Arc::new(Card::test(id)), 0);
        }
        assert_eq!(clients.addressed(None, &[&only(Selector::Subjects(vec!["ann".into()]))]), None);
        assert_eq!(clients.addressed(None, &[&room, &one]), Some(4));
    }
}
