//! What a client gets: every body byte for byte, in one order, from the webhooks its stream carries and no others.

use crate::start;
use bytes::Bytes;
use postern_tests::{Client, Config, Frame, Protocol, Sender, Socket, fixtures, numbered_body, together};
use std::sync::Arc;

#[tokio::test]
async fn every_body_meta_could_send_reaches_a_client_byte_for_byte_over_http1_and_http2() {
    let gateway = start(&Config::basic().without_dedupe()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut sender = Sender::connect(&gateway, protocol).await;
        for fixture in fixtures::good() {
            sender.deliver("/whatsapp", fixture.body.clone()).await;
            client.expect(&fixture.body).await;
        }
    }
}

#[tokio::test]
async fn a_batch_of_almost_three_megabytes_arrives_whole() {
    let gateway = start(&Config::basic().without_dedupe()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let batch = fixtures::body("whatsapp/batch_100_statuses.json");
    // Whitespace between JSON texts: not what Meta sends, but as long.
    let body = Bytes::from(batch.repeat(3 * 1024 * 1024 / batch.len()));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        Sender::connect(&gateway, protocol).await.deliver("/whatsapp", body.clone()).await;
        client.expect(&body).await;
    }
}

#[tokio::test]
async fn one_event_is_one_frame_text_when_it_is_utf8_and_binary_when_not() {
    let gateway = start(&Config::basic()).await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let bodies: [(&[u8], u8); 5] = [
        ("{\"name\":\"سلام 😀\"}".as_bytes(), Frame::TEXT),
        (b"\xff\xfe", Frame::BINARY),
        (b"", Frame::TEXT),
        (b"\0", Frame::TEXT),
        (b"cut \xf0\x9f\x98", Frame::BINARY),
    ];
    for (body, opcode) in bodies {
        sender.deliver("/whatsapp", body).await;
        let frame = socket.read().await.expect("a frame");
        assert_eq!(frame, Frame { last: true, deflated: false, opcode, payload: Bytes::copy_from_slice(body) });
    }
}

#[tokio::test]
async fn every_client_sees_the_same_order_and_each_sender_its_own() {
    const EACH: u64 = 50;
    let gateway = Arc::new(start(&Config::basic()).await);
    let mut clients = [Client::connect(&gateway, "/ws").await, Client::connect(&gateway, "/ws").await];
    let senders = (0..8).map(|number| {
        let gateway = Arc::clone(&gateway);
        async move {
            let protocol = if number % 2 == 0 { Protocol::Http1 } else { Protocol::Http2 };
            let mut sender = Sender::connect(&gateway, protocol).await;
            for sequence in 0..EACH {
                sender.deliver("/whatsapp", numbered_body(number, sequence, 200)).await;
            }
        }
    });
    together(senders).await;
    let mut seen: Vec<Vec<Bytes>> = vec![];
    for client in &mut clients {
        let mut bodies = vec![];
        for _ in 0..8 * EACH {
            bodies.push(client.body().await);
        }
        seen.push(bodies);
    }
    assert!(seen[0] == seen[1], "both see one order");
    for number in 0..8 {
        // A sender that waits for its 200 has said in which order it wants them.
        let expected: Vec<_> = (0..EACH).map(|sequence| numbered_body(number, sequence, 200)).collect();
        let own: Vec<_> = seen[0].iter().filter(|body| expected.contains(body)).cloned().collect();
        assert!(own == expected, "sender {number}'s own order is kept");
    }
}

#[tokio::test]
async fn a_stream_carries_the_webhooks_it_names_and_no_others() {
    let config = Config::basic()
        .webhook("orders", "/orders", "")
        .webhook("alerts", "/alerts", "")
        .stream("agents", "/ws", &["whatsapp"], "open = true")
        .stream("desk", "/desk", &["orders", "whatsapp"], "open = true");
    let gateway = start(&config).await;
    let mut agents = Client::connect(&gateway, "/ws").await;
    let mut desk = Client::connect(&gateway, "/desk").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for (path, body) in [("/alerts", "alert"), ("/orders", "order"), ("/whatsapp", "message")] {
        sender.deliver(path, body).await;
        if path != "/alerts" {
            desk.expect(body.as_bytes()).await;
        }
    }
    agents.expect(b"message").await;
}

#[tokio::test]
async fn one_path_may_be_webhook_and_stream_at_once() {
    // As in the original: one address for Meta and for the receivers.
    let gateway = start(&Config::basic().stream("agents", "/whatsapp", &["whatsapp"], "open = true")).await;
    let mut client = Client::connect(&gateway, "/whatsapp").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let query = "hub.mode=subscribe&hub.challenge=77&hub.verify_token=s3cret-verify-token";
    assert_eq!(sender.get(&format!("/whatsapp?{query}")).await.text(), "77");
    sender.deliver("/whatsapp", "both").await;
    client.expect(b"both").await;
    // The handshake's query on the stream's request changes nothing.
    let mut other = Client::connect(&gateway, &format!("/whatsapp?{query}")).await;
    sender.deliver("/whatsapp", "both again").await;
    other.expect(b"both again").await;
}

#[tokio::test]
async fn a_raw_client_begins_with_what_comes_after_it_connected() {
    let gateway = start(&Config::basic()).await;
    let mut early = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "before").await;
    early.expect(b"before").await;
    let mut late = Client::connect(&gateway, "/ws").await;
    sender.deliver("/whatsapp", "after").await;
    early.expect(b"after").await;
    late.expect(b"after").await;
}
