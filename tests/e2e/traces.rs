//! Traces, as a real collector understands them.

use crate::start;
use http::Method;
use postern_tests::tools::collector::Collector;
use postern_tests::{Admin, Client, Config, Protocol, Sender, Service, eventually, fixtures, guests, respond, sign};
use serde_json::Value;
use std::sync::{Arc, Mutex};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn tracing(config: Config, endpoint: &str, more: &str) -> Config {
    config.section("telemetry.traces", &format!("endpoint = \"{endpoint}\"\n{more}"))
}

/// Delivers a webhook whose sender says what it is part of.
async fn deliver(sender: &mut Sender, body: &bytes::Bytes, traceparent: &str) {
    let signature = sign(&sender.secret, body);
    let headers = [("x-hub-signature-256", signature.as_str()), ("traceparent", traceparent)];
    let reply = sender.send(Method::POST, "/whatsapp", &headers, body.clone()).await.expect("the gateway answers");
    assert_eq!(reply.status, 200);
}

fn attribute<'a>(attributes: &'a Value, key: &str) -> Option<&'a Value> {
    let found = attributes.as_array()?.iter().find(|one| one["key"] == key)?;
    found["value"].as_object()?.values().next()
}

#[tokio::test]
async fn one_trace_from_the_webhook_to_the_sockets_with_its_filters_is_seen_in_a_real_collector() {
    let Some(collector) = Collector::start().await else { return };
    let config = Config::basic()
        .filter("pass", &guests::wat("pass"), "")
        .filter("broken", &guests::wat("trap"), "on_error = \"pass\"")
        .webhook("whatsapp", "/whatsapp", "split = true\nfilters = [\"pass\", \"broken\"]");
    let gateway = start(&tracing(config, &collector.url(), "sample = 0\nservice = \"edge-1\"")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http2).await;
    let body = fixtures::batch(&["one".into(), "two".into()]);
    // One that its sender does not trace, and one of which nobody says, are none.
    sender.deliver("/whatsapp", fixtures::message("three", "15550100142", "untraced")).await;
    let untraced = fixtures::message("four", "15550100142", "untraced");
    deliver(&mut sender, &untraced, &format!("00-{TRACE}-{PARENT}-00")).await;
    deliver(&mut sender, &body, &format!("00-{TRACE}-{PARENT}-01")).await;
    for _ in 0..4 {
        client.body().await;
    }
    // The webhook and four parts of it, and two events with five each: two filters, the outbox, the clients.
    let spans = eventually("every span of the trace", async || {
        Some(collector.spans()).filter(|spans| spans.len() >= 5 + 2 * 5)
    })
    .await;
    assert_eq!(spans.len(), 15, "{spans:#?}");
    let named =
        |name: &str| spans.iter().filter(|(span, _)| span["name"] == name).map(|(span, _)| span).collect::<Vec<_>>();
    let number =
        |span: &Value, key: &str| span[key].as_str().and_then(|text| text.parse::<u128>().ok()).expect("nanoseconds");
    for (span, resource) in &spans {
        assert_eq!(span["traceId"], TRACE);
        assert_eq!(attribute(resource, "service.name"), Some(&"edge-1".into()));
        assert!(number(span, "startTimeUnixNano") <= number(span, "endTimeUnixNano"), "{span}");
        let parent = spans.iter().find(|(other, _)| other["spanId"] == span["parentSpanId"]);
        match parent {
            Some((parent, _)) => {
                assert!(number(parent, "startTimeUnixNano") <= number(span, "startTimeUnixNano"), "{span}")
            }
            None => assert_eq!((&span["name"], &span["parentSpanId"]), (&"webhook whatsapp".into(), &PARENT.into())),
        }
    }
    let [webhook] = named("webhook whatsapp")[..] else { panic!("one root: {spans:#?}") };
    for (name, count, above) in [
        ("receive", 1, "webhook whatsapp"),
        ("verify", 1, "webhook whatsapp"),
        ("inbox", 1, "webhook whatsapp"),
        ("event", 2, "webhook whatsapp"),
        ("filter pass", 2, "event"),
        ("filter broken", 2, "event"),
        ("outbox", 2, "event"),
        ("clients", 2, "event"),
    ] {
        let found = named(name);
        assert_eq!(found.len(), count, "{name}");
        let above = named(above);
        assert!(found.iter().all(|span| above.iter().any(|above| above["spanId"] == span["parentSpanId"])), "{name}");
    }
    let filter = named("filter pass")[0];
    assert_eq!(attribute(&filter["attributes"], "postern.verdict"), Some(&"pass".into()));
    assert_eq!(
        attribute(&filter["attributes"], "postern.filter.sha256").and_then(Value::as_str).map(str::len),
        Some(64)
    );
    assert_eq!(named("filter broken")[0]["status"]["code"], 2, "a failure is one");
    let clients = named("clients")[0];
    assert_eq!(attribute(&clients["attributes"], "postern.clients"), Some(&"1".into()));
    let moments: Vec<&Value> = clients["events"].as_array().expect("moments").iter().map(|one| &one["name"]).collect();
    assert_eq!(moments, ["first socket", "last socket"]);
    let events = Admin::of(&gateway).events("").await;
    let ids: Vec<_> =
        named("event").into_iter().filter_map(|span| attribute(&span["attributes"], "postern.event")).collect();
    assert!(ids.iter().all(|id| events.iter().any(|event| event["id"] == **id)), "{ids:?}");
    assert_ne!(webhook["spanId"], PARENT);
}

#[tokio::test]
async fn what_a_collector_wants_to_be_told_is_told_to_it_and_to_nobody_else() {
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let noted = seen.clone();
    let service = Service::start(move |request| {
        let key = request.headers().get("x-api-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
        noted.lock().expect("no test panics in here").push(key);
        respond(400, "no")
    })
    .await;
    let more = "sample = 1\nheaders = { x-api-key = \"a-private-key\" }";
    let gateway = start(&tracing(Config::basic(), &service.url("/v1/traces?token=private"), more)).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for number in 0..2 {
        sender.deliver("/whatsapp", format!("[{number}]")).await;
        eventually("spans at the collector", async || {
            (seen.lock().expect("no test panics in here").len() > number).then_some(())
        })
        .await;
    }
    let admin = Admin::of(&gateway);
    let dropped = [("outcome", "dropped")];
    // Each a webhook with four parts, an event, and the outbox: nobody was connected.
    admin.metric_becomes("postern_trace_spans_total", &dropped, 14.0).await;
    assert_eq!(*seen.lock().expect("no test panics in here"), vec![Some("a-private-key".to_owned()); 2]);
    let log = gateway.says("traces are not taken").await;
    assert_eq!(log.matches("traces are not taken").count(), 1, "it is said once: {log}");
    assert!(!log.contains("private"), "{log}");
}

#[tokio::test]
async fn a_collector_that_is_down_keeps_nobody_waiting_and_gets_what_it_missed_when_it_is_back() {
    let service = Service::start(|_| respond(503, "later")).await;
    let gateway = start(&tracing(Config::basic(), &service.url("/v1/traces"), "sample = 1.0")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "[1]").await;
    client.expect(b"[1]").await;
    gateway.says("traces are not taken").await;
    for number in 2..50 {
        sender.deliver("/whatsapp", format!("[{number}]")).await;
        client.expect(format!("[{number}]").as_bytes()).await;
    }
    service.now(|_| respond(200, "{}"));
    let admin = Admin::of(&gateway);
    // With its clients, a webhook's are eight.
    admin.metric_becomes("postern_trace_spans_total", &[("outcome", "exported")], 49.0 * 8.0).await;
    assert_eq!(admin.metric("postern_trace_spans_total", &[("outcome", "dropped")]).await, 0.0);
    gateway.says("traces are taken again").await;
}
