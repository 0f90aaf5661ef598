//! Lines of TOML: where each key of a document is, and what is wrong with one that cannot be parsed. Also the values
//! that can stand in one line of an environment variable.
//!
//! The parser that says these things keeps the source line in its own message, and that line may hold a secret: only
//! its bare sentence and its position come through here.

use super::problem::Place;
use super::tree::{Item, Node};
use std::collections::HashMap;
use toml_edit::{ImDocument, Item as TomlItem, TableLike, Value};

/// The line of each key and each element of a list, by its path.
#[derive(Default)]
pub(super) struct Lines(HashMap<Vec<String>, u32>);

/// A document that cannot be parsed.
pub(super) struct Syntax {
    pub line: Option<u32>,
    pub message: String,
}

impl Syntax {
    /// What to do about it. The parser expects a string where it finds anything it does not know: quotes were forgotten.
    pub fn advice(&self) -> &'static str {
        let about = |what: &str| self.message.contains(what);
        if about("duplicate key") {
            "remove one of the two"
        } else if about("table header") {
            "a section begins with a line such as `[tls]` or `[webhooks.whatsapp]`; see https://toml.io"
        } else if about("array") {
            "a list is written `[\"a\", \"b\"]`; see https://toml.io"
        } else {
            "a line is `key = \"text\"`, with the text, times and sizes in double quotes; see https://toml.io"
        }
    }
}

impl Lines {
    pub fn of(text: &str) -> Result<Self, Syntax> {
        let document = ImDocument::parse(text).map_err(|error| Syntax {
            line: error.span().map(|span| line_at(text, span.start)),
            message: error.message().lines().map(str::trim).collect::<Vec<_>>().join(": "),
        })?;
        let mut lines = Self::default();
        lines.table(text, document.as_table(), &mut Vec::new());
        Ok(lines)
    }

    pub fn line(&self, path: &[String]) -> Option<u32> {
        self.0.get(path).copied()
    }

    fn table(&mut self, text: &str, table: &dyn TableLike, path: &mut Vec<String>) {
        for (name, item) in table.iter() {
            path.push(name.to_owned());
            let key = table.key(name).and_then(toml_edit::Key::span);
            if let Some(span) = key.or_else(|| item.span()) {
                self.0.insert(path.clone(), line_at(text, span.start));
            }
            self.item(text, item, path);
            path.pop();
        }
    }

    fn item(&mut self, text: &str, item: &TomlItem, path: &mut Vec<String>) {
        if let Some(table) = item.as_table_like() {
            self.table(text, table, path);
        } else if let Some(tables) = item.as_array_of_tables() {
            for (index, table) in tables.iter().enumerate() {
                self.element(text, index, table.span(), path);
            }
        } else if let Some(array) = item.as_array() {
            for (index, value) in array.iter().enumerate() {
                self.element(text, index, value.span(), path);
                path.push(index.to_string());
                if let Some(table) = value.as_inline_table() {
                    self.table(text, table, path);
                }
                path.pop();
            }
        }
    }

    fn element(&mut self, text: &str, index: usize, span: Option<std::ops::Range<usize>>, path: &mut Vec<String>) {
        if let Some(span) = span {
            path.push(index.to_string());
            self.0.insert(path.clone(), line_at(text, span.start));
            path.pop();
        }
    }
}

fn line_at(text: &str, offset: usize) -> u32 {
    let before = text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// Reads one value as it would stand after `=` in a file: `["a", "b"]`, `{ file = "x" }`, `12`.
pub(super) fn inline(text: &str, place: &Place) -> Option<Node> {
    fn node(value: &Value, place: &Place) -> Node {
        let item = match value {
            Value::String(text) => Item::Text(text.value().clone()),
            Value::Integer(number) => Item::Integer((*number.value()).into()),
            Value::Float(number) => Item::Float(*number.value()),
            Value::Boolean(boolean) => Item::Boolean(*boolean.value()),
            Value::Datetime(date) => Item::Date(date.value().to_string()),
            Value::Array(array) => Item::List(array.iter().map(|value| node(value, place)).collect()),
            Value::InlineTable(table) => {
                Item::Table(table.iter().map(|(name, value)| (name.to_owned(), node(value, place))).collect())
            }
        };
        Node { place: place.clone(), item }
    }
    Some(node(&text.trim().parse::<Value>().ok()?, place))
}
