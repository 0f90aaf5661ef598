//! By what an item is recognised when it comes again, in another delivery or beside other items.
//!
//! A fingerprint is a hash over words each of which is preceded by its length, the first of them saying what the others
//! are: two different lists of words are never hashed alike. What has no id is recognised by its bytes. In doubt
//! two items are different: to deliver something twice is a nuisance, to drop it is a loss.

use super::envelope::{Change, Entry, Envelope, Part, Place};
use super::keys;
use super::scan::Span;
use super::text::Text;
use crate::message::Fingerprint;
use ring::digest::{Context, SHA256};

/// Of a body that is not taken apart at all; `what` says why.
pub fn whole(webhook: &str, what: &str, body: &[u8]) -> Fingerprint {
    let mut hash = Hash::new(webhook, what);
    hash.bytes(body);
    hash.end()
}

/// Of a delivery that has a name of its own; `what` says whose.
pub fn named(webhook: &str, what: &str, name: &Text<'_>) -> Fingerprint {
    let mut hash = Hash::new(webhook, what);
    hash.word(Some(name));
    hash.end()
}

/// Of several items delivered as one.
pub fn together<'f>(webhook: &str, all: impl Iterator<Item = &'f Fingerprint>) -> Fingerprint {
    let mut hash = Hash::new(webhook, "together");
    for fingerprint in all {
        hash.bytes(&fingerprint.0);
    }
    hash.end()
}

pub fn of(webhook: &str, body: &[u8], envelope: &Envelope<'_>, part: &Part<'_>) -> Fingerprint {
    let entry = envelope.entry(part);
    match (part.place, envelope.change(part)) {
        (Place::Change(_), Some(change)) => return of_change(webhook, body, entry, change),
        (Place::Message(_) | Place::Status(_) | Place::Messaging(_) | Place::Standby(_), _) => {
            if let Some(words) = words(envelope, part) {
                let mut hash = Hash::new(webhook, place(envelope, part));
                for word in words {
                    hash.word(word);
                }
                hash.flag(part.ids.deleted);
                return hash.end();
            }
        }
        _ => {}
    }
    let mut hash = Hash::new(webhook, "bytes");
    hash.word(entry.id.as_ref());
    hash.word(envelope.change(part).and_then(|change| change.phone_number_id.as_ref()));
    hash.bytes(place(envelope, part).as_bytes());
    hash.bytes(slice(body, part.span));
    hash.end()
}

/// Where an item stands, by a word that does not change when more becomes known of its kind.
fn place<'e>(envelope: &'e Envelope<'_>, part: &Part<'_>) -> &'e str {
    match part.place {
        Place::Messaging(_) => keys::MESSAGING,
        _ => keys::kind(envelope, part),
    }
}

/// What an item is recognised by; none when one of the words that are needed for it is missing or empty.
fn words<'e>(envelope: &'e Envelope<'_>, part: &'e Part<'_>) -> Option<[Option<&'e Text<'e>>; 5]> {
    fn given<'t>(word: Option<&'t Text<'t>>) -> Option<&'t Text<'t>> {
        word.filter(|word| !word.is_empty())
    }
    let ids = &part.ids;
    let id = Some(given(ids.id.as_ref())?);
    if matches!(part.place, Place::Messaging(_) | Place::Standby(_)) {
        return Some([Some(given(envelope.entry(part).id.as_ref())?), id, None, None, None]);
    }
    let phone = Some(given(envelope.change(part).and_then(|change| change.phone_number_id.as_ref()))?);
    if !matches!(part.place, Place::Status(_)) {
        return Some([phone, id, None, None, None]);
    }
    let status = Some(given(ids.status.as_ref())?);
    let timestamp = Some(given(ids.timestamp.as_ref())?);
    // To a group, one id has a status for each participant.
    let recipients = [&ids.recipient_participant_id, &ids.recipient_id, &ids.recipient_user_id];
    let recipient = recipients.into_iter().find_map(|word| given(word.as_ref()));
    Some([phone, id, status, recipient, timestamp])
}

fn of_change(webhook: &str, body: &[u8], entry: &Entry<'_>, change: &Change<'_>) -> Fingerprint {
    let mut hash = Hash::new(webhook, "change");
    hash.word(entry.id.as_ref());
    hash.word(change.field.as_ref());
    hash.bytes(entry.time.map_or(&[], |span| slice(body, span)));
    // Without a value, the change says it all.
    hash.flag(change.value.is_some());
    hash.bytes(slice(body, change.value.unwrap_or(change.span)));
    hash.end()
}

fn slice(body: &[u8], span: Span) -> &[u8] {
    body.get(span.from..span.to).unwrap_or_default()
}

struct Hash(Context);

impl Hash {
    fn new(webhook: &str, what: &str) -> Self {
        let mut hash = Self(Context::new(&SHA256));
        hash.bytes(b"postern item 1");
        hash.bytes(webhook.as_bytes());
        hash.bytes(what.as_bytes());
        hash
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn flag(&mut self, flag: bool) {
        self.0.update(&[u8::from(flag)]);
    }

    fn word(&mut self, word: Option<&Text<'_>>) {
        match word {
            None => self.0.update(&[0]),
            Some(Text::Short(word)) => {
                self.0.update(&[1]);
                self.bytes(word.as_bytes());
            }
            Some(Text::Long(digest)) => {
                self.0.update(&[2]);
                self.bytes(digest);
            }
        }
    }

    fn end(self) -> Fingerprint {
        let digest = self.0.finish();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_ref()[..16]);
        Fingerprint(bytes)
    }
}
