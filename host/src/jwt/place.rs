//! Where in a request a token is looked for.

use http::header::{AUTHORIZATION, COOKIE, SEC_WEBSOCKET_PROTOCOL};
use http::request::Parts;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `Authorization: Bearer …` (RFC 6750, section 2.1).
    Header,
    /// A parameter of the query: what browsers' WebSockets and EventSources can send.
    Query(String),
    Cookie(String),
    /// An offered subprotocol, `bearer.…`: what browsers' WebSockets can send that does not show in an access log.
    Subprotocol,
}

const SUBPROTOCOL: &str = "bearer.";

/// The first token that is in one of these places.
pub fn find(places: &[Place], head: &Parts) -> Option<String> {
    places.iter().find_map(|place| at(place, head))
}

fn at(place: &Place, head: &Parts) -> Option<String> {
    let texts = |name| head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    match place {
        Place::Header => texts(AUTHORIZATION).find_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        }),
        Place::Query(name) => {
            let query = head.uri.query().unwrap_or_default().as_bytes();
            form_urlencoded::parse(query).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        }
        Place::Cookie(name) => texts(COOKIE).flat_map(|value| value.split(';')).find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.trim_matches('"').to_owned())
        }),
        Place::Subprotocol => texts(SEC_WEBSOCKET_PROTOCOL)
            .flat_map(|value| value.split(','))
            .find_map(|offered| offered.trim().strip_prefix(SUBPROTOCOL).map(str::to_owned)),
    }
}
