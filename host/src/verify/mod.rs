//! Whether a request comes from whom it says it comes from. Every function here is pure: it is given bytes and keys and
//! answers yes or why not. It stores nothing, logs nothing, and reads no body before it has proven to be signed: Slack's
//! question whether this is the right place is looked for only in one that is.
//!
//! What it promises:
//! - the signature is over the bytes received, never over something decoded and written again; where a provider signs what
//!   its bytes stand for (Twilio's forms), over that and nothing else;
//! - no key, an empty key or an empty token means refuse, never skip: only [`Scheme::Unsigned`] asks for nothing;
//! - the time a comparison takes tells nothing of the secret, nor which of several secrets was right;
//! - a header that must be there once and is not, or is not of the form its provider gives it, is a refusal;
//! - how much is computed for one who has proven nothing is bounded: an HMAC for each key, or two where an address can be
//!   written in two ways.
//!
//! Reading order: `scheme` has everyone, a file each beside it says what a request claims; `claim` proves it by a `key`.

mod claim;
mod head;
mod key;
mod refusal;
mod scheme;

mod hub;
pub mod meta;
mod recipe;
mod shopify;
pub mod slack;
mod standard;
mod stripe;
mod telegram;
mod twilio;

#[cfg(test)]
mod tests;

pub use claim::Signed;
pub use head::Head;
#[cfg(test)]
use refusal::Unusable;
pub use refusal::{HandshakeRefusal, SignatureRefusal};
pub use scheme::Scheme;

/// Meta's challenges are about ten digits, Slack's some fifty letters. What is echoed is kept short, so that nobody stores
/// a page in it, and cannot be markup or a header, whatever the content type.
fn may_be_echoed(challenge: &str) -> bool {
    const LONGEST: usize = 256;
    (1..=LONGEST).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.~-".contains(&byte))
}
