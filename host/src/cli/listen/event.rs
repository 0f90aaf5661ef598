//! An event as a line of JSON. In `postern.v1`:
//! `{"id":"…","cursor":"…","webhook":"…","kind":"…","keys":{…},"received":"…","bytes":969,"body":…}`; a raw one is
//! without what the gateway did not say, and was received when it came here. The body is the JSON that came, its bytes
//! kept (numbers and the order of keys included) except line breaks between tokens, or `"text"` when it is no JSON, or
//! `"base64"` when it is no text either.

use crate::cli::outward;
use bytes::Bytes;
use data_encoding::BASE64;
use humantime::format_rfc3339_millis;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fmt::Write;
use std::time::SystemTime;

/// What came.
#[derive(Debug)]
pub struct Event {
    pub bytes: Bytes,
    pub form: Form,
    /// `None` when it came in the raw form.
    pub about: Option<About>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Text,
    Binary,
}

/// What a gateway says of an event beside its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub id: String,
    pub cursor: String,
    pub webhook: String,
    pub kind: String,
    /// RFC 3339.
    pub received: String,
    /// A JSON object.
    pub keys: String,
    /// What the sender of the webhook called it.
    pub content_type: Option<String>,
}

impl Event {
    pub fn of(bytes: Bytes) -> Self {
        let form = match std::str::from_utf8(&bytes) {
            Err(_) => Form::Binary,
            Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => Form::Json,
            Ok(_) => Form::Text,
        };
        Self { bytes, form, about: None }
    }

    /// Its line, without a line break at the end.
    pub fn line(&self, now: SystemTime) -> String {
        let mut line = "{".to_owned();
        if let Some(About { id, cursor, webhook, kind, keys, .. }) = &self.about {
            for (name, value) in [("id", id), ("cursor", cursor), ("webhook", webhook), ("kind", kind)] {
                let _ = write!(line, "\"{name}\":{},", Value::from(value.as_str()));
            }
            let _ = write!(line, "\"keys\":{},", one_line(keys));
        }
        let (key, body) = match self.form {
            Form::Json => ("body", one_line(&self.as_text())),
            Form::Text => ("text", Value::from(self.as_text()).to_string()),
            Form::Binary => ("base64", format!("\"{}\"", BASE64.encode(&self.bytes))),
        };
        let received = Value::from(self.received(now));
        let _ = write!(line, "\"received\":{received},\"bytes\":{},\"{key}\":{body}}}", self.bytes.len());
        line
    }

    /// What it is called when it is forwarded: as its sender called it, where the gateway says.
    pub fn content_type(&self) -> &str {
        let said = self.about.as_ref().and_then(|about| about.content_type.as_deref());
        said.unwrap_or(match self.form {
            Form::Json => "application/json",
            Form::Text => "text/plain; charset=utf-8",
            Form::Binary => "application/octet-stream",
        })
    }

    /// For somebody who looks on: when, of what kind, which, how large.
    pub fn summary(&self, now: SystemTime) -> String {
        let (received, length) = (self.received(now), self.bytes.len());
        match &self.about {
            // Words of the server, on their way to a terminal.
            Some(About { id, kind, .. }) => outward::first_line(&format!("{received}  {kind}  {id}  {length} bytes")),
            None => format!("{received}  {length} bytes"),
        }
    }

    fn received(&self, now: SystemTime) -> String {
        self.about.as_ref().map_or_else(|| format_rfc3339_millis(now).to_string(), |about| about.received.clone())
    }

    /// Nothing is lost: what is no UTF-8 is in the binary form, which never asks.
    fn as_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Inside a JSON string a line break is always escaped: one that is not stands between tokens.
fn one_line(json: &str) -> String {
    json.trim().replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)
    }

    #[test]
    fn json_is_shown_as_it_came_on_one_line() {
        let event = Event::of("{\r\n \"z\": 12345678901234567890123,\n \"a\": \"x\\ny\", \"a\": 1e400 }\n".into());
        assert_eq!(
            event.line(now()),
            "{\"received\":\"2023-11-14T22:13:20.123Z\",\"bytes\":61,\
             \"body\":{   \"z\": 12345678901234567890123,  \"a\": \"x\\ny\", \"a\": 1e400 }}"
        );
        assert_eq!(
            (event.content_type(), event.summary(now()).as_str()),
            ("application/json", "2023-11-14T22:13:20.123Z  61 bytes")
        );
    }

    #[test]
    fn what_the_gateway_said_of_it_stands_before_the_body() {
        let about = About {
            id: "01".into(),
            cursor: "c".into(),
            webhook: "w\"".into(),
            kind: "messages".into(),
            received: "2026-01-31T12:00:00.000Z".into(),
            keys: "{\"waba\":\"1\"}".into(),
            content_type: Some("application/json; charset=x".into()),
        };
        let event = Event { about: Some(about), ..Event::of("[]".into()) };
        assert_eq!(
            event.line(now()),
            r#"{"id":"01","cursor":"c","webhook":"w\"","kind":"messages","keys":{"waba":"1"},"received":"2026-01-31T12:00:00.000Z","bytes":2,"body":[]}"#
        );
        assert_eq!(event.content_type(), "application/json; charset=x");
        assert_eq!(event.summary(now()), "2026-01-31T12:00:00.000Z  messages  01  2 bytes");
    }

    #[test]
    fn text_that_is_no_json_is_shown_as_text() {
        for (text, shown) in [("hello", r#""text":"hello""#), ("{\"a\":", r#""text":"{\"a\":""#), ("", r#""text":"""#)]
        {
            assert!(Event::of(text.into()).line(now()).ends_with(&format!("{shown}}}")), "{text}");
        }
        // A control character in a JSON string makes it no JSON, so none reaches a terminal as it is.
        assert!(Event::of("\"\u{1b}[2J\"".into()).line(now()).contains("\\u001b"));
    }

    #[test]
    fn binary_is_shown_as_base64() {
        let line = Event::of(Bytes::from_static(&[0xff, 0, 1])).line(now());
        assert!(line.ends_with(r#""bytes":3,"base64":"/wAB"}"#), "{line}");
    }
}
