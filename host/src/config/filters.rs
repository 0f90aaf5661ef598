//! The sections `[filters.NAME]`.

use super::locate::inline;
use super::reader::{Read, Section, Value, is_name};
use super::schema::{Component, Filter, Instances, OnError, Rollback};
use super::seen::Shape;
use super::tree::{Item, Node};
use crate::reference;
use crate::secret::Secret;
use bytesize::ByteSize;
use serde_json::{Map, Number, Value as Json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time that a new version may have to prove itself.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is wrong with a number that JSON cannot carry to a filter, and what to do about it.
const NO_WORD: &str = "holds a number that JSON has no word for: `inf` or `nan`";
const AS_TEXT: &str = "write it as a string, in quotes, if the filter takes that";

pub(super) fn filter(mut section: Section<'_>) -> Read<Filter> {
    let file = section.required("file").and_then(|value| component(&value));
    let sha256 = section.optional("sha256").map(|value| sha256(&value)).transpose();
    let on_error = section
        .required("on_error")
        .and_then(|value| value.choice(&[("hold", OnError::Hold), ("pass", OnError::Pass), ("drop", OnError::Drop)]));
    let deadline = section.required("deadline").and_then(|value| value.duration());
    // From one page of WebAssembly memory to all that 32 bits can address.
    let memory = section.required("memory").and_then(|value| value.size(ByteSize::kib(64)..=ByteSize::gib(4)));
    let config = section.optional("config").map_or_else(|| Ok(Json::Object(Map::new())), |value| config(&value));
    let secrets = secrets(section.section("secrets"));
    let keyspace = section.optional("keyspace").map(|value| keyspace(&value)).transpose();
    let instances = section.required("instances").and_then(|value| {
        value.choice(&[("auto", Instances::Auto), ("fresh", Instances::Fresh), ("reuse", Instances::Reuse)])
    });
    let shadow = section.required("shadow").and_then(|value| value.boolean());
    let breaker = section.required("breaker").and_then(|value| value.count(0..=1_000_000));
    let rollback = rollback(section.section("rollback"));
    section.finish(&[]);
    Ok(Filter {
        file: file?,
        sha256: sha256?,
        on_error: on_error?,
        deadline: deadline?,
        memory: memory?,
        config: config?,
        secrets: secrets?,
        keyspace: keyspace?,
        instances: instances?,
        shadow: shadow?,
        breaker: breaker?,
        rollback: rollback?,
    })
}

/// Each under a name of the user's choice.
fn secrets(section: Section<'_>) -> Read<BTreeMap<String, Secret>> {
    let secrets: Vec<(String, Read<Secret>)> =
        section.rest().into_iter().map(|(name, value)| (name, value.secret())).collect();
    secrets.into_iter().map(|(name, secret)| Ok((name, secret?))).collect()
}

/// When a new version is given up for the one before. `within` nought: never.
fn rollback(mut section: Section<'_>) -> Read<Option<Rollback>> {
    let failures = section.required("failures").and_then(|value| value.count(0..=1_000_000));
    let within = section.required("within").and_then(|value| {
        let within = value.any_duration()?;
        if within <= DAY { Ok(within) } else { Err(value.problem("must be at most 24h, or 0s to go back never")) }
    });
    section.finish(&[]);
    let (failures, within) = (failures?, within?);
    Ok((!within.is_zero()).then_some(Rollback { failures, within }))
}

/// Filters that name the same share it.
fn keyspace(value: &Value<'_>) -> Read<String> {
    let expected = "a name of 1 to 64 lower-case letters, digits, `-` and `_`";
    let text = value.text(expected)?;
    if is_name(text) { Ok(text.to_owned()) } else { Err(value.wrong(expected)) }
}

fn component(value: &Value<'_>) -> Read<Component> {
    let text = value.text("a path, `builtin:NAME`, or `oci://REGISTRY/NAME@sha256:…`")?;
    if let Some(name) = text.strip_prefix("builtin:") {
        return Ok(Component::Builtin(name.to_owned()));
    }
    if text.starts_with(reference::SCHEME) {
        let why = |why| value.problem_with_hint(format!("names no component in a registry: {why}"), reference::EXAMPLE);
        return text.parse().map(Component::Registry).map_err(why);
    }
    value.path().map(Component::File)
}

fn sha256(value: &Value<'_>) -> Read<String> {
    let expected = "a SHA-256 of 64 hexadecimal digits";
    let text = value.text(expected)?;
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(value.wrong(expected)),
    }
}

/// What the filter is told at its start: any table. An environment variable may hold it as JSON, or as in a file.
fn config(value: &Value<'_>) -> Read<Json> {
    value.takes(Shape::Foreign);
    if let Some(text) = value.node.loose() {
        if let Ok(json @ Json::Object(_)) = serde_json::from_str(text) {
            return Ok(json);
        }
        return match inline(text, &value.node.place) {
            Some(table) if table.children().is_some() => json(&value.part(table)),
            _ => Err(value.wrong("a table, in JSON or as `{ key = \"value\" }`")),
        };
    }
    match &value.node.item {
        Item::Table(_) => json(value),
        _ => Err(value.wrong("a table")),
    }
}

fn json(value: &Value<'_>) -> Read<Json> {
    let within = |node: &Node| json(&value.part(node.clone()));
    Ok(match &value.node.item {
        Item::Text(text) => match value.node.loose() {
            Some(text) => guess(text),
            None => Json::String(text.clone()),
        },
        Item::Date(date) => Json::String(date.clone()),
        Item::Boolean(boolean) => Json::Bool(*boolean),
        Item::Integer(number) => match i64::try_from(*number) {
            Ok(number) => Json::Number(number.into()),
            Err(_) => return Err(value.problem_with_hint("holds a number that does not fit in 64 bits", AS_TEXT)),
        },
        Item::Float(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => return Err(value.problem_with_hint(NO_WORD, AS_TEXT)),
        },
        Item::List(elements) => Json::Array(elements.iter().map(within).collect::<Read<_>>()?),
        Item::Table(children) => {
            let pairs = children.iter().map(|(name, node)| Ok((name.clone(), within(node)?)));
            Json::Object(pairs.collect::<Read<_>>()?)
        }
    })
}

/// Nothing says which type a single setting of a filter has. The text of an environment variable is taken for JSON when
/// that, written again, is the very same text (`5`, `true`, `["a"]`), and for a string otherwise (`0123`, `1e3`).
fn guess(text: &str) -> Json {
    let unchanged = |json: &Json| {
        let written = json.to_string();
        written == text
    };
    match serde_json::from_str::<Json>(text) {
        Ok(json) if json.is_array() || json.is_object() => json,
        Ok(json) if !json.is_string() && unchanged(&json) => json,
        _ => Json::String(text.to_owned()),
    }
}
