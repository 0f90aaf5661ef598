//! Clients that do not read: they cost the others nothing, and then they are fed from disk or told to come back.

use crate::start;
use postern_tests::{
    Admin, Client, Config, Door, Feed, Form, Frame, Gateway, Load, Protocol, Sender, Socket, alone, eventually,
    numbered_body, report, stalled, stampede,
};
use serde_json::{Value, json};

/// Together more than the kernel buffers between two ends of a connection.
const EVENTS: u64 = 300;
const SIZE: usize = 100_000;

/// A gateway with a small ring, and a client of it that has not read a byte while another, beside it, got every event as
/// it was sent.
async fn with_a_stalled_client(slow: &str) -> (Gateway, Socket) {
    let stream = format!("open = true\nslow = \"{slow}\"");
    let config = Config::basic().stream("agents", "/ws", &["whatsapp"], &stream).limits("ring = \"1MiB\"");
    let gateway = start(&config).await;
    let stalled = Socket::connect(&gateway, "/ws").await;
    let mut reading = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for sequence in 0..EVENTS {
        let body = numbered_body(0, sequence, SIZE);
        sender.deliver("/whatsapp", body.clone()).await;
        reading.expect(&body).await;
    }
    (gateway, stalled)
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_nobody_and_catches_up_from_disk() {
    let (gateway, mut stalled) = with_a_stalled_client("catch-up").await;
    // An operator sees who it is, and how far behind: at once, but for the last event, which the shard of the one that
    // reads may have been told of before its own was.
    let admin = Admin::of(&gateway);
    eventually("the lag of the client is that of its stream", async || {
        let seen: Value = serde_json::from_slice(&admin.get("/v1/streams").await.body).expect("JSON");
        let lag = seen["streams"][0]["lag"].as_u64().expect("a number");
        assert_eq!((&seen["streams"][0]["behind"], lag > 100 && lag <= EVENTS), (&json!(1), true), "{seen}");
        let seen: Value = serde_json::from_slice(&admin.get("/v1/clients").await.body).expect("JSON");
        (seen["clients"][0]["lag"] == lag).then_some(())
    })
    .await;
    for sequence in 0..EVENTS {
        let frame = stalled.read().await.expect("it is kept");
        assert_eq!(frame.opcode, Frame::TEXT);
        assert!(frame.payload == numbered_body(0, sequence, SIZE), "event {sequence} in its place, whole");
    }
    assert!(Admin::of(&gateway).metric("postern_catch_ups_total", &[]).await >= 1.0, "it was fed from the outbox");
    // And goes on live.
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "live").await;
    assert_eq!(stalled.read().await.expect("a frame").payload, "live");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_with_1013_where_the_stream_says_disconnect() {
    let (gateway, mut stalled) = with_a_stalled_client("disconnect").await;
    let mut next = 0;
    let code = loop {
        let frame = stalled.read().await.expect("a close frame before the end");
        if frame.opcode == Frame::CLOSE {
            break frame.close_code();
        }
        assert!(frame.payload == numbered_body(0, next, SIZE), "event {next} in its place, whole");
        next += 1;
    };
    assert_eq!(code, Some(1013));
    assert!(next < EVENTS, "it had fallen behind");
    Admin::of(&gateway).metric_becomes("postern_clients", &[], 0.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_stop_reading_get_everything_later_and_memory_stays_within_the_ring() {
    let _machine = alone().await;
    let load = Load { clients: 60, stalled: 12, groups: 3, rate: 600, size: 8_192, seconds: 5, ring: "1MiB" };
    let binary = env!("CARGO_BIN_EXE_postern-under-test");
    let without = stalled(binary, Load { stalled: 0, ..load }).await;
    let with = stalled(binary, load).await;
    // The whole of it is a command: `cargo run --release -p postern-tests --bin stalled`.
    report(format_args!("60 clients, nobody stalls: {without:?}"));
    report(format_args!("60 clients of which 12 stall: {with:?}"));
    assert!(with.catch_ups >= 1.0, "those that stalled were fed from disk: {with:?}");
    if let (Some((_, without)), Some((_, with))) = (without.memory, with.memory) {
        assert!(with <= without + 32, "a ring of 1 MiB, and {with} MiB against {without} MiB");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_dropped_at_once_come_back_and_miss_nothing() {
    let _machine = alone().await;
    let returned = stampede(env!("CARGO_BIN_EXE_postern-under-test"), 500).await;
    // The whole of it is a command: `cargo run --release -p postern-tests --bin stampede`.
    report(format_args!("500 clients dropped at once, all back and none missing anything: {returned:?}"));
}

/// Fills what a client of a `disconnect` stream does not read, and comes back with what it was told.
#[tokio::test]
async fn one_closed_with_1013_is_told_its_cursor_and_goes_on_from_there() {
    let (gateway, mut stalled) = with_a_stalled_client("disconnect").await;
    let mut next = 0;
    let reason = loop {
        let frame = stalled.read().await.expect("a close frame before the end");
        if frame.opcode == Frame::CLOSE {
            break frame.close_reason();
        }
        assert!(frame.payload == numbered_body(0, next, SIZE), "event {next} in its place, whole");
        next += 1;
    };
    assert_eq!(reason.len(), 24, "the cursor: {reason:?}");
    let mut back = Socket::connect(&gateway, &format!("/ws?since={reason}")).await;
    while next < EVENTS {
        let Some(frame) = back.read_event().await else { panic!("it is kept, now that it reads") };
        if frame.opcode == Frame::CLOSE {
            // Even reading at once it may fall behind a ring this small; it is told again.
            back = Socket::connect(&gateway, &format!("/ws?since={}", frame.close_reason())).await;
            continue;
        }
        assert!(frame.payload == numbered_body(0, next, SIZE), "event {next} in its place, whole");
        next += 1;
    }
}

#[tokio::test]
async fn a_slow_event_stream_is_fed_from_disk_and_then_live() {
    let config = Config::basic().stream("agents", "/ws", &["whatsapp"], "open = true").limits("ring = \"1MiB\"");
    let gateway = start(&config).await;
    let door = Door::of(&gateway);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut feeds = vec![];
        for form in [Form::Sse, Form::V1] {
            feeds.push(Feed::new(&door, "/ws", form).over(protocol).opened().await);
        }
        let first = if protocol == Protocol::Http1 { 0 } else { EVENTS };
        let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
        for sequence in first..first + EVENTS {
            sender.deliver("/whatsapp", numbered_body(0, sequence, SIZE)).await;
        }
        for feed in &mut feeds {
            for sequence in first..first + EVENTS {
                feed.expect(&numbered_body(0, sequence, SIZE)).await;
            }
        }
    }
}
