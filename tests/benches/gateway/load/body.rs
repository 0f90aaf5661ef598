//! A webhook as WhatsApp sends it, with one message, whose number can be read at one place.

use data_encoding::HEXLOWER;
use ring::hmac;

const BEFORE: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":""#;
/// Where the number stands, and how many digits it has.
pub const NUMBER: std::ops::Range<usize> = BEFORE.len()..BEFORE.len() + 10;

/// So many bytes, or as few as such a body has.
pub fn body(number: u64, size: usize) -> String {
    let middle = r#"","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"1"},"messages":[{"from":"1","id":"wamid."#;
    let text = r#"","type":"text","text":{"body":""#;
    let after = r#""}}]}}]}]}"#;
    let fixed = BEFORE.len() + 10 + middle.len() + 10 + text.len() + after.len();
    let padding = "x".repeat(size.saturating_sub(fixed));
    format!("{BEFORE}{number:010}{middle}{number:010}{text}{padding}{after}")
}

/// The value of `X-Hub-Signature-256`.
pub fn signature(key: &hmac::Key, body: &str) -> String {
    format!("sha256={}", HEXLOWER.encode(hmac::sign(key, body.as_bytes()).as_ref()))
}
