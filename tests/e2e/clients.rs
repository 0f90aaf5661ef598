//! The manners of a stream towards its clients: heartbeat, limits, close codes, origins.

use crate::start;
use postern_tests::{Admin, Client, Config, Frame, Protocol, Sender, Socket, eventually, refusal};
use std::time::Instant;
use tokio_tungstenite::tungstenite::Message;

const TEXT: u8 = 0x80 | Frame::TEXT;

#[tokio::test]
async fn a_client_that_answers_pings_stays_and_one_that_does_not_is_closed_within_idle() {
    let config = Config::basic().stream("agents", "/ws", &["whatsapp"], "open = true\nheartbeat = \"200ms\"");
    let gateway = start(&config.limits("idle = \"1s\"")).await;
    let mut silent = Socket::connect(&gateway, "/ws").await;
    let mut polite = Socket::connect(&gateway, "/ws").await;
    let begin = Instant::now();
    let watch = postern_tests::spawn(async move {
        let mut pings = 0;
        while let Some(frame) = silent.read().await {
            pings += u32::from(frame.opcode == Frame::PING);
        }
        (pings, begin.elapsed())
    });
    // Answers for well over the idle time, so that only its answers keep it.
    let mut answered = 0;
    while begin.elapsed().as_secs() < 3 {
        let frame = polite.read().await.expect("a client that answers is kept");
        if frame.opcode == Frame::PING {
            polite.write(0x80 | Frame::PONG, &frame.payload).await.expect("it reads");
            answered += 1;
        }
    }
    assert!(answered >= 5, "pings came every 200 ms: {answered} in three seconds");
    let (pings, gone) = watch.await.expect("it does not panic");
    assert!(pings >= 1, "it was asked before it was given up");
    assert!(gone.as_millis() >= 900, "not before its time: {gone:?}");
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "still here").await;
    while polite.read().await.expect("a frame").payload != "still here" {}
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_clients", &[("stream", "agents")], 1.0).await;
    admin.metric_becomes("postern_closes_total", &[("reason", "silent")], 1.0).await;
}

#[tokio::test]
async fn a_ping_is_answered_with_its_own_payload_and_a_close_with_a_close() {
    let gateway = start(&Config::basic()).await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    for payload in ["", "are you there?"] {
        socket.write(0x80 | Frame::PING, payload.as_bytes()).await.expect("it reads");
        let frame = socket.read().await.expect("a pong");
        assert_eq!((frame.opcode, frame.payload.as_ref()), (Frame::PONG, payload.as_bytes()));
    }
    socket.write(0x80 | Frame::CLOSE, &1000_u16.to_be_bytes()).await.expect("it reads");
    assert_eq!(socket.close_code().await, Some(1000));
    assert_eq!(socket.read().await, None);
    Admin::of(&gateway).metric_becomes("postern_clients", &[], 0.0).await;
}

#[tokio::test]
async fn what_clients_say_is_let_pass_and_changes_nothing_for_others() {
    let gateway = start(&Config::basic()).await;
    let mut talker = Client::connect(&gateway, "/ws").await;
    let mut other = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for message in [Message::text("hello"), Message::binary(vec![0; 60_000])] {
        talker.send(message).await.expect("it reads");
    }
    sender.deliver("/whatsapp", "event").await;
    talker.expect(b"event").await;
    other.expect(b"event").await;
}

#[tokio::test]
async fn a_client_message_over_the_limit_is_1009_also_in_pieces() {
    let gateway = start(&Config::basic().limits("client_message = \"1KiB\"")).await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    socket.write(TEXT, &[b'x'; 1024]).await.expect("it reads");
    socket.write(0x80 | Frame::PING, b"kept").await.expect("it reads");
    assert_eq!(socket.read().await.expect("the longest is let pass").opcode, Frame::PONG);
    socket.write(TEXT, &[b'x'; 1025]).await.expect("it reads");
    assert_eq!(socket.close_code().await, Some(1009));
    let mut socket = Socket::connect(&gateway, "/ws").await;
    socket.write(Frame::TEXT, &[b'x'; 1000]).await.expect("it reads");
    // It may have closed before this one is written.
    let _ = socket.write(0x80, &[b'x'; 1000]).await;
    assert_eq!(socket.close_code().await, Some(1009));
    Admin::of(&gateway).metric_becomes("postern_closes_total", &[("reason", "message_too_big")], 2.0).await;
}

#[tokio::test]
async fn a_client_that_says_too_much_too_fast_is_1008() {
    let gateway = start(&Config::basic().limits("client_messages_per_second = 10")).await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    for _ in 0..100 {
        if socket.write(TEXT, b"!").await.is_err() {
            break;
        }
    }
    assert_eq!(socket.close_code().await, Some(1008));
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told_1002_and_text_that_is_not_utf8_1007() {
    let gateway = start(&Config::basic()).await;
    let wrong: [(&str, u8, &[u8], u16); 7] = [
        ("a reserved bit", 0x40 | TEXT, b"x", 1002),
        ("a reserved opcode", 0x80 | 3, b"x", 1002),
        ("a reserved control opcode", 0x80 | 11, b"x", 1002),
        ("a ping in pieces", Frame::PING, b"x", 1002),
        ("a continuation of nothing", 0x80, b"x", 1002),
        ("a ping that is too long", 0x80 | Frame::PING, &[0; 126], 1002),
        ("text that is not UTF-8", TEXT, b"\xff", 1007),
    ];
    for (what, first, payload, code) in wrong {
        let mut socket = Socket::connect(&gateway, "/ws").await;
        socket.write(first, payload).await.expect("it reads");
        assert_eq!(socket.close_code().await, Some(code), "{what}");
    }
    let mut socket = Socket::connect(&gateway, "/ws").await;
    socket.write_unmasked(TEXT, b"x").await.expect("it reads");
    assert_eq!(socket.close_code().await, Some(1002), "a frame without a mask");
}

#[tokio::test]
async fn only_the_origins_named_may_connect() {
    let origins = "open = true\norigins = [\"https://desk.example.com\"]";
    let gateway = start(&Config::basic().stream("agents", "/ws", &["whatsapp"], origins)).await;
    let _client = Client::connect_with(&gateway, "/ws", &[("origin", "https://desk.example.com")]).await;
    let others =
        ["https://evil.example.com", "http://desk.example.com", "https://desk.example.com.evil.example", "null", ""];
    for origin in others {
        assert_eq!(refusal(&gateway, "/ws", &[("origin", origin)]).await.status, 403, "{origin:?}");
    }
    let refused = Admin::of(&gateway).metric("postern_connects_total", &[("outcome", "origin_refused")]).await;
    assert_eq!(refused, others.len() as f64);
}

#[tokio::test]
async fn a_request_that_is_no_proper_upgrade_gets_an_answer_that_says_so() {
    let gateway = start(&Config::basic()).await;
    let reply = refusal(&gateway, "/ws", &[("sec-websocket-version", "12")]).await;
    assert_eq!((reply.status, reply.header("sec-websocket-version")), (426, Some("13")));
    assert_eq!(refusal(&gateway, "/ws", &[("sec-websocket-key", "short")]).await.status, 400);
    assert_eq!(refusal(&gateway, "/nowhere", &[]).await.status, 404);
    let reply = Sender::connect(&gateway, Protocol::Http1).await.get("/ws").await;
    assert!((400..500).contains(&reply.status), "a plain GET of a stream: {reply:?}");
    assert!(!reply.body.is_empty(), "it says what to do instead");
}

#[tokio::test]
async fn one_address_may_have_so_many_connections_and_no_more() {
    let gateway = start(&Config::basic().limits("connections_per_address = 3")).await;
    let mut clients = vec![];
    for _ in 0..3 {
        clients.push(Client::connect(&gateway, "/ws").await);
    }
    let config = gateway.home.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS);
    // Refused before the handshake: it costs the gateway nothing.
    assert!(postern_tests::Raw::with(&gateway, config).await.is_err(), "a fourth is refused");
    drop(clients.pop());
    let config = gateway.home.authority.trust(&["http/1.1"], rustls::ALL_VERSIONS);
    let again = eventually("room for another", async || postern_tests::Raw::with(&gateway, config.clone()).await.ok());
    drop(again.await);
    let admin = Admin::of(&gateway);
    assert!(admin.metric("postern_connections_refused_total", &[("reason", "too_many_from_address")]).await >= 1.0);
}
