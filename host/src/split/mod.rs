//! Takes a webhook delivery apart into its events. Pure: bytes in, places in those bytes out. `whole` is everyone's but
//! Meta's, of which each delivery is one event; all that follows here is Meta's.
//!
//! A delivery is `{"object": …, "entry": [{"id": …, "changes": [{"field": …, "value": …}]}]}`. Items are the elements of
//! each value's `messages` and `statuses`; of each entry's `messaging` and `standby` (Messenger, Instagram); each change
//! without any of these; and each entry that has none of all this, yet says something. What it promises:
//! - it never fails: what it does not understand is one item, the body as it was received. Not UTF-8, not JSON, not of
//!   the shape above, or with a member given twice that is read here (so that two readers could see two things, a member
//!   spelt with an escape included): `unparsed`. A wrong shape further down is not: that change is an item as it is;
//! - one item: its body is the bytes received, untouched. Many: the body of each is a valid webhook body, made of ranges
//!   of the received one: the object, its one entry, its one change, and of the arrays that hold items its own element;
//!   everything else in them stays. No byte is written anew, and no byte that says something is lost: an entry
//!   is left out only where it holds empty arrays, and a contact only where another item keeps it or none needs it;
//! - taken apart again, the body of an item is one item with the same fingerprint, kind and keys;
//! - time grows with the body alone and memory is bounded by it, however deep it is nested and whatever it repeats. To
//!   hold that: above 16 MiB of repeated bytes an item keeps only the contacts with one of its own ids; above 64 MiB in
//!   all, or 10 000 items or contacts, the delivery is not taken apart and is one item.

mod change;
mod cut;
mod directory;
mod envelope;
mod fingerprint;
mod keys;
mod look;
mod messaging;
mod read;
mod scan;
mod text;
mod whole;

#[cfg(test)]
mod tests;

pub use whole::{Told, topic, whole};

use crate::message::{Item, Keys};
use envelope::Place;

/// A delivery's items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// At least one.
    pub items: Vec<Item>,
    /// Not what a provider sends.
    pub unparsed: bool,
}

/// The kind of items of different kinds delivered as one.
const BATCH: &str = "batch";

/// The kind of what is not what its provider sends.
const UNPARSED: &str = "unparsed";

/// Takes apart the body of a delivery that came through this webhook. Not `separately`: one item, which is all of it.
pub fn split(webhook: &str, body: &[u8], separately: bool) -> Split {
    split_within(webhook, body, separately, cut::SHARED)
}

/// `shared`: the bytes that may be repeated before items keep their own contacts only.
fn split_within(webhook: &str, body: &[u8], separately: bool, shared: usize) -> Split {
    let one = |kind: &str, keys, fingerprint| Item { kind: kind.to_owned(), keys, pieces: Vec::new(), fingerprint };
    let Ok(envelope) = read::read(body) else {
        let fingerprint = fingerprint::whole(webhook, UNPARSED, body);
        return Split { items: vec![one(UNPARSED, Keys::default(), fingerprint)], unparsed: true };
    };
    if envelope.too_many_parts || envelope.parts.is_empty() {
        let kind = if envelope.too_many_parts { BATCH } else { keys::UNKNOWN };
        let fingerprint = fingerprint::whole(webhook, "whole", body);
        return Split { items: vec![one(kind, keys::of_silence(&envelope), fingerprint)], unparsed: false };
    }
    let directories = directory::directories(&envelope);
    let mut items = Vec::with_capacity(envelope.parts.len());
    for part in &envelope.parts {
        let directory = match part.place {
            Place::Message(change) => directories[change].as_ref(),
            _ => None,
        };
        let fingerprint = fingerprint::of(webhook, body, &envelope, part);
        items.push(one(keys::kind(&envelope, part), keys::keys(&envelope, part, directory), fingerprint));
    }
    if items.len() == 1 {
        return Split { items, unparsed: false };
    }
    let pieces = if separately && !envelope.too_many_contacts {
        cut::all(&envelope, &directories, body.len(), shared)
    } else {
        None
    };
    if let Some(pieces) = pieces {
        items.iter_mut().zip(pieces).for_each(|(item, pieces)| item.pieces = pieces);
        return Split { items, unparsed: false };
    }
    let alike = items.iter().all(|item| item.kind == items[0].kind);
    let kind = if alike && !separately { items[0].kind.as_str() } else { BATCH };
    let keys = keys::common(items.iter().map(|item| &item.keys));
    let fingerprint = fingerprint::together(webhook, items.iter().map(|item| &item.fingerprint));
    Split { items: vec![one(kind, keys, fingerprint)], unparsed: false }
}
