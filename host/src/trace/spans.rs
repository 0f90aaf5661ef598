//! A journey as spans. Calls of filters are laid one behind the other: each is measured, what is between them is not.

use crate::journey::{Context, Journey, Judging, Reception, SpanId, TraceId};
use std::time::{Duration, Instant};

/// Of what a filter says of itself, this much.
const LONGEST: usize = 256;

/// The numbers of a webhook's own parts; those of its events begin behind.
const RECEIVE: u64 = 1;
const VERIFY: u64 = 2;
const SPLIT: u64 = 3;
const INBOX: u64 = 4;
const EVENTS: u64 = 16;

/// The same of an event's; filters begin behind.
const OUTBOX: u64 = 1;
const CLIENTS: u64 = 2;
const FILTERS: u64 = 16;

#[derive(Clone, Debug)]
pub struct Span {
    pub trace: TraceId,
    pub id: SpanId,
    pub parent: Option<SpanId>,
    pub kind: Kind,
    pub name: String,
    pub began: Instant,
    pub ended: Instant,
    pub attributes: Vec<(&'static str, Value)>,
    /// What happened in between.
    pub moments: Vec<(&'static str, Instant)>,
    /// Why it came to nothing, if it did.
    pub failed: Option<String>,
}

/// As OTLP numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Internal = 1,
    Server = 2,
    Producer = 4,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(u64),
}

impl Span {
    fn new(context: Context, id: SpanId, parent: SpanId, name: impl Into<String>, time: (Instant, Instant)) -> Self {
        Self {
            trace: context.trace,
            id,
            parent: Some(parent),
            kind: Kind::Internal,
            name: name.into(),
            began: time.0,
            ended: time.1.max(time.0),
            attributes: Vec::new(),
            moments: Vec::new(),
            failed: None,
        }
    }
}

/// None, if it is not traced.
pub fn spans(journey: &Journey) -> Vec<Span> {
    let Some(traced) = &journey.trace else { return Vec::new() };
    let context = traced.reception.context;
    let mut spans = Vec::new();
    if traced.leads {
        webhook(journey, &traced.reception, &mut spans);
    }
    let id = context.own.part(EVENTS + journey.event.0);
    let judged = traced.judging.as_ref().map_or(journey.durable, |judging| judging.ended);
    let published = journey.published.unwrap_or(judged).max(judged);
    let sockets = journey.sockets;
    let last = sockets.last.or(sockets.first).unwrap_or(published).max(published);
    let mut event = Span::new(context, id, context.own, "event", (journey.durable, last));
    event.attributes.push(("postern.webhook", Value::Text(journey.webhook.to_string())));
    event.attributes.push(("postern.event", Value::Text(journey.event.to_string())));
    if let Some(judging) = &traced.judging {
        event.attributes.push(("postern.outcome", Value::Text(judging.outcome.to_owned())));
        filters(context, id, judging, &mut spans);
    }
    spans.push(event);
    spans.push(Span::new(context, id.part(OUTBOX), id, "outbox", (judged, published)));
    if let Some(first) = sockets.first {
        let mut clients = Span::new(context, id.part(CLIENTS), id, "clients", (published, last));
        clients.kind = Kind::Producer;
        clients.attributes.push(("postern.clients", Value::Number(sockets.clients.into())));
        clients.moments.push(("first socket", first));
        clients.moments.extend(sockets.last.map(|last| ("last socket", last)));
        spans.push(clients);
    }
    spans
}

fn webhook(journey: &Journey, reception: &Reception, spans: &mut Vec<Span>) {
    let Reception { context, read, verified, split } = *reception;
    let mut whole = Span::new(
        context,
        context.own,
        context.own,
        format!("webhook {}", journey.webhook),
        (journey.begun, journey.durable),
    );
    whole.parent = context.parent;
    whole.kind = Kind::Server;
    whole.attributes.push(("postern.webhook", Value::Text(journey.webhook.to_string())));
    whole.attributes.push(("http.request.method", Value::Text("POST".to_owned())));
    spans.push(whole);
    let mut began = journey.begun;
    let stages = [("receive", RECEIVE, read), ("verify", VERIFY, verified), ("split", SPLIT, split)];
    for (name, number, ended) in stages.into_iter().chain([("inbox", INBOX, Some(journey.durable))]) {
        let Some(ended) = ended else { continue };
        spans.push(Span::new(context, context.own.part(number), context.own, name, (began, ended)));
        began = ended;
    }
}

fn filters(context: Context, event: SpanId, judging: &Judging, spans: &mut Vec<Span>) {
    let mut began = judging.began;
    for (number, step) in (FILTERS..).zip(&judging.trail) {
        let ended = began + Duration::from_micros(step.micros);
        let name = format!("filter {}", step.filter);
        let mut span = Span::new(context, event.part(number), event, name, (began, ended));
        let verdict: String = step.verdict.chars().take(LONGEST).collect();
        if let Some(why) = verdict.trim_start_matches("shadow ").strip_prefix("error: ") {
            span.failed = Some(why.to_owned());
        }
        span.attributes.push(("postern.filter", Value::Text(step.filter.clone())));
        span.attributes.push(("postern.filter.sha256", Value::Text(step.sha256.clone())));
        span.attributes.push(("postern.verdict", Value::Text(verdict)));
        spans.push(span);
        began = ended;
    }
}
