//! The negotiation of permessage-deflate (RFC 7692, section 7.1).
//!
//! Each message is compressed on its own, so neither side keeps anything between messages. Our window is always the
//! largest: an offer that demands a smaller one is declined. What a client says of its own window is its own affair.

use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS};

/// Answers what a client offers, if compression is wanted here: the value of `Sec-WebSocket-Extensions`, with which it
/// is on; `None` when it is off.
pub fn deflate(headers: &HeaderMap, compression: bool) -> Option<HeaderValue> {
    if !compression {
        return None;
    }
    let values = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok());
    let mut accepted = values.flat_map(|value| value.split(',')).filter_map(accept);
    accepted.next().map(HeaderValue::from_static)
}

/// One offer's answer; `None` for another extension, one that is malformed, or one that cannot be kept.
fn accept(offer: &str) -> Option<&'static str> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut seen = Vec::new();
    let mut answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits", None) => {}
            ("client_max_window_bits", Some("8" | "9" | "10" | "11" | "12" | "13" | "14" | "15")) => {}
            ("server_max_window_bits", Some("15")) => {
                answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15";
            }
            _ => return None,
        }
    }
    Some(answer)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    fn answer(offers: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(offer));
        }
        deflate(&headers, true).map(|value| value.to_str().expect("it is text").to_owned())
    }

    #[test]
    fn what_can_be_kept_is_accepted_and_nothing_else() {
        let full = format!("{PLAIN}; server_max_window_bits=15");
        for (offers, wanted) in [
            (&["permessage-deflate"][..], Some(PLAIN)),
            (&["permessage-deflate; client_max_window_bits"], Some(PLAIN)),
            (&["Permessage-Deflate;client_max_window_bits=\"10\" ; server_no_context_takeover"], Some(PLAIN)),
            (&["permessage-deflate; client_no_context_takeover"], Some(PLAIN)),
            (&["permessage-deflate; server_max_window_bits=15"], Some(&full)),
            (&["permessage-deflate; server_max_window_bits=10"], None),
            (&["permessage-deflate; server_max_window_bits=10, permessage-deflate"], Some(PLAIN)),
            (&["permessage-deflate; server_max_window_bits=9", "x-other, permessage-deflate"], Some(PLAIN)),
            (&["permessage-deflate; server_max_window_bits"], None),
            (&["permessage-deflate; server_max_window_bits=16"], None),
            (&["permessage-deflate; client_max_window_bits=7"], None),
            (&["permessage-deflate; client_max_window_bits=08"], None),
            (&["permessage-deflate; server_no_context_takeover=1"], None),
            (&["permessage-deflate; client_max_window_bits; client_max_window_bits"], None),
            (&["permessage-deflate; unheard_of"], None),
            (&["permessage-deflate;"], None),
            (&["x-webkit-deflate-frame"], None),
            (&[], None),
        ] {
            assert_eq!(answer(offers).as_deref(), wanted, "{offers:?}");
        }
    }

    #[test]
    fn a_stream_without_compression_accepts_none() {
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
        assert_eq!(deflate(&headers, false), None);
    }
}
