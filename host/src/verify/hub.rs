//! `X-Hub-Signature-256: sha256=…`, as WebSub has it and Meta and GitHub write it: an HMAC of the body, and no time.

use super::claim::Claim;
use super::head::{Head, any_hex, only};
use super::key::Key;
use super::refusal::SignatureRefusal;
use http::HeaderName;

pub const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
pub const LEGACY_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature");

pub fn claim<'k>(keys: &'k [Key], head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    let value = match only(head.headers, &SIGNATURE) {
        Err(SignatureRefusal::Missing(_)) if head.headers.contains_key(LEGACY_SIGNATURE) => {
            return Err(SignatureRefusal::LegacyOnly);
        }
        value => value?,
    };
    let tag = value.strip_prefix(b"sha256=").and_then(|digits| any_hex(digits, 32));
    Ok(Claim::of_body(keys, tag.ok_or(SignatureRefusal::Malformed(SIGNATURE))?))
}
