//! Finds the items of a delivery the slow and plain way, to compare with.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Where one item is: its bytes, and the lists and places that lead to it.
#[derive(Debug)]
pub struct Path<'a> {
    pub raw: &'a str,
    pub kind: String,
    entry: usize,
    /// In the entry, and then in the change's value.
    steps: Vec<(&'static str, usize)>,
}

type Raw<'a> = &'a RawValue;

fn members(raw: Raw<'_>) -> Option<HashMap<String, Raw<'_>>> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).expect("it is an object"))
}

fn elements<'a>(raw: Option<&Raw<'a>>) -> Option<Vec<Raw<'a>>> {
    let raw = raw.filter(|raw| raw.get().starts_with('['))?;
    Some(serde_json::from_str(raw.get()).expect("it is an array"))
}

/// The items in the order in which they stand. The body must be an envelope.
pub fn paths(body: &str) -> Vec<Path<'_>> {
    let mut found = Vec::new();
    let body = serde_json::from_str::<Raw>(body).expect("it is JSON");
    let body = members(body).expect("it is an object");
    for (entry, raw) in elements(body.get("entry")).expect("it has entries").into_iter().enumerate() {
        let before = found.len();
        let itself = Path { raw: raw.get(), kind: "unknown".into(), entry, steps: Vec::new() };
        let Some(members) = members(raw) else {
            found.push(itself);
            continue;
        };
        let mut says = members.keys().any(|name| !["id", "time", "changes", "messaging", "standby"].contains(&&**name));
        for name in ["messaging", "standby"] {
            says |= members.contains_key(name) && elements(members.get(name)).is_none();
            for (place, raw) in elements(members.get(name)).unwrap_or_default().into_iter().enumerate() {
                let kind = if name == "standby" { name.to_owned() } else { messaging(raw) };
                found.push(Path { raw: raw.get(), kind, entry, steps: vec![(name, place)] });
            }
        }
        says |= members.contains_key("changes") && elements(members.get("changes")).is_none();
        for (place, raw) in elements(members.get("changes")).unwrap_or_default().into_iter().enumerate() {
            change(raw, entry, place, &mut found);
        }
        if says && found.len() == before {
            found.push(itself);
        }
    }
    found.sort_by_key(|path| path.raw.as_ptr() as usize);
    found
}

/// The kind of an element of `messaging`.
fn messaging(raw: Raw<'_>) -> String {
    let members = members(raw).unwrap_or_default();
    let echo =
        members.get("message").and_then(|raw| self::members(raw)).and_then(|message| message.get("is_echo").copied());
    if echo.is_some_and(|echo| echo.get() == "true") {
        return "message_echoes".into();
    }
    let fields = [
        ("message", "messages"),
        ("postback", "messaging_postbacks"),
        ("message_edit", "message_edits"),
        ("reaction", "message_reactions"),
        ("delivery", "message_deliveries"),
        ("read", "message_reads"),
        ("optin", "messaging_optins"),
        ("account_linking", "messaging_account_linking"),
        ("policy_enforcement", "messaging_policy_enforcement"),
        ("pass_thread_control", "messaging_handovers"),
        ("take_thread_control", "messaging_handovers"),
        ("request_thread_control", "messaging_handovers"),
        ("app_roles", "messaging_handovers"),
        ("referral", "messaging_referrals"),
    ];
    let told = fields.iter().find(|(name, _)| members.contains_key(*name));
    told.map_or("messaging", |(_, field)| field).into()
}

fn change<'a>(raw: Raw<'a>, entry: usize, place: usize, found: &mut Vec<Path<'a>>) {
    let before = found.len();
    let members = members(raw).unwrap_or_default();
    let value = members.get("value").and_then(|raw| self::members(raw)).unwrap_or_default();
    for name in ["messages", "statuses"] {
        for (element, raw) in elements(value.get(name)).unwrap_or_default().into_iter().enumerate() {
            let steps = vec![("changes", place), (name, element)];
            found.push(Path { raw: raw.get(), kind: name.into(), entry, steps });
        }
    }
    if found.len() == before {
        let field = members.get("field").and_then(|raw| match serde_json::from_str(raw.get()) {
            Ok(Value::String(field)) => Some(field),
            Ok(Value::Number(number)) if raw.get().bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(number).map(|_| raw.get().to_owned())
            }
            _ => None,
        });
        let good = |field: &String| {
            (1..=64).contains(&field.len())
                && field.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-/".contains(letter))
        };
        let kind = field.filter(good).unwrap_or_else(|| "unknown".into());
        found.push(Path { raw: raw.get(), kind, entry, steps: vec![("changes", place)] });
    }
}

/// The delivery without all other items.
pub fn only(mut body: Value, path: &Path<'_>) -> Value {
    keep(&mut body["entry"], path.entry);
    let Some(((name, place), deeper)) = path.steps.split_first() else { return body };
    let entry = &mut body["entry"][0];
    keep_list(entry, &["changes", "messaging", "standby"], name, *place);
    if let [(name, place)] = deeper {
        keep_list(&mut entry["changes"][0]["value"], &["messages", "statuses"], name, *place);
    }
    body
}

fn keep(list: &mut Value, place: usize) {
    *list = Value::Array(vec![list[place].take()]);
}

fn keep_list(object: &mut Value, names: &[&str], kept: &str, place: usize) {
    for name in names {
        if object.get(name).is_some_and(Value::is_array) && *name != kept {
            object.as_object_mut().expect("it is an object").remove(*name);
        }
    }
    keep(&mut object[kept], place);
}
