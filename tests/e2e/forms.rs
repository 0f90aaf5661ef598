//! The three forms, over HTTP/1.1 and HTTP/2: what each says and to whom.

use crate::start;
use postern_tests::{
    Admin, Client, Config, Door, Failure, Feed, Form, News, Protocol, Sender, Socket, fixtures, numbered_body,
};

pub const WAYS: [(Form, Protocol); 6] = [
    (Form::Raw, Protocol::Http1),
    (Form::V1, Protocol::Http1),
    (Form::Sse, Protocol::Http1),
    (Form::Raw, Protocol::Http2),
    (Form::V1, Protocol::Http2),
    (Form::Sse, Protocol::Http2),
];

fn event(number: u64) -> bytes::Bytes {
    numbered_body(0, number, 120)
}

#[tokio::test]
async fn an_event_of_postern_v1_tells_all_there_is_to_tell() {
    let gateway = start(&Config::basic().webhook("whatsapp", "/whatsapp", "split = true")).await;
    let door = Door::of(&gateway);
    let mut feed = Feed::new(&door, "/ws", Form::V1).opened().await;
    let Some(News::Hello { client, .. }) = feed.next().await else { panic!("the first is hello") };
    assert_eq!(client.len(), 16);
    assert!(matches!(feed.next().await, Some(News::Live)), "nothing was missed");
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let message = fixtures::message("wamid.1", "15550100142", "سلام 😀 \u{2028}");
    sender.deliver("/whatsapp", message.clone()).await;
    let got = feed.expect(&message).await;
    assert_eq!((got.word("webhook"), got.word("kind"), got.word("id").len()), ("whatsapp", "messages", 16));
    let keys =
        serde_json::json!({ "waba": "908172635445566", "phone_number_id": "771155338844220", "user": "15550100142" });
    assert_eq!(got.about["keys"], keys);
    assert!(got.word("received").ends_with('Z') && got.word("received").contains('.'), "{}", got.word("received"));
    // Not UTF-8, and not JSON.
    for body in [&b"\xff\xfe\x00"[..], b"not JSON", b""] {
        sender.deliver("/whatsapp", body).await;
        let got = feed.expect(body).await;
        assert_eq!((got.word("kind"), got.about.get("base64").is_some()), ("unparsed", true), "{body:?}");
    }
}

#[tokio::test]
async fn an_event_stream_carries_bodies_of_any_shape() {
    let gateway = start(&Config::basic()).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let bodies: [(&[u8], &str); 5] = [
        (b"{\"a\":1}", "{\"a\":1}"),
        (b"one\ntwo\r\nthree\rfour\n", "one\ntwo\nthree\nfour\n"),
        (b"", ""),
        (b"data: not a field\n\nevent: nor this", "data: not a field\n\nevent: nor this"),
        (b"\xff", "{\"base64\":\"/w==\"}"),
    ];
    for (body, _) in bodies {
        sender.deliver("/whatsapp", body).await;
    }
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Sse).over(protocol).since("earliest").opened().await;
        for (_, data) in bodies {
            feed.expect(data.as_bytes()).await;
        }
    }
}

#[tokio::test]
async fn postern_v1_is_spoken_to_who_offers_it_and_to_nobody_else() {
    let gateway = start(&Config::basic()).await;
    let mut witness = Client::connect(&gateway, "/ws").await;
    for (offer, chosen) in [
        (None, None),
        (Some("postern.v1"), Some("postern.v1")),
        (Some("chat, postern.v1"), Some("postern.v1")),
        (Some("chat"), None),
        (Some("postern.v2"), None),
    ] {
        let headers: Vec<_> = offer.iter().map(|offer| ("Sec-WebSocket-Protocol", *offer)).collect();
        let mut socket = Socket::upgrade(&gateway, "/ws", &headers).await.expect("it is let in");
        assert_eq!(socket.answer.header("sec-websocket-protocol"), chosen, "{offer:?}");
        let body = format!("for {offer:?}");
        Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", body.clone()).await;
        // Decided before the next of these connects.
        witness.expect(body.as_bytes()).await;
        let first = socket.read().await.expect("it is kept").payload;
        assert_eq!(first.starts_with(b"{\"type\":\"hello\""), chosen.is_some(), "{first:?}");
        assert!(chosen.is_some() || first == body, "{offer:?}: {first:?}");
    }
}

#[tokio::test]
async fn origins_hold_in_every_form_and_an_allowed_page_may_read_the_event_stream() {
    let origins = "open = true\norigins = [\"https://desk.example.com\"]";
    let gateway = start(&Config::basic().stream("agents", "/ws", &["whatsapp"], origins)).await;
    let door = Door::of(&gateway);
    for (form, protocol) in WAYS {
        Feed::new(&door, "/ws", form).over(protocol).with("origin", "https://desk.example.com").opened().await;
        for origin in ["https://evil.example.com", "null"] {
            match Feed::new(&door, "/ws", form).over(protocol).with("origin", origin).open().await {
                Err(Failure::Refused(reply)) => {
                    assert_eq!(reply.status, 403, "{form:?} {protocol:?} {origin}");
                    assert_eq!(reply.header("access-control-allow-origin"), None);
                }
                other => panic!("{form:?} over {protocol:?} from {origin}: {other:?}"),
            }
        }
    }
    // A body that never ends has a head that can be read.
    let mut raw = postern_tests::Raw::connect(&gateway).await;
    let head =
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nOrigin: https://desk.example.com\r\n\r\n";
    raw.write(head).await.expect("it reads");
    let reply = raw.reply().await.expect("an answer");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://desk.example.com"));
    assert!(reply.header("vary").is_some_and(|vary| vary.to_ascii_lowercase().contains("origin")), "{reply:?}");
}

#[tokio::test]
async fn every_form_works_without_tls_where_that_is_said_aloud() {
    let gateway = start(&Config::basic().section("tls", "plain = true")).await;
    let door = Door::plain(&gateway);
    Sender::plain(gateway.edge()).await.deliver("/whatsapp", event(0)).await;
    for form in Form::ALL {
        Feed::new(&door, "/ws", form).since("earliest").opened().await.expect(&event(0)).await;
    }
}

#[tokio::test]
async fn clients_of_every_form_count_and_their_leaving_is_noticed() {
    let gateway = start(&Config::basic()).await;
    let (door, admin) = (Door::of(&gateway), Admin::of(&gateway));
    let mut feeds = vec![];
    for (form, protocol) in WAYS {
        feeds.push(Feed::new(&door, "/ws", form).over(protocol).opened().await);
    }
    admin.metric_becomes("postern_clients", &[("stream", "agents")], 6.0).await;
    drop(feeds);
    admin.metric_becomes("postern_clients", &[("stream", "agents")], 0.0).await;
    assert_eq!(admin.metric("postern_connections", &[]).await, 0.0, "and nothing of them is left");
}

#[tokio::test]
async fn a_client_of_the_old_days_knows_nothing_of_all_this_and_works() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for number in 0..3 {
        sender.deliver("/whatsapp", event(number)).await;
    }
    for number in 0..3 {
        client.expect(&event(number)).await;
    }
}
