//! An event as a line of JSON: `{"received":"…","bytes":969,"body":…}`. The body is the JSON that came, its bytes
//! kept (numbers and the order of keys included) except line breaks between tokens, or `"text"` when it is no JSON, or
//! `"base64"` when it came as binary.

use bytes::Bytes;
use data_encoding::BASE64;
use humantime::format_rfc3339_millis;
use serde::de::IgnoredAny;
use std::time::SystemTime;

/// What came.
pub struct Event {
    pub bytes: Bytes,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Text,
    Binary,
}

impl Event {
    pub fn text(bytes: Bytes) -> Self {
        let form = if serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() { Form::Json } else { Form::Text };
        Self { bytes, form }
    }

    pub fn binary(bytes: Bytes) -> Self {
        Self { bytes, form: Form::Binary }
    }

    /// Its line, without a line break at the end.
    pub fn line(&self, received: SystemTime) -> String {
        let (key, value) = match self.form {
            // Inside a JSON string a line break is always escaped: one that is not stands between tokens.
            Form::Json => ("body", self.as_text().trim().replace(['\r', '\n'], " ")),
            Form::Text => ("text", serde_json::Value::from(self.as_text()).to_string()),
            Form::Binary => ("base64", format!("\"{}\"", BASE64.encode(&self.bytes))),
        };
        let (received, length) = (format_rfc3339_millis(received), self.bytes.len());
        format!("{{\"received\":\"{received}\",\"bytes\":{length},\"{key}\":{value}}}")
    }

    /// For the POST that forwards it.
    pub fn content_type(&self) -> &'static str {
        match self.form {
            Form::Json => "application/json",
            Form::Text => "text/plain; charset=utf-8",
            Form::Binary => "application/octet-stream",
        }
    }

    /// Text frames are UTF-8, which the WebSocket reader has checked.
    fn as_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn line(event: &Event) -> String {
        event.line(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123))
    }

    #[test]
    fn json_is_shown_as_it_came_on_one_line() {
        let event = Event::text("{\r\n \"z\": 12345678901234567890123,\n \"a\": \"x\\ny\", \"a\": 1e400 }\n".into());
        assert_eq!(
            line(&event),
            "{\"received\":\"2023-11-14T22:13:20.123Z\",\"bytes\":61,\
             \"body\":{   \"z\": 12345678901234567890123,  \"a\": \"x\\ny\", \"a\": 1e400 }}"
        );
        assert_eq!(event.content_type(), "application/json");
    }

    #[test]
    fn text_that_is_no_json_is_shown_as_text() {
        for (text, shown) in [("hello", r#""text":"hello""#), ("{\"a\":", r#""text":"{\"a\":""#), ("", r#""text":"""#)]
        {
            assert!(line(&Event::text(text.into())).ends_with(&format!("{shown}}}")), "{text}");
        }
        // A control character in a JSON string makes it no JSON, so none reaches a terminal as it is.
        assert!(line(&Event::text("\"\u{1b}[2J\"".into())).contains("\\u001b"));
    }

    #[test]
    fn binary_is_shown_as_base64() {
        assert!(line(&Event::binary(Bytes::from_static(&[0xff, 0, 1]))).ends_with(r#""bytes":3,"base64":"/wAB"}"#));
    }
}
