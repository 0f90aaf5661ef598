//! Signatures of those who have no name here, as the configuration describes them.

use super::claim::Claim;
use super::head::{Head, any_hex, base64, only, only_text, recent, seconds};
use super::key::{Key, Tag};
use super::refusal::SignatureRefusal;
use crate::provider::{Algorithm, Encoding, Recipe};
use ring::hmac;
use std::time::Duration;

pub fn algorithm(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    }
}

pub fn claim<'k>(
    keys: &'k [Key],
    recipe: &Recipe,
    tolerance: Duration,
    head: Head<'_>,
) -> Result<Claim<'k>, SignatureRefusal> {
    let length = algorithm(recipe.algorithm).digest_algorithm().output_len();
    let tag = only(head.headers, &recipe.header)?.strip_prefix(recipe.prefix.as_bytes()).and_then(|text| match recipe
        .encoding
    {
        Encoding::Hex => any_hex(text, length),
        Encoding::Base64 => base64(text, length),
    });
    let tag = tag.ok_or_else(|| SignatureRefusal::Malformed(recipe.header.clone()))?;
    let mut time = "";
    if let Some(name) = &recipe.timestamp {
        time = only_text(head.headers, name)?;
        let seconds = seconds(time.as_bytes()).ok_or_else(|| SignatureRefusal::Malformed(name.clone()))?;
        recent(seconds, head.now, tolerance)?;
    }
    let (before, after) = recipe.template.around(time);
    Ok(Claim::of_parts(keys, vec![Tag::Shared(tag)], before, after))
}
