//! How events are signed: by Standard Webhooks (https://www.standardwebhooks.com), with HMAC-SHA256 under secrets that are
//! written `whsec_` and base64. While one is rotated there are several, and what is sent is signed by all of them.

use crate::secret::Secret;
use data_encoding::{BASE64, BASE64_NOPAD};
use ring::hmac;
use std::fmt::Write;

const PREFIX: &str = "whsec_";

/// How many bytes a secret has, as the specification says.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Text that is no secret of Standard Webhooks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no secret of Standard Webhooks: `{PREFIX}` and 24 to 64 bytes in base64\n\
     hint: make one by `echo whsec_$(head -c 32 /dev/urandom | base64)`, and give it to the target too"
)]
pub struct NotASecret;

#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    pub fn parse(secret: &Secret) -> Result<Self, NotASecret> {
        let text = secret.reveal().strip_prefix(PREFIX).ok_or(NotASecret)?.as_bytes();
        let bytes = BASE64.decode(text).or_else(|_| BASE64_NOPAD.decode(text)).map_err(|_| NotASecret)?;
        if !BYTES.contains(&bytes.len()) {
            return Err(NotASecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// What stands in `webhook-signature`. `seconds` is what stands in `webhook-timestamp`.
pub fn signature(keys: &[Key], id: &str, seconds: u64, body: &[u8]) -> String {
    let mut text = String::new();
    for Key(key) in keys {
        let mut context = hmac::Context::with_key(key);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        let separator = if text.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}v1,{}", BASE64.encode(context.sign().as_ref()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn key(text: &str) -> Result<Key, NotASecret> {
        Key::parse(&Secret::new(text))
    }

    /// Published by Svix with its libraries.
    #[test]
    fn the_published_vector_is_what_we_sign() {
        let keys = [key(SECRET).unwrap()];
        let signed = signature(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_key_signs_while_one_is_rotated() {
        let other = key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let [both, first, second] =
            [vec![key(SECRET).unwrap(), other.clone()], vec![key(SECRET).unwrap()], vec![other]]
                .map(|keys| signature(&keys, "id", 1, b"body"));
        assert_eq!(both, format!("{first} {second}"));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_told() {
        for text in ["hunter2", "whsec_", "whsec_hunter2", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let Err(error) = key(text) else { panic!("{text}") };
            assert!(!error.to_string().contains("hunter2"));
        }
        assert!(key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAA").is_ok(), "without padding too");
    }
}
