//! What an operator sends to clients. It goes through the inbox like anything else: when it is answered it is on disk, and
//! those who are away get it when they come back.

use super::chosen::Chosen;
use super::present::meant;
use super::{Admin, json};
use crate::http::{Arrived, Reply, Unread};
use crate::journal::Refused;
use crate::message::{Changes, Delivery, Fingerprint, Format, Payload};
use crate::phase::Phase;
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use std::time::Duration;

const BODY_TIME: Duration = Duration::from_secs(30);

/// Of an idempotency key, and of a kind.
const KEY: usize = 256;
const KIND: usize = 64;

#[derive(Serialize)]
struct Sent {
    /// The event's.
    id: String,
    /// How many clients that are connected now it is for.
    clients: usize,
    /// The same was sent before, under the same key, and is not sent again.
    duplicate: bool,
}

pub async fn answer(admin: &Admin, query: &str, request: Arrived) -> Reply {
    let Arrived { head, body, .. } = request;
    if admin.phases.now() == Phase::Draining {
        body.forget().await;
        return Reply::later("draining\n");
    }
    let chosen = match Chosen::parse(query, &admin.streams, &["kind"]) {
        Ok(chosen) => chosen,
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    };
    let kind = chosen.said("kind").unwrap_or("send");
    if kind.is_empty() || kind.len() > KIND || kind.contains(char::is_control) {
        return Reply::text(
            StatusCode::BAD_REQUEST,
            format!("`kind` has 1 to {KIND} bytes, and no control characters\n"),
        );
    }
    let data = match body.read(&head.headers, admin.body, BODY_TIME).await {
        Ok(data) => data,
        Err(Unread::TooLarge) => return Reply::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"),
        Err(Unread::TooSlow) => return Reply::text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
        Err(Unread::Broken) => return Reply::text(StatusCode::BAD_REQUEST, "the body broke off\n"),
    };
    let payload = match payload(&head.headers, data) {
        Ok(payload) => payload,
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    };
    let clients = meant(admin, &chosen).len();
    let mut delivery = Delivery::sent(kind, vec![(payload, chosen.audience())], Changes::default());
    delivery.content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match key(&head.headers) {
        Ok(Some(key)) => delivery.items.iter_mut().for_each(|item| item.fingerprint = key),
        Ok(None) => {}
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    }
    match admin.journal.append(&admin.lane, delivery).await {
        Ok(appended) => json(&Sent { id: appended.first.to_string(), clients, duplicate: appended.new == 0 }),
        Err(Refused::Busy) => Reply::later("too much is being stored at once\n"),
        Err(Refused::Storage) => Reply::later("not stored\n"),
    }
}

/// Text where the content type says text or JSON, binary where it says anything else.
fn payload(headers: &HeaderMap, data: Bytes) -> Result<Payload, String> {
    let said = headers.get(CONTENT_TYPE).map_or(Ok("text/plain"), |value| value.to_str());
    let said = said.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = said.starts_with("text/") || said == "application/json" || said.ends_with("+json");
    // What curl says of `--data` unless it is told otherwise; nobody means it.
    let is_text = is_text || said == "application/x-www-form-urlencoded";
    if !is_text {
        return Ok(Payload { format: Format::Binary, data });
    }
    match std::str::from_utf8(&data) {
        Ok(_) => Ok(Payload { format: Format::Text, data }),
        Err(_) => {
            Err("the body is not UTF-8, as its content type says: send it as application/octet-stream\n".to_owned())
        }
    }
}

/// By what it is known when it is sent again: the header of draft-ietf-httpapi-idempotency-key-header.
fn key(headers: &HeaderMap) -> Result<Option<Fingerprint>, String> {
    let Some(said) = headers.get("idempotency-key") else { return Ok(None) };
    if said.is_empty() || said.len() > KEY {
        return Err(format!("an Idempotency-Key has 1 to {KEY} bytes\n"));
    }
    let mut fingerprint = [0; 16];
    let hash = digest(&SHA256, &[b"idempotency-key\0", said.as_bytes()].concat());
    fingerprint.copy_from_slice(&hash.as_ref()[..16]);
    Ok(Some(Fingerprint(fingerprint)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    fn of(content_type: Option<&'static str>, data: &'static [u8]) -> Result<Format, String> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        payload(&headers, Bytes::from_static(data)).map(|payload| payload.format)
    }

    #[test]
    fn the_content_type_says_whether_it_is_text() {
        for text in [None, Some("text/plain; charset=utf-8"), Some("application/json"), Some("application/ld+json")] {
            assert_eq!(of(text, b"{}"), Ok(Format::Text), "{text:?}");
            assert!(of(text, b"\xff").is_err(), "{text:?}");
        }
        for binary in ["application/octet-stream", "image/png", ""] {
            assert_eq!(of(Some(binary), b"\xff"), Ok(Format::Binary), "{binary}");
        }
    }

    #[test]
    fn the_same_key_is_the_same_and_no_key_is_none() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", HeaderValue::from_static(value));
            key(&headers)
        };
        assert_eq!(key(&HeaderMap::new()), Ok(None));
        assert_eq!(with("a"), with("a"));
        assert_ne!(with("a"), with("b"));
        assert!(with("").is_err());
    }
}
