//! Where a URL points, taken apart once.

use super::Error;
use http::Uri;
use http::header::HeaderValue;
use rustls_pki_types::ServerName;
use std::fmt;

/// What is spoken there, and so which schemes a URL may have. A WebSocket is asked for over HTTP, and may be named so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Http,
    WebSocket,
}

#[derive(Clone, Debug)]
pub struct Address {
    pub secure: bool,
    /// To connect to: a name or an address, without brackets.
    pub host: String,
    pub port: u16,
    /// What the certificate must be for.
    pub name: ServerName<'static>,
    /// The `Host` header.
    pub authority: HeaderValue,
    /// Path and query, as a request line has them.
    pub target: Uri,
    shown: String,
}

impl Address {
    pub fn parse(url: &str, kind: Kind) -> Result<Self, Error> {
        parse(url, kind).map_err(|why| Error::Url { url: without_query(url), why, example: kind.example() })
    }
}

/// Without the query, which may hold a token.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Kind {
    /// Whether a scheme is one that may be used, and a secure one.
    fn secure(self, scheme: &str) -> Option<bool> {
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Some(false),
            "https" => Some(true),
            "ws" if self == Self::WebSocket => Some(false),
            "wss" if self == Self::WebSocket => Some(true),
            _ => None,
        }
    }

    fn schemes(self) -> &'static str {
        match self {
            Self::Http => "`https://` or `http://`",
            Self::WebSocket => "`wss://` or `ws://`",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Http => "https://localhost:8443/whatsapp",
            Self::WebSocket => "wss://localhost:8443/ws",
        }
    }
}

fn parse(url: &str, kind: Kind) -> Result<Address, String> {
    let foreign = || format!("it must begin with {}", kind.schemes());
    let (scheme, rest) = url.split_once("://").ok_or_else(foreign)?;
    let is_secure = kind.secure(scheme).ok_or_else(foreign)?;
    // A fragment is for whoever looks at a page; it is never sent.
    let rest = rest.split('#').next().unwrap_or(rest);
    // The parser's own words may repeat a piece of the query.
    let uri: Uri =
        format!("http://{rest}").parse().map_err(|_| "it has a character that must be %-encoded, or no host")?;
    let authority = uri.authority().ok_or("it names no host")?;
    if authority.as_str().contains('@') {
        return Err("it carries a user name or password, which would not be sent".to_owned());
    }
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        // `port()` is also `None` for one that is no number below 65536.
        None if authority.as_str() != authority.host() => {
            return Err("its port is not a number from 1 to 65535".to_owned());
        }
        None if is_secure => 443,
        None => 80,
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() || port == 0 {
        return Err("it names no host, or port 0".to_owned());
    }
    let name = ServerName::try_from(host.clone()).map_err(|_| "its host is neither a name nor an address")?;
    let header = HeaderValue::from_str(authority.as_str()).map_err(|_| "its host cannot be sent in a header")?;
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let slash = if target.starts_with('/') { "" } else { "/" };
    Ok(Address {
        secure: is_secure,
        port,
        name,
        authority: header,
        target: format!("{slash}{target}").parse().map_err(|_| "its path cannot be sent in a request")?,
        shown: without_query(url),
        host,
    })
}

/// The query and the fragment may hold a token, and so may what stands before an `@`.
fn without_query(url: &str) -> String {
    let shown = url.split(['?', '#']).next().unwrap_or_default();
    match (shown.split_once("://"), shown.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        (_, None) => shown.to_owned(),
    }
}
