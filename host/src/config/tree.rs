//! The merged configuration before it has types: values, and where each was written.

use super::problem::Place;
use std::collections::BTreeMap;

#[derive(Clone)]
pub(super) struct Node {
    pub place: Place,
    pub item: Item,
}

// No `Debug` on these: any text in them may be a secret.
#[derive(Clone)]
pub(super) enum Item {
    Text(String),
    Boolean(bool),
    Integer(i128),
    Float(f64),
    /// As it was written.
    Date(String),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// An empty text, written nowhere.
    pub fn nothing() -> Self {
        Self { place: Place::Default, item: Item::Text(String::new()) }
    }

    /// What it is, to say that something else was expected.
    pub fn kind(&self) -> &'static str {
        match self.item {
            Item::Text(_) => "a string",
            Item::Boolean(_) => "a boolean",
            Item::Integer(_) => "an integer",
            Item::Float(_) => "a number with a fraction",
            Item::Date(_) => "a date",
            Item::List(_) => "a list",
            Item::Table(_) => "a table",
        }
    }

    /// The text of an environment variable or a flag. Everything there is text, so the schema decides what it means:
    /// `0123` stays a secret's four digits, and becomes a number where a number is wanted.
    pub fn loose(&self) -> Option<&str> {
        match (&self.item, &self.place) {
            (Item::Text(text), Place::Environment { .. } | Place::Flag { .. }) => Some(text),
            _ => None,
        }
    }

    /// What is at a key below it.
    pub fn at(&self, key: &str) -> Option<&Self> {
        key.split('.').try_fold(self, |node, name| node.children()?.get(name))
    }

    pub fn children(&self) -> Option<&BTreeMap<String, Node>> {
        match &self.item {
            Item::Table(children) => Some(children),
            _ => None,
        }
    }
}

/// The places of all keys, tables included, elements of lists not.
pub(super) fn places(root: &Node) -> BTreeMap<String, Place> {
    fn walk(node: &Node, key: &str, places: &mut BTreeMap<String, Place>) {
        places.insert(key.to_owned(), node.place.clone());
        for (name, child) in node.children().into_iter().flatten() {
            walk(child, &join(key, name), places);
        }
    }
    let mut places = BTreeMap::new();
    walk(root, "", &mut places);
    places
}

/// `webhooks.whatsapp` and `path` make `webhooks.whatsapp.path`.
pub(super) fn join(key: &str, name: &str) -> String {
    // A key may be any text in TOML, and ends up in messages: nothing that moves a cursor comes through.
    let name = name.escape_debug();
    if key.is_empty() { name.to_string() } else { format!("{key}.{name}") }
}
