//! Batches become events, each item once, whatever the provider sends again and however it is batched then.

use crate::{home, start};
use bytes::Bytes;
use postern_tests::{Admin, Config, Door, Feed, Form, Gateway, Got, Protocol, Sender, fixtures, spawn};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

fn splitting() -> Config {
    Config::basic().webhook("whatsapp", "/whatsapp", "split = true")
}

const LAST: &str = "wamid.the-last-of-all";

/// Sends a last message and gives what a client that reads from the beginning, or from where it stands, gets before it.
async fn all_until_last(gateway: &Gateway, feed: &mut Feed) -> Vec<Got> {
    let last = fixtures::message(LAST, "15550100142", "last");
    Sender::connect(gateway, Protocol::Http1).await.deliver("/whatsapp", last.clone()).await;
    let mut events = vec![];
    loop {
        let got = feed.event().await;
        if got.body == last {
            return events;
        }
        events.push(got);
    }
}

/// How many messages and statuses a body has; `None` when it has something else too.
fn items(body: &Value) -> Option<usize> {
    let mut count = 0;
    for change in body["entry"].as_array()?.iter().flat_map(|entry| entry["changes"].as_array().into_iter().flatten()) {
        let value = change["value"].as_object()?;
        let length = |key| value.get(key).and_then(Value::as_array).map(Vec::len);
        if length("messages").is_none() && length("statuses").is_none() {
            return None;
        }
        count += length("messages").unwrap_or(0) + length("statuses").unwrap_or(0);
    }
    Some(count).filter(|count| *count > 0)
}

#[tokio::test]
async fn a_batch_is_an_event_an_item_and_a_single_item_is_byte_for_byte_what_was_sent() {
    let gateway = start(&splitting().without_dedupe()).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut checked = 0;
    for fixture in fixtures::good() {
        let whole: Value = serde_json::from_slice(&fixture.body).expect("good ones are JSON");
        sender.deliver("/whatsapp", fixture.body.clone()).await;
        let events = all_until_last(&gateway, &mut feed).await;
        for got in &events {
            let part: Value = serde_json::from_slice(&got.body).expect("each event is JSON");
            assert_eq!(part["object"], whole["object"], "{}", fixture.name);
            assert!(
                events.len() == 1 || part["entry"].as_array().is_some_and(|list| list.len() == 1),
                "{}",
                fixture.name
            );
        }
        let Some(count) = items(&whole) else {
            assert!(!events.is_empty(), "{}", fixture.name);
            continue;
        };
        assert_eq!(events.len(), count, "{}", fixture.name);
        checked += 1;
        if count == 1 {
            assert!(events[0].body == fixture.body.trim_ascii(), "{}: untouched", fixture.name);
            continue;
        }
        let text = String::from_utf8(fixture.body.to_vec()).expect("good ones are UTF-8");
        for got in events {
            let part: Value = serde_json::from_slice(&got.body).expect("checked above");
            assert_eq!(items(&part), Some(1), "{}", fixture.name);
            let value = &part["entry"][0]["changes"][0]["value"];
            let kind =
                if value["messages"].as_array().is_some_and(|list| !list.is_empty()) { "messages" } else { "statuses" };
            assert_eq!(got.word("kind"), kind, "{}", fixture.name);
            assert_eq!(got.about["keys"]["phone_number_id"], value["metadata"]["phone_number_id"], "{}", fixture.name);
            // The item's own bytes: from its id's text outward they are a piece of what was received.
            let id = value[kind][0]["id"].as_str().expect("an id");
            let event = std::str::from_utf8(&got.body).expect("a part of UTF-8");
            let at = event.find(id).expect("its id is in it");
            let around = &event[at.saturating_sub(10)..(at + id.len() + 2)];
            assert!(text.contains(around), "{}: {around}", fixture.name);
        }
    }
    assert!(checked > 50, "{checked} fixtures have messages or statuses");
}

#[tokio::test]
async fn without_split_a_batch_is_one_event_whole() {
    let gateway = start(&Config::basic().webhook("whatsapp", "/whatsapp", "split = false")).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).opened().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for name in ["whatsapp/batch_100_statuses.json", "whatsapp/batch_two_wabas_three_numbers.json"] {
        let body = fixtures::body(name);
        sender.deliver("/whatsapp", body.clone()).await;
        sender.deliver("/whatsapp", body.clone()).await;
        feed.expect(&body).await;
    }
    assert_eq!(all_until_last(&gateway, &mut feed).await.len(), 0, "sent again, it is not delivered again");
}

#[tokio::test]
async fn what_is_no_webhook_is_delivered_whole_and_once() {
    let gateway = start(&splitting()).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).opened().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for name in [
        "bad/truncated_half.json",
        "bad/html.txt",
        "bad/form_encoded.txt",
        "bad/random_4k.bin",
        "bad/invalid_utf8_overlong.json",
    ] {
        let body = fixtures::body(name);
        sender.deliver("/whatsapp", body.clone()).await;
        sender.deliver("/whatsapp", body.clone()).await;
        feed.expect(&body).await;
    }
    assert_eq!(all_until_last(&gateway, &mut feed).await.len(), 0);
    Admin::of(&gateway).metric_becomes("postern_inbox_duplicates_total", &[("webhook", "whatsapp")], 5.0).await;
}

#[tokio::test]
async fn a_duplicate_is_acknowledged_and_recorded_as_one_of_its_first() {
    let gateway = start(&splitting()).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let body = |name: &str| fixtures::body(&format!("whatsapp/duplicate_delivery_{name}.json"));
    sender.deliver("/whatsapp", body("1")).await;
    let first = feed.expect(&body("1")).await;
    sender.deliver("/whatsapp", body("2_identical")).await;
    // In another batch, beside one that is new.
    sender.deliver("/whatsapp", body("3_rebatched")).await;
    let events = all_until_last(&gateway, &mut feed).await;
    assert_eq!(events.len(), 1, "what is new, alone");
    let admin = Admin::of(&gateway);
    let duplicates = admin.events_become("", "duplicate", 2).await;
    for duplicate in duplicates {
        assert_eq!(duplicate["duplicate_of"], first.word("id"), "{duplicate}");
    }
    admin.metric_becomes("postern_inbox_duplicates_total", &[("webhook", "whatsapp")], 2.0).await;
}

#[tokio::test]
async fn what_belongs_to_another_number_is_held_and_counted_and_broadcast_to_nobody() {
    let more = "split = true\nphone_number_ids = [\"771155338844220\"]";
    let gateway = start(&Config::basic().webhook("whatsapp", "/whatsapp", more)).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", fixtures::body("whatsapp/batch_two_wabas_three_numbers.json")).await;
    let events = all_until_last(&gateway, &mut feed).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].about["keys"]["phone_number_id"], "771155338844220");
    let admin = Admin::of(&gateway);
    let held = admin.held_becomes(2).await;
    for (event, number) in held.iter().zip(["771155338844999", "771155338844555"]) {
        assert_eq!(event["keys"]["phone_number_id"], number, "{event}");
        assert!(event["reason"].as_str().is_some_and(|reason| reason.contains(number)), "{event}");
    }
    admin.metric_becomes("postern_events_foreign_total", &[("webhook", "whatsapp")], 2.0).await;
}

/// The order of `0..count` after shuffling with this seed (a linear congruential generator: the same each run).
fn shuffled(count: usize, mut seed: u64) -> Vec<usize> {
    let mut order: Vec<_> = (0..count).collect();
    for place in (1..count).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(place, (seed >> 33) as usize % (place + 1));
    }
    order
}

fn batches(seed: u64) -> Vec<Bytes> {
    let order = shuffled(1_000, seed);
    let size = 50 + (seed as usize * 37) % 200;
    order
        .chunks(size)
        .map(|part| fixtures::batch(&part.iter().map(|item| format!("wamid.item-{item:04}")).collect::<Vec<_>>()))
        .collect()
}

/// Posts all of these, in their order, over one connection; those the gateway does not live to answer are left.
fn deliver_all(gateway: &Gateway, bodies: Vec<Bytes>) -> tokio::task::JoinHandle<()> {
    let door = Door::of(gateway);
    spawn(async move {
        // It may be killed as soon as this.
        let Ok(wire) = door.open(Protocol::Http1).await else { return };
        let mut sender = Sender::over(wire, Protocol::Http1).await;
        for body in bodies {
            match sender.try_post("/whatsapp", body).await {
                Ok(reply) => assert_eq!(reply.status, 200, "{reply:?}"),
                Err(_) => return,
            }
        }
    })
}

async fn each_item_once(gateway: &Gateway, feed: &mut Feed) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for got in all_until_last(gateway, feed).await {
        let body: Value = serde_json::from_slice(&got.body).expect("each event is JSON");
        let messages = body["entry"][0]["changes"][0]["value"]["messages"].as_array().expect("messages").clone();
        assert_eq!(messages.len(), 1);
        *seen.entry(messages[0]["id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), 1_000, "every item");
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "delivered more than once: {twice:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_items_sent_twice_batched_anew_in_parallel_and_across_a_kill_are_each_delivered_once() {
    let items: Vec<_> = (0..1_000).map(|item| format!("wamid.item-{item:04}")).collect();
    let whole = fixtures::batch(&items);
    let gateway = home(&splitting()).start().await;
    let door = Door::of(&gateway);
    let mut feed = Feed::new(&door, "/ws", Form::Raw).since("earliest").opened().await;
    // In parallel, from the very first: eight connections with eight ways to batch the same.
    let mut tasks: Vec<_> = (1..=8).map(|seed| deliver_all(&gateway, batches(seed))).collect();
    tasks.push(deliver_all(&gateway, vec![whole.clone(), whole.clone()]));
    // And the end of it in the middle of that.
    feed.event().await;
    let home: Arc<_> = gateway.kill().await;
    for task in tasks {
        task.await.expect("no refusal");
    }
    let gateway = home.start().await;
    door.moved(&gateway);
    let mut tasks: Vec<_> = (1..=8).map(|seed| deliver_all(&gateway, batches(seed))).collect();
    tasks.push(deliver_all(&gateway, vec![whole.clone(), whole.clone()]));
    for task in tasks {
        task.await.expect("no refusal");
    }
    let mut feed = Feed::new(&door, "/ws", Form::V1).since("earliest").opened().await;
    each_item_once(&gateway, &mut feed).await;
    // Once more after a decent end, with nothing new in it but the last.
    let (home, _) = gateway.stop().await;
    let gateway = home.start().await;
    let door = Door::of(&gateway);
    let mut feed = Feed::new(&door, "/ws", Form::V1).opened().await;
    for seed in 9..12 {
        deliver_all(&gateway, batches(seed)).await.expect("no refusal");
    }
    let other = fixtures::message("wamid.another", "15550100142", "new");
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", other.clone()).await;
    feed.expect(&other).await;
}
