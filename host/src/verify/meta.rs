//! The GET by which Meta (WhatsApp, Messenger, Instagram) asks whether a callback address is the right one. Its deliveries
//! are signed as `hub` has it.

use super::may_be_echoed;
use super::refusal::HandshakeRefusal;
use crate::secret::Secret;
use std::borrow::Cow;

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

#[cfg(test)]
mod tests;
