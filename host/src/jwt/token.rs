//! The compact form of a signed token (RFC 7515, section 7.1): taken apart, and its signature checked.

use super::keys::{Key, Set};
use super::{Algorithm, Refusal, json};
use data_encoding::BASE64URL_NOPAD;

/// Longer ones do not fit into a request's head anyway.
const LONGEST: usize = 16 << 10;

pub struct Parts<'a> {
    pub algorithm: Algorithm,
    key_id: Option<String>,
    /// What is signed.
    signed: &'a [u8],
    signature: Vec<u8>,
    pub payload: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub fn of(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Refusal::Malformed);
        let header = json::parse(&decoded(header)?).ok_or(Refusal::Malformed)?;
        let text = |name| header.get(name).map(|value| value.as_str().ok_or(Refusal::Malformed)).transpose();
        // `crit` has names that must be understood, and none of them is.
        if header.get("crit").is_some() {
            return Err(Refusal::Malformed);
        }
        let algorithm = Algorithm::named(text("alg")?.ok_or(Refusal::Malformed)?).ok_or(Refusal::Algorithm)?;
        let key_id = text("kid")?.map(str::to_owned);
        let (signature, payload) = (decoded(signature)?, decoded(payload)?);
        Ok(Self { algorithm, key_id, signed: signed.as_bytes(), signature, payload })
    }

    /// Whether it names a key, and that is there.
    pub fn names_one_of(&self, set: &Set) -> bool {
        self.key_id.is_some() && set.keys.iter().any(|key| key.id == self.key_id)
    }

    /// Whether one of the keys that it may mean has signed it. One that names a key means that and no other.
    pub fn verify(&self, set: &Set) -> Result<(), Refusal> {
        // Keys that have no name are meant when none has the name.
        let named = self.names_one_of(set);
        let meant = |key: &&Key| match &self.key_id {
            None => true,
            Some(_) if named => key.id == self.key_id,
            Some(_) => key.id.is_none(),
        };
        let mut keys = set.keys.iter().filter(meant).peekable();
        if keys.peek().is_none() {
            return Err(Refusal::UnknownKey);
        }
        let mut fit = keys.filter(|key| key.algorithm() == self.algorithm).peekable();
        if fit.peek().is_none() {
            return Err(Refusal::Algorithm);
        }
        if fit.any(|key| key.has_signed(self.signed, &self.signature)) { Ok(()) } else { Err(Refusal::Signature) }
    }
}

impl Algorithm {
    /// By its name in RFC 7518 and RFC 8037. There is no `none`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "ES256" => Self::Es256,
            "EdDSA" => Self::EdDsa,
            "HS256" => Self::Hs256,
            _ => return None,
        })
    }
}
