//! `X-Slack-Signature: v0=…` and `X-Slack-Request-Timestamp`: an HMAC of `v0`, the time and the body, colons between. And
//! the signed POST by which Slack asks whether an address is the right one.

use super::claim::Claim;
use super::head::{Head, hex, only, recent, seconds};
use super::key::{Key, Tag};
use super::may_be_echoed;
use super::refusal::{HandshakeRefusal, SignatureRefusal};
use http::HeaderName;
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

pub const SIGNATURE: HeaderName = HeaderName::from_static("x-slack-signature");
pub const TIMESTAMP: HeaderName = HeaderName::from_static("x-slack-request-timestamp");

pub fn claim<'k>(keys: &'k [Key], tolerance: Duration, head: Head<'_>) -> Result<Claim<'k>, SignatureRefusal> {
    let tag = only(head.headers, &SIGNATURE)?.strip_prefix(b"v0=").and_then(|digits| hex(digits, 32));
    let tag = tag.ok_or(SignatureRefusal::Malformed(SIGNATURE))?;
    let time = only(head.headers, &TIMESTAMP)?;
    recent(seconds(time).ok_or(SignatureRefusal::Malformed(TIMESTAMP))?, head.now, tolerance)?;
    Ok(Claim::of_parts(keys, vec![Tag::Shared(tag)], [b"v0:", time, b":"].concat(), Vec::new()))
}

/// What to answer when a delivery, signed, asks whether this is the right place; none: it does not.
pub fn challenge(body: &[u8]) -> Option<Result<String, HandshakeRefusal>> {
    #[derive(Deserialize)]
    struct Question<'a> {
        #[serde(borrow)]
        r#type: Cow<'a, str>,
        #[serde(borrow)]
        challenge: Option<Cow<'a, str>>,
    }
    /// Theirs have some 150 bytes. Events, which can be long, are not read twice for this.
    const LONGEST: usize = 4096;
    if body.len() > LONGEST {
        return None;
    }
    let question = serde_json::from_slice::<Question<'_>>(body).ok()?;
    if question.r#type != "url_verification" {
        return None;
    }
    let challenge = question.challenge.filter(|challenge| may_be_echoed(challenge));
    Some(challenge.map(Cow::into_owned).ok_or(HandshakeRefusal::BadChallenge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_with_its_challenge_and_an_event_is_none() {
        let asked = |body: &str| challenge(body.as_bytes());
        let body = r#"{"token":"T","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
        assert_eq!(asked(body), Some(Ok("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P".to_owned())));
        for body in [
            r#"{"type":"url_verification"}"#,
            r#"{"type":"url_verification","challenge":""}"#,
            r#"{"type":"url_verification","challenge":"<script>"}"#,
            r#"{"type":"url_verification","challenge":"a\nb"}"#,
            &format!(r#"{{"type":"url_verification","challenge":"{}"}}"#, "a".repeat(257)),
        ] {
            assert_eq!(asked(body), Some(Err(HandshakeRefusal::BadChallenge)), "{body}");
        }
        for body in [
            r#"{"type":"event_callback","challenge":"a"}"#,
            r#"{"challenge":"a"}"#,
            r#"{"type":"url_verification","type":"url_verification","challenge":"a"}"#,
            "payload=1",
            "",
        ] {
            assert_eq!(asked(body), None, "{body}");
        }
    }
}
