//! Filters that loop, trap, eat memory, or lie: they delay nobody but their own route, and lose nothing.

use crate::start;
use postern_tests::{Admin, Client, Config, Gateway, Protocol, Sender, alone, guests, numbered_body, refusal, report};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Each way to fail, and a word of the reason an operator is given.
const FAILURES: [(&str, &str); 6] = [
    ("loop", "deadline"),
    ("trap", "unreachable"),
    ("memory", "memory"),
    ("huge-output", "more than the 4194304 bytes"),
    ("error", ""),
    ("invalid-text", "UTF-8"),
];

/// The median time from a webhook to its 200.
async fn latency(sender: &mut Sender, path: &str, count: usize) -> Duration {
    // No two alike: what was sent before is answered sooner, and shown to no filter.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut times = vec![];
    for _ in 0..count {
        let body = numbered_body(0, NUMBER.fetch_add(1, Ordering::Relaxed), 60);
        let begin = Instant::now();
        sender.deliver(path, body).await;
        times.push(begin.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_filter_that_loops_delays_no_200_and_no_other_route_and_its_events_are_held() {
    const ROUND: usize = 60;
    let config = Config::basic()
        // Asked each time: set aside, it would cost nothing.
        .filter("loop", &guests::wat("loop"), "breaker = 0")
        .webhook("whatsapp", "/whatsapp", "filters = [\"loop\"]")
        .webhook("other", "/other", "")
        .stream("agents", "/ws", &["whatsapp", "other"], "open = true");
    let gateway = start(&config).await;
    let admin = Admin::of(&gateway);
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let _machine = alone().await;
    // The first of anything is slower, which would flatter the rest.
    latency(&mut sender, "/other", ROUND).await;
    // The machine's own noise can spoil a round, not five.
    let mut best = f64::INFINITY;
    let mut sent = 0;
    for _ in 0..5 {
        let without = latency(&mut sender, "/other", ROUND).await;
        let with = latency(&mut sender, "/whatsapp", ROUND).await;
        sent += ROUND;
        // While the filter still burns its deadline on most of them:
        let meanwhile = format!("meanwhile, after {sent}");
        sender.deliver("/other", meanwhile.clone()).await;
        client.until(meanwhile.as_bytes()).await;
        let held = admin.held().await.len();
        assert!(held < sent, "the other route did not wait for this one");
        let ratio = with.as_secs_f64() / without.as_secs_f64();
        report(format_args!("a 200 takes {without:?} without and {with:?} with a filter that loops: {ratio:.2} times"));
        best = best.min(ratio);
        admin.held_becomes(sent).await;
        if best <= 2.0 {
            break;
        }
    }
    assert!(best <= 2.0, "within twice the time: {best:.2}");
    for event in admin.held().await {
        assert_eq!((&event["webhook"], &event["filter"]), (&"whatsapp".into(), &"loop".into()), "{event}");
        assert!(event["id"].is_string() && event["received"].as_str().is_some_and(|at| at.contains('T')), "{event}");
    }
    // None of the held ones was delivered.
    sender.deliver("/other", "last").await;
    client.expect(b"last").await;
}

#[tokio::test]
async fn what_a_filter_cannot_judge_is_held_passed_or_dropped_as_its_operator_said() {
    let mut config = Config::basic();
    let mut webhooks = vec![];
    for (guest, _) in FAILURES {
        for policy in ["hold", "pass", "drop"] {
            let name = format!("{guest}-{policy}");
            let more = format!("on_error = \"{policy}\"\nmemory = \"16MiB\"");
            config = config.filter(&name, &guests::wat(guest), &more);
            config = config.webhook(&name, &format!("/{name}"), &format!("filters = [\"{name}\"]"));
            webhooks.push(name);
        }
    }
    let names: Vec<_> = webhooks.iter().map(String::as_str).collect();
    let gateway = start(&config.stream("agents", "/ws", &names, "open = true")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for (guest, _) in FAILURES {
        for policy in ["hold", "drop", "pass"] {
            sender.deliver(&format!("/{guest}-{policy}"), format!("{guest} {policy}")).await;
        }
        // Only what was to be passed arrives, as it was.
        client.expect(format!("{guest} pass").as_bytes()).await;
    }
    let held = Admin::of(&gateway).held_becomes(FAILURES.len()).await;
    for (guest, word) in FAILURES {
        let name = format!("{guest}-hold");
        let event = held.iter().find(|event| event["webhook"] == name.as_str());
        let event = event.unwrap_or_else(|| panic!("no event of {name} is held: {held:?}"));
        assert_eq!(event["filter"], name.as_str());
        let reason = event["reason"].as_str().expect("a reason");
        assert!(!reason.is_empty() && reason.contains(word), "{guest}: {reason}");
    }
}

#[tokio::test]
async fn a_filter_after_a_failed_one_still_judges_what_was_passed() {
    let config = Config::basic()
        .filter("trap", &guests::wat("trap"), "on_error = \"pass\"")
        .filter("rewrite", &guests::wat("rewrite"), "")
        .filter("drop", &guests::wat("drop"), "")
        .webhook("whatsapp", "/whatsapp", "filters = [\"trap\", \"rewrite\"]")
        .webhook("dropped", "/dropped", "filters = [\"rewrite\", \"drop\", \"trap\"]")
        .stream("agents", "/ws", &["whatsapp", "dropped"], "open = true");
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/dropped", "dropped").await;
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_events_total", &[("webhook", "dropped"), ("outcome", "dropped")], 1.0).await;
    sender.deliver("/whatsapp", "original").await;
    client.expect(b"rewritten").await;
    // What was dropped was not shown to the filter after: it would have counted an error.
    assert_eq!(admin.metric("postern_filter_calls_total", &[("filter", "trap")]).await, 1.0);
}

/// A gateway with a stream at `/ws` guarded by these filters.
async fn guarded(admission: &[&str]) -> Gateway {
    let mut config = Config::basic();
    for name in admission {
        config = config.filter(name, &guests::wat(name), "on_error = \"pass\"");
    }
    start(&config.stream("agents", "/ws", &["whatsapp"], &format!("admission = {admission:?}"))).await
}

#[tokio::test]
async fn a_denial_is_sent_with_the_filters_status_and_body_and_its_reason_kept_for_the_log() {
    let gateway = guarded(&["deny"]).await;
    let reply = refusal(&gateway, "/ws", &[]).await;
    assert_eq!((reply.status, reply.text().as_str()), (401, "go away"));
    assert!(reply.headers.values().all(|value| !value.as_bytes().windows(9).any(|part| part == b"not today")));
    assert_eq!(refusal(&guarded(&["deny-with-200"]).await, "/ws", &[]).await.status, 403, "200 is no refusal");
}

#[tokio::test]
async fn an_admission_filter_that_fails_lets_nobody_in_whatever_its_on_error() {
    for guest in ["loop-admission", "bad-subprotocol"] {
        let gateway = guarded(&[guest]).await;
        let reply = refusal(&gateway, "/ws", &[]).await;
        assert_eq!(reply.status, 503, "{guest}: {reply:?}");
        // Neither the path of a file nor a trap's backtrace is a stranger's to read.
        assert!(!reply.text().contains(".wasm") && reply.body.len() < 300, "{guest}: {}", reply.text());
    }
}

#[tokio::test]
async fn every_admission_filter_must_allow() {
    let gateway = guarded(&["allow-all", "deny", "allow-labelled"]).await;
    assert_eq!(refusal(&gateway, "/ws", &[]).await.status, 401);
    let gateway = guarded(&["allow-all", "allow-labelled"]).await;
    let _client = Client::connect(&gateway, "/ws").await;
}

#[tokio::test]
async fn a_filter_may_send_each_part_to_those_it_chooses() {
    let config = Config::basic()
        .filter("send", &guests::wat("send"), "")
        .filter("allow-labelled", &guests::wat("allow-labelled"), "")
        .webhook("whatsapp", "/whatsapp", "filters = [\"send\"]")
        .stream("agents", "/ws", &["whatsapp"], "open = true")
        .stream("desk", "/desk", &["whatsapp"], "admission = [\"allow-labelled\"]");
    let gateway = start(&config).await;
    let mut anyone = Client::connect(&gateway, "/ws").await;
    let mut labelled = Client::connect(&gateway, "/desk").await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "for desk 1").await;
    anyone.expect(b"other").await;
    // The greeting its admission gave it comes before anything else.
    labelled.expect(b"welcome").await;
    labelled.expect(b"for desk 1").await;
    labelled.expect(b"other").await;
}
