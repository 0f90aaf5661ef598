//! `Stripe-Signature: t=…,v1=…`: an HMAC of the time, a dot and the body. Several `v1` while a secret is rotated; what
//! other versions there are (`v0` is of test events) proves nothing.

use super::claim::{Claim, MOST_TAGS};
use super::head::{Head, hex, only, recent, seconds};
use super::key::{Key, Tag};
use super::refusal::SignatureRefusal;
use http::HeaderName;
use std::time::Duration;

pub const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

pub fn claim<'k>(keys: &'k [Key], tolerance: Duration, head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    let (time, tags) = parse(only(head.headers, &SIGNATURE)?).ok_or(SignatureRefusal::Malformed(SIGNATURE))?;
    recent(seconds(time).ok_or(SignatureRefusal::Malformed(SIGNATURE))?, head.now, tolerance)?;
    Ok(Claim::of_parts(keys, tags, [time, b"."].concat(), Vec::new()))
}

/// The time as it is written, and the signatures.
fn parse(value: &[u8]) -> Option<(&[u8], Vec<Tag>)> {
    let (mut time, mut tags) = (None, Vec::new());
    for part in value.split(|byte| *byte == b',') {
        let equals = part.iter().position(|byte| *byte == b'=')?;
        match (&part[..equals], &part[equals + 1..]) {
            (b"t", digits) if time.is_none() => time = Some(digits),
            (b"t", _) => return None,
            (b"v1", digits) if tags.len() < MOST_TAGS => tags.push(Tag::Shared(hex(digits, 32)?)),
            (b"v1", _) => return None,
            _ => {}
        }
    }
    time.filter(|_| !tags.is_empty()).map(|time| (time, tags))
}
