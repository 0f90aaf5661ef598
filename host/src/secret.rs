//! A string that cannot be printed: no `Display`, a redacted `Debug`, and a comparison whose time does not tell where
//! two differ.

use ring::{digest, hmac, rand};
use std::fmt;
use std::sync::LazyLock;

#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. For the cryptography that needs it, never for a message.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `given` is this secret. Neither length nor common prefix shows.
    pub fn matches(&self, given: &str) -> bool {
        alike(self.0.as_bytes(), given.as_bytes())
    }
}

/// Whether two are the same, in a time that tells of neither more than its length: both are hashed under a key of this
/// process first (`hmac::verify` then compares in constant time).
pub fn alike(left: &[u8], right: &[u8]) -> bool {
    static KEY: LazyLock<hmac::Key> = LazyLock::new(|| {
        let random = rand::SystemRandom::new();
        hmac::Key::generate(hmac::HMAC_SHA256, &random).expect("the system gives random bytes")
    });
    let tag = hmac::sign(&KEY, digest::digest(&digest::SHA256, left).as_ref());
    hmac::verify(&KEY, digest::digest(&digest::SHA256, right).as_ref(), tag.as_ref()).is_ok()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed_and_matches_only_itself() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {:?}", Some(&secret)).contains("hunter2"));
        assert!(secret.matches("hunter2"));
        for wrong in ["hunter", "hunter22", "Hunter2", "", "hunter2 "] {
            assert!(!secret.matches(wrong), "{wrong:?}");
        }
    }
}
