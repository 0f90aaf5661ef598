//! OTLP's JSON: protobuf's own, but for ids in hexadecimal. 64-bit numbers are strings.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use super::spans::{Span, Value};
use serde_json::{Value as Json, json};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How a failed span's status is numbered.
const ERROR: u8 = 2;

/// The wall clock at some instant, by which all others are told.
#[derive(Clone, Copy)]
pub struct Clock {
    at: Instant,
    nanos: u128,
}

impl Clock {
    pub fn now() -> Self {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Self { at: Instant::now(), nanos }
    }

    fn tell(self, instant: Instant) -> String {
        let past = self.at.saturating_duration_since(instant).as_nanos();
        let to_come = instant.saturating_duration_since(self.at).as_nanos();
        (self.nanos.saturating_sub(past) + to_come).to_string()
    }
}

pub fn request(service: &str, spans: &[Span], clock: Clock) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [text("service.name", service), text("service.version", version)];
    let spans: Vec<Json> = spans.iter().map(|span| told(span, clock)).collect();
    let scope = json!({ "scope": { "name": "postern", "version": version }, "spans": spans });
    let request = json!({ "resourceSpans": [{ "resource": { "attributes": resource }, "scopeSpans": [scope] }] });
    request.to_string().into_bytes()
}

fn told(span: &Span, clock: Clock) -> Json {
    let attributes = span.attributes.iter().map(|(key, value)| match value {
        Value::Text(value) => text(key, value),
        Value::Number(value) => json!({ "key": key, "value": { "intValue": value.to_string() } }),
    });
    let attributes: Vec<Json> = attributes.collect();
    let moment = |(name, at): &(&str, Instant)| json!({ "name": name, "timeUnixNano": clock.tell(*at) });
    let events: Vec<Json> = span.moments.iter().map(moment).collect();
    let mut told = json!({
        "traceId": span.trace.to_string(),
        "spanId": span.id.to_string(),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": clock.tell(span.began),
        "endTimeUnixNano": clock.tell(span.ended),
        "attributes": attributes,
        "events": events,
    });
    if let Some(parent) = span.parent {
        told["parentSpanId"] = parent.to_string().into();
    }
    if let Some(why) = &span.failed {
        told["status"] = json!({ "code": ERROR, "message": why });
    }
    told
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}
