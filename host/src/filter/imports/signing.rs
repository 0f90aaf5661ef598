//! `signing`: HMAC (RFC 2104) with secrets that the operator gave the filter by name, and that it never sees.

use crate::filter::bindings::postern::filter::signing::{self, Algorithm, Fault};
use crate::filter::state::State;
use ring::hmac;

impl signing::Host for State {
    fn verify(
        &mut self,
        secret: String,
        algorithm: Algorithm,
        data: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, Fault>> {
        let Some(key) = self.key(&secret, algorithm) else { return Ok(Err(Fault::NoSuchSecret)) };
        Ok(Ok(hmac::verify(&key, &data, &signature).is_ok()))
    }

    fn sign(
        &mut self,
        secret: String,
        algorithm: Algorithm,
        data: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, Fault>> {
        let Some(key) = self.key(&secret, algorithm) else { return Ok(Err(Fault::NoSuchSecret)) };
        Ok(Ok(hmac::sign(&key, &data).as_ref().to_vec()))
    }
}

impl State {
    fn key(&self, secret: &str, algorithm: Algorithm) -> Option<hmac::Key> {
        let algorithm = match algorithm {
            Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::HmacSha256 => hmac::HMAC_SHA256,
            Algorithm::HmacSha512 => hmac::HMAC_SHA512,
        };
        let secret = self.settings.secrets.get(secret)?;
        Some(hmac::Key::new(algorithm, secret.reveal().as_bytes()))
    }
}
