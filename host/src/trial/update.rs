//! Writes what came out into the case file it was expected in. Comments and the order of keys stay as they are.

use super::case::Expect;
use super::compare::{self, Difference};
use serde_json::{Map, Value as Json, json};
use toml_edit::{Array, DocumentMut, Formatted, InlineTable, Item, Table, TableLike, Value};

/// What is to be expected of one case of a file.
pub struct Update {
    /// Which case of the file, from nought.
    pub index: usize,
    /// Keys of `expect`, with their values.
    pub expect: Map<String, Json>,
}

/// What a case is to expect from now on: where it was wrong, what came out; where it said nothing at all, what there is to
/// say.
pub fn expected(expect: &Expect, differences: &[Difference], told: &Map<String, Json>) -> Map<String, Json> {
    let says_nothing = *expect == Expect::default();
    let has_something = |value: &Json| match value {
        Json::Array(values) => !values.is_empty(),
        Json::Object(entries) => !entries.is_empty(),
        _ => true,
    };
    let mut update = Map::new();
    for (key, got) in told {
        let is_wrong = differences.iter().any(|found| found.at.split('.').next() == Some(key));
        let is_new = says_nothing && has_something(got);
        if !is_wrong && !is_new {
            continue;
        }
        let value = match (key.as_str(), got) {
            ("verdict", got) => kind_of(got),
            // Of these a case names some, which stay the ones it names.
            ("kv", got) => named(&expect.kv, got),
            ("metrics", got) => named(&expect.metrics, got),
            (_, got) => got.clone(),
        };
        update.insert(key.clone(), value);
    }
    let absent: Vec<&String> = expect.kv_absent.iter().filter(|key| told["kv"].get(key.as_str()).is_none()).collect();
    if absent.len() < expect.kv_absent.len() {
        update.insert("kv_absent".to_owned(), json!(absent));
    }
    update
}

/// A verdict in a word: `drop`, or `deadline`.
pub fn short(verdict: &Json) -> String {
    match (verdict, verdict.get("failure")) {
        (_, Some(kind)) => kind.as_str().unwrap_or_default().to_owned(),
        (Json::String(word), _) => word.clone(),
        _ => compare::kind(verdict).unwrap_or_default().to_owned(),
    }
}

/// The words of a trap are the engine's, and those of other failures the gateway's: their kind is enough.
pub fn kind_of(got: &Json) -> Json {
    match (got.get("trap"), got.get("failure")) {
        (Some(_), _) => json!({ "failure": "trap" }),
        (_, Some(kind)) => json!({ "failure": kind }),
        _ => got.clone(),
    }
}

fn named(expected: &Map<String, Json>, got: &Json) -> Json {
    if expected.is_empty() {
        return got.clone();
    }
    let value = |key: &String| Some((key.clone(), got.get(key)?.clone()));
    Json::Object(expected.keys().filter_map(value).collect())
}

/// The text of a case file with these in it; `None` when it is not one.
pub fn update(text: &str, updates: &[Update]) -> Option<String> {
    if super::read::is_json(text) {
        let mut document: Json = serde_json::from_str(text).ok()?;
        for Update { index, expect } in updates {
            let case = document.get_mut("case")?.get_mut(*index)?.as_object_mut()?;
            let into = case.entry("expect").or_insert_with(|| json!({})).as_object_mut()?;
            into.extend(expect.clone());
        }
        return Some(serde_json::to_string_pretty(&document).ok()? + "\n");
    }
    let mut document: DocumentMut = text.parse().ok()?;
    for Update { index, expect } in updates {
        match document.get_mut("case")? {
            Item::ArrayOfTables(cases) => write(cases.get_mut(*index)?, expect)?,
            Item::Value(Value::Array(cases)) => write(cases.get_mut(*index)?.as_inline_table_mut()?, expect)?,
            _ => return None,
        }
    }
    Some(document.to_string())
}

fn write(case: &mut dyn TableLike, expect: &Map<String, Json>) -> Option<()> {
    if !case.contains_key("expect") {
        let mut table = Table::new();
        table.set_dotted(true);
        case.insert("expect", Item::Table(table));
    }
    let into = case.get_mut("expect")?.as_table_like_mut()?;
    for (key, value) in expect {
        let mut value = toml(value)?;
        match into.get_mut(key) {
            // What stands around the old value, a comment behind it above all, stands around the new one.
            Some(Item::Value(old)) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            _ => drop(into.insert(key, Item::Value(value))),
        }
    }
    Some(())
}

/// Nothing, in JSON `null`, has no word in TOML: a key that has it is left out.
fn toml(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(boolean) => Value::Boolean(Formatted::new(*boolean)),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(Formatted::new(number)),
            None => Value::Float(Formatted::new(number.as_f64()?)),
        },
        Json::String(text) => Value::String(Formatted::new(text.clone())),
        Json::Array(values) => Value::Array(values.iter().map(toml).collect::<Option<Array>>()?),
        Json::Object(entries) => {
            let entries = entries.iter().filter_map(|(key, value)| Some((key.as_str(), toml(value)?)));
            Value::InlineTable(entries.collect::<InlineTable>())
        }
    })
}
