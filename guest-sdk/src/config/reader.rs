//! Reads a configuration into a type, and says which key is wrong: `` `tokens[0].token`: expected a string, found a
//! number ``.
//!
//! It stands in for `serde_json::from_value`, whose errors quote the value they met. A filter's configuration holds
//! tokens and keys, and what is told here ends in the operator's log.

use crate::Error;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use std::fmt;

pub(super) fn read<'de, T: Deserialize<'de>>(tree: &'de Value) -> Result<T, Error> {
    T::deserialize(Node(tree)).map_err(Error::from)
}

/// What is wrong, and where.
#[derive(Debug)]
struct Fault {
    path: String,
    what: String,
}

impl Fault {
    fn within(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "in the filter's configuration: {}", self.what),
            path => write!(f, "in the filter's configuration, `{path}`: {}", self.what),
        }
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: String::new(), what: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found another {}", kind(&found).trim_start_matches("a ")))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("expected one of `{}`", expected.join("`, `")))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

struct Node<'de>(&'de Value);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::String(value) => visitor.visit_borrowed_str(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Value::Array(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Object(entries) => visitor.visit_map(Entries::of(entries)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(StrDeserializer::new(name)),
            Value::Object(entries) => visitor.visit_enum(MapAccessDeserializer::new(Entries::of(entries))),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: &'de [Value],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let step = self.next;
        self.next += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|fault| fault.within(&format!("[{step}]")))
    }
}

struct Entries<'de> {
    rest: serde_json::map::Iter<'de>,
    value: Option<(&'de str, &'de Value)>,
}

impl<'de> Entries<'de> {
    fn of(entries: &'de Map<String, Value>) -> Self {
        Self { rest: entries.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((key, value));
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.value.take() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(Node(value)).map_err(|fault| fault.within(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(default)]
        entries: Vec<Entry>,
        #[serde(default)]
        otherwise: Otherwise,
        share: Option<f64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Entry {
        token: String,
        #[serde(default)]
        labels: BTreeMap<String, i64>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Otherwise {
        #[default]
        Drop,
        Everyone,
        Room(String),
    }

    fn fault(tree: &Value) -> String {
        read::<Settings>(tree).expect_err("it is wrong").to_string()
    }

    #[test]
    fn every_shape_that_configuration_has_is_read() {
        let tree = json!({ "entries": [{ "token": "t", "labels": { "a": -1 } }], "otherwise": "everyone", "share": 1 });
        let settings: Settings = read(&tree).expect("it is right");
        let labels = BTreeMap::from([("a".to_owned(), -1)]);
        assert_eq!(settings.entries, [Entry { token: "t".into(), labels }]);
        assert_eq!((settings.otherwise, settings.share), (Otherwise::Everyone, Some(1.0)));
        let room: Settings = read(&json!({ "otherwise": { "room": "lobby" } })).expect("it is right");
        assert_eq!(room.otherwise, Otherwise::Room("lobby".into()));
    }

    #[test]
    fn an_error_names_the_key_and_never_the_value() {
        for (tree, expected) in [
            (json!({ "entries": ["hunter2"] }), "`entries[0]`: expected struct Entry, found a string"),
            (json!({ "entries": [{ "token": 7253 }] }), "`entries[0].token`: expected a string, found a number"),
            (json!({ "entries": [{ "token": "hunter2", "labels": { "a": "hunter2" } }] }), "`entries[0].labels.a`: "),
            (json!({ "otherwise": "hunter2" }), "`otherwise`: expected one of `drop`, `everyone`, `room`"),
            (json!({ "entrys": "hunter2" }), "configuration: unknown field `entrys`, expected one of `entries`"),
        ] {
            let told = fault(&tree);
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains("hunter2") && !told.contains("7253"), "{told}");
        }
    }
}
