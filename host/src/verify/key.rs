//! What a signature is checked with.

use super::refusal::Unusable;
use crate::secret::Secret;
use ring::hmac;
use ring::signature::{ED25519, UnparsedPublicKey};
use std::fmt;
use subtle::ConstantTimeEq;

/// Prepared once, so that a request does not pay for it.
#[derive(Clone)]
pub enum Key {
    /// Known to both sides.
    Shared(hmac::Key),
    /// The sender's, Ed25519.
    Public([u8; 32]),
}

/// A signature as it was claimed, decoded, and the kind of key that is to have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    Shared(Vec<u8>),
    Public(Vec<u8>),
}

impl Key {
    /// The text of the secret as it is.
    pub fn shared(algorithm: hmac::Algorithm, secret: &Secret) -> Result<Self, Unusable> {
        if secret.is_empty() {
            return Err(Unusable::Empty);
        }
        Ok(Self::Shared(hmac::Key::new(algorithm, secret.reveal().as_bytes())))
    }

    /// A context in which these bytes come first. `None`: its signatures are checked by all that is signed at once.
    pub fn begin(&self, before: &[u8]) -> Option<hmac::Context> {
        let Self::Shared(key) = self else { return None };
        let mut context = hmac::Context::with_key(key);
        context.update(before);
        Some(context)
    }

    /// Whether it made one of these for the bytes of all pieces, one behind the other. All tags are compared, also after one
    /// was right.
    pub fn made_any(&self, tags: &[Tag], pieces: &[&[u8]]) -> bool {
        match self {
            Self::Shared(key) => {
                let mut context = hmac::Context::with_key(key);
                pieces.iter().for_each(|piece| context.update(piece));
                made_any(context, b"", tags)
            }
            Self::Public(key) => {
                let key = UnparsedPublicKey::new(&ED25519, key);
                let bytes = pieces.concat();
                // All of it is known to everybody, the key included.
                tags.iter().any(|tag| matches!(tag, Tag::Public(tag) if key.verify(&bytes, tag).is_ok()))
            }
        }
    }
}

/// Whether one of these is of what a context was told, and of these bytes. All tags are compared, also after one was right.
pub fn made_any(mut context: hmac::Context, after: &[u8], tags: &[Tag]) -> bool {
    context.update(after);
    let made = context.sign();
    // How long a tag is is known to everybody, so that nothing need be hashed to hide it.
    let is_made = |tag: &Tag| matches!(tag, Tag::Shared(bytes) if bool::from(bytes.ct_eq(made.as_ref())));
    tags.iter().fold(false, |found, tag| found | is_made(tag))
}

/// A key for each of several secrets.
pub fn shared(algorithm: hmac::Algorithm, secrets: &[Secret]) -> Result<Vec<Key>, Unusable> {
    secrets.iter().map(|secret| Key::shared(algorithm, secret)).collect()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_secret_is_refused_and_a_key_is_never_printed() {
        assert_eq!(Key::shared(hmac::HMAC_SHA256, &Secret::new("")).err(), Some(Unusable::Empty));
        let key = Key::shared(hmac::HMAC_SHA256, &Secret::new("hunter2")).unwrap();
        assert!(!format!("{key:?}").contains("hunter2"));
    }

    #[test]
    fn a_tag_is_of_all_pieces_in_their_order_and_of_one_kind_of_key() {
        let key = Key::shared(hmac::HMAC_SHA256, &Secret::new("k")).unwrap();
        let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"k"), b"abc").as_ref().to_vec();
        let tags = [Tag::Shared(vec![0; 32]), Tag::Shared(made.clone())];
        assert!(key.made_any(&tags, &[b"a", b"bc"]) && key.made_any(&tags, &[b"abc", b""]));
        assert!(!key.made_any(&tags, &[b"bc", b"a"]) && !key.made_any(&[], &[b"abc"]));
        assert!(!key.made_any(&[Tag::Public(made.clone())], &[b"abc"]));
        assert!(!key.made_any(&[Tag::Shared(made[..31].to_vec())], &[b"abc"]));
    }
}
