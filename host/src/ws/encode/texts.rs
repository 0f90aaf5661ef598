//! Events as text: JSON for `postern.v1`, blocks of lines for server-sent events.

use crate::hub::Wire;
use crate::message::{Cursor, Entry, Timestamp};
use data_encoding::BASE64;
use serde::de::IgnoredAny;
use std::fmt::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

/// An event of `postern.v1`: `head`, the cursor of what the client got before, `middle`, the payload as it is if it is
/// JSON, `end`.
pub struct Event {
    pub head: String,
    pub middle: String,
    pub payload: bool,
    pub end: &'static str,
}

impl Event {
    pub fn length(&self, payload: &[u8]) -> usize {
        let payload = if self.payload { payload.len() } else { 0 };
        self.head.len() + Cursor::LENGTH + self.middle.len() + payload + self.end.len()
    }
}

pub fn v1(entry: &Entry) -> Event {
    let head = format!(r#"{{"type":"event","cursor":"{}","prev":""#, entry.cursor());
    let mut middle = format!(
        r#"","id":"{}","webhook":{},"kind":{},"received":"{}","#,
        entry.event,
        Quoted(&entry.webhook),
        Quoted(&entry.kind),
        rfc3339(entry.received),
    );
    let payload = is_json(&entry.payload.data);
    // JSON that was sent as JSON, which most is, needs no word about it.
    let remarkable = entry.content_type.as_deref().filter(|said| !payload || *said != "application/json");
    if let Some(content_type) = remarkable {
        // Writing to a string does not fail, here and below.
        let _ = write!(middle, r#""content_type":{},"#, Quoted(content_type));
    }
    middle.push_str(r#""keys":{"#);
    let keys = &entry.keys;
    let known = [("waba", &keys.waba), ("phone_number_id", &keys.phone_number_id), ("user", &keys.user)];
    let mut separator = "";
    for (name, value) in known {
        if let Some(value) = value {
            let _ = write!(middle, r#"{separator}"{name}":{}"#, Quoted(value));
            separator = ",";
        }
    }
    middle.push_str("},");
    if payload {
        middle.push_str(r#""body":"#);
    } else {
        middle.push_str(&base64(&entry.payload.data));
    }
    Event { head, middle, payload, end: "}" }
}

/// An event as a block: `id`, `event`, `data`.
pub fn sse(entry: &Entry) -> Wire {
    let head = format!("id: {}\nevent: {}\n", entry.cursor(), EventName(&entry.kind));
    let (before, payload, after) = match std::str::from_utf8(&entry.payload.data) {
        Ok(body) if !body.contains(['\r', '\n']) => (format!("{head}data: "), true, "\n\n"),
        Ok(body) => (format!("{head}{}", Lines(body)), false, "\n"),
        Err(_) => (format!("{head}data: {{{}", base64(&entry.payload.data)), false, "}\n\n"),
    };
    Wire { before: before.into_bytes().into(), payload, after: after.as_bytes(), ..Wire::default() }
}

/// The name and the value of what stands for bytes that are not JSON.
pub fn base64(bytes: &[u8]) -> String {
    format!(r#""base64":"{}""#, BASE64.encode(bytes))
}

/// Whether bytes can stand in a JSON text as they are. Nothing is built of them, and nothing descended into.
pub fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Text as a JSON string.
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
    }
}

/// Text as lines of `data`, each ended. However its lines end, the receiver puts them together with line feeds.
pub struct Lines<'a>(pub &'a str);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(end) = rest.find(['\r', '\n']) {
            writeln!(f, "data: {}", &rest[..end])?;
            rest = &rest[end..];
            rest = rest.strip_prefix("\r\n").unwrap_or_else(|| &rest[1..]);
        }
        writeln!(f, "data: {rest}")
    }
}

/// A kind as the name of an event. It is signed, but by others: it must neither end its line nor pass for ours.
struct EventName<'a>(&'a str);

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.starts_with("postern.") {
            f.write_char('_')?;
        }
        self.0.chars().try_for_each(|letter| f.write_char(if letter.is_control() { '_' } else { letter }))
    }
}

/// The last moment of the year 9999: what is later has no such name.
const LAST: Timestamp = Timestamp(253_402_300_799_999);

pub fn rfc3339(time: Timestamp) -> impl fmt::Display {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time.min(LAST).0))
}
