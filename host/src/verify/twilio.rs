//! `X-Twilio-Signature`: an HMAC-SHA1, base64, of the address that Twilio called and what the form it sent says: names
//! with their values, sorted, nothing between. Of a body that is no form, of the address alone, in which `bodySHA256` has
//! the body's hash. No time.
//!
//! The address is as Twilio has it, so it must be told: what a proxy hands on, and whatever `Host` says, may be another.

use super::claim::{Claim, Covers};
use super::head::{Head, any_hex, base64, only};
use super::key::{Key, Tag};
use super::refusal::SignatureRefusal;
use http::{HeaderName, Uri};
use percent_encoding::percent_decode;
use std::collections::BTreeSet;

pub const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

const BODY_HASH: &str = "bodySHA256";

/// An address without its query, in the two ways it may have been signed: Twilio has been seen to sign with and without the
/// port, whatever was asked for, and its own libraries accept both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address([String; 2]);

impl Address {
    /// `url` has no query.
    pub fn new(url: &str) -> Self {
        Self([url.to_owned(), other_port(url).unwrap_or_else(|| url.to_owned())])
    }

    fn with(&self, query: Option<&str>) -> Vec<String> {
        let [one, other] = &self.0;
        let ways = if one == other { &self.0[..1] } else { &self.0[..] };
        ways.iter().map(|url| query.map_or_else(|| url.clone(), |query| format!("{url}?{query}"))).collect()
    }
}

/// The same address with its port, if it has none, or without.
fn other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let uri: Uri = url.parse().ok()?;
    let port = match uri.port_u16() {
        Some(port) => return Some(format!("{scheme}://{}{path}", authority.strip_suffix(&format!(":{port}"))?)),
        None if scheme == "https" => 443,
        None => 80,
    };
    Some(format!("{scheme}://{authority}:{port}{path}"))
}

pub fn claim<'k>(keys: &'k [Key], address: &Address, head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    let malformed = || SignatureRefusal::Malformed(SIGNATURE);
    let tag = base64(only(head.headers, &SIGNATURE)?, 20).ok_or_else(malformed)?;
    let addresses = address.with(head.query);
    let covers = match body_hash(head.query).map_err(|NotOne| malformed())? {
        Some(sha256) => Covers::Digest { addresses, sha256 },
        None => Covers::Form(addresses),
    };
    Ok(Claim { keys, tags: vec![Tag::Shared(tag)], covers, name: None })
}

struct NotOne;

/// The hash of the body that an address has in it. The query is signed, so whether it has one cannot be changed on the way.
fn body_hash(query: Option<&str>) -> Result<Option<Vec<u8>>, NotOne> {
    let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut hashes = query.filter(|(name, _)| name == BODY_HASH);
    match (hashes.next(), hashes.next()) {
        (None, _) => Ok(None),
        (Some((_, digits)), None) => any_hex(digits.as_bytes(), 32).map(Some).ok_or(NotOne),
        (Some(_), Some(_)) => Err(NotOne),
    }
}

/// What is signed of a form: of names and values, each pair once, in their order. Bytes are decoded to bytes: that they
/// are no text must not make two forms one.
pub fn signed_form(body: &[u8]) -> Vec<u8> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).collect::<Vec<u8>>()
    };
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decode(&pair[..end]), decode(pair.get(end + 1..).unwrap_or_default()))
    });
    let sorted: BTreeSet<(Vec<u8>, Vec<u8>)> = pairs.collect();
    sorted.into_iter().flat_map(|(name, value)| [name, value]).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_signed_with_its_port_and_without() {
        let ways = |url| Address::new(url).with(Some("a=1"));
        assert_eq!(ways("https://a.example/x"), ["https://a.example/x?a=1", "https://a.example:443/x?a=1"]);
        assert_eq!(ways("http://a.example"), ["http://a.example?a=1", "http://a.example:80?a=1"]);
        assert_eq!(ways("https://a.example:8443/x"), ["https://a.example:8443/x?a=1", "https://a.example/x?a=1"]);
        assert_eq!(ways("https://[::1]/x:1"), ["https://[::1]/x:1?a=1", "https://[::1]:443/x:1?a=1"]);
    }

    #[test]
    fn a_form_is_signed_as_what_it_says_sorted() {
        let signed = |body: &str| String::from_utf8(signed_form(body.as_bytes())).unwrap();
        assert_eq!(signed("To=%2B1&From=a+b&Body="), "BodyFroma bTo+1");
        assert_eq!(signed("a=2&a=1&a=2&&b"), "a1a2b");
        assert_eq!(signed("%61=%zz%3d"), "a%zz=");
        assert_eq!(signed(""), "");
        assert_ne!(signed_form(b"a=%ff"), signed_form(b"a=%fe"));
    }
}
