//! The two checks of Meta's webhooks (WhatsApp, Messenger, Instagram): the GET that registers a callback address, and
//! the signature on every POST.

use super::{HmacKey, signed_by_any};
use crate::secret::Secret;
use http::{HeaderMap, HeaderName, StatusCode};
use std::borrow::Cow;

/// Meta's challenges are about ten digits. What is echoed is kept short, so that nobody stores a page in it.
const LONGEST_CHALLENGE: usize = 256;

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
const LEGACY_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature");

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeRefusal {
    #[error("the request has no query")]
    NoQuery,
    #[error("a parameter is given more than once")]
    Repeated,
    #[error("the verify token is missing or wrong")]
    WrongToken,
    #[error("the mode is not `subscribe`")]
    WrongMode,
    #[error("the challenge is missing, too long, or has characters other than letters, digits and `_.~-`")]
    BadChallenge,
}

impl HandshakeRefusal {
    pub fn status(self) -> StatusCode {
        match self {
            Self::WrongToken => StatusCode::FORBIDDEN,
            Self::NoQuery | Self::Repeated | Self::WrongMode | Self::BadChallenge => StatusCode::BAD_REQUEST,
        }
    }
}

/// Checks the GET that registers a callback address and gives the challenge to be echoed.
///
/// The token is judged before mode and challenge, so that someone without it learns nothing of how they are judged. The
/// challenge is echoed only when it cannot be markup or a header, whatever the caller's content type.
pub fn handshake(query: Option<&str>, verify_token: &Secret) -> Result<String, HandshakeRefusal> {
    let query = query.filter(|query| !query.is_empty()).ok_or(HandshakeRefusal::NoQuery)?;
    let (mut mode, mut token, mut challenge) = (None, None, None);
    // Bytes that are not UTF-8 come out as U+FFFD, which is neither in a challenge nor in `subscribe`.
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let given: &mut Option<Cow<'_, str>> = match name.as_ref() {
            "hub.mode" => &mut mode,
            "hub.verify_token" => &mut token,
            "hub.challenge" => &mut challenge,
            _ => continue,
        };
        if given.replace(value).is_some() {
            return Err(HandshakeRefusal::Repeated);
        }
    }
    // An empty token in the configuration is no token: it must not let everybody in.
    if !token.is_some_and(|token| verify_token.matches(&token)) || verify_token.is_empty() {
        return Err(HandshakeRefusal::WrongToken);
    }
    if mode.as_deref() != Some("subscribe") {
        return Err(HandshakeRefusal::WrongMode);
    }
    challenge.filter(|challenge| may_be_echoed(challenge)).map(Cow::into_owned).ok_or(HandshakeRefusal::BadChallenge)
}

fn may_be_echoed(challenge: &str) -> bool {
    (1..=LONGEST_CHALLENGE).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.~-".contains(&byte))
}

/// Why a delivery was refused. All of them are a 401; the difference is for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefusal {
    #[error("there is no `X-Hub-Signature-256`")]
    Missing,
    #[error("there is more than one `X-Hub-Signature-256`")]
    Repeated,
    #[error("`X-Hub-Signature-256` is not `sha256=` and 64 hexadecimal digits")]
    Malformed,
    #[error("there is only the old SHA-1 signature, which is not accepted")]
    LegacyOnly,
    #[error("the signature is not of this body under any of the secrets")]
    Wrong,
}

/// What a request claims to be signed with: well-formed, and proven only by `check`. It is read from the headers alone,
/// so a request without one can be refused before its body is read.
#[derive(Clone, Copy)]
pub struct Claim([u8; 32]);

impl Claim {
    pub fn of(headers: &HeaderMap) -> Result<Self, SignatureRefusal> {
        let mut values = headers.get_all(SIGNATURE).iter();
        let value = match (values.next(), values.next()) {
            (Some(value), None) => value.as_bytes(),
            (Some(_), Some(_)) => return Err(SignatureRefusal::Repeated),
            (None, _) if headers.contains_key(LEGACY_SIGNATURE) => return Err(SignatureRefusal::LegacyOnly),
            (None, _) => return Err(SignatureRefusal::Missing),
        };
        let digits = value.strip_prefix(b"sha256=").ok_or(SignatureRefusal::Malformed)?;
        decode_hex(digits).map(Self).ok_or(SignatureRefusal::Malformed)
    }

    /// `body` is the bytes as received. Takes as long for a right signature as for a wrong one.
    pub fn check(&self, body: &[u8], keys: &[HmacKey]) -> Result<(), SignatureRefusal> {
        if signed_by_any(keys, body, &self.0) { Ok(()) } else { Err(SignatureRefusal::Wrong) }
    }
}

/// 64 hexadecimal digits of either case. They come from the sender, so their timing is no secret.
fn decode_hex(digits: &[u8]) -> Option<[u8; 32]> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
