//! What a certificate authority is answered when it looks whether a domain is ours (ACME, RFC 8555): put here by whoever
//! orders a certificate, looked up by TLS (`tls-alpn-01`) and by the listener for plain HTTP (`http-01`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The protocol that an authority asks TLS for, and nobody else (RFC 8737).
pub const PROTOCOL: &[u8] = b"acme-tls/1";

/// Where an authority asks plain HTTP, with a token behind it.
pub const PATH: &str = "/.well-known/acme-challenge/";

/// SHA-256 of a key authorization.
pub type Digest = [u8; 32];

/// Clones are the same. There are no more than domains in a certificate.
#[derive(Clone, Default)]
pub struct Challenges(Arc<Mutex<Expected>>);

#[derive(Default)]
struct Expected {
    /// By domain.
    digests: HashMap<String, Digest>,
    /// By token.
    authorizations: HashMap<String, String>,
}

/// One that is answered until this is dropped.
#[must_use = "it is answered only as long as this lives"]
pub struct Answered {
    challenges: Challenges,
    key: Key,
}

enum Key {
    Domain(String, Digest),
    Token(String),
}

impl Challenges {
    /// Answers by TLS that this domain is ours.
    pub fn by_tls(&self, domain: &str, digest: Digest) -> Answered {
        self.lock().digests.insert(domain.to_owned(), digest);
        Answered { challenges: self.clone(), key: Key::Domain(domain.to_owned(), digest) }
    }

    /// Answers by HTTP, where this token is asked for.
    pub fn by_http(&self, token: &str, authorization: &str) -> Answered {
        self.lock().authorizations.insert(token.to_owned(), authorization.to_owned());
        Answered { challenges: self.clone(), key: Key::Token(token.to_owned()) }
    }

    pub fn digest(&self, domain: &str) -> Option<Digest> {
        self.lock().digests.get(domain).copied()
    }

    pub fn authorization(&self, token: &str) -> Option<String> {
        self.lock().authorizations.get(token).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Expected> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        let mut expected = self.challenges.lock();
        match &self.key {
            // Whoever orders anew has put another in its place.
            Key::Domain(domain, digest) if expected.digests.get(domain) == Some(digest) => {
                expected.digests.remove(domain);
            }
            Key::Domain(..) => {}
            Key::Token(token) => drop(expected.authorizations.remove(token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_answered_while_it_is_expected_and_a_newer_one_outlives_an_older() {
        let challenges = Challenges::default();
        let older = challenges.by_tls("a.example", [1; 32]);
        let newer = challenges.by_tls("a.example", [2; 32]);
        drop(older);
        assert_eq!((challenges.digest("a.example"), challenges.digest("b.example")), (Some([2; 32]), None));
        drop(newer);
        assert_eq!(challenges.digest("a.example"), None);
        let answered = challenges.by_http("token", "token.thumb");
        assert_eq!(challenges.authorization("token").as_deref(), Some("token.thumb"));
        drop(answered);
        assert_eq!(challenges.authorization("token"), None);
    }
}
