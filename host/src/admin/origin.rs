//! Who asks, as far as a browser tells: whether the page that does is one of this listener's.

use ::http::HeaderMap;
use ::http::header::{HOST, HeaderValue, ORIGIN};
use std::net::IpAddr;

/// Whether the host asked for is `localhost` or an address.
pub fn is_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// Whether a request does not come from a page, or comes from a page of this listener. A browser says so of every page
/// that posts, and cannot be made not to.
pub fn is_same(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let named = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    named.is_some() && named == text(HOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_this_machine() {
        let named = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).expect("a header"));
            is_this_machine(&headers)
        };
        assert!(named("localhost") && named("localhost:9440") && named("127.0.0.1:9440") && named("[::1]:9440"));
        assert!(!named("evil.example:9440") && !named("localhost.evil.example") && !named(""));
        assert!(!is_this_machine(&HeaderMap::new()));
    }

    #[test]
    fn a_page_of_another_origin_is_told_from_everybody_else() {
        let from = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:9440"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            is_same(&headers)
        };
        assert!(from(None) && from(Some("http://127.0.0.1:9440")));
        assert!(!from(Some("https://evil.example")) && !from(Some("null")) && !from(Some("http://127.0.0.1")));
    }
}
