//! permessage-deflate (RFC 7692): for who offers it where the stream says so, and the same bytes inside.

use crate::start;
use postern_tests::{Config, Frame, News, Protocol, Sender, Socket, fixtures};

const OFFER: &str = "permessage-deflate; client_max_window_bits";

fn compressing(compression: &str) -> Config {
    Config::basic().stream("agents", "/ws", &["whatsapp"], &format!("open = true\ncompression = {compression}"))
}

#[tokio::test]
async fn raw_events_are_deflated_for_who_offers_and_are_the_same_bytes() {
    let gateway = start(&compressing("true")).await;
    let headers = [("Sec-WebSocket-Extensions", OFFER)];
    let mut deflated = Socket::upgrade(&gateway, "/ws", &headers).await.expect("it is let in");
    let agreed = deflated.answer.header("sec-websocket-extensions").expect("it is agreed on").to_owned();
    assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
    // Each event is compressed once for all clients, so none may lean on what one client got before.
    assert!(agreed.contains("server_no_context_takeover"), "{agreed}");
    let mut plain = Socket::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let (mut on_the_wire, mut all) = (0, 0);
    for name in ["text_simple", "batch_100_statuses", "text_long_4096", "unicode_emoji_zwj", "text_group"] {
        let body = fixtures::body(&format!("whatsapp/{name}.json"));
        sender.deliver("/whatsapp", body.clone()).await;
        let frame = deflated.read_event().await.expect("it is kept");
        assert_eq!((frame.opcode, frame.last), (Frame::TEXT, true));
        assert!(frame.deflated, "{name} is long enough to be worth it");
        assert!(frame.inflated() == body, "{name}");
        (on_the_wire, all) = (on_the_wire + frame.payload.len(), all + body.len());
        let frame = plain.read_event().await.expect("it is kept");
        assert!(!frame.deflated && frame.payload == body, "{name} for who did not offer");
    }
    assert!(on_the_wire * 2 < all, "{on_the_wire} bytes for {all}");
    // Not UTF-8, and the shortest there are.
    for body in [&b"\xff\xfe"[..], b"", b"x"] {
        sender.deliver("/whatsapp", body).await;
        let frame = deflated.read_event().await.expect("it is kept");
        assert_eq!(frame.inflated(), body);
        assert_eq!(frame.opcode == Frame::BINARY, std::str::from_utf8(body).is_err());
    }
}

#[tokio::test]
async fn postern_v1_is_deflated_too_whatever_each_client_has_before() {
    let gateway = start(&compressing("true")).await;
    let headers = [("Sec-WebSocket-Extensions", OFFER), ("Sec-WebSocket-Protocol", "postern.v1")];
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut sockets = vec![];
    let mut previous = vec![];
    for count in 0..3 {
        let mut socket = Socket::upgrade(&gateway, "/ws", &headers).await.expect("it is let in");
        let hello = socket.read_event().await.expect("it is kept").inflated();
        let (News::Hello { cursor, .. }, _) = News::of_v1(std::str::from_utf8(&hello).expect("text")) else {
            panic!("{hello:?}")
        };
        assert!(socket.read_event().await.expect("it is kept").inflated().starts_with(b"{\"type\":\"live\""));
        sockets.push(socket);
        previous.push(cursor);
        let body = fixtures::message(&format!("wamid.{count}"), "15550100142", &"the same words again ".repeat(20));
        sender.deliver("/whatsapp", body.clone()).await;
        for (socket, previous) in sockets.iter_mut().zip(&mut previous) {
            let text = socket.read_event().await.expect("it is kept").inflated();
            let (news, prev) = News::of_v1(std::str::from_utf8(&text).expect("text"));
            let News::Event(got) = news else { panic!("{news:?}") };
            assert_eq!(prev.as_ref(), Some(&*previous), "each its own");
            assert!(got.body == body);
            *previous = got.cursor.expect("`postern.v1` brings one");
        }
    }
}

#[tokio::test]
async fn nothing_is_deflated_where_the_stream_says_no_or_the_offer_is_none() {
    let gateway = start(&compressing("false")).await;
    let body = fixtures::body("whatsapp/text_simple.json");
    let mut socket =
        Socket::upgrade(&gateway, "/ws", &[("Sec-WebSocket-Extensions", OFFER)]).await.expect("it is let in");
    assert_eq!(socket.answer.header("sec-websocket-extensions"), None);
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", body.clone()).await;
    assert_eq!(socket.read_event().await.expect("it is kept").payload, body);
    let gateway = start(&compressing("true")).await;
    for offer in
        ["x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits=7", "permessage-deflate; unknown=1"]
    {
        let socket =
            Socket::upgrade(&gateway, "/ws", &[("Sec-WebSocket-Extensions", offer)]).await.expect("it is let in");
        assert_eq!(socket.answer.header("sec-websocket-extensions"), None, "{offer}");
    }
}

#[tokio::test]
async fn what_a_deflating_client_says_is_taken_and_never_without_bound() {
    let gateway = start(&compressing("true").limits("client_message = \"64KiB\"")).await;
    let headers = [("Sec-WebSocket-Extensions", OFFER)];
    let mut socket = Socket::upgrade(&gateway, "/ws", &headers).await.expect("it is let in");
    socket.write(0x80 | 0x40 | Frame::TEXT, &Frame::deflate(b"hello")).await.expect("it reads");
    socket.write(0x80 | Frame::PING, b"still there?").await.expect("it reads");
    let frame = socket.read().await.expect("it is kept");
    assert_eq!((frame.opcode, frame.payload.as_ref()), (Frame::PONG, &b"still there?"[..]));
    // A megabyte of nothing in a kilobyte: nobody listens, so nobody inflates it. As it is it must not be too long.
    socket.write(0x80 | 0x40 | Frame::TEXT, &Frame::deflate(&vec![b' '; 1 << 20])).await.expect("it reads");
    socket.write(0x80 | Frame::PING, b"and now?").await.expect("it reads");
    assert_eq!(socket.read().await.expect("it is kept").payload, "and now?");
    // It may have closed before all of it is written.
    let _ = socket.write(0x80 | 0x40 | Frame::TEXT, &vec![b' '; 1 << 20]).await;
    assert_eq!(socket.close_code().await, Some(1009));
}
