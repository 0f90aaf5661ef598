//! Keys as a JWK Set holds them (RFC 7517; RFC 7518, section 6; RFC 8037, section 2), each for one algorithm.

use super::Algorithm;
use crate::secret::Secret;
use data_encoding::BASE64URL_NOPAD;
use ring::{hmac, signature};
use serde::Deserialize;

/// More than any issuer has: each is tried on a token that names none.
const MOST: usize = 64;

/// Of a secret, in bytes.
const SHORTEST: usize = 32;

pub struct Set {
    pub keys: Vec<Key>,
}

pub struct Key {
    pub id: Option<String>,
    material: Material,
}

enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    Shared(hmac::Key),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "it is not a JWK Set: {0}\nhint: it looks like {{\"keys\":[{{\"kty\":\"RSA\",\"kid\":…,\"n\":…,\"e\":…}}]}}"
    )]
    Shape(String),
    #[error("none of its {0} keys is for RS256, ES256 or EdDSA\nhint: use RSA of 2048 bits or more, P-256, or Ed25519")]
    None(usize),
    #[error("it has more than the {MOST} keys that are taken")]
    Many,
    #[error("a secret for HS256 has {SHORTEST} bytes or more\nhint: `openssl rand -hex 32` makes one")]
    Short,
    #[error("it could not be had: {0}")]
    Answer(String),
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Set {
    /// Those of a JWK Set that are of use here. Others, as its issuer may have for other purposes, are passed over. A
    /// secret has no business in such a set, and is passed over too.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let jwks: Jwks = serde_json::from_slice(text).map_err(|error| KeyError::Shape(error.to_string()))?;
        if jwks.keys.len() > MOST {
            return Err(KeyError::Many);
        }
        let count = jwks.keys.len();
        let keys: Vec<Key> = jwks.keys.into_iter().filter_map(key).collect();
        if keys.is_empty() { Err(KeyError::None(count)) } else { Ok(Self { keys }) }
    }

    /// The one secret that both sides have; as long as RFC 7518, section 3.2, wants it: from one token, a shorter one can
    /// be found by trying.
    pub fn shared(secret: &Secret) -> Result<Self, KeyError> {
        if secret.reveal().len() < SHORTEST {
            return Err(KeyError::Short);
        }
        let material = Material::Shared(hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes()));
        Ok(Self { keys: vec![Key { id: None, material }] })
    }
}

fn key(value: serde_json::Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if jwk.r#use.is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let bytes = |part: Option<String>| BASE64URL_NOPAD.decode(part?.as_bytes()).ok();
    let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let (n, e) = (bytes(jwk.n)?, bytes(jwk.e)?);
            // ring wants no zeros before a number, and refuses fewer than 2048 bits when it is used: rather now.
            let n = n.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
            (n.len() >= 256).then_some(Material::Rsa { n, e })?
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(jwk.x)?, bytes(jwk.y)?);
            (x.len() == 32 && y.len() == 32).then(|| Material::P256([&[4], &x[..], &y[..]].concat()))?
        }
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(jwk.x).filter(|x| x.len() == 32)?),
        _ => return None,
    };
    let key = Key { id: jwk.kid, material };
    let said = jwk.alg.map(|alg| Algorithm::named(&alg));
    // One that is for another algorithm of the same family is for that alone.
    said.is_none_or(|said| said == Some(key.algorithm())).then_some(key)
}

impl Key {
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
            Material::Shared(_) => Algorithm::Hs256,
        }
    }

    pub fn has_signed(&self, message: &[u8], by: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => {
                let key = signature::RsaPublicKeyComponents { n, e };
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, by).is_ok()
            }
            Material::P256(point) => {
                let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
                key.verify(message, by).is_ok()
            }
            Material::Ed25519(point) => {
                signature::UnparsedPublicKey::new(&signature::ED25519, point).verify(message, by).is_ok()
            }
            Material::Shared(key) => hmac::verify(key, message, by).is_ok(),
        }
    }
}
