//! The opening handshake: over HTTP/1.1 (RFC 6455, section 4.2) and over HTTP/2 (RFC 8441, section 5).

mod deflate;

pub use deflate::deflate;

use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Why a request that asks for a WebSocket cannot have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 426: the answer names the version that is spoken.
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    Version,
    #[error("the Sec-WebSocket-Key is missing, repeated or malformed")]
    Key,
    #[error("the Connection header does not ask for an upgrade")]
    Connection,
}

/// Whether a request asks to become a WebSocket at all, well or badly.
pub fn asked(headers: &HeaderMap) -> bool {
    has_token(headers, UPGRADE, "websocket")
}

/// Checks an upgrade, and gives its key.
pub fn check(headers: &HeaderMap) -> Result<&HeaderValue, Refusal> {
    if !has_token(headers, CONNECTION, "upgrade") {
        return Err(Refusal::Connection);
    }
    check_version(headers)?;
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else { return Err(Refusal::Key) };
    if is_key(key.as_bytes()) { Ok(key) } else { Err(Refusal::Key) }
}

/// Checks an upgrade and gives the headers of the 101 that answers it.
pub fn accept(headers: &HeaderMap, subprotocol: Option<&str>) -> Result<HeaderMap, Refusal> {
    let key = check(headers)?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(|_| Refusal::Key)?;
    let mut answer = HeaderMap::new();
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    choose(subprotocol, &mut answer);
    Ok(answer)
}

/// Checks an extended CONNECT for `websocket` and gives the headers of the 200 that answers it. HTTP/2 itself says what
/// a key and an upgrade say over HTTP/1.1.
pub fn accept_extended(headers: &HeaderMap, subprotocol: Option<&str>) -> Result<HeaderMap, Refusal> {
    check_version(headers)?;
    let mut answer = HeaderMap::new();
    choose(subprotocol, &mut answer);
    Ok(answer)
}

fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) {
        Some(b"13") => Ok(()),
        _ => Err(Refusal::Version),
    }
}

fn choose(subprotocol: Option<&str>, answer: &mut HeaderMap) {
    if let Some(subprotocol) = subprotocol.and_then(|name| HeaderValue::from_str(name).ok()) {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
}

/// The subprotocols a client asks for, in its order.
pub fn subprotocols(headers: &HeaderMap) -> Vec<&str> {
    tokens(headers, SEC_WEBSOCKET_PROTOCOL).collect()
}

/// Base64 of 16 bytes: 22 characters and two `=`.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn has_token(headers: &HeaderMap, name: http::HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn tokens(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(changes: &[(&'static str, Option<&'static str>)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in good {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in changes {
            match value {
                Some(value) => drop(headers.insert(*name, HeaderValue::from_static(value))),
                None => drop(headers.remove(*name)),
            }
        }
        headers
    }

    #[test]
    fn the_example_of_rfc_6455_gets_the_answer_of_rfc_6455() {
        let answer = accept(&request(&[]), Some("chat")).expect("a good handshake");
        assert_eq!(answer["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer["sec-websocket-protocol"], "chat");
    }

    #[test]
    fn each_fault_of_a_handshake_is_named() {
        let fault = |name, value| accept(&request(&[(name, value)]), None).expect_err("a bad handshake");
        assert_eq!(fault("sec-websocket-version", Some("8")), Refusal::Version);
        assert_eq!(fault("sec-websocket-version", None), Refusal::Version);
        assert_eq!(fault("sec-websocket-key", Some("short")), Refusal::Key);
        assert_eq!(fault("sec-websocket-key", None), Refusal::Key);
        assert_eq!(fault("connection", Some("close")), Refusal::Connection);
        assert!(!asked(&request(&[("upgrade", Some("h2c"))])));
    }

    #[test]
    fn over_http_2_the_version_is_asked_for_and_nothing_is_proved() {
        let bare = request(&[("connection", None), ("upgrade", None), ("sec-websocket-key", None)]);
        let answer = accept_extended(&bare, Some("chat")).expect("a good handshake");
        assert_eq!(answer.len(), 1);
        assert_eq!(answer["sec-websocket-protocol"], "chat");
        let old = request(&[("sec-websocket-version", Some("8"))]);
        assert_eq!(accept_extended(&old, None).expect_err("a bad handshake"), Refusal::Version);
    }
}
