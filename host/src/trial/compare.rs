//! Whether what happened is what was expected, and where not.

use super::case::Expect;
use super::lines::changes;
use data_encoding::BASE64;
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `verdict`, `kv.seen`, …
    pub at: String,
    pub expected: Value,
    pub got: Value,
}

/// What is longer is told by the lines that differ.
const SHORT: usize = 160;

impl Difference {
    /// For a person to read.
    pub fn lines(&self) -> Vec<String> {
        let (at, width) = (&self.at, self.at.len());
        let (expected, got) = (self.expected.to_string(), self.got.to_string());
        if expected.len() <= SHORT && got.len() <= SHORT {
            return vec![format!("{at}: expected {expected}"), format!("{:width$}  got      {got}", "")];
        }
        let mut lines = vec![format!("{at}: - expected, + got")];
        lines.extend(changes(&laid_out(&self.expected), &laid_out(&self.got)));
        lines
    }
}

/// On lines of its own; of texts in it, each line too.
fn laid_out(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default().replace("\\n", "\n")
}

/// What `told` has otherwise than `expect`, a key each.
pub fn differences(expect: &Expect, told: &Map<String, Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |at: String, expected: Value, got: &Value| {
        found.push(Difference { at, expected, got: got.clone() });
    };
    let of = |key: &str| told.get(key).unwrap_or(&Value::Null);
    match (&expect.verdict, of("verdict")) {
        (Some(expected), got) if !is_verdict(expected, got) => differ("verdict".to_owned(), expected.clone(), got),
        (None, got) if is_failure(got) => differ("verdict".to_owned(), json!("no failure"), got),
        _ => {}
    }
    if let Some(expected) = &expect.sends {
        let (expected, got) = (Value::Array(expected.clone()), of("sends"));
        if !is_same(&expected, got) {
            differ("sends".to_owned(), expected, got);
        }
    }
    if let Some(expected) = &expect.clients
        && json!(expected) != *of("clients")
    {
        differ("clients".to_owned(), json!(expected), of("clients"));
    }
    for (key, expected) in &expect.kv {
        let got = &of("kv")[key.as_str()];
        if !is_same_bytes(expected, got) {
            differ(format!("kv.{key}"), expected.clone(), got);
        }
    }
    for key in &expect.kv_absent {
        let got = &of("kv")[key.as_str()];
        if !got.is_null() {
            differ(format!("kv.{key}"), Value::Null, got);
        }
    }
    for (name, expected) in &expect.metrics {
        let got = &of("metrics")[name.as_str()];
        if !is_same(expected, got) {
            differ(format!("metrics.{name}"), expected.clone(), got);
        }
    }
    if !are_among(&expect.logs, of("logs")) {
        differ("logs".to_owned(), json!(expect.logs), of("logs"));
    }
    found
}

pub fn is_failure(verdict: &Value) -> bool {
    ["error", "trap", "failure"].iter().any(|key| verdict.get(key).is_some())
}

/// What kind of verdict it is: its word, or the first key that makes it one.
pub fn kind(verdict: &Value) -> Option<&str> {
    const KINDS: [&str; 10] =
        ["drop", "rewrite", "send", "allow", "deny", "accept", "respond", "choose", "error", "trap"];
    match verdict {
        Value::String(word) => Some(word),
        Value::Object(map) => KINDS.into_iter().find(|kind| map.contains_key(*kind)),
        _ => None,
    }
}

fn is_verdict(expected: &Value, got: &Value) -> bool {
    let Value::Object(wanted) = expected else { return expected.as_str() == kind(got) };
    if let Some(kind) = wanted.get("failure") {
        return match kind.as_str() {
            Some("refused") => got.get("error").is_some(),
            Some("trap") => got.get("trap").is_some(),
            Some("any") => is_failure(got),
            _ => got.get("failure") == Some(kind),
        };
    }
    kind(expected) == kind(got)
        && wanted.iter().all(|(key, value)| match (key.as_str(), value, got.get(key)) {
            ("error" | "trap", Value::String(part), Some(Value::String(words))) => words.contains(part.as_str()),
            (_, value, Some(got)) => is_same(value, got),
            // No reason is no key.
            ("drop", Value::Bool(false), None) => true,
            _ => false,
        })
}

/// Whether what is named is there, and is that; `false` is of what is not.
fn is_same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Object(wanted), _) if is_only(wanted, "json") => as_json(got).as_ref() == wanted.get("json"),
        (Value::Object(wanted), Value::Object(got)) => wanted.iter().all(|(key, value)| match got.get(key) {
            Some(got) if key == "body" => is_same_bytes(value, got),
            Some(got) => is_same(value, got),
            None => false,
        }),
        (Value::Array(wanted), Value::Array(got)) => {
            wanted.len() == got.len() && wanted.iter().zip(got).all(|(wanted, got)| is_same(wanted, got))
        }
        (Value::Number(wanted), Value::Number(got)) if wanted.is_f64() || got.is_f64() => {
            wanted.as_f64() == got.as_f64()
        }
        (Value::Bool(false), Value::Null) => true,
        _ => expected == got,
    }
}

/// Of what has no format: the same bytes, in whichever way they are written.
fn is_same_bytes(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Object(wanted), Value::String(text)) if is_only(wanted, "base64") => {
            let bytes = wanted.get("base64").and_then(Value::as_str).map(|text| BASE64.decode(text.as_bytes()));
            bytes.is_some_and(|bytes| bytes.is_ok_and(|bytes| bytes == text.as_bytes()))
        }
        _ => is_same(expected, got),
    }
}

fn is_only(map: &Map<String, Value>, key: &str) -> bool {
    map.len() == 1 && map.contains_key(key)
}

fn as_json(body: &Value) -> Option<Value> {
    serde_json::from_str(body.as_str()?).ok()
}

/// Whether each is a part of a line, in this order; others may be between.
fn are_among(parts: &[String], lines: &Value) -> bool {
    let mut lines = lines.as_array().into_iter().flatten().filter_map(Value::as_str);
    parts.iter().all(|part| lines.any(|line| line.contains(part.as_str())))
}
