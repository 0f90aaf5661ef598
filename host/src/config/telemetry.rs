//! The section `[telemetry]`: where traces go.

use super::reader::{Read, Section, Value};
use super::schema::Traces;
use super::tree::Item;
use crate::secret::Secret;
use std::collections::BTreeMap;

/// `None`: nothing is traced, since nobody said where to.
pub(super) fn telemetry(mut section: Section<'_>) -> Read<Option<Traces>> {
    let mut traces = section.section("traces");
    let endpoint = traces.optional("endpoint").map(|value| Ok(value.text("a URL")?.to_owned())).transpose();
    let sample = traces.required("sample").and_then(|value| ratio(&value));
    let service = traces.required("service").and_then(|value| Ok(value.text("a name")?.to_owned()));
    let headers = headers(traces.section("headers"));
    let ca = traces.optional("ca").map(|value| value.path()).transpose();
    traces.finish(&[]);
    section.finish(&[]);
    let (endpoint, sample, service, headers, ca) = (endpoint?, sample?, service?, headers?, ca?);
    Ok(endpoint.map(|endpoint| Traces { endpoint, sample, service, headers, ca }))
}

fn ratio(value: &Value<'_>) -> Read<f64> {
    let expected = "a number between 0 and 1, such as 0.01";
    let number = match (&value.node.item, value.node.loose()) {
        (Item::Float(number), _) => Some(*number),
        (Item::Integer(0), _) => Some(0.0),
        (Item::Integer(1), _) => Some(1.0),
        (_, Some(text)) => text.trim().parse().ok(),
        _ => None,
    };
    // What is no number is in no range.
    number.filter(|number| (0.0..=1.0).contains(number)).ok_or_else(|| value.wrong(expected))
}

/// Each under its own name.
fn headers(section: Section<'_>) -> Read<BTreeMap<String, Secret>> {
    let headers: Vec<(String, Read<Secret>)> =
        section.rest().into_iter().map(|(name, value)| (name, value.secret())).collect();
    headers.into_iter().map(|(name, secret)| Ok((name, secret?))).collect()
}
