//! Signatures made and checked with secrets that the operator gave the filter by name (`secrets` of `[filters.NAME]`), and
//! that it never sees.

use crate::{Result, gateway};
use std::fmt;

/// HMAC (RFC 2104) over one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    HmacSha1,
    HmacSha256,
    HmacSha512,
}

/// The operator gave this filter no secret of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchSecret;

impl fmt::Display for NoSuchSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operator gave this filter no secret of that name")
    }
}

impl std::error::Error for NoSuchSecret {}

/// Whether `signature`, as raw bytes, is right. Compared in constant time.
pub fn verify(secret: &str, algorithm: Algorithm, data: &[u8], signature: &[u8]) -> Result<bool, NoSuchSecret> {
    gateway::signing_verify(secret, algorithm, data, signature)
}

pub fn sign(secret: &str, algorithm: Algorithm, data: &[u8]) -> Result<Vec<u8>, NoSuchSecret> {
    gateway::signing_sign(secret, algorithm, data)
}
