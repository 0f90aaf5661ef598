//! What is to come of it. Read for its shape only: it stays in the words of case files, and is held against what happened
//! in the same words.

use super::body::base64;
use super::field::{Field, Read};
use crate::trial::case::Expect;
use serde_json::Value;

/// The kinds of failure there are; and `any`, where it may be this or that.
const FAILURES: [&str; 9] = ["deadline", "memory", "trap", "refused", "output", "invalid", "busy", "missing", "any"];

pub fn expect(field: &Field<'_>) -> Read<Expect> {
    let mut table = field.table()?;
    let expect = Expect {
        verdict: table.read("verdict", |field| verdict(field).map(|()| field.value.clone()))?,
        sends: table.read("sends", |sends| {
            sends.list()?.iter().map(|part| delivery(part).map(|()| part.value.clone())).collect()
        })?,
        clients: table.read("clients", Field::texts)?,
        kv: table
            .read("kv", |kv| {
                kv.named()?
                    .into_iter()
                    .map(|(key, value)| body(&value).map(|()| (key.clone(), value.value.clone())))
                    .collect()
            })?
            .unwrap_or_default(),
        kv_absent: table.read("kv_absent", Field::texts)?.unwrap_or_default(),
        metrics: table
            .read("metrics", |metrics| {
                let entry =
                    |(name, value): (&String, Field<'_>)| number(&value).map(|()| (name.clone(), value.value.clone()));
                metrics.named()?.into_iter().map(entry).collect()
            })?
            .unwrap_or_default(),
        logs: table.read("logs", Field::texts)?.unwrap_or_default(),
    };
    table.finish()?;
    Ok(expect)
}

fn verdict(field: &Field<'_>) -> Read<()> {
    if field.value.is_string() {
        return field.word(
            &["pass", "drop", "rewrite", "send", "allow", "deny", "respond", "accept", "choose", "ok"]
                .map(|word| (word, ())),
        );
    }
    let mut table = field.table()?;
    table.read("drop", text_or_nothing)?;
    table.read("rewrite", body)?;
    table.read("send", |parts| parts.list()?.iter().try_for_each(delivery))?;
    table.read("allow", |grant| {
        let mut grant = grant.table()?;
        grant.read("subject", text_or_nothing)?;
        grant.read("labels", Field::texts)?;
        grant.read("subprotocol", text_or_nothing)?;
        grant.read("greeting", |greeting| if is_nothing(greeting.value) { Ok(()) } else { body(greeting) })?;
        grant.finish()
    })?;
    table.read("deny", |denial| {
        let mut denial = denial.table()?;
        denial.read("status", Field::short)?;
        denial.read("body", body)?;
        denial.read("reason", text_or_nothing)?;
        denial.finish()
    })?;
    table.read("respond", |response| {
        let mut response = response.table()?;
        response.read("status", Field::short)?;
        response.read("headers", Field::named)?;
        response.read("body", body)?;
        response.finish()
    })?;
    table.read("accept", body)?;
    table.read("choose", |choices| choices.list()?.iter().try_for_each(|choice| choice.boolean().map(drop)))?;
    table.read("error", |words| words.text().map(drop))?;
    table.read("trap", |words| words.text().map(drop))?;
    table.read("failure", |kind| kind.word(&FAILURES.map(|kind| (kind, ()))))?;
    table.finish()
}

/// TOML has no `null`: there it is `false` that says that something must not be there.
fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false))
}

fn text_or_nothing(field: &Field<'_>) -> Read<()> {
    if is_nothing(field.value) { Ok(()) } else { field.text().map(drop) }
}

fn delivery(field: &Field<'_>) -> Read<()> {
    let mut table = field.table()?;
    table.read("to", selector)?;
    table.read("except", Field::numbers)?;
    table.read("payload", body)?;
    table.finish()
}

fn selector(field: &Field<'_>) -> Read<()> {
    if field.value.is_string() {
        return field.word(&[("everyone", ())]);
    }
    let mut table = field.table()?;
    table.read("clients", Field::numbers)?;
    table.read("any_label", Field::texts)?;
    table.read("all_labels", Field::texts)?;
    table.finish()
}

/// Text, JSON, base64, or in a delivery the message in hand.
fn body(field: &Field<'_>) -> Read<()> {
    if field.value.is_string() {
        return Ok(());
    }
    let mut table = field.table()?;
    table.take("json");
    table.read("base64", |text| base64(text))?;
    table.read("unchanged", Field::boolean)?;
    table.finish()
}

/// A number, or all that a histogram was told.
fn number(field: &Field<'_>) -> Read<()> {
    match field.value {
        Value::Number(_) => Ok(()),
        Value::Array(values) if values.iter().all(Value::is_number) => Ok(()),
        _ => Err(field.wrong("a number, or a list of them")),
    }
}
