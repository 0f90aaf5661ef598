//! What a stream tells a client, the same in whichever form it comes.

use super::sse::Message as SseMessage;
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
pub enum News {
    Hello {
        cursor: String,
        client: String,
    },
    Event(Got),
    Gap {
        from: String,
        to: String,
        reason: String,
    },
    Live,
    Drain {
        cursor: String,
        retry_after: Duration,
    },
    /// A WebSocket's close frame.
    Closed {
        code: u16,
        reason: String,
    },
}

/// An event as a client gets it.
#[derive(Clone, Debug, Default)]
pub struct Got {
    pub body: Bytes,
    /// Raw events bring none.
    pub cursor: Option<String>,
    /// What `postern.v1` says beside the body; of SSE, the kind alone; of raw, null.
    pub about: Value,
}

impl Got {
    /// A word of what the event says about itself.
    pub fn word(&self, key: &str) -> &str {
        self.about[key].as_str().unwrap_or("")
    }
}

impl News {
    /// One text of `postern.v1`, and the cursor before it if it names one.
    pub fn of_v1(text: &str) -> (Self, Option<String>) {
        let told: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("not an object: {error}: {text}"));
        let mut about: BTreeMap<&str, Value> = BTreeMap::new();
        for (key, raw) in told.iter().filter(|(key, _)| *key != "body") {
            about.insert(key, serde_json::from_str(raw.get()).expect("a part of JSON is JSON"));
        }
        let word = |key: &str| {
            let value = about.get(key).and_then(Value::as_str);
            value.unwrap_or_else(|| panic!("no `{key}` in {text}")).to_owned()
        };
        let news = match word("type").as_str() {
            "hello" => Self::Hello { cursor: word("cursor"), client: word("client") },
            "gap" => Self::Gap { from: word("from"), to: word("to"), reason: word("reason") },
            "live" => Self::Live,
            "drain" => {
                let millis = about.get("retry_after_ms").and_then(Value::as_u64);
                let retry_after = Duration::from_millis(millis.unwrap_or_else(|| panic!("no time in {text}")));
                Self::Drain { cursor: word("cursor"), retry_after }
            }
            "event" => {
                for key in ["id", "webhook", "kind", "received"] {
                    assert!(!word(key).is_empty(), "{key}: {text}");
                }
                let body = match told.get("body") {
                    Some(raw) => Bytes::copy_from_slice(raw.get().as_bytes()),
                    None => from_base64(&word("base64")).into(),
                };
                let prev = Some(word("prev"));
                let (cursor, about) = (Some(word("cursor")), about.into_iter());
                let about = Value::Object(about.map(|(key, value)| (key.to_owned(), value)).collect());
                return (Self::Event(Got { body, cursor, about }), prev);
            }
            other => panic!("the gateway said {other:?}: {text}"),
        };
        (news, None)
    }

    /// One event of an event stream.
    pub fn of_sse(message: SseMessage) -> Self {
        if message.event.starts_with("postern.") {
            let (news, _) = Self::of_v1(&message.data);
            let (name, cursor) = match &news {
                Self::Hello { cursor, .. } => ("postern.hello", Some(cursor)),
                Self::Gap { to, .. } => ("postern.gap", Some(to)),
                Self::Drain { cursor, .. } => ("postern.drain", Some(cursor)),
                _ => ("postern.live", None),
            };
            assert_eq!(message.event, name);
            // What an EventSource brings back is the id, whatever the data says.
            if let Some(cursor) = cursor {
                assert_eq!(message.id.as_ref(), Some(cursor), "{name}");
            }
            return news;
        }
        let about = serde_json::json!({ "kind": message.event });
        Self::Event(Got { body: message.data.into(), cursor: message.id, about })
    }
}

/// What RFC 4648, section 4, makes of it.
pub fn from_base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (vec![], 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = LETTERS.iter().position(|known| *known == letter);
        let value = value.unwrap_or_else(|| panic!("not base64: {text}"));
        bits = bits << 6 | u32::try_from(value).expect("below 64");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_undone() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(from_base64(text), bytes.as_bytes());
        }
        assert_eq!(from_base64("/w=="), [0xff]);
    }
}
