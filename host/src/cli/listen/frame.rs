//! What a gateway says in `postern.v1`: one JSON object a text frame.

use super::event::{About, Event, Form};
use super::place::Place;
use crate::cli::outward;
use crate::message::{Cursor, NotACursor};
use bytes::Bytes;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug)]
pub enum Frame {
    /// The first: where the client begins.
    Hello(Cursor),
    /// What admission has to say, which is no event.
    Greeting(Bytes),
    Event {
        cursor: Cursor,
        /// What the client had before this, so that one that is missing shows.
        prev: Cursor,
        event: Event,
    },
    /// Something is no longer to be had.
    Gap(Gap),
    /// Caught up with what happens now.
    Live,
    /// The gateway is about to end the connection.
    Drain { place: Place, retry_after: Duration },
    /// Of a later version: nothing that a client has to understand.
    Other(String),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Gap {
    pub from: Cursor,
    pub to: Cursor,
    pub reason: String,
}

/// A text that is no frame.
#[derive(Debug, thiserror::Error)]
#[error("the server said in `postern.v1` what is not of it: {0}")]
pub struct Unclear(String);

/// All that may stand in a frame. Not a tagged enum: serde would take the body apart to find the tag, and its bytes
/// are to stay as they are.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(rename = "type")]
    kind_of_frame: String,
    cursor: Option<String>,
    prev: Option<String>,
    id: Option<String>,
    webhook: Option<String>,
    kind: Option<String>,
    received: Option<String>,
    content_type: Option<String>,
    keys: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    body: Option<&'a RawValue>,
    base64: Option<String>,
    from: Option<String>,
    to: Option<String>,
    reason: Option<String>,
    retry_after_ms: Option<u64>,
}

/// A body may be `null`, which is not the same as no body.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Frame {
    pub fn read(text: &Bytes) -> Result<Self, Unclear> {
        let parts: Parts<'_> = serde_json::from_slice(text).map_err(|error| Unclear(error.to_string()))?;
        Ok(match parts.kind_of_frame.as_str() {
            "hello" => Self::Hello(cursor("cursor", parts.cursor.as_deref())?),
            "event" => Self::Event {
                cursor: cursor("cursor", parts.cursor.as_deref())?,
                prev: cursor("prev", parts.prev.as_deref())?,
                event: event(text, parts)?,
            },
            "greeting" => Self::Greeting(body(text, parts.body, parts.base64)?.bytes),
            "gap" => Self::Gap(Gap {
                from: cursor("from", parts.from.as_deref())?,
                to: cursor("to", parts.to.as_deref())?,
                reason: outward::first_line(&parts.reason.unwrap_or_default()),
            }),
            "live" => Self::Live,
            "drain" => Self::Drain {
                place: cursor("cursor", parts.cursor.as_deref())?,
                retry_after: Duration::from_millis(parts.retry_after_ms.unwrap_or_default()),
            },
            other => Self::Other(outward::first_line(other)),
        })
    }
}

fn cursor<T: FromStr<Err = NotACursor>>(name: &str, text: Option<&str>) -> Result<T, Unclear> {
    let text = text.ok_or_else(|| Unclear(format!("no `{name}`")))?;
    text.parse().map_err(|error| Unclear(format!("`{name}`: {error}")))
}

fn event(frame: &Bytes, parts: Parts<'_>) -> Result<Event, Unclear> {
    let event = body(frame, parts.body, parts.base64)?;
    let about = About {
        id: parts.id.unwrap_or_default(),
        cursor: parts.cursor.unwrap_or_default(),
        webhook: parts.webhook.unwrap_or_default(),
        kind: parts.kind.unwrap_or_default(),
        received: parts.received.unwrap_or_default(),
        keys: parts.keys.map_or_else(|| "{}".to_owned(), |keys| keys.get().to_owned()),
        content_type: parts.content_type,
    };
    Ok(Event { about: Some(about), ..event })
}

fn body(frame: &Bytes, json: Option<&RawValue>, base64: Option<String>) -> Result<Event, Unclear> {
    match (json, base64) {
        (Some(json), _) => Ok(Event { bytes: whole(frame, json.get()), form: Form::Json, about: None }),
        (None, Some(text)) => {
            let bytes = BASE64.decode(text.as_bytes()).map_err(|error| Unclear(format!("`base64`: {error}")))?;
            Ok(Event::of(bytes.into()))
        }
        (None, None) => Err(Unclear("an event without a body".to_owned())),
    }
}

/// The body where it stands in the frame, with the spaces around it: the parser leaves those out, and they are of the
/// signed bytes too. Nothing but the body puts any there.
fn whole(frame: &Bytes, body: &str) -> Bytes {
    let begin = (body.as_ptr() as usize).saturating_sub(frame.as_ptr() as usize);
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let before = frame[..begin].iter().rev().take_while(|byte| is_space(byte)).count();
    let end = begin + body.len();
    let after = frame[end..].iter().take_while(|byte| is_space(byte)).count();
    frame.slice(begin - before..end + after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Offset;

    fn at(offset: u64) -> Cursor {
        Cursor { epoch: 7, offset: Offset(offset) }
    }

    fn event_with(body: &str) -> Event {
        let (cursor, prev) = (at(2), at(1));
        let text = format!(
            r#"{{"type":"event","cursor":"{cursor}","prev":"{prev}","id":"01","webhook":"w","kind":"messages","received":"2026-01-31T12:00:00.000Z","keys":{{"waba":"1"}},{body}}}"#
        );
        match Frame::read(&text.into()) {
            Ok(Frame::Event { cursor: c, prev: p, event }) if (c, p) == (cursor, prev) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_bytes_of_a_body_are_those_in_the_frame() {
        for body in [
            "{}",
            " {\r\n \"z\": 1e400, \"a\": \"\\u00e9\", \"a\": 2 }\n",
            "null",
            "\t12345678901234567890.10 ",
            "\"x\"",
        ] {
            assert_eq!(event_with(&format!("\"body\":{body}")).bytes, body);
        }
        assert_eq!(event_with(r#""base64":"/wAB""#).bytes, &[0xff, 0, 1][..]);
        let about = event_with("\"body\":1").about.unwrap();
        assert_eq!(
            (about.id.as_str(), about.kind.as_str(), about.keys.as_str()),
            ("01", "messages", r#"{"waba":"1"}"#)
        );
    }

    #[test]
    fn the_other_frames_are_understood_and_later_ones_are_let_pass() {
        let read = |text: String| Frame::read(&text.into()).unwrap();
        assert!(
            matches!(read(format!(r#"{{"type":"hello","cursor":"{}","client":"0f"}}"#, at(3))), Frame::Hello(c) if c == at(3))
        );
        let gap = read(format!(r#"{{"type":"gap","from":"{}","to":"{}","reason":"expired"}}"#, at(1), at(9)));
        assert!(matches!(gap, Frame::Gap(gap) if gap == Gap { from: at(1), to: at(9), reason: "expired".into() }));
        assert!(matches!(read(r#"{"type":"live"}"#.into()), Frame::Live));
        let greeting = read(r#"{"type":"greeting","base64":"aGVsbG8="}"#.into());
        assert!(matches!(greeting, Frame::Greeting(bytes) if bytes == "hello"));
        let drain = read(format!(r#"{{"type":"drain","cursor":"{}~2","retry_after_ms":1500}}"#, at(3)));
        assert!(
            matches!(drain, Frame::Drain { place, retry_after } if (place.count, retry_after.as_millis()) == (2, 1500))
        );
        assert!(
            matches!(read(r#"{"type":"weather","sky":{"blue":[1]}}"#.into()), Frame::Other(kind) if kind == "weather")
        );
    }

    #[test]
    fn what_is_no_frame_is_an_error_and_never_a_panic() {
        let short = format!(r#"{{"type":"event","cursor":"{}","prev":"{}"}}"#, at(1), at(1));
        for text in ["", "{}", "[]", "hello", r#"{"type":"hello"}"#, r#"{"type":"hello","cursor":"x"}"#, &short] {
            assert!(Frame::read(&text.to_owned().into()).is_err(), "{text}");
        }
    }
}
