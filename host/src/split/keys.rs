//! Whom and what an item is about: its kind and its keys.

use super::directory::Directory;
use super::envelope::{Envelope, Part, Place};
use super::text::Text;
use crate::message::Keys;

/// The most characters of a kind.
const MOST_CHARACTERS: usize = 64;

/// What Messenger and Instagram send beside what is known of them.
pub const MESSAGING: &str = "messaging";

/// Where nothing better is known.
pub const UNKNOWN: &str = "unknown";

pub fn kind<'e>(envelope: &'e Envelope<'_>, part: &Part<'_>) -> &'e str {
    match part.place {
        Place::Message(_) => "messages",
        Place::Status(_) => "statuses",
        Place::Messaging(_) => part.ids.field.unwrap_or(MESSAGING),
        Place::Standby(_) => "standby",
        Place::Change(_) | Place::Entry(_) => {
            let field = envelope.change(part).and_then(|change| change.field.as_ref()).and_then(Text::key);
            field.filter(|field| is_good(field)).unwrap_or(UNKNOWN)
        }
    }
}

/// A word goes where kinds go, into event names and queries, only when it is a plain one. Shopify's have a slash.
pub fn is_good(field: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/');
    (1..=MOST_CHARACTERS).contains(&field.len()) && field.bytes().all(plain)
}

pub fn keys(envelope: &Envelope<'_>, part: &Part<'_>, directory: Option<&Directory<'_>>) -> Keys {
    let owned = |text: Option<&Text<'_>>| text.and_then(Text::key).map(str::to_owned);
    Keys {
        waba: owned(envelope.entry(part).id.as_ref()),
        phone_number_id: owned(envelope.change(part).and_then(|change| change.phone_number_id.as_ref())),
        user: user(envelope, part, directory).map(str::to_owned),
    }
}

/// The other side of the conversation. Of several words for it the first that may be a key.
fn user<'e>(envelope: &'e Envelope<'_>, part: &'e Part<'_>, directory: Option<&Directory<'e>>) -> Option<&'e str> {
    let ids = &part.ids;
    let first = |words: [Option<&'e Text<'e>>; 3]| words.into_iter().flatten().find_map(Text::key);
    match part.place {
        Place::Message(index) => {
            // With one contact it is the sender, whatever its number looks like: `wa_id` and `from` may be written
            // differently. Of several, the one with the sender's number.
            let contacts = &envelope.contacts[envelope.changes[index].contacts.clone()];
            let sender = match contacts {
                [only] => Some(only),
                _ => directory.zip(ids.from.as_ref()).and_then(|(directory, from)| directory.only_with(from)),
            };
            let user_id = sender.and_then(|contact| contact.user_id.as_ref());
            first([ids.from_user_id.as_ref(), user_id, ids.from.as_ref()])
        }
        Place::Status(_) => {
            first([ids.recipient_user_id.as_ref(), ids.recipient_participant_id.as_ref(), ids.recipient_id.as_ref()])
        }
        Place::Messaging(entry) | Place::Standby(entry) => {
            // An echo is sent by the page itself.
            let page = envelope.entries[entry].id.as_ref();
            let echo = ids.from.is_some() && ids.from.as_ref() == page;
            first([if echo { ids.recipient_id.as_ref() } else { ids.from.as_ref() }, None, None])
        }
        Place::Change(index) => {
            let change = &envelope.changes[index];
            first([change.user_id.as_ref(), change.wa_id.as_ref(), change.from.as_ref()])
        }
        Place::Entry(_) => None,
    }
}

/// Of a delivery in which no part is told apart: what its only entry says.
pub fn of_silence(envelope: &Envelope<'_>) -> Keys {
    let only = envelope.list.is_some_and(|list| list.count == 1);
    let id = envelope.silent_id.as_ref().filter(|_| only).and_then(Text::key);
    Keys { waba: id.map(str::to_owned), ..Keys::default() }
}

/// What all of them agree on.
pub fn common<'k>(mut all: impl Iterator<Item = &'k Keys>) -> Keys {
    let Some(mut common) = all.next().cloned() else { return Keys::default() };
    for keys in all {
        let agree = |mine: &mut Option<String>, other: &Option<String>| {
            if mine != other {
                *mine = None;
            }
        };
        agree(&mut common.waba, &keys.waba);
        agree(&mut common.phone_number_id, &keys.phone_number_id);
        agree(&mut common.user, &keys.user);
    }
    common
}
