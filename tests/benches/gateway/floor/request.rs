//! The two requests that there are: one for a stream, and a signed webhook.

use data_encoding::{BASE64, HEXLOWER};
use postern_tests::APP_SECRET;
use ring::{digest, hmac};
use std::io;
use std::sync::LazyLock;

pub enum Request<'a> {
    Upgrade { room: usize, answer: String, since: bool },
    Webhook { room: usize, body: &'a [u8], genuine: bool },
}

/// The first request, if it is whole, and how long it is.
pub fn take(input: &[u8]) -> io::Result<Option<(Request<'_>, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(input).map_err(io::Error::other)? else { return Ok(None) };
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value)
    };
    let path = request.path.unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let room = path.rsplit('/').next().and_then(|number| number.parse().ok());
    let room = room.ok_or_else(|| io::Error::other("a path that has no number"))?;
    if let Some(key) = header("Sec-WebSocket-Key") {
        return Ok(Some((Request::Upgrade { room, answer: answer(key), since: query.starts_with("since=") }, head)));
    }
    let length = header("Content-Length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    let whole = head + length.unwrap_or(0);
    let Some(body) = input.get(head..whole) else { return Ok(None) };
    let genuine = header("X-Hub-Signature-256").is_some_and(|value| is_signed(value, body));
    Ok(Some((Request::Webhook { room, body, genuine }, whole)))
}

fn answer(key: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key);
    context.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = BASE64.encode(context.finish().as_ref());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

fn is_signed(value: &[u8], body: &[u8]) -> bool {
    static KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, APP_SECRET.as_bytes()));
    let mut tag = [0; 32];
    let Some(hex) = value.strip_prefix(b"sha256=").filter(|hex| hex.len() == 64) else { return false };
    HEXLOWER.decode_mut(hex, &mut tag).is_ok() && hmac::verify(&KEY, body, &tag).is_ok()
}
