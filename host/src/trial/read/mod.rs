//! Case files: TOML, or JSON of the same shape, or exported events as JSON lines.

mod asked;
mod body;
mod expect;
mod field;
mod toml;
mod world;

pub use field::Wrong;
pub use toml::toml;

use super::case::{Case, World};
use super::{Component, exported};
use crate::message::Timestamp;
use field::{Field, Read};
use serde_json::Value;
use serde_json::value::RawValue;
use std::path::Path;

/// 2026-01-01T00:00:00Z: where the clock stands unless it is said.
pub const NEW_YEAR: Timestamp = Timestamp(1_767_225_600_000);

/// The stream of clients of whom nothing else is said.
pub const STREAM: &str = "agents";

/// Where cases are from.
pub struct Origin<'a> {
    /// For messages.
    pub name: &'a str,
    /// Where relative paths begin.
    pub directory: &'a Path,
    pub component: &'a Component,
}

/// The cases of a text, in their order. What it does not say holds as in `usual`.
pub fn cases(text: &str, origin: &Origin<'_>, usual: &World) -> Result<Vec<Case>, Wrong> {
    if !is_json(text) {
        let document = toml(text).map_err(|why| Wrong(format!("{}: not TOML: {why}", origin.name)))?;
        return of_document(&document, origin, usual);
    }
    let mut cases = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Box<RawValue>>() {
        let wrong = |why: serde_json::Error| Wrong(format!("{}: not JSON: {why}", origin.name));
        let document = document.map_err(wrong)?;
        match exported::case(document.get(), origin, usual) {
            Some(case) => cases.push(case?),
            None => {
                let document = serde_json::from_str(document.get()).map_err(wrong)?;
                cases.extend(of_document(&document, origin, usual)?);
            }
        }
    }
    Ok(cases)
}

/// TOML begins with no brace.
pub fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

fn of_document(document: &Value, origin: &Origin<'_>, usual: &World) -> Read<Vec<Case>> {
    let mut table = Field::new(origin.name, "", document).table()?;
    let shared = world::world(&mut table, usual, origin)?;
    let cases = table.take("case").ok_or_else(|| {
        table.wrong("there are no cases\nhint: a case begins with a line `[[case]]`, and has a `name`")
    })?;
    table.finish()?;
    let cases = cases.value.as_array().ok_or_else(|| cases.wrong("a list: each begins with a line `[[case]]`"))?;
    cases.iter().enumerate().map(|(index, value)| case(index, value, origin, &shared)).collect()
}

fn case(index: usize, value: &Value, origin: &Origin<'_>, shared: &World) -> Read<Case> {
    let name = value.get("name").and_then(Value::as_str);
    let number = index + 1;
    let place = match name {
        Some(name) => format!("{}: case {number}, `{}`", origin.name, name.escape_debug()),
        None => format!("{}: case {number}", origin.name),
    };
    let mut table = Field::new(&place, "", value).table()?;
    let name =
        table.read("name", Field::text)?.ok_or_else(|| table.wrong("has no `name`\nhint: say what it claims"))?;
    let mut world = world::world(&mut table, shared, origin)?;
    let asked = asked::asked(&mut table, &mut world, origin)?;
    let expect = table.read("expect", expect::expect)?.unwrap_or_default();
    table.finish()?;
    Ok(Case { name: name.to_owned(), world, asked, expect })
}
