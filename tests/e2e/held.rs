//! What a filter could not judge is held: tried again by itself and on demand, in its conversation's order, and never
//! lost.

use crate::{home, start};
use postern_tests::{
    Admin, Config, Door, Feed, Form, Gateway, Protocol, Sender, eventually, fixtures, guests, lasting_port,
};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

const SOON: &str = "first = \"100ms\"\nlongest = \"500ms\"";
const NEVER: u64 = 9_999_999_999_999;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_millis()).expect("it is before the year 500 million")
}

/// A filter that traps until then, on what says `poison` in its text alone if `poison` is set.
fn failing(until: u64, poison: bool) -> String {
    let only =
        if poison { ", pointer = \"/entry/0/changes/0/value/messages/0/text/body\", value = \"poison\"" } else { "" };
    format!("config = {{ until = \"{until}\"{only} }}\ndeadline = \"1s\"")
}

fn config(until: u64, poison: bool, webhook: &str) -> Config {
    Config::basic()
        .filter("until", &guests::wat("until"), &failing(until, poison))
        .webhook("whatsapp", "/whatsapp", &format!("split = true\nfilters = [\"until\"]\n{webhook}"))
        .section("retry", SOON)
}

async fn deliver(gateway: &Gateway, bodies: &[&bytes::Bytes]) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for body in bodies {
        sender.deliver("/whatsapp", (*body).clone()).await;
    }
}

#[tokio::test]
async fn a_held_event_is_tried_again_by_itself_and_delivered_once_its_filter_has_recovered() {
    let config = config(now() + 5_000, false, "");
    let gateway = start(&config).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let bodies = ["1", "2", "3"].map(|id| fixtures::message(id, id, "hello"));
    deliver(&gateway, &bodies.each_ref()).await;
    let admin = Admin::of(&gateway);
    let held = admin.held_becomes(3).await;
    for event in &held {
        assert_eq!((&event["state"], &event["filter"]), (&json!("held"), &json!("until")), "{event}");
    }
    let mut got = vec![];
    for _ in &bodies {
        got.push(feed.event().await.body);
    }
    got.sort();
    let mut sent = bodies.to_vec();
    sent.sort();
    assert!(got == sent, "each once");
    admin.held_becomes(0).await;
    // Nothing comes after them but what is sent now.
    let last = fixtures::message("last", "9", "hello");
    deliver(&gateway, &[&last]).await;
    feed.expect(&last).await;
    assert_eq!(admin.metric("postern_events_retried_total", &[("outcome", "delivered")]).await, 3.0);
}

#[tokio::test]
async fn a_conversation_waits_for_what_is_held_of_it_and_others_go_by() {
    let gateway = start(&config(NEVER, true, "ordered = true")).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let poison = fixtures::message("a1", "15550100001", "poison");
    let behind = ["a2", "a3"].map(|id| fixtures::message(id, "15550100001", "behind"));
    let other = fixtures::message("b1", "15550100002", "other");
    deliver(&gateway, &[&poison, &behind[0], &behind[1], &other]).await;
    feed.expect(&other).await;
    let admin = Admin::of(&gateway);
    let held = admin.held_becomes(3).await;
    assert_eq!(held[0]["filter"], "until");
    for event in &held[1..] {
        assert!(
            event["reason"].as_str().is_some_and(|reason| reason.contains(held[0]["id"].as_str().expect("an id"))),
            "{event}"
        );
    }
    // A restart with a filter that is well again: what was held goes out in its order.
    let (home, _) = gateway.stop().await;
    home.configure(&config(0, true, "ordered = true"));
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).since("earliest").opened().await;
    for body in [&other, &poison, &behind[0], &behind[1]] {
        feed.expect(body).await;
    }
    Admin::of(&gateway).held_becomes(0).await;
}

#[tokio::test]
async fn of_many_that_are_judged_at_once_a_conversation_waits_for_what_is_held_of_it() {
    const EVENTS: usize = 300;
    let standing = "ordered = true\ndispatch = false";
    let gateway = start(&config(NEVER, true, standing)).await;
    // Ten conversations; one of them is held up from its third event on.
    let bodies: Vec<_> = (0..EVENTS)
        .map(|number| {
            let text = if number == 23 { "poison" } else { "hello" };
            fixtures::message(&format!("m{number}"), &format!("1555010000{}", number % 10), text)
        })
        .collect();
    deliver(&gateway, &bodies.iter().collect::<Vec<_>>()).await;
    gateway.home.configure(&config(NEVER, true, "ordered = true"));
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let admin = Admin::of(&gateway);
    admin.post("/v1/reload", &json!({})).await;
    for (number, body) in bodies.iter().enumerate() {
        if number % 10 != 3 || number < 23 {
            feed.expect(body).await;
        }
    }
    let held = admin.held_becomes(EVENTS / 10 - 2).await;
    assert_eq!(held[0]["filter"], "until");
    gateway.home.configure(&config(0, true, "ordered = true"));
    admin.post("/v1/reload", &json!({})).await;
    for body in bodies.iter().skip(23).step_by(10) {
        feed.expect(body).await;
    }
}

#[tokio::test]
async fn without_ordered_a_held_event_holds_up_nothing() {
    let gateway = start(&config(NEVER, true, "")).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let [poison, next] =
        [("a1", "poison"), ("a2", "next")].map(|(id, text)| fixtures::message(id, "15550100001", text));
    deliver(&gateway, &[&poison, &next]).await;
    feed.expect(&next).await;
    Admin::of(&gateway).held_becomes(1).await;
}

#[tokio::test]
async fn held_events_survive_kill_9_and_are_tried_by_what_the_filter_is_then() {
    let gateway = start(&config(NEVER, false, "")).await;
    let bodies = ["1", "2", "3"].map(|id| fixtures::message(id, id, "hello"));
    deliver(&gateway, &bodies.each_ref()).await;
    let before = Admin::of(&gateway).held_becomes(3).await;
    let home = gateway.kill().await;
    let gateway = home.start().await;
    assert_eq!(Admin::of(&gateway).held_becomes(3).await, before);
    let home = gateway.kill().await;
    home.configure(&config(0, false, ""));
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).since("earliest").opened().await;
    for body in &bodies {
        feed.expect(body).await;
    }
    Admin::of(&gateway).held_becomes(0).await;
}

/// As long as this is to come, the filter of [`recovering`] fails.
async fn recovered(until: u64) {
    eventually("the filter's recovery", async || (now() > until).then_some(())).await;
}

/// A filter that recovers then, and nobody who tries again by himself.
fn recovering(until: u64) -> Config {
    config(until, false, "").section("retry", "first = \"1h\"\nlongest = \"1h\"")
}

#[tokio::test]
async fn an_operator_retries_what_is_held_and_is_told_what_became_of_it() {
    let until = now() + 4_000;
    let gateway = start(&recovering(until)).await;
    let admin = Admin::of(&gateway);
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let bodies = ["1", "2", "3"].map(|id| fixtures::message(id, id, "hello"));
    deliver(&gateway, &bodies.each_ref()).await;
    let held = admin.held_becomes(3).await;
    let still = admin.post("/v1/events/retry", &json!({ "ids": [held[0]["id"]] })).await;
    assert_eq!((&still["retried"], &still["held"]), (&json!(1), &json!(1)), "{still}");
    recovered(until).await;
    let first = admin.post("/v1/events/retry", &json!({ "ids": [held[1]["id"]] })).await;
    assert_eq!((&first["retried"], &first["delivered"]), (&json!(1), &json!(1)), "{first}");
    feed.expect(&bodies[1]).await;
    let rest = admin.post("/v1/events/retry", &json!({ "all": true })).await;
    assert_eq!((&rest["retried"], &rest["delivered"]), (&json!(2), &json!(2)), "{rest}");
    feed.expect(&bodies[0]).await;
    feed.expect(&bodies[2]).await;
    admin.held_becomes(0).await;
    let none = admin.post("/v1/events/retry", &json!({ "all": true })).await;
    assert_eq!(none["retried"], 0, "{none}");
}

#[tokio::test]
async fn the_command_line_retries_what_is_held_in_a_running_gateway() {
    let until = now() + 4_000;
    let admin = format!("listen = \"127.0.0.1:{}\"", lasting_port());
    let home = home(&recovering(until).section("admin", &admin));
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let bodies = ["1", "2"].map(|id| fixtures::message(id, id, "hello"));
    deliver(&gateway, &bodies.each_ref()).await;
    let held = Admin::of(&gateway).held_becomes(2).await;
    recovered(until).await;
    let second = held[1]["id"].as_str().expect("an id");
    for (which, body) in [(second, &bodies[1]), ("--all", &bodies[0])] {
        let ended = home.run(&["events", "retry", which, "-c", "postern.toml"]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        feed.expect(body).await;
    }
    Admin::of(&gateway).held_becomes(0).await;
}

#[tokio::test]
async fn a_replay_asks_the_filters_of_today_about_what_was_received_then() {
    let gateway = start(&Config::basic().webhook("whatsapp", "/whatsapp", "split = true")).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let body = fixtures::message("1", "1", "hello");
    deliver(&gateway, &[&body]).await;
    let first = feed.expect(&body).await;
    let told = Admin::of(&gateway).post("/v1/events/replay", &json!({ "ids": [first.word("id")] })).await;
    assert_eq!(told["replayed"], 1, "{told}");
    let again = feed.expect(&body).await;
    assert_eq!(again.word("id"), first.word("id"), "the same event");
    assert_ne!(again.cursor, first.cursor, "at a place of its own");
    let (home, _) = gateway.stop().await;
    let rewriting = Config::basic().filter("rewrite", &guests::wat("rewrite"), "");
    home.configure(&rewriting.webhook("whatsapp", "/whatsapp", "split = true\nfilters = [\"rewrite\"]"));
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let told = Admin::of(&gateway).post("/v1/events/replay", &json!({ "ids": [first.word("id")] })).await;
    assert_eq!(told["replayed"], 1, "{told}");
    feed.expect(b"rewritten").await;
}
