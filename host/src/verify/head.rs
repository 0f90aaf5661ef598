//! What is read of a request before its body: headers that must be there once, and the forms of what they hold.

use super::refusal::SignatureRefusal;
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use http::{HeaderMap, HeaderName};
use std::time::Duration;

/// The head of a request, and when it came.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub headers: &'a HeaderMap,
    pub query: Option<&'a str>,
    /// In seconds since 1970.
    pub now: u64,
}

/// The value of a header that must be there once.
pub fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h [u8], SignatureRefusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        (Some(_), Some(_)) => Err(SignatureRefusal::Repeated(name.clone())),
        (None, _) => Err(SignatureRefusal::Missing(name.clone())),
    }
}

/// As `only`, of visible ASCII.
pub fn only_text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, SignatureRefusal> {
    let value = only(headers, name)?;
    let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    text.ok_or_else(|| SignatureRefusal::Malformed(name.clone()))
}

/// So many bytes as lower-case hexadecimal digits. They come from the sender, so their timing is no secret.
pub fn hex(digits: &[u8], length: usize) -> Option<Vec<u8>> {
    HEXLOWER.decode(digits).ok().filter(|bytes| bytes.len() == length)
}

/// As `hex`, of either case.
pub fn any_hex(digits: &[u8], length: usize) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(digits).ok().filter(|bytes| bytes.len() == length)
}

/// So many bytes as base64, padded, with no bit that means nothing.
pub fn base64(text: &[u8], length: usize) -> Option<Vec<u8>> {
    BASE64.decode(text).ok().filter(|bytes| bytes.len() == length)
}

/// A time in whole seconds.
pub fn seconds(digits: &[u8]) -> Option<u64> {
    const LONGEST: usize = 12;
    let plain = (1..=LONGEST).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// Whether something was signed near enough to now. A time that lies ahead is as good a sign of a replay as one behind: it
/// would be good for longer than it should.
pub fn recent(at: u64, now: u64, tolerance: Duration) -> Result<(), SignatureRefusal> {
    let away = at.abs_diff(now);
    if Duration::from_secs(away) <= tolerance {
        return Ok(());
    }
    Err(if at < now { SignatureRefusal::TooOld(away) } else { SignatureRefusal::TooNew(away) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_digits_and_near() {
        assert_eq!(seconds(b"1789000000"), Some(1_789_000_000));
        for wrong in ["", "-1", "+1", "1.0", " 1", "1e3", "1789000000000", "\u{661}"] {
            assert_eq!(seconds(wrong.as_bytes()), None, "{wrong:?}");
        }
        let near = |at, now| recent(at, now, Duration::from_secs(300));
        assert_eq!((near(700, 1000), near(1300, 1000)), (Ok(()), Ok(())));
        assert_eq!(near(699, 1000), Err(SignatureRefusal::TooOld(301)));
        assert_eq!(near(1301, 1000), Err(SignatureRefusal::TooNew(301)));
        assert!(near(0, u64::MAX).is_err() && near(u64::MAX, 0).is_err());
    }
}
