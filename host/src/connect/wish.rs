//! What a request asks for.

use super::Refusal;
use crate::http::Arrived;
use crate::message::{NotASince, Since};
use crate::ws::encode::SUBPROTOCOL;
use crate::ws::{Form, handshake};
use ::http::header::{ACCEPT, HeaderMap, HeaderValue};
use ::http::{Method, Version, request};

/// How a client comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// HTTP/1.1 that becomes a WebSocket (RFC 6455).
    Upgrade,
    /// A stream of HTTP/2 that becomes a WebSocket (RFC 8441).
    Connect,
    /// An event stream (the HTML standard's server-sent events).
    Events,
}

pub struct Wish<'a> {
    door: Door,
    pub since: Since,
    subprotocols: Vec<&'a str>,
}

/// The door at which a request knocks; `None` when it is for somebody else.
pub fn door(request: &Arrived) -> Option<Door> {
    let head = &request.head;
    if head.method == Method::CONNECT {
        return (request.connect_protocol() == Some("websocket")).then_some(Door::Connect);
    }
    if head.method != Method::GET {
        return None;
    }
    if head.version == Version::HTTP_11 && handshake::asked(&head.headers) {
        return Some(Door::Upgrade);
    }
    accepts_events(&head.headers).then_some(Door::Events)
}

/// Whether `text/event-stream` is named among what a client accepts. `*/*` is anybody's and does not count.
fn accepts_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

impl<'a> Wish<'a> {
    pub fn of(door: Door, head: &'a request::Parts) -> Result<Self, Refusal> {
        match door {
            Door::Upgrade => drop(handshake::check(&head.headers).map_err(Refusal::Handshake)?),
            Door::Connect => drop(handshake::accept_extended(&head.headers, None).map_err(Refusal::Handshake)?),
            Door::Events => {}
        }
        let since = since(door, head).map_err(Refusal::Since)?;
        let subprotocols = if door == Door::Events { vec![] } else { handshake::subprotocols(&head.headers) };
        Ok(Self { door, since, subprotocols })
    }

    /// The subprotocol to be spoken: what admission chose, if the client offered it, else ours, if it did.
    pub fn subprotocol<'b>(&self, chosen: Option<&'b str>) -> Result<Option<&'b str>, ()> {
        match chosen {
            Some(chosen) if self.subprotocols.contains(&chosen) => Ok(Some(chosen)),
            Some(_) => Err(()),
            None => Ok(self.subprotocols.contains(&SUBPROTOCOL).then_some(SUBPROTOCOL)),
        }
    }

    pub fn form(&self, subprotocol: Option<&str>) -> Form {
        match self.door {
            Door::Events => Form::Sse,
            Door::Upgrade | Door::Connect if subprotocol == Some(SUBPROTOCOL) => Form::V1,
            Door::Upgrade | Door::Connect => Form::Raw,
        }
    }

    /// The headers of the answer, and whether events are deflated.
    pub fn accept(
        &self,
        head: &request::Parts,
        subprotocol: Option<&str>,
        compression: bool,
    ) -> Result<(bool, HeaderMap), handshake::Refusal> {
        let mut headers = match self.door {
            Door::Upgrade => handshake::accept(&head.headers, subprotocol)?,
            Door::Connect => handshake::accept_extended(&head.headers, subprotocol)?,
            Door::Events => return Ok((false, HeaderMap::new())),
        };
        let deflate: Option<HeaderValue> = handshake::deflate(&head.headers, compression);
        if let Some(agreed) = &deflate {
            headers.insert(::http::header::SEC_WEBSOCKET_EXTENSIONS, agreed.clone());
        }
        Ok((deflate.is_some(), headers))
    }
}

/// Where to begin: `Last-Event-ID` of an event stream that comes back says more than the address it began with.
fn since(door: Door, head: &request::Parts) -> Result<Since, NotASince> {
    let last = head.headers.get("last-event-id").filter(|last| door == Door::Events && !last.is_empty());
    if let Some(last) = last {
        return last.to_str().map_err(|_| NotASince)?.parse();
    }
    let mut said =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).filter(|(key, _)| key == "since");
    match (said.next(), said.next()) {
        (None, _) => Ok(Since::NOW),
        (Some((_, since)), None) => since.parse(),
        (Some(_), Some(_)) => Err(NotASince),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stream_is_asked_for_by_its_name_only() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(value));
            accepts_events(&headers)
        };
        assert!(accepts("text/event-stream") && accepts("text/html, Text/Event-Stream;q=0.5"));
        assert!(!accepts("*/*") && !accepts("text/*") && !accepts("text/event-streams") && !accepts(""));
    }
}
