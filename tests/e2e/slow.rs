//! Clients that do not read: they cost the others nothing, and then they are fed from disk or told to come back.

use crate::start;
use postern_tests::{Admin, Client, Config, Frame, Gateway, Protocol, Sender, Socket, numbered_body};

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
