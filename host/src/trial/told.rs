//! What happened, in the words of case files: what `expect` would have to say for it to be right.

use super::stage::Happened;
use super::text;
use crate::filter::{Admission, Answer, Effects, Failure, HttpAnswer, Response, Verdict};
use crate::message::{Change, Narrowing, Selector};
use serde_json::{Map, Value, json};

/// All of it, under the keys of `expect`.
pub fn told(happened: &Happened) -> Map<String, Value> {
    let nothing = Effects::default();
    let effects = happened.answer.as_ref().map_or(&nothing, |(_, effects)| effects);
    let kept = happened.kept.iter().map(|(key, value)| (key.clone(), text::body(value)));
    let changes = effects.changes.before.iter().chain(&effects.changes.after).map(change);
    Map::from_iter([
        ("verdict".to_owned(), told_of(&happened.answer)),
        ("sends".to_owned(), sends(effects)),
        ("clients".to_owned(), changes.collect()),
        ("kv".to_owned(), Value::Object(kept.collect())),
        ("metrics".to_owned(), Value::Object(happened.numbers.clone())),
        ("logs".to_owned(), json!(happened.lines)),
    ])
}

/// The answer alone.
pub fn told_of(answer: &Result<(Option<Answer>, Effects), Failure>) -> Value {
    match answer {
        Ok((answer, _)) => answer.as_ref().map_or(json!("ok"), answered),
        Err(failure) => failed(failure),
    }
}

fn answered(answer: &Answer) -> Value {
    match answer {
        Answer::Verdict(verdict) => judged(verdict),
        Answer::Admission(admission) => admitted(admission),
        Answer::Heard => json!("ok"),
        Answer::Chosen(chosen) => json!({ "choose": chosen }),
        Answer::Http(HttpAnswer::Pass) => json!("pass"),
        Answer::Http(HttpAnswer::Respond(with)) => json!({ "respond": response(with) }),
        Answer::Http(HttpAnswer::Accept(what, with)) => {
            json!({ "accept": text::payload(what), "respond": response(with) })
        }
    }
}

fn judged(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Pass => json!("pass"),
        Verdict::Drop(None) => json!("drop"),
        Verdict::Drop(Some(reason)) => json!({ "drop": reason }),
        Verdict::Rewrite(payload) => json!({ "rewrite": text::payload(payload) }),
        Verdict::Send(parts) => {
            let part = |part: &crate::filter::Part| {
                let mut told = text::narrowing(&part.narrowing);
                told["payload"] = part.payload.as_ref().map_or(json!({ "unchanged": true }), text::payload);
                told
            };
            json!({ "send": parts.iter().map(part).collect::<Vec<_>>() })
        }
    }
}

fn admitted(admission: &Admission) -> Value {
    match admission {
        Admission::Allow(grant) => json!({ "allow": {
            "subject": grant.subject,
            "labels": grant.labels.iter().map(text::label).collect::<Vec<_>>(),
            "subprotocol": grant.subprotocol,
            "greeting": grant.greeting.as_ref().map(text::payload),
        } }),
        Admission::Deny { status, body, reason } => {
            json!({ "deny": { "status": status, "body": body, "reason": reason } })
        }
    }
}

fn response(response: &Response) -> Value {
    let mut headers = Map::new();
    for name in response.headers.keys() {
        let mut values: Vec<Value> =
            response.headers.get_all(name).iter().map(|value| text::body(value.as_bytes())).collect();
        let value = if values.len() == 1 { values.swap_remove(0) } else { Value::Array(values) };
        headers.insert(name.to_string(), value);
    }
    json!({ "status": response.status.as_u16(), "headers": headers, "body": text::body(&response.body) })
}

fn failed(failure: &Failure) -> Value {
    match failure {
        Failure::Refused(words) => json!({ "error": words }),
        Failure::Trap(words) => json!({ "trap": words }),
        failure => json!({ "failure": failure.kind(), "words": failure.to_string() }),
    }
}

fn sends(effects: &Effects) -> Value {
    let everyone = Narrowing { to: Selector::Everyone, except: vec![] };
    let send = effects.sends.iter().map(|(payload, audience)| {
        let mut told = text::narrowing(audience.0.first().unwrap_or(&everyone));
        told["payload"] = text::payload(payload);
        told
    });
    send.collect()
}

fn change(change: &Change) -> Value {
    let id = change.client().0;
    Value::String(match change {
        Change::AddLabel { label, .. } => format!("label {id} {}", text::label(label)),
        Change::RemoveLabel { label, .. } => format!("unlabel {id} {}", text::label(label)),
        Change::Disconnect { code, reason, .. } => format!("disconnect {id} {code} {reason}").trim_end().to_owned(),
        Change::Pong { data, .. } => format!("pong {id} {}", String::from_utf8_lossy(data)).trim_end().to_owned(),
    })
}
