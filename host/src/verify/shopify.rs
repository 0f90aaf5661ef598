//! `X-Shopify-Hmac-Sha256`: an HMAC of the body, base64, and no time. The other headers of Shopify's are not signed.

use super::claim::Claim;
use super::head::{Head, base64, only};
use super::key::Key;
use super::refusal::SignatureRefusal;
use http::HeaderName;

pub const SIGNATURE: HeaderName = HeaderName::from_static("x-shopify-hmac-sha256");

pub fn claim<'k>(keys: &'k [Key], head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    let tag = base64(only(head.headers, &SIGNATURE)?, 32).ok_or(SignatureRefusal::Malformed(SIGNATURE))?;
    Ok(Claim::of_body(keys, tag))
}
