//! The chain of addresses in `X-Forwarded-For` and in `Forwarded` (RFC 7239), the last first: each is what the proxy behind
//! it has seen, or `None` where it does not say so in a way that can be read.

use http::header::{AsHeaderName, FORWARDED, HeaderMap, HeaderValue};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

pub fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Option<SocketAddr>> {
    lines(headers, X_FORWARDED_FOR).flat_map(|line| match line {
        Some(line) => line.rsplit(',').map(|hop| address(hop.trim())).collect(),
        None => vec![None],
    })
}

pub fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Option<SocketAddr>> {
    lines(headers, FORWARDED).flat_map(|line| match line.and_then(|line| split(line, ',')) {
        Some(hops) => hops.into_iter().rev().map(for_whom).collect(),
        None => vec![None],
    })
}

/// A proxy adds to the last line, or adds one of its own behind it.
fn lines(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = Option<&str>> {
    headers.get_all(name).into_iter().rev().map(|line: &HeaderValue| line.to_str().ok())
}

/// What stands between separators that are not in quotes. `None` when a quote is not closed.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut begin) = (vec![], 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => {
                parts.push(&text[begin..at]);
                begin = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!quoted).then_some(parts)
}

/// Of `for=192.0.2.60;proto=http`, the address. One that says it twice says nothing.
fn for_whom(hop: &str) -> Option<SocketAddr> {
    let pairs = split(hop, ';')?;
    let mut nodes = pairs.into_iter().filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let node = nodes.next()?;
    if nodes.next().is_some() {
        return None;
    }
    // In an address there is nothing that would have to be escaped.
    address(node.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(node))
}

/// With its port or without, which is 0 then; IPv6 with brackets or without.
fn address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, 0),
        Err(_) => text.parse().ok()?,
    };
    Some(SocketAddr::new(address.ip().to_canonical(), address.port()))
}
