//! Messages and requests made by hand, and what stands in for the gateway when a filter is tested by `cargo test`.
//!
//! What is arranged here holds for the thread, and so for one test.

use crate::gateway::{self, arranged};
use crate::log::Level;
use crate::{Format, Header, Message, Payload, Request};

/// A line that the filter logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
    pub fields: Vec<(String, String)>,
}

/// Gives the filter its configuration: the `config` of `[filters.NAME]`.
pub fn configure(config: serde_json::Value) {
    arranged(|arranged| arranged.config = config);
}

/// Stops the wall clock at this many milliseconds since 1970-01-01T00:00:00Z.
pub fn stop_clock(at: u64) {
    arranged(|arranged| arranged.now = Some(at));
}

/// Lets lines below this level go nowhere, as an operator may.
pub fn log_from(level: Level) {
    arranged(|arranged| arranged.level = level);
}

/// Takes the lines logged so far.
pub fn logged() -> Vec<Line> {
    arranged(|arranged| std::mem::take(&mut arranged.lines))
}

/// Messages made by hand. Natively only.
impl Message {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Payload::text(text))
    }

    /// A text message of JSON.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::text(value.to_string())
    }

    /// A message of these bytes, as a webhook delivers them: text when they are UTF-8, binary when they are not.
    pub fn delivered(data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let format = if std::str::from_utf8(&data).is_ok() { Format::Text } else { Format::Binary };
        Self::of(Payload { format, data })
    }

    fn of(payload: Payload) -> Self {
        Self(gateway::Message { id: 1, source: "test".into(), received: 0, payload, headers: vec![] })
    }

    #[must_use]
    pub fn with_id(mut self, id: u64) -> Self {
        self.0.id = id;
        self
    }

    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.0.source = source.into();
        self
    }

    #[must_use]
    pub fn with_received(mut self, milliseconds: u64) -> Self {
        self.0.received = milliseconds;
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }
}

/// Requests made by hand. Natively only.
impl Request {
    /// A request to become a stream: `Request::get("/ws?token=x")`.
    pub fn get(target: impl Into<String>) -> Self {
        let (method, address) = ("GET".into(), "127.0.0.1:50000".into());
        Self(gateway::Request { method, target: target.into(), address, headers: vec![] })
    }

    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push(Header { name: name.to_ascii_lowercase(), value: value.into() });
        self
    }

    #[must_use]
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.0.address = address.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, config, log};
    use serde_json::json;

    #[test]
    fn a_message_made_by_hand_answers_as_a_delivered_one_does() {
        let message = Message::json(&json!({ "a": [{ "b/c": "x", "n": 7, "o": {} }] }))
            .with_header("Content-Type", "application/json")
            .with_source("whatsapp");
        assert_eq!(message.pointer("/a/0/b~1c").as_deref(), Some("x"));
        assert_eq!(message.pointer("/a/0/n").as_deref(), Some("7"));
        assert_eq!(message.pointer("/a/0/o").as_deref(), Some("{}"));
        assert_eq!(message.pointer("/a/1"), None);
        assert_eq!(message.header("content-TYPE").as_deref(), Some(&b"application/json"[..]));
        assert_eq!((message.read(1, 3), message.read(message.size() - 1, 9)), (b"\"a\"".to_vec(), b"}".to_vec()));
        assert_eq!(message.read(u64::MAX, u64::MAX), b"");
        assert_eq!((message.source(), message.format()), ("whatsapp".to_owned(), Format::Text));
        assert_eq!(Message::delivered(*b"\xff").format(), Format::Binary);
    }

    #[test]
    fn a_body_of_the_wrong_shape_is_told_without_quoting_it() {
        let error =
            Message::text(r#"{"from": "15550100142"}"#).parse::<Vec<u8>>().expect_err("it is no list").to_string();
        assert!(error.contains("another shape") && !error.contains("1555"), "{error}");
        let error = Message::text("15550100142 is not JSON").parse::<String>().expect_err("it is no JSON").to_string();
        assert!(!error.contains("1555"), "{error}");
    }

    #[test]
    fn a_request_made_by_hand_is_taken_apart() {
        let request = Request::get("/ws?room=a%20b+c&room=d&flag&%6b=%").with_header("Authorization", "BEARER t");
        assert_eq!((request.path(), request.method()), ("/ws".to_owned(), "GET".to_owned()));
        assert_eq!(request.param("room").as_deref(), Some("a b c"));
        assert_eq!((request.param("flag").as_deref(), request.param("k").as_deref()), (Some(""), Some("%")));
        assert_eq!((request.param("none"), request.bearer().as_deref()), (None, Some("t")));
        assert_eq!(Request::get("/ws").query(), None);
    }

    #[test]
    fn what_a_test_arranges_is_what_the_filter_meets() {
        configure(json!({ "name": "x", "limit": 3 }));
        stop_clock(1_789_000_000_000);
        log_from(Level::Info);
        log::debug("nowhere");
        log::write(Level::Warn, "over the limit", &[("limit", "3")]);
        assert_eq!((config::get("name").as_deref(), config::get("limit").as_deref()), (Some("x"), Some("3")));
        assert_eq!(clock::now(), 1_789_000_000_000);
        let fields = vec![("limit".to_owned(), "3".to_owned())];
        assert_eq!(logged(), [Line { level: Level::Warn, text: "over the limit".into(), fields }]);
        assert_eq!(logged(), []);
    }
}
