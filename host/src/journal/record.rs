//! How a record lies in a frame: a version byte, the length of the header (4 bytes, big-endian), the header (postcard),
//! then the bodies as they came, so that a body is read without being copied. A field added to a header is a new
//! version with its own decoder; a version is never changed.
//!
//! Version 1 is a header and no more. Version 2, of deliveries only, has `Orders` behind the header: who is to get what no
//! webhook brought.
//!
//! A frame without a payload says nothing: it holds positions that were lost, or proves that the disk takes writes.

use super::{Error, Outcome};
use crate::message::{
    Audience, Changes, Delivery, Entry, Event, EventId, Fingerprint, Format, Item, Keys, Offset, Orders, Payload, Step,
    Timestamp,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const PLAIN: u8 = 1;
const WITH_ORDERS: u8 = 2;
const PREFIX: usize = 5;

/// A delivery, without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeliveryHeader {
    pub webhook: String,
    pub received: Timestamp,
    pub content_type: Option<String>,
    pub unparsed: bool,
    /// The length of the body, which is not kept when there is nothing new in it.
    pub size: u64,
    pub items: Vec<ItemHeader>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ItemHeader {
    pub item: Item,
    /// The event that brought the same before.
    pub duplicate_of: Option<EventId>,
}

/// What was decided in one go for events of one webhook, and what clients get of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BatchHeader {
    pub webhook: String,
    pub verdicts: Vec<VerdictHeader>,
    pub entries: Vec<EntryHeader>,
}

/// What is kept of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VerdictHeader {
    pub event: EventId,
    pub received: Timestamp,
    pub decided: Timestamp,
    pub kind: String,
    pub keys: Keys,
    pub outcome: Outcome,
    pub trail: Vec<Step>,
}

/// An entry, without its body. Its offset is its place in the frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EntryHeader {
    pub event: EventId,
    pub received: Timestamp,
    pub content_type: Option<String>,
    pub unparsed: bool,
    pub kind: Arc<str>,
    pub keys: Arc<Keys>,
    pub format: Format,
    pub audience: Audience,
    pub length: u64,
}

/// As `DeliveryHeader`, borrowed.
#[derive(Serialize)]
struct DeliveryWords<'a> {
    webhook: &'a str,
    received: Timestamp,
    content_type: Option<&'a str>,
    unparsed: bool,
    size: u64,
    items: Vec<ItemWords<'a>>,
}

/// As `ItemHeader`, borrowed.
#[derive(Serialize)]
struct ItemWords<'a> {
    item: &'a Item,
    duplicate_of: Option<EventId>,
}

/// The record of a delivery of which `first_seen` says, item by item, whether it was there before: what is before its
/// body, and that.
pub(super) fn encode_delivery(delivery: &Delivery, first_seen: &[Option<EventId>]) -> (Bytes, Bytes) {
    let seen = first_seen.iter().copied().chain(std::iter::repeat(None));
    let items = delivery.items.iter().zip(seen);
    let items: Vec<ItemWords<'_>> = items.map(|(item, duplicate_of)| ItemWords { item, duplicate_of }).collect();
    let new = items.iter().any(|item| item.duplicate_of.is_none());
    let header = DeliveryWords {
        webhook: &delivery.webhook,
        received: delivery.received,
        content_type: delivery.content_type.as_deref(),
        unparsed: delivery.unparsed,
        size: delivery.body.len() as u64,
        items,
    };
    let head = match &delivery.orders {
        None => begin(PLAIN, &header),
        Some(orders) => begin(WITH_ORDERS, &(&header, orders)),
    };
    (head, if new { delivery.body.clone() } else { Bytes::new() })
}

pub(super) fn decode_delivery(record: Bytes) -> Result<(DeliveryHeader, Bytes), Error> {
    decode_ordered(record).map(|(header, _, body)| (header, body))
}

/// A delivery with its orders, if it has any.
pub(super) fn decode_ordered(record: Bytes) -> Result<(DeliveryHeader, Option<Orders>, Bytes), Error> {
    let (header, orders, body) = if record.first() == Some(&WITH_ORDERS) {
        let ((header, orders), body) = decode::<(DeliveryHeader, Orders)>(WITH_ORDERS, record)?;
        if orders.sends.len() != header.items.len() {
            return Err(Error::Damaged("it does not say of each item who is to get it"));
        }
        (header, Some(orders), body)
    } else {
        let (header, body) = decode::<DeliveryHeader>(PLAIN, record)?;
        (header, None, body)
    };
    // None is without its body but those of which every item was there before.
    if body.len() as u64 != header.size && (!body.is_empty() || header.items.iter().any(ItemHeader::is_new)) {
        return Err(Error::Damaged("its body is not as long as it was"));
    }
    Ok((header, orders, body))
}

/// The webhook of a delivery, without looking at the rest.
pub(super) fn webhook_of(record: &Bytes) -> Result<&str, Error> {
    let header = &record[PREFIX..header_end(record)?];
    postcard::take_from_bytes(header).map(|(webhook, _)| webhook).map_err(|_| Error::Damaged("header"))
}

impl ItemHeader {
    pub fn is_new(&self) -> bool {
        self.duplicate_of.is_none()
    }

    /// The bytes that are its event's body. `None` when its ranges are not within the delivery's.
    pub fn part(&self, body: &Bytes) -> Option<Bytes> {
        part(&self.item, body)
    }

    /// How long that body is.
    pub fn length(&self, size: u64) -> u64 {
        let pieces = &self.item.pieces;
        if pieces.is_empty() { size } else { pieces.iter().map(|(from, to)| u64::from(to.saturating_sub(*from))).sum() }
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.item.fingerprint
    }
}

fn part(Item { pieces, .. }: &Item, body: &Bytes) -> Option<Bytes> {
    if pieces.is_empty() {
        return Some(body.clone());
    }
    let piece = |(from, to): &(u32, u32)| body.get(*from as usize..*to as usize);
    pieces.iter().map(piece).collect::<Option<Vec<_>>>().map(|pieces| pieces.concat().into())
}

/// The events of a delivery that are no duplicates, as they would be read from its record. `None`: it has orders, and is
/// to be read.
pub(super) fn events_of(delivery: Delivery, first: EventId, new: &[(Fingerprint, EventId)]) -> Option<Vec<Event>> {
    let Delivery { webhook, received, content_type, unparsed, items, body, orders: None } = delivery else {
        return None;
    };
    let mut new = new.iter().map(|(_, event)| *event).peekable();
    let mut events = Vec::with_capacity(new.len());
    for (id, item) in (first.0..).map(EventId).zip(items) {
        if new.next_if_eq(&id).is_none() {
            continue;
        }
        let body = part(&item, &body)?;
        events.push(Event {
            sending: None,
            changes: Changes::default(),
            id,
            webhook: webhook.clone(),
            received,
            content_type: content_type.clone(),
            unparsed,
            kind: item.kind.into(),
            keys: Arc::new(item.keys),
            body,
        });
    }
    Some(events)
}

impl DeliveryHeader {
    /// The event of the item at `index`. The changes that its orders ask for belong to the first, and to the last.
    pub fn event(&self, id: EventId, index: usize, orders: Option<&Orders>, webhook: Arc<str>, body: Bytes) -> Event {
        let item = &self.items[index];
        Event {
            sending: orders.and_then(|orders| orders.sends.get(index)).cloned().flatten(),
            changes: orders.map_or_else(Changes::default, |Orders { changes, .. }| Changes {
                before: if index == 0 { changes.before.clone() } else { Vec::new() },
                after: if index + 1 == self.items.len() { changes.after.clone() } else { Vec::new() },
            }),
            id,
            webhook,
            received: self.received,
            content_type: self.content_type.clone(),
            unparsed: self.unparsed,
            kind: item.item.kind.as_str().into(),
            keys: Arc::new(item.item.keys.clone()),
            body,
        }
    }
}

/// The record of a batch: what is before its bodies, and those.
pub(super) fn encode_batch(header: &BatchHeader, bodies: &[Bytes]) -> (Bytes, Bytes) {
    let bodies = match bodies {
        [only] => only.clone(),
        several => several.concat().into(),
    };
    (begin(PLAIN, header), bodies)
}

/// The verdicts of a frame of the outbox; what clients get of it is not looked at.
pub(super) fn decode_verdicts(record: Bytes) -> Result<(String, Vec<VerdictHeader>), Error> {
    decode::<BatchHeader>(PLAIN, record).map(|(header, _)| (header.webhook, header.verdicts))
}

/// What clients get of a frame of the outbox whose first offset is `first`.
pub(super) fn decode_entries(first: Offset, epoch: u32, record: Bytes) -> Result<Vec<Entry>, Error> {
    let (header, mut bodies) = decode::<BatchHeader>(PLAIN, record)?;
    let webhook: Arc<str> = header.webhook.into();
    let mut entries = Vec::with_capacity(header.entries.len());
    for (offset, entry) in (first.0..).map(Offset).zip(header.entries) {
        let length = usize::try_from(entry.length).ok().filter(|length| *length <= bodies.len());
        let data = bodies.split_to(length.ok_or(Error::Damaged("an entry is longer than its frame"))?);
        let EntryHeader { event, received, content_type, unparsed, kind, keys, format, audience, .. } = entry;
        let (webhook, payload) = (webhook.clone(), Payload { format, data });
        let entry =
            Entry { offset, epoch, event, webhook, received, content_type, unparsed, kind, keys, payload, audience };
        entries.push(entry);
    }
    Ok(entries)
}

/// A record without its bodies.
fn begin<H: Serialize>(version: u8, header: &H) -> Bytes {
    // Most headers are shorter.
    const ROOM: usize = 512;
    let mut record = Vec::with_capacity(ROOM);
    record.push(version);
    record.extend_from_slice(&[0; PREFIX - 1]);
    let mut record = postcard::to_extend(header, record).expect("a header of plain data is serialisable");
    let length = u32::try_from(record.len() - PREFIX).expect("a header is bounded by the limits of a request");
    record[1..PREFIX].copy_from_slice(&length.to_be_bytes());
    record.into()
}

fn decode<H: DeserializeOwned>(version: u8, mut record: Bytes) -> Result<(H, Bytes), Error> {
    let end = header_end(&record)?;
    if record[0] != version {
        return Err(Error::Damaged("of a version that such a record has not"));
    }
    let header = postcard::from_bytes(&record[PREFIX..end]).map_err(|_| Error::Damaged("header"))?;
    Ok((header, record.split_off(end)))
}

fn header_end(record: &Bytes) -> Result<usize, Error> {
    if record.len() < PREFIX {
        return Err(Error::Damaged("shorter than its prefix"));
    }
    if record[0] != PLAIN && record[0] != WITH_ORDERS {
        return Err(Error::Damaged("of a version this postern does not know"));
    }
    let end = PREFIX + u32::from_be_bytes([record[1], record[2], record[3], record[4]]) as usize;
    if record.len() < end { Err(Error::Damaged("shorter than its header says")) } else { Ok(end) }
}
