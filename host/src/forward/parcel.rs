//! What is posted: one entry of the outbox, or what the target's filter made of it. It stays the same from the first attempt
//! to the last, dead letters included.

use super::signature::{Key, signature};
use crate::message::{Cursor, Entry, Format, Payload, Timestamp};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::de::IgnoredAny;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Where a client stands that has it: names it among all that one target gets.
    pub cursor: Cursor,
    /// What stands in `webhook-id`.
    pub id: String,
    pub webhook: Arc<str>,
    pub kind: Arc<str>,
    pub received: Timestamp,
    pub content_type: String,
    pub body: Bytes,
}

impl Parcel {
    pub fn new(entry: &Entry, id: &str, payload: Payload) -> Self {
        Self {
            cursor: entry.cursor(),
            id: id.to_owned(),
            webhook: entry.webhook.clone(),
            kind: entry.kind.clone(),
            received: entry.received,
            content_type: content_type(entry.content_type.as_deref(), &payload),
            body: payload.data,
        }
    }

    /// Signed for this moment: a receiver refuses what was signed long ago.
    pub fn headers(&self, keys: &[Key], now: Timestamp) -> HeaderMap {
        let seconds = now.0 / 1000;
        let (timestamp, cursor) = (seconds.to_string(), self.cursor.to_string());
        let signed = signature(keys, &self.id, seconds, &self.body);
        let agent = HeaderValue::from_static(concat!("postern/", env!("CARGO_PKG_VERSION")));
        let mut headers = HeaderMap::from_iter([(USER_AGENT, agent)]);
        for (name, value) in [
            ("webhook-id", self.id.as_str()),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &signed),
            ("postern-webhook", &self.webhook),
            ("postern-kind", &self.kind),
            ("postern-cursor", &cursor),
            (CONTENT_TYPE.as_str(), &self.content_type),
        ] {
            // What cannot stand in a header, such as a line break in a kind, is left out.
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }
}

/// What it came as; else what it looks like.
fn content_type(said: Option<&str>, payload: &Payload) -> String {
    let is_json = || serde_json::from_slice::<IgnoredAny>(&payload.data).is_ok();
    let found = match (said, payload.format) {
        (Some(said), _) if HeaderValue::from_str(said).is_ok() => said,
        (_, Format::Text) if is_json() => "application/json",
        (_, Format::Text) => "text/plain; charset=utf-8",
        (_, Format::Binary) => "application/octet-stream",
    };
    found.to_owned()
}
