//! `X-Telegram-Bot-Api-Secret-Token`: a token, and no signature. It proves who sends, and TLS that nobody changed it.

use super::claim::Claim;
use super::head::{Head, only_text};
use super::refusal::{SignatureRefusal, Unusable};
use crate::secret::Secret;
use http::HeaderName;

pub const TOKEN: HeaderName = HeaderName::from_static("x-telegram-bot-api-secret-token");

/// These, if Telegram can send them.
pub fn tokens(secrets: &[Secret]) -> Result<Vec<Secret>, Unusable> {
    match secrets.iter().all(|secret| is_token(secret.reveal())) {
        true => Ok(secrets.to_vec()),
        false => Err(Unusable::NotATelegramToken),
    }
}

pub fn claim<'k>(tokens: &[Secret], head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    let given = only_text(head.headers, &TOKEN)?;
    if !is_token(given) {
        return Err(SignatureRefusal::Malformed(TOKEN));
    }
    let right = tokens.iter().fold(false, |found, token| found | token.matches(given));
    if right { Ok(Claim::of_nothing()) } else { Err(SignatureRefusal::Wrong) }
}

fn is_token(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
