//! What `postern filter test --json` tells, in this crate's types. `None` where it is not understood.

use super::{Failed, Ran};
use crate::testing::Sent;
use crate::{
    Admission, ClientId, Delivery, Denial, Format, Grant, Header, HttpVerdict, Label, Payload, Response, Selector,
    Verdict,
};
use data_encoding::BASE64;
use serde_json::Value;

pub fn ran<T>(result: &Value, answer: fn(&Value) -> Option<T>) -> Option<Ran<T>> {
    let got = result.get("got")?;
    let said = got.get("verdict")?;
    let entries = |key: &str| got.get(key).and_then(Value::as_object);
    Some(Ran {
        answer: match failed(said) {
            Some(failed) => Err(failed),
            None => Ok(answer(said)?),
        },
        sent: got.get("sends")?.as_array()?.iter().map(sent).collect::<Option<_>>()?,
        changes: texts(got.get("clients")?)?,
        kept: entries("kv")?.iter().map(|(key, value)| Some((key.clone(), bytes(value)?))).collect::<Option<_>>()?,
        metrics: entries("metrics")?.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        lines: texts(got.get("logs")?)?,
        micros: result.get("micros")?.as_u64()?,
        memory: result.get("memory")?.as_u64()?,
    })
}

fn failed(said: &Value) -> Option<Failed> {
    let of = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
    let failed = |kind: &str, words| Failed { kind: kind.to_owned(), words };
    of("error")
        .map(|words| failed("refused", words))
        .or_else(|| of("trap").map(|words| failed("trap", words)))
        .or_else(|| of("failure").map(|kind| failed(&kind, of("words").unwrap_or_default())))
}

pub fn nothing(said: &Value) -> Option<()> {
    (said == "ok").then_some(())
}

pub fn verdict(said: &Value) -> Option<Verdict> {
    match said.as_str() {
        Some("pass") => return Some(Verdict::Pass),
        Some("drop") => return Some(Verdict::Drop(None)),
        _ => {}
    }
    let (kind, what) = said.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "drop" => Verdict::drop(what.as_str()?),
        "rewrite" => Verdict::Rewrite(payload(what)?),
        "send" => Verdict::Send(what.as_array()?.iter().map(delivery).collect::<Option<_>>()?),
        _ => return None,
    })
}

fn delivery(part: &Value) -> Option<Delivery> {
    let body = part.get("payload")?;
    let payload = if body.get("unchanged").is_some() { None } else { Some(payload(body)?) };
    Some(Delivery { to: selector(part.get("to")?)?, except: ids(part.get("except")?)?, payload })
}

pub fn admission(said: &Value) -> Option<Admission> {
    let text = |from: &Value, key: &str| from.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(grant) = said.get("allow") {
        return Some(Admission::Allow(Grant {
            subject: text(grant, "subject"),
            labels: labels(grant.get("labels")?)?,
            subprotocol: text(grant, "subprotocol"),
            greeting: match grant.get("greeting") {
                None | Some(Value::Null) => None,
                Some(body) => Some(payload(body)?),
            },
        }));
    }
    let denial = said.get("deny")?;
    let status = u16::try_from(denial.get("status")?.as_u64()?).ok()?;
    Some(Admission::Deny(Denial { status, body: text(denial, "body")?, reason: text(denial, "reason") }))
}

pub fn choices(said: &Value) -> Option<Vec<bool>> {
    said.get("choose")?.as_array()?.iter().map(Value::as_bool).collect()
}

pub fn http(said: &Value) -> Option<HttpVerdict> {
    Some(match (said.get("accept"), said.get("respond")) {
        (Some(body), Some(with)) => HttpVerdict::Accept(payload(body)?, response(with)?),
        (None, Some(with)) => HttpVerdict::Respond(response(with)?),
        _ if said == "pass" => HttpVerdict::Pass,
        _ => return None,
    })
}

fn response(said: &Value) -> Option<Response> {
    let mut headers = Vec::new();
    for (name, value) in said.get("headers")?.as_object()? {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        for value in &values {
            headers.push(Header { name: name.clone(), value: bytes(value)? });
        }
    }
    let status = u16::try_from(said.get("status")?.as_u64()?).ok()?;
    Some(Response { status, headers, body: bytes(said.get("body")?)? })
}

fn sent(said: &Value) -> Option<Sent> {
    Some(Sent {
        to: selector(said.get("to")?)?,
        except: ids(said.get("except")?)?,
        payload: payload(said.get("payload")?)?,
        reached: vec![],
    })
}

fn selector(said: &Value) -> Option<Selector> {
    if said == "everyone" {
        return Some(Selector::Everyone);
    }
    let of = |key: &str| said.get(key);
    of("clients")
        .and_then(|clients| Some(Selector::Clients(ids(clients)?)))
        .or_else(|| of("any_label").and_then(|wanted| Some(Selector::AnyLabel(labels(wanted)?))))
        .or_else(|| of("all_labels").and_then(|wanted| Some(Selector::AllLabels(labels(wanted)?))))
}

fn payload(body: &Value) -> Option<Payload> {
    let format = if body.is_string() { Format::Text } else { Format::Binary };
    Some(Payload { format, data: bytes(body)? })
}

/// Text is its bytes; what is not, is `{ "base64": "…" }`.
fn bytes(body: &Value) -> Option<Vec<u8>> {
    match body.as_str() {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => BASE64.decode(body.get("base64")?.as_str()?.as_bytes()).ok(),
    }
}

fn labels(said: &Value) -> Option<Vec<Label>> {
    let label = |text: &Value| text.as_str()?.split_once('=').map(|(key, value)| Label::new(key, value));
    said.as_array()?.iter().map(label).collect()
}

fn ids(said: &Value) -> Option<Vec<ClientId>> {
    said.as_array()?.iter().map(Value::as_u64).collect()
}

fn texts(said: &Value) -> Option<Vec<String>> {
    said.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}
