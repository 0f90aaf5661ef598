//! Finds the contacts of a change by their numbers and ids, in time that does not grow with how many there are.

use super::envelope::{Change, Contact, Envelope, Ids, Place};
use super::text::Text;
use std::collections::HashMap;

pub struct Directory<'e> {
    contacts: &'e [Contact<'e>],
    by_wa_id: HashMap<&'e Text<'e>, Vec<usize>>,
    by_user_id: HashMap<&'e Text<'e>, Vec<usize>>,
}

/// For each change that has several contacts, its directory.
pub fn directories<'e>(envelope: &'e Envelope<'e>) -> Vec<Option<Directory<'e>>> {
    let directory = |change: &Change<'_>| {
        let several = change.contacts.len() > 1 && !envelope.too_many_contacts;
        several.then(|| Directory::of(&envelope.contacts[change.contacts.clone()]))
    };
    envelope.changes.iter().map(directory).collect()
}

impl<'e> Directory<'e> {
    fn of(contacts: &'e [Contact<'e>]) -> Self {
        let mut directory = Self { contacts, by_wa_id: HashMap::new(), by_user_id: HashMap::new() };
        for (index, contact) in contacts.iter().enumerate() {
            if let Some(wa_id) = &contact.wa_id {
                directory.by_wa_id.entry(wa_id).or_default().push(index);
            }
            if let Some(user_id) = &contact.user_id {
                directory.by_user_id.entry(user_id).or_default().push(index);
            }
        }
        directory
    }

    /// The contact with this number, when there is exactly one.
    pub fn only_with(&self, wa_id: &Text<'_>) -> Option<&'e Contact<'e>> {
        match self.by_wa_id.get(wa_id).map(Vec::as_slice) {
            Some([only]) => Some(&self.contacts[*only]),
            _ => None,
        }
    }

    /// The places, in order, of the contacts an item is about; none when there are more than so many.
    ///
    /// A message is looked up by its sender only and a status by its recipients only, as its user is: so the contacts
    /// that are left say the same of the user as all of them did. For that an id that names nobody finds nobody either.
    pub fn about(&self, place: Place, ids: &Ids<'_>, most: usize) -> Option<Vec<usize>> {
        let words = match place {
            Place::Message(_) => [ids.from.as_ref(), ids.from_user_id.as_ref().filter(|id| id.key().is_some()), None],
            _ => [ids.recipient_id.as_ref(), ids.recipient_user_id.as_ref(), ids.recipient_participant_id.as_ref()],
        };
        let mut found = Vec::new();
        for word in words.into_iter().flatten() {
            for places in [self.by_wa_id.get(word), self.by_user_id.get(word)].into_iter().flatten() {
                if found.len() + places.len() > most {
                    return None;
                }
                found.extend_from_slice(places);
            }
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }

    pub fn contacts(&self) -> &'e [Contact<'e>] {
        self.contacts
    }
}
