//! Takes a case apart, key by key. A table knows which keys it was asked for, so that at its end what is left is unknown:
//! the code that reads a key is the only list of keys there is.

use crate::config::{nearest, one_of};
use serde_json::{Map, Value};

/// What is wrong with a case, where it stands, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

pub type Read<T> = Result<T, Wrong>;

/// A value, and where it stands.
#[derive(Clone)]
pub struct Field<'a> {
    /// The file, and which of its cases.
    pub place: &'a str,
    /// `expect.verdict`
    pub key: String,
    pub value: &'a Value,
}

pub struct Table<'a> {
    place: &'a str,
    key: String,
    entries: &'a Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'a> Field<'a> {
    pub fn new(place: &'a str, key: impl Into<String>, value: &'a Value) -> Self {
        Self { place, key: key.into(), value }
    }

    /// It is not what it must be.
    pub fn wrong(&self, must: impl std::fmt::Display) -> Wrong {
        Wrong(format!("{}: `{}` must be {must}", self.place, self.key))
    }

    pub fn text(&self) -> Read<&'a str> {
        self.value.as_str().ok_or_else(|| self.wrong("a string"))
    }

    pub fn boolean(&self) -> Read<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong("`true` or `false`"))
    }

    pub fn number(&self) -> Read<u64> {
        self.value.as_u64().ok_or_else(|| self.wrong("a whole number, nought or more"))
    }

    pub fn short(&self) -> Read<u16> {
        let number = self.value.as_u64().and_then(|number| u16::try_from(number).ok());
        number.ok_or_else(|| self.wrong("a whole number from 0 to 65535"))
    }

    pub fn list(&self) -> Read<Vec<Self>> {
        let values = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let element = |(index, value)| Field::new(self.place, format!("{}[{index}]", self.key), value);
        Ok(values.iter().enumerate().map(element).collect())
    }

    pub fn texts(&self) -> Read<Vec<String>> {
        self.list()?.iter().map(|text| text.text().map(str::to_owned)).collect()
    }

    pub fn numbers(&self) -> Read<Vec<u64>> {
        self.list()?.iter().map(Self::number).collect()
    }

    pub fn table(&self) -> Read<Table<'a>> {
        let entries = self.value.as_object().ok_or_else(|| self.wrong("a table"))?;
        Ok(Table { place: self.place, key: self.key.clone(), entries, asked: vec![] })
    }

    /// All of a table whose keys are names of the user's choice.
    pub fn named(&self) -> Read<Vec<(&'a String, Self)>> {
        let entries = self.value.as_object().ok_or_else(|| self.wrong("a table"))?;
        let named = |(name, value): (&'a String, &'a Value)| {
            (name, Field::new(self.place, format!("{}.{name}", self.key), value))
        };
        Ok(entries.iter().map(named).collect())
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Read<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let given = self.value.as_str().unwrap_or_default();
        match words.iter().find(|(word, _)| *word == given) {
            Some((_, meant)) => Ok(*meant),
            None => Err(match nearest(given, known.iter().copied()) {
                Some(near) => Wrong(format!("{}\nhint: did you mean `{near}`?", self.wrong(one_of(&known)))),
                None => self.wrong(one_of(&known)),
            }),
        }
    }
}

impl<'a> Table<'a> {
    pub fn take(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.asked.push(name);
        let value = self.entries.get(name)?;
        let key = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        Some(Field::new(self.place, key, value))
    }

    /// What is there under one of its keys, read; if it is there.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&Field<'a>) -> Read<T>) -> Read<Option<T>> {
        self.take(name).map(|field| read(&field)).transpose()
    }

    /// What is wrong with it as a whole.
    pub fn wrong(&self, what: impl std::fmt::Display) -> Wrong {
        let key = if self.key.is_empty() { String::new() } else { format!("`{}` ", self.key) };
        Wrong(format!("{}: {key}{what}", self.place))
    }

    /// An error for the first key that nobody asked for.
    pub fn finish(self) -> Read<()> {
        let Some(name) = self.entries.keys().find(|name| !self.asked.contains(&name.as_str())) else { return Ok(()) };
        let key = if self.key.is_empty() { name.clone() } else { format!("{}.{name}", self.key) };
        let hint = match nearest(name, self.asked.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it can be {}", one_of(&self.asked)),
        };
        Err(Wrong(format!("{}: `{}` is not a known key\nhint: {hint}", self.place, key.escape_debug())))
    }
}
