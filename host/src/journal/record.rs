//! How a record lies on disk: a version byte, the length of the header (4 bytes, big-endian), the header (postcard),
//! then the body as it came, so that a body is read without being copied. A field added to a header is a new version
//! with its own decoder; a version is never changed.

use super::{Error, Outcome};
use crate::message::{Audience, Delivery, Entry, EventId, Format, Offset, Payload, Step, Timestamp};
use bytes::{BufMut, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
const PREFIX: usize = 5;

#[derive(Serialize, Deserialize)]
struct DeliveryHeader {
    webhook: String,
    received: Timestamp,
    content_type: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct EntryHeader {
    event: EventId,
    webhook: String,
    received: Timestamp,
    content_type: Option<String>,
    unparsed: bool,
    format: Format,
    audience: Audience,
}

/// What is kept of a verdict.
#[derive(Serialize, Deserialize)]
pub(super) struct VerdictHeader {
    pub webhook: String,
    pub received: Timestamp,
    pub outcome: Outcome,
    pub trail: Vec<Step>,
}

pub(super) fn encode_delivery(delivery: &Delivery) -> Bytes {
    let header = DeliveryHeader {
        webhook: delivery.webhook.to_string(),
        received: delivery.received,
        content_type: delivery.content_type.clone(),
    };
    encode(&header, &delivery.body)
}

pub(super) fn decode_delivery(record: Bytes) -> Result<Delivery, Error> {
    let (header, body) = decode::<DeliveryHeader>(record)?;
    let DeliveryHeader { webhook, received, content_type } = header;
    Ok(Delivery { webhook: webhook.into(), received, content_type, body })
}

pub(super) fn encode_entry(entry: &Entry) -> Bytes {
    let header = EntryHeader {
        event: entry.event,
        webhook: entry.webhook.to_string(),
        received: entry.received,
        content_type: entry.content_type.clone(),
        unparsed: entry.unparsed,
        format: entry.payload.format,
        audience: entry.audience.clone(),
    };
    encode(&header, &entry.payload.data)
}

pub(super) fn decode_entry(offset: Offset, record: Bytes) -> Result<Entry, Error> {
    let (header, data) = decode::<EntryHeader>(record)?;
    let EntryHeader { event, webhook, received, content_type, unparsed, format, audience } = header;
    let payload = Payload { format, data };
    Ok(Entry { offset, event, webhook: webhook.into(), received, content_type, unparsed, payload, audience })
}

pub(super) fn encode_verdict(verdict: &VerdictHeader) -> Bytes {
    encode(verdict, &[])
}

pub(super) fn decode_verdict(record: Bytes) -> Result<VerdictHeader, Error> {
    decode(record).map(|(header, _)| header)
}

fn encode<H: Serialize>(header: &H, body: &[u8]) -> Bytes {
    let header = postcard::to_allocvec(header).expect("a header of plain data is serialisable");
    let length = u32::try_from(header.len()).expect("a header is bounded by the limits of a request");
    let mut record = BytesMut::with_capacity(PREFIX + header.len() + body.len());
    record.put_u8(VERSION);
    record.put_u32(length);
    record.put_slice(&header);
    record.put_slice(body);
    record.freeze()
}

fn decode<H: DeserializeOwned>(mut record: Bytes) -> Result<(H, Bytes), Error> {
    if record.len() < PREFIX {
        return Err(Error::Damaged("shorter than its prefix"));
    }
    if record[0] != VERSION {
        return Err(Error::Damaged("of a version this postern does not know"));
    }
    let length = u32::from_be_bytes([record[1], record[2], record[3], record[4]]) as usize;
    if record.len() < PREFIX + length {
        return Err(Error::Damaged("shorter than its header says"));
    }
    let header = postcard::from_bytes(&record[PREFIX..PREFIX + length]).map_err(|_| Error::Damaged("header"))?;
    Ok((header, record.split_off(PREFIX + length)))
}
