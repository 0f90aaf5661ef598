//! Bodies and names, as case files write them.

use crate::message::{ClientId, Format, Label, Narrowing, Payload, Selector};
use data_encoding::BASE64;
use serde_json::{Value, json};

/// A body that is text is its text; any other is `{ base64 = "…" }`.
pub fn body(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => binary(bytes),
    }
}

pub fn payload(payload: &Payload) -> Value {
    match payload.format {
        Format::Text => body(&payload.data),
        Format::Binary => binary(&payload.data),
    }
}

fn binary(bytes: &[u8]) -> Value {
    json!({ "base64": BASE64.encode(bytes) })
}

pub fn label(label: &Label) -> String {
    format!("{}={}", label.key, label.value)
}

/// `key=value`; the value may have further `=` in it.
pub fn labelled(text: &str) -> Option<Label> {
    let (key, value) = text.split_once('=')?;
    Some(Label { key: key.to_owned(), value: value.to_owned() })
}

pub fn selector(selector: &Selector) -> Value {
    let labels = |labels: &[Label]| labels.iter().map(label).collect::<Vec<_>>();
    match selector {
        Selector::Everyone => json!("everyone"),
        Selector::Clients(clients) => json!({ "clients": ids(clients) }),
        Selector::AnyLabel(wanted) => json!({ "any_label": labels(wanted) }),
        Selector::AllLabels(wanted) => json!({ "all_labels": labels(wanted) }),
        // Filters have no words for these.
        Selector::Subjects(names) => json!({ "subjects": names }),
        Selector::Streams(names) => json!({ "streams": names }),
    }
}

/// `{ to = …, except = […] }`, for `payload` to be added.
pub fn narrowing(narrowing: &Narrowing) -> Value {
    json!({ "to": selector(&narrowing.to), "except": ids(&narrowing.except) })
}

fn ids(ids: &[ClientId]) -> Vec<u64> {
    ids.iter().map(|id| id.0).collect()
}
