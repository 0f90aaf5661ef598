//! A filter's component is exchanged while it works: by its file, by an operator, by a reload; and what becomes of one that
//! is no good.

use crate::start;
use http::Method;
use postern_tests::{
    Admin, Client, Config, Crowd, Gateway, Paced, Protocol, Reply, Sender, Sent, alone, eventually, guests,
    numbered_body, report, spawn,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// How often a filter is exchanged under load. `EXCHANGES=10000` exchanges it more often.
fn exchanges() -> usize {
    std::env::var("EXCHANGES").ok().and_then(|count| count.parse().ok()).unwrap_or(1000)
}

/// How many senders there are meanwhile, and how many events of each a second.
const SENDERS: usize = 4;
const RATE: u64 = 300;

fn wasm(name: &str) -> Vec<u8> {
    std::fs::read(guests::wat(name)).expect("it was compiled")
}

/// A file that other builds of a filter are moved over, as `postern filter build` does.
struct Component(tempfile::TempDir);

impl Component {
    fn new(name: &str) -> Self {
        let component = Self(tempfile::tempdir().expect("there is room"));
        component.becomes(name);
        component
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("judge.wasm")
    }

    fn becomes(&self, name: &str) {
        let draft = self.0.path().join("draft");
        std::fs::write(&draft, wasm(name)).and_then(|()| std::fs::rename(&draft, self.path())).expect("it is writable");
    }
}

fn judged_by(file: &Path, more: &str) -> Config {
    Config::basic().filter("judge", file, more).webhook("whatsapp", "/whatsapp", "filters = [\"judge\"]")
}

async fn put(gateway: &Gateway, name: &str, component: Vec<u8>) -> Reply {
    let (mut sender, target) = (Sender::plain(gateway.admin()).await, format!("/v1/filters/{name}"));
    sender.send(Method::PUT, &target, &[], component).await.expect("the admin listener answers")
}

async fn filter(gateway: &Gateway) -> Value {
    let list: Value = serde_json::from_slice(&Admin::of(gateway).get("/v1/filters").await.body).expect("a list");
    list[0].clone()
}

fn body(number: u64) -> bytes::Bytes {
    numbered_body(0, number, 100)
}

/// The letters that a stamp has written.
fn stamp(body: &[u8]) -> &str {
    std::str::from_utf8(&body[body.len() - 4..body.len() - 2]).expect("they are letters")
}

#[tokio::test]
async fn a_changed_file_is_taken_by_itself_and_one_that_is_unfit_is_told_and_left() {
    let component = Component::new("stamp-a");
    let gateway = start(&judged_by(&component.path(), "")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", body(0)).await;
    assert_eq!(stamp(&client.body().await), "AA");
    component.becomes("stamp-b");
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_filter_swaps_total", &[("outcome", "swapped")], 1.0).await;
    sender.deliver("/whatsapp", body(1)).await;
    assert_eq!(stamp(&client.body().await), "BB");
    component.becomes("allow-all");
    admin.metric_becomes("postern_filter_swaps_total", &[("outcome", "refused")], 1.0).await;
    gateway.says("does not export `message-handler`").await;
    sender.deliver("/whatsapp", body(2)).await;
    assert_eq!(stamp(&client.body().await), "BB");
}

#[tokio::test]
async fn an_operator_puts_a_component_it_outlives_a_restart_and_goes_back_when_told() {
    let component = Component::new("stamp-a");
    let gateway = start(&judged_by(&component.path(), "")).await;
    let before = filter(&gateway).await["sha256"].clone();
    let refused = put(&gateway, "judge", wasm("wasi")).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(put(&gateway, "nobody", wasm("stamp-b")).await.status, 404);
    let taken = put(&gateway, "judge", wasm("stamp-b")).await;
    let change: Value = serde_json::from_slice(&taken.body).expect("JSON");
    assert_eq!((&change["from"], &change["kept"]), (&before, &Value::Bool(true)), "{change}");

    let (home, _) = gateway.stop().await;
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", body(0)).await;
    assert_eq!(stamp(&client.body().await), "BB");
    assert_eq!(put(&gateway, "judge", wasm("drop")).await.status, 200);
    let back = Admin::of(&gateway).post("/v1/filters/judge/rollback", &Value::Null).await;
    assert_eq!(back["to"], change["to"]);
    sender.deliver("/whatsapp", body(1)).await;
    assert_eq!(stamp(&client.body().await), "BB");
}

#[tokio::test]
async fn a_reload_reads_the_files_again_all_or_none() {
    let (one, other) = (Component::new("stamp-a"), Component::new("stamp-a"));
    let config = judged_by(&one.path(), "").filter("other", &other.path(), "");
    let gateway = start(&config).await;
    let admin = Admin::of(&gateway);
    assert_eq!(admin.post("/v1/reload", &Value::Null).await["filters"], serde_json::json!([]));
    other.becomes("core-module");
    one.becomes("stamp-b");
    let mut sender = Sender::plain(gateway.admin()).await;
    let sent = sender.send(Method::POST, "/v1/reload", &[], "").await;
    // The watch may have taken the good one before: then there is only the bad one left to be told.
    let reply = sent.expect("the admin listener answers");
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert!(reply.text().contains("`other`"), "{}", reply.text());
}

#[tokio::test]
async fn a_thousand_exchanges_under_load_lose_repeat_and_disturb_nothing() {
    let component = Component::new("stamp-a");
    // What is kept in memory of events is soon all that may be, and what grows then is of exchanges.
    let config = judged_by(&component.path(), "rollback = { within = \"0s\" }").limits("ring = \"256KiB\"");
    let gateway = Arc::new(start(&config).await);
    let _machine = alone().await;
    let mut reader = Client::connect(&gateway, "/ws").await;
    // Warm, so that what is measured is what exchanges leave behind.
    for round in 0..20 {
        let name = ["stamp-b", "stamp-a"][round % 2];
        assert_eq!(put(&gateway, "judge", wasm(name)).await.status, 200);
    }
    let crowd = Crowd::connect(&gateway, "/ws", 100, u64::MAX).await;
    let senders = Paced::start(&gateway, "/whatsapp", &[Protocol::Http2; SENDERS], RATE);
    let read = spawn(async move {
        let (mut stamps, mut frames) = ([0_u64; 2], 0);
        while let Some(body) = reader.try_body().await {
            frames += 1;
            match stamp(&body) {
                "AA" => stamps[0] += 1,
                "BB" => stamps[1] += 1,
                half => panic!("judged by half a filter: {half}"),
            }
        }
        (stamps, frames)
    });
    let admin = Admin::of(&gateway);
    eventually("a few thousand events", async || {
        (admin.metric("postern_events_total", &[("outcome", "delivered")]).await > 3000.0).then_some(())
    })
    .await;
    let before = gateway.memory();
    let began = Instant::now();
    let components = [wasm("stamp-b"), wasm("stamp-a")];
    let rounds = exchanges();
    for round in 0..rounds {
        let reply = put(&gateway, "judge", components[round % 2].clone()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let took = began.elapsed();
    let Sent { each, rate } = senders.stop().await;
    let sent: u64 = each.iter().sum();
    admin.metric_becomes("postern_events_total", &[("outcome", "delivered")], sent as f64).await;
    let after = gateway.memory();
    assert_eq!(admin.metric("postern_closes_total", &[]).await, 0.0, "no connection was dropped");
    let gateway = Arc::try_unwrap(gateway).unwrap_or_else(|_| panic!("nobody else has it"));
    gateway.stop().await;
    let (stamps, frames) = read.await.expect("it saw whole ones");
    assert_eq!(frames, sent);
    assert!(stamps[0] > 0 && stamps[1] > 0, "both had their turns: {stamps:?}");
    for witness in crowd.witnesses().await {
        // Each once, and those of one sender in their order.
        assert_eq!((witness.frames, &witness.next, witness.wrong), (sent, &each, None));
    }
    report(format_args!(
        "{rounds} exchanges in {took:?} under {rate:.0} events/s to 101 clients; memory in MiB before {before:?}, after {after:?}"
    ));
    if let (Some((before, _)), Some((after, _))) = (before, after) {
        assert!(after <= before + 24, "memory is back where it was: {before} MiB, then {after}");
    }
}

#[tokio::test]
async fn one_that_traps_on_every_call_is_rolled_back_by_itself_and_no_event_is_lost() {
    let component = Component::new("stamp-a");
    let gateway = start(&judged_by(&component.path(), "").section("retry", "first = \"20ms\"")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let before = filter(&gateway).await["sha256"].clone();
    sender.deliver("/whatsapp", body(0)).await;
    assert_eq!(stamp(&client.body().await), "AA");
    assert_eq!(put(&gateway, "judge", wasm("trap")).await.status, 200);
    for number in 1..20 {
        sender.deliver("/whatsapp", body(number)).await;
    }
    let mut got: Vec<u64> = Vec::new();
    while got.len() < 19 {
        let body = client.body().await;
        assert_eq!(stamp(&body), "AA");
        got.push(std::str::from_utf8(&body[29..39]).expect("digits").parse().expect("a number"));
    }
    got.sort_unstable();
    assert_eq!(got, (1..20).collect::<Vec<u64>>(), "each once");
    let now = filter(&gateway).await;
    assert_eq!(now["sha256"], before, "{now}");
    assert!(now["rejected"]["why"].as_str().is_some_and(|why| why.contains("unreachable")), "{now}");
    Admin::of(&gateway).metric_becomes("postern_filter_swaps_total", &[("outcome", "rolled_back")], 1.0).await;
}

#[tokio::test]
async fn in_shadow_a_filter_is_asked_and_recorded_and_changes_nothing() {
    let config = Config::basic().filter("drop", &guests::wat("drop"), "shadow = true").webhook(
        "whatsapp",
        "/whatsapp",
        "filters = [\"drop\"]",
    );
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "as it is").await;
    client.expect(b"as it is").await;
    let admin = Admin::of(&gateway);
    let event = &admin.events_become("", "delivered", 1).await[0];
    let shown: Value =
        serde_json::from_slice(&admin.get(&format!("/v1/events/{}", event["id"].as_str().expect("an id"))).await.body)
            .expect("JSON");
    assert!(shown.to_string().contains("\"shadow drop\""), "{shown}");
    assert_eq!(admin.metric("postern_filter_shadow_calls_total", &[("verdict", "drop")]).await, 1.0);
    assert_eq!(admin.metric("postern_filter_calls_total", &[("filter", "drop")]).await, 0.0);
}

#[tokio::test]
async fn whatever_a_filter_does_is_contained_and_named_in_the_metrics() {
    const WAYS: [(&str, &str); 7] = [
        ("leak", ""),
        ("recurse", "trap"),
        ("gigabyte", "trap"),
        ("huge-output", "output"),
        ("flood", "deadline"),
        ("kv-loop", "deadline"),
        ("memory", "memory"),
    ];
    let mut config = Config::basic();
    let mut webhooks = vec!["quiet"];
    config = config.webhook("quiet", "/quiet", "");
    for (name, _) in WAYS {
        config = config.filter(name, &guests::wat(name), "memory = \"16MiB\"\non_error = \"drop\"");
        config = config.webhook(name, &format!("/{name}"), &format!("filters = [\"{name}\"]"));
        webhooks.push(name);
    }
    let gateway = start(&config.stream("agents", "/ws", &webhooks, "open = true")).await;
    let admin = Admin::of(&gateway);
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for (name, _) in WAYS {
        for number in 0..3 {
            sender.deliver(&format!("/{name}"), format!("{name} {number}")).await;
        }
    }
    for (name, failure) in WAYS {
        // What leaks has a fresh instance each time, and nothing to fail of.
        let (metric, labels, count) = match failure {
            "" => ("postern_filter_calls_total", [("filter", name), ("verdict", "pass")], 3.0),
            failure => ("postern_filter_failures_total", [("filter", name), ("failure", failure)], 3.0),
        };
        admin.metric_becomes(metric, &labels, count).await;
    }
    sender.deliver("/quiet", "quiet").await;
    client.until(b"quiet").await;
    let lines = gateway.stderr().matches("a line of no use").count();
    assert!(lines <= 3 * 64, "{lines} lines of a flood");
}
