//! New ids for a payload that is sent again: a gateway recognises what it was sent before, by the ids in it.
//!
//! What is renewed, of Meta's: the `id` of each object in a `messages` or `statuses` array, and the `mid` of each `message`
//! or `postback`, wherever they stand. Of Stripe's the outermost `id`, of Slack's the outermost `event_id`. Others have none
//! in the body, or are known by all of it. A suffix goes before the closing quotation mark; no other byte changes. A payload
//! that is no JSON, or has no such id, has nothing to renew.

use crate::provider::Provider;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Where suffixes go.
pub struct Places(Vec<usize>);

impl Places {
    pub fn find(body: &[u8], provider: Provider) -> Self {
        let role = match provider {
            Provider::Meta => Role::Other,
            Provider::Stripe => Role::Named("id"),
            Provider::Slack => Role::Named("event_id"),
            _ => return Self(Vec::new()),
        };
        let mut places = Vec::new();
        if let Ok(value) = serde_json::from_slice::<&RawValue>(body) {
            walk(value, role, body, &mut places);
        }
        Self(places)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn renew(&self, body: &[u8], suffix: &str) -> Vec<u8> {
        let mut renewed = Vec::with_capacity(body.len() + self.0.len() * suffix.len());
        let mut from = 0;
        for &place in &self.0 {
            renewed.extend_from_slice(&body[from..place]);
            renewed.extend_from_slice(suffix.as_bytes());
            from = place;
        }
        renewed.extend_from_slice(&body[from..]);
        renewed
    }
}

/// What a value is, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Other,
    /// Its only id has this name.
    Named(&'static str),
    /// Nothing in it is an id.
    Nothing,
    /// `messages` or `statuses`: its objects have an `id`.
    Items,
    Item,
    /// `message` or `postback`: has a `mid`.
    Messenger,
    Id,
}

impl Role {
    fn of(self, key: &str) -> Self {
        match (self, key) {
            (Self::Named(name), key) => {
                if name == key {
                    Self::Id
                } else {
                    Self::Nothing
                }
            }
            (Self::Nothing, _) => Self::Nothing,
            (Self::Item, "id") | (Self::Messenger, "mid") => Self::Id,
            (_, "messages" | "statuses") => Self::Items,
            (_, "message" | "postback") => Self::Messenger,
            _ => Self::Other,
        }
    }
}

/// Each level reads its part of the text again. JSON read by serde_json is no deeper than 128.
fn walk(value: &RawValue, role: Role, body: &[u8], places: &mut Vec<usize>) {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            for (key, value) in serde_json::from_str(text).map(|Object(pairs)| pairs).unwrap_or_default() {
                walk(value, role.of(&key), body, places);
            }
        }
        Some(b'[') => {
            let role = match role {
                Role::Items => Role::Item,
                Role::Named(_) | Role::Nothing => Role::Nothing,
                _ => Role::Other,
            };
            for value in serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default() {
                walk(value, role, body, places);
            }
        }
        Some(b'"') if role == Role::Id => {
            let begin = (text.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
            places.push(begin + text.len() - 1);
        }
        _ => {}
    }
}

/// An object as it was written, in order, a key given twice included.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    pairs.push((key.0, value));
                }
                Ok(Object(pairs))
            }
        }
        from.deserialize_map(Pairs)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn renewed(body: &str) -> String {
        String::from_utf8(Places::find(body.as_bytes(), Provider::Meta).renew(body.as_bytes(), "-2")).unwrap()
    }

    #[test]
    fn ids_of_messages_and_statuses_are_renewed_and_no_other_byte_changes() {
        let body = concat!(
            "{\"entry\":[{\"id\":\"waba\",\"changes\":[{\"value\":{\"metadata\":{\"phone_number_id\":\"1\"},\r\n",
            " \"contacts\":[{\"id\":\"x\"}], \"messages\":[ {\"from\":\"1066\", \"id\" : \"wamid.A=\\\"\", \"context\":{\"id\":\"old\"},",
            "\"text\":{\"body\":\"caf\\u00e9 1e400\"}}, {\"\\u0069d\":\"wamid.B\"}],\"statuses\":[{\"id\":\"wamid.C\",\"id\":7}]}}]}]}\n"
        );
        let expected = body
            .replace("wamid.A=\\\"\"", "wamid.A=\\\"-2\"")
            .replace("wamid.B\"", "wamid.B-2\"")
            .replace("wamid.C\"", "wamid.C-2\"");
        assert_eq!(renewed(body), expected);
    }

    #[test]
    fn those_of_messenger_too() {
        let body = r#"{"entry":[{"messaging":[{"message":{"mid":"m1","text":"mid"}},{"postback":{"mid":"m2"}},{"read":{"mid":"m3"}}]}]}"#;
        assert_eq!(renewed(body), body.replace("\"m1\"", "\"m1-2\"").replace("\"m2\"", "\"m2-2\""));
    }

    #[test]
    fn the_outermost_id_of_stripes_and_slacks() {
        let body = r#"{"id":"evt_1","event_id":"Ev1","data":{"id":"in_1","event_id":"Ev2"},"messages":[{"id":"x"}]}"#;
        let with = |provider| Places::find(body.as_bytes(), provider).renew(body.as_bytes(), "-2");
        assert_eq!(with(Provider::Stripe), body.replace("evt_1", "evt_1-2").into_bytes());
        assert_eq!(with(Provider::Slack), body.replace("Ev1", "Ev1-2").into_bytes());
        assert_eq!(with(Provider::Github), body.as_bytes());
    }

    #[test]
    fn what_has_no_such_ids_has_nothing_to_renew() {
        for body in [
            "",
            "hello",
            "{}",
            "[1]",
            "{\"messages\":{\"id\":\"x\"}}",
            "{\"messages\":[\"id\"]}",
            "{\"messages\":[{\"id\":\"x\"}",
        ] {
            assert!(Places::find(body.as_bytes(), Provider::Meta).is_empty(), "{body}");
        }
        assert!(Places::find(b"\xff", Provider::Meta).is_empty());
    }
}
