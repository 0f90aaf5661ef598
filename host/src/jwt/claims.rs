//! What a token says, once it is known who says it.

use super::{Config, Identity, Refusal, json};
use crate::message::{Label, Timestamp};
use serde_json::Value;

/// What must be said, and what is taken from it.
pub struct Expected {
    issuer: Option<String>,
    audience: Option<String>,
    subject: String,
    labels: Vec<(String, String)>,
    /// Milliseconds.
    leeway: u64,
    require_expiry: bool,
}

impl Expected {
    pub fn of(config: &Config) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            subject: config.subject.clone(),
            labels: config.labels.clone(),
            leeway: u64::try_from(config.leeway.as_millis()).unwrap_or(u64::MAX),
            require_expiry: config.require_expiry,
        }
    }
}

pub fn identity(payload: &[u8], expected: &Expected, now: Timestamp) -> Result<Identity, Refusal> {
    let all = json::parse(payload).filter(Value::is_object).ok_or(Refusal::Claims)?;
    // The claims of RFC 7519, section 4.1. One that is there and of another type is not one that is not there.
    let time = |name| all.get(name).map(|claim| claim.as_f64().ok_or(Refusal::Claims)).transpose();
    let expires = match time("exp")? {
        Some(seconds) => Some(Timestamp(millis(seconds)?.saturating_add(expected.leeway))),
        None if expected.require_expiry => return Err(Refusal::Endless),
        None => None,
    };
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Refusal::Expired);
    }
    if let Some(seconds) = time("nbf")?
        && millis(seconds)? > now.0.saturating_add(expected.leeway)
    {
        return Err(Refusal::Early);
    }
    let issuer = all.get("iss").map(|claim| claim.as_str().ok_or(Refusal::Claims)).transpose()?;
    if expected.issuer.is_some() && issuer != expected.issuer.as_deref() {
        return Err(Refusal::Issuer);
    }
    // One that is for somebody is not for a gateway that goes by no name (section 4.1.3).
    let is_for = match all.get("aud") {
        Some(Value::String(one)) => expected.audience.as_ref().is_some_and(|audience| one == audience),
        Some(Value::Array(several)) => {
            expected.audience.as_ref().is_some_and(|audience| several.iter().any(|one| one == audience))
        }
        Some(_) => return Err(Refusal::Claims),
        None => expected.audience.is_none(),
    };
    if !is_for {
        return Err(Refusal::Audience);
    }
    let subject = claim(&all, &expected.subject).and_then(text);
    let labels = expected.labels.iter().flat_map(|(key, path)| {
        let values = match claim(&all, path) {
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        };
        values.into_iter().map(|value| Label { key: key.clone(), value })
    });
    Ok(Identity { subject, labels: labels.collect(), expires })
}

/// A NumericDate, in milliseconds.
fn millis(seconds: f64) -> Result<u64, Refusal> {
    // Up to the year 9999.
    let sensible = (0.0..=253_402_300_799.0).contains(&seconds);
    if sensible { Ok((seconds * 1000.0) as u64) } else { Err(Refusal::Claims) }
}

/// The value at names with dots between; first of all the one that has that very name.
fn claim<'a>(all: &'a Value, path: &str) -> Option<&'a Value> {
    all.get(path).or_else(|| path.split('.').try_fold(all, |value, name| value.get(name)))
}

/// Text, numbers and truth values, as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
