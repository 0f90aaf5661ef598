//! Heads that postern reads and writes itself: of a request that asks for an upgrade, and of the 101 that answers it. All
//! others are hyper's affair, those that are not as they should be before all.

use super::Reply;
use ::http::header::{CONTENT_LENGTH, EXPECT, HeaderName, TRANSFER_ENCODING, UPGRADE};
use ::http::{HeaderMap, HeaderValue, Request, Uri, Version, request};
use bytes::Bytes;
use httparse::Status;
use std::mem::MaybeUninit;
use std::time::SystemTime;

/// Browsers send twenty headers; one that sends more than this is left to hyper.
const HEADERS: usize = 64;

/// Whether a head has come to its end in `read`, of which the bytes before `seen` were looked at before. What is no head
/// at all may have one too.
pub fn is_whole(read: &[u8], seen: usize) -> bool {
    // The end may have begun in what was seen.
    let rest = &read[seen.saturating_sub(2)..];
    let lines = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    lines.into_iter().any(|(at, _)| rest[at + 1..].starts_with(b"\n") || rest[at + 1..].starts_with(b"\r\n"))
}

/// The head of a `GET` of HTTP/1.1 that asks for an upgrade and has no body, and how long it is. `None` for whatever else
/// it is.
pub fn upgrade(read: &Bytes, most_headers: usize) -> Option<(request::Parts, usize)> {
    if !read.starts_with(b"GET ") {
        return None;
    }
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut parsed = httparse::Request::new(&mut []);
    let Ok(Status::Complete(length)) = parsed.parse_with_uninit_headers(read, &mut headers) else { return None };
    if parsed.version != Some(1) || parsed.headers.len() > most_headers {
        return None;
    }
    let mut headers = HeaderMap::with_capacity(parsed.headers.len());
    for header in parsed.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        if matches!(name, CONTENT_LENGTH | TRANSFER_ENCODING | EXPECT) {
            return None;
        }
        headers.try_append(name, HeaderValue::from_maybe_shared(read.slice_ref(header.value)).ok()?).ok()?;
    }
    if !headers.contains_key(UPGRADE) {
        return None;
    }
    let (mut head, ()) = Request::new(()).into_parts();
    head.uri = Uri::from_maybe_shared(read.slice_ref(parsed.path?.as_bytes())).ok()?;
    head.version = Version::HTTP_11;
    head.headers = headers;
    Some((head, length))
}

/// The head of an answer that nothing of HTTP follows, as hyper would write it.
pub fn written(reply: &Reply) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(reply.status.as_str().as_bytes());
    head.push(b' ');
    head.extend_from_slice(reply.status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in &reply.headers {
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
    }
    head.extend_from_slice(b"\r\ndate: ");
    head.extend_from_slice(httpdate::fmt_http_date(SystemTime::now()).as_bytes());
    head.extend_from_slice(b"\r\n\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::header::{CONNECTION, SEC_WEBSOCKET_PROTOCOL};

    fn read(text: &str) -> Option<(request::Parts, usize)> {
        upgrade(&Bytes::copy_from_slice(text.as_bytes()), 100)
    }

    #[test]
    fn an_end_is_seen_wherever_it_was_cut() {
        for (head, end) in [("GET / HTTP/1.1\r\na: b\r\n\r\n", 24), ("GET / HTTP/1.1\na: b\n\n", 21)] {
            assert_eq!(head.len(), end);
            for cut in 0..end {
                assert!(!is_whole(&head.as_bytes()[..cut], 0), "{cut}");
                assert!(is_whole(head.as_bytes(), cut), "{cut}");
            }
            assert!(is_whole(format!("{head}behind it").as_bytes(), 0));
        }
        assert!(is_whole(b"\r\n\r\nGET", 0), "no head, and nothing to wait for");
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let text = "GET http://gateway.example/ws?since=now HTTP/1.1\r\nHost: gateway.example\r\n\
            Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: a\r\n\
            Sec-WebSocket-Protocol: b\r\nX-Name: na\u{ef}ve\r\n\r\n";
        let (head, length) = read(&format!("{text}early")).expect("an upgrade");
        assert_eq!(length, text.len());
        assert_eq!((head.uri.path(), head.uri.query()), ("/ws", Some("since=now")));
        assert_eq!((head.method.as_str(), head.version), ("GET", Version::HTTP_11));
        assert_eq!(head.headers[CONNECTION], "keep-alive, Upgrade");
        assert_eq!(head.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(head.headers["x-name"].as_bytes(), "na\u{ef}ve".as_bytes());
    }

    #[test]
    fn whatever_else_there_is_is_left_to_hyper() {
        let with = |line: &str| format!("GET /ws HTTP/1.1\r\nupgrade: websocket\r\n{line}\r\n");
        assert!(read(&with("")).is_some());
        for other in [
            with("").replace("GET", "POST"),
            with("").replace("1.1", "1.0"),
            with("").replace("upgrade", "downgrade"),
            with("").replace("/ws", "/w s"),
            with("content-length: 0\r\n"),
            with("transfer-encoding: chunked\r\n"),
            with("expect: 100-continue\r\n"),
            with("folded: a\r\n b\r\n"),
            with("na me: a\r\n"),
            with("nul: \0\r\n"),
            with(&"a: b\r\n".repeat(HEADERS)),
            with("").trim_end().to_owned(),
        ] {
            assert!(read(&other).is_none(), "{other}");
        }
        assert!(upgrade(&Bytes::from(with("a: b\r\n")), 1).is_none(), "more headers than there may be");
    }
}
