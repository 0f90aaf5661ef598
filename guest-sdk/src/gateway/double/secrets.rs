//! `signing`, with the secrets that a test gives.

use super::arranged;
use crate::signing::{Algorithm, NoSuchSecret};
use ring::hmac;

pub(crate) fn signing_verify(
    secret: &str,
    algorithm: Algorithm,
    data: &[u8],
    signature: &[u8],
) -> Result<bool, NoSuchSecret> {
    Ok(hmac::verify(&key(secret, algorithm)?, data, signature).is_ok())
}

pub(crate) fn signing_sign(secret: &str, algorithm: Algorithm, data: &[u8]) -> Result<Vec<u8>, NoSuchSecret> {
    Ok(hmac::sign(&key(secret, algorithm)?, data).as_ref().to_vec())
}

fn key(secret: &str, algorithm: Algorithm) -> Result<hmac::Key, NoSuchSecret> {
    let algorithm = match algorithm {
        Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::HmacSha256 => hmac::HMAC_SHA256,
        Algorithm::HmacSha512 => hmac::HMAC_SHA512,
    };
    let secret = arranged(|arranged| arranged.secrets.get(secret).cloned()).ok_or(NoSuchSecret)?;
    Ok(hmac::Key::new(algorithm, secret.as_bytes()))
}
