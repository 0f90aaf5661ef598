//! Clients that bring a JSON Web Token (RFC 7519), signed by an issuer that the operator trusts.
//!
//! # Contract
//!
//! - A token is believed only if a key that is configured has signed these very bytes (RFC 7515), by the one algorithm that
//!   the **key** is for. What a token says of its algorithm is compared, and chooses nothing.
//! - `exp` must be there unless the operator said otherwise; `nbf`, `iss` and `aud` are held to what is configured. A claim
//!   of the wrong type, or one that stands twice, at whatever depth, is no claim: the token is refused. One that is for
//!   somebody is refused where no audience is configured.
//! - Keys come from a file or a URL, as a JWK Set (RFC 7517), and are taken up when they change. A set that cannot be read
//!   leaves the last one in use; with none ever read, nobody is let in.
//! - Neither a token nor a secret is ever printed.
//!
//! The signatures are ring's, as all of postern's. The libraries that read tokens bring a crypto of their own, or, built on
//! ring, take a claim of the wrong type for one that is not there.

mod claims;
mod json;
mod keys;
mod place;
mod source;
#[cfg(test)]
mod tests;
mod token;

pub use keys::KeyError;
pub use place::{Place, find};
pub use source::Source;

use crate::message::{Label, Timestamp};
use crate::outward;
use claims::Expected;
use source::Keys;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
    Hs256,
}

#[derive(Clone)]
pub struct Config {
    pub source: Source,
    /// `None`: whatever the keys are for.
    pub algorithms: Option<Vec<Algorithm>>,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    /// The claim that says who it is.
    pub subject: String,
    /// Labels, and the claim each is taken from: names with dots between.
    pub labels: Vec<(String, String)>,
    /// How far the issuer's clock may be from ours.
    pub leeway: Duration,
    pub require_expiry: bool,
}

/// Who a token says its bearer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub subject: Option<String>,
    pub labels: Vec<Label>,
    /// From when on the token is good no more, leeway included.
    pub expires: Option<Timestamp>,
}

/// Why a token is not believed. For its bearer, who may well be its developer; nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no token is brought")]
    Missing,
    #[error("it is not a JSON Web Token of three parts, or one that is too long")]
    Malformed,
    #[error("its algorithm is not one that is taken here, or not its key's")]
    Algorithm,
    #[error("it is signed by a key that is not known here")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("its claims are not as they must be")]
    Claims,
    #[error("it has expired")]
    Expired,
    #[error("it does not say when it expires")]
    Endless,
    #[error("it is not valid yet")]
    Early,
    #[error("it is by another issuer")]
    Issuer,
    #[error("it is for another audience than the one configured here, if any")]
    Audience,
    /// Not the bearer's fault.
    #[error("the keys to check it with cannot be had now")]
    NoKeys,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read the keys from `{path}`")]
    File { path: PathBuf, source: std::io::Error },
    #[error("`{origin}` is not a set of keys that can be used")]
    Keys {
        origin: String,
        #[source]
        why: KeyError,
    },
    #[error(transparent)]
    Outward(#[from] outward::Error),
}

pub struct Verifier {
    keys: Arc<Keys>,
    algorithms: Option<Vec<Algorithm>>,
    expected: Expected,
}

impl Verifier {
    /// Reads the keys, if they are in a file. Those at a URL are fetched by `refresh`, and when they are needed.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            keys: Arc::new(Keys::new(&config.source)?),
            algorithms: config.algorithms.clone(),
            expected: Expected::of(config),
        })
    }

    /// Fetches the keys, where they are at a URL. When that fails, that is logged, and they are fetched when they are needed.
    pub async fn refresh(&self) {
        self.keys.fetch().await;
    }

    /// Who the bearer of a token is.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, Refusal> {
        let parts = token::Parts::of(token)?;
        let allowed = |algorithm: Algorithm| self.algorithms.as_ref().is_none_or(|all| all.contains(&algorithm));
        if !allowed(parts.algorithm) {
            return Err(Refusal::Algorithm);
        }
        let set = self.keys.current(now).await.ok_or(Refusal::NoKeys)?;
        let verified = match parts.verify(&set) {
            // Its issuer may have begun to sign with a new one just now, which may have no name either.
            Err(refusal) if !parts.names_one_of(&set) => match self.keys.newer(&set).await {
                Some(newer) => parts.verify(&newer),
                None => Err(refusal),
            },
            verified => verified,
        };
        verified?;
        claims::identity(&parts.payload, &self.expected, now)
    }
}
