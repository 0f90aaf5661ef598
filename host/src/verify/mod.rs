//! Whether a request comes from whom it says it comes from. Every function here is pure: it is given bytes and keys and
//! answers yes or why not. It stores nothing, logs nothing, and never parses a body: a body nobody signed is not read.
//!
//! What it promises:
//! - the signature is over the bytes received, never over something decoded and written again;
//! - no key, an empty key or an empty token means refuse, never skip;
//! - the time a comparison takes tells nothing of the secret, nor which of several secrets was right.

pub mod meta;

use crate::secret::Secret;
use ring::hmac;
use std::fmt;

/// A secret prepared once for HMAC-SHA256, so that a request does not pay for it.
#[derive(Clone)]
pub struct HmacKey(hmac::Key);

/// An empty secret: everybody knows it, so what it signs proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing secret is empty\nhint: anyone can sign with an empty secret; give the one the provider shows")]
pub struct EmptySecret;

impl HmacKey {
    pub fn new(secret: &Secret) -> Result<Self, EmptySecret> {
        if secret.is_empty() {
            return Err(EmptySecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes())))
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(…)")
    }
}

/// Whether one of the keys made this tag over these bytes. All of them are tried, also after one was right: a shorter
/// time would tell which it was.
fn signed_by_any(keys: &[HmacKey], bytes: &[u8], tag: &[u8; 32]) -> bool {
    keys.iter().fold(false, |found, key| found | hmac::verify(&key.0, bytes, tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_is_refused_and_a_key_is_never_printed() {
        assert_eq!(HmacKey::new(&Secret::new("")).err(), Some(EmptySecret));
        let key = HmacKey::new(&Secret::new("hunter2")).unwrap();
        assert!(!format!("{key:?}").contains("hunter2"));
    }

    #[test]
    fn each_of_several_keys_counts_and_no_key_refuses_everything() {
        let keys: Vec<_> = ["old", "new"].map(|text| HmacKey::new(&Secret::new(text)).unwrap()).into();
        for key in &keys {
            let tag = hmac::sign(&key.0, b"body").as_ref().try_into().unwrap();
            assert!(signed_by_any(&keys, b"body", &tag));
            assert!(!signed_by_any(&keys, b"Body", &tag));
            assert!(!signed_by_any(&[], b"body", &tag));
        }
    }
}
