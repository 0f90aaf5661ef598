//! Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, a list with spaces between. Each is
//! `v1,` and an HMAC, or `v1a,` and an Ed25519 signature, of the id, the time and the body, dots between. Svix, where it
//! comes from, writes `svix-` for `webhook-`.

use super::claim::{Claim, Covers, MOST_TAGS};
use super::head::{Head, base64, only, only_text, recent, seconds};
use super::key::{Key, Tag};
use super::refusal::{SignatureRefusal, Unusable};
use crate::secret::Secret;
use data_encoding::BASE64;
use http::HeaderName;
use ring::hmac;
use std::time::Duration;

/// Id, timestamp, signature.
type Names = [HeaderName; 3];

const NAMES: Names = [
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("webhook-signature"),
];
const SVIX: Names = [
    HeaderName::from_static("svix-id"),
    HeaderName::from_static("svix-timestamp"),
    HeaderName::from_static("svix-signature"),
];

const LONGEST_ID: usize = 256;

/// The specification says 24 to 64 bytes; some senders give a little less or more.
const SHORTEST_KEY: usize = 16;
const LONGEST_KEY: usize = 128;

pub fn key(secret: &Secret) -> Result<Key, Unusable> {
    let text = secret.reveal();
    if text.starts_with("whsk_") {
        return Err(Unusable::Private);
    }
    let decode = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| Unusable::NotStandard);
    if let Some(text) = text.strip_prefix("whpk_") {
        return decode(text)?.try_into().map(Key::Public).map_err(|_| Unusable::NotStandard);
    }
    let bytes = decode(text.strip_prefix("whsec_").ok_or(Unusable::NotStandard)?)?;
    if !(SHORTEST_KEY..=LONGEST_KEY).contains(&bytes.len()) {
        return Err(Unusable::NotStandard);
    }
    Ok(Key::Shared(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
}

pub fn claim<'k>(keys: &'k [Key], tolerance: Duration, head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    // Who sends nothing of either is told of the standard's names.
    let is_svix = head.headers.contains_key(&SVIX[2]) && !head.headers.contains_key(&NAMES[2]);
    let names = if is_svix { SVIX } else { NAMES };
    let [id_name, time_name, signature_name] = names;
    let malformed = SignatureRefusal::Malformed;
    let tags = tags(only(head.headers, &signature_name)?).ok_or(malformed(signature_name))?;
    let id = only_text(head.headers, &id_name)?;
    // With a dot in it, the same bytes could be read as another id, another time and another body.
    if id.is_empty() || id.len() > LONGEST_ID || id.contains('.') {
        return Err(malformed(id_name));
    }
    let time = only_text(head.headers, &time_name)?;
    recent(seconds(time.as_bytes()).ok_or(malformed(time_name))?, head.now, tolerance)?;
    let before = format!("{id}.{time}.").into_bytes();
    Ok(Claim { keys, tags, covers: Covers::Body { before, after: Vec::new() }, name: Some(id.into()) })
}

/// Versions that are not known are passed; that leaves none: malformed.
fn tags(value: &[u8]) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    for signature in value.split(|byte| *byte == b' ').filter(|signature| !signature.is_empty()) {
        let comma = signature.iter().position(|byte| *byte == b',')?;
        match (&signature[..comma], &signature[comma + 1..]) {
            (b"v1" | b"v1a", _) if tags.len() == MOST_TAGS => return None,
            (b"v1", text) => tags.push(Tag::Shared(base64(text, 32)?)),
            (b"v1a", text) => tags.push(Tag::Public(base64(text, 64)?)),
            _ => {}
        }
    }
    (!tags.is_empty()).then_some(tags)
}
