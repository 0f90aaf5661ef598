//! The POST of a webhook: every answer the contract lists, and that nothing of a refused one is kept.

use crate::start;
use bytes::Bytes;
use http::Method;
use postern_tests::{Admin, Client, Config, Gateway, Protocol, Raw, Sender, eventually, fixtures, sign, signed_head};

const SENTINEL: &[u8] = br#"{"object":"sentinel"}"#;

/// Demands that the next thing a client gets, which was connected all along, is the sentinel sent now, and that the
/// inbox took no more than `stored` events before it.
async fn nothing_more_was_stored(gateway: &Gateway, client: &mut Client, stored: u32) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", SENTINEL).await;
    client.expect(SENTINEL).await;
    Admin::of(gateway).metric_becomes("postern_inbox_events_total", &[], f64::from(stored + 1)).await;
}

#[tokio::test]
async fn every_signature_case_gets_its_answer_and_no_refused_one_is_stored() {
    // The cases all sign one body.
    let gateway = start(&Config::basic().without_dedupe()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let body = fixtures::body("whatsapp/text_simple.json");
    let mut accepted = 0;
    for case in fixtures::cases("signature-header-cases.json") {
        let pairs = case["headers"].as_array().expect("a list");
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let headers: Vec<_> = pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = sender.send(Method::POST, "/whatsapp", &headers, body.clone()).await.expect("it answers");
        let accept = case["accept"].as_bool().expect("yes or no");
        assert_eq!(reply.status, if accept { 200 } else { 401 }, "{}", case["why"]);
        if accept {
            client.expect(&body).await;
            accepted += 1;
        }
    }
    nothing_more_was_stored(&gateway, &mut client, accepted).await;
}

#[tokio::test]
async fn a_signature_is_of_the_raw_bytes_and_of_one_of_the_secrets() {
    let rotating = "path = \"/rotating\"\nprovider = \"meta\"\nverify_token = \"token\"\nsplit = false\n\
                    app_secret = [\"old-secret\", \"new-secret\"]";
    let config = Config::basic().section("webhooks.rotating", rotating);
    let gateway = start(&config.stream("agents", "/ws", &["whatsapp", "rotating"], "open = true")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http2).await;
    for secret in ["old-secret", "new-secret"] {
        sender.secret = secret.to_owned();
        sender.deliver("/rotating", secret).await;
        client.expect(secret.as_bytes()).await;
        assert_eq!(sender.post("/whatsapp", secret).await.status, 401, "another webhook's secret");
    }
    for secret in ["older-secret", "", "old-secret "] {
        sender.secret = secret.to_owned();
        assert_eq!(sender.post("/rotating", "{}").await.status, 401, "{secret:?}");
    }
    // The same JSON in other bytes is another body.
    let signature = sign("new-secret", br#"{"a":1}"#);
    let headers = [("x-hub-signature-256", signature.as_str())];
    for other in [r#"{"a": 1}"#, r#"{"a":1} "#, "{\"a\":1}\n", r#"{"\u0061":1}"#] {
        let reply = sender.send(Method::POST, "/rotating", &headers, other).await.expect("it answers");
        assert_eq!(reply.status, 401, "{other:?}");
    }
    nothing_more_was_stored(&gateway, &mut client, 2).await;
}

#[tokio::test]
async fn whatever_is_signed_is_accepted_and_delivered_whole_even_what_will_never_parse() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let fixtures = fixtures::bad();
    assert!(fixtures.len() > 60, "the fixtures are there");
    for fixture in &fixtures {
        let reply = sender.post("/whatsapp", fixture.body.clone()).await;
        assert_eq!(reply.status, 200, "{}: {reply:?}", fixture.name);
        // `expect` also demands text for UTF-8 and binary for the rest.
        client.expect(&fixture.body).await;
    }
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_inbox_events_total", &[("webhook", "whatsapp")], fixtures.len() as f64).await;
    let unparsed = admin.metric("postern_events_unparsed_total", &[]).await;
    assert!(unparsed >= 10.0, "what is not JSON is marked: {unparsed} were");
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let gateway = start(&Config::basic().limits("body = \"1KiB\"")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let longest = Bytes::from(vec![b'x'; 1024]);
    sender.deliver("/whatsapp", longest.clone()).await;
    client.expect(&longest).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut sender = Sender::connect(&gateway, protocol).await;
        assert_eq!(sender.post("/whatsapp", vec![b'x'; 1025]).await.status, 413, "{protocol:?}");
    }
    // Without a length, so that it shows only while reading.
    let mut raw = Raw::connect(&gateway).await;
    let signature = sign(postern_tests::APP_SECRET, &[b'x'; 1025]);
    let head = format!("POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nX-Hub-Signature-256: {signature}\r\n");
    raw.write(format!("{head}Transfer-Encoding: chunked\r\n\r\n401\r\n{}\r\n0\r\n\r\n", "x".repeat(1025)))
        .await
        .expect("it reads");
    assert_eq!(raw.reply().await.expect("an answer").status, 413);
    // A length that is only claimed: refused before a byte of it is waited for.
    let mut raw = Raw::connect(&gateway).await;
    raw.write(format!("{head}Content-Length: 4000000000\r\n\r\n")).await.expect("it reads");
    assert_eq!(raw.reply().await.expect("an answer").status, 413);
    nothing_more_was_stored(&gateway, &mut client, 1).await;
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_408_and_a_head_that_does_is_cut_off() {
    let gateway = start(&Config::basic().limits("body_timeout = \"300ms\"\nheader_timeout = \"300ms\"")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let body = Bytes::from_static(br#"{"object":"slow"}"#);
    let mut raw = Raw::connect(&gateway).await;
    raw.write(signed_head("/whatsapp", &body)).await.expect("it reads");
    raw.write(&body[..5]).await.expect("it reads");
    assert_eq!(raw.reply().await.expect("an answer").status, 408);
    raw.closed().await;
    let mut raw = Raw::connect(&gateway).await;
    raw.write("POST /whatsapp HTTP/1.1\r\nHost: loc").await.expect("it reads");
    raw.closed().await;
    nothing_more_was_stored(&gateway, &mut client, 0).await;
}

#[tokio::test]
async fn a_sender_that_hangs_up_within_its_body_leaves_nothing_behind() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let body = Bytes::from_static(br#"{"object":"half"}"#);
    for _ in 0..20 {
        let mut raw = Raw::connect(&gateway).await;
        raw.write(signed_head("/whatsapp", &body)).await.expect("it reads");
        raw.write(&body[..body.len() - 1]).await.expect("it reads");
    }
    nothing_more_was_stored(&gateway, &mut client, 0).await;
}

#[tokio::test]
async fn other_paths_are_404_and_other_methods_405_with_allow() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for path in ["/", "/other", "/whatsapp/", "/whatsapp/x", "/WhatsApp", "//whatsapp", "/ws/"] {
        assert_eq!(sender.post(path, "{}").await.status, 404, "POST {path}");
        assert_eq!(sender.get(path).await.status, 404, "GET {path}");
    }
    for (method, path) in [(Method::PUT, "/whatsapp"), (Method::DELETE, "/whatsapp"), (Method::POST, "/ws")] {
        let signature = sign(postern_tests::APP_SECRET, b"{}");
        let headers = [("x-hub-signature-256", signature.as_str())];
        let reply = sender.send(method.clone(), path, &headers, "{}").await.expect("it answers");
        assert_eq!(reply.status, 405, "{method} {path}");
        let allow = reply.header("allow").unwrap_or_else(|| panic!("{method} {path}: no Allow")).to_owned();
        let allow: Vec<_> = allow.split(',').map(str::trim).collect();
        assert!(allow.contains(&"GET") && !allow.contains(&method.as_str()), "{method} {path}: Allow: {allow:?}");
        assert_eq!(allow.contains(&"POST"), path == "/whatsapp", "{method} {path}: Allow: {allow:?}");
    }
    // A query after the path is Meta's to add.
    sender.deliver("/whatsapp?source=meta", "{}").await;
    client.expect(b"{}").await;
    nothing_more_was_stored(&gateway, &mut client, 1).await;
}

#[tokio::test]
async fn more_webhooks_at_once_than_the_limit_are_503_with_retry_after_until_there_is_room() {
    let gateway = start(&Config::basic().limits("inflight = 1")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let body = Bytes::from_static(br#"{"object":"first"}"#);
    let mut first = Raw::connect(&gateway).await;
    first.write(signed_head("/whatsapp", &body)).await.expect("it reads");
    first.write(&body[..1]).await.expect("it reads");
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    // The first is in flight as soon as its head has been read, which nothing outside shows.
    let refused = eventually("a 503 while one webhook is in flight", async || {
        let reply = sender.post("/whatsapp", r#"{"object":"second"}"#).await;
        Some(reply).filter(|reply| reply.status == 503)
    });
    let refused = refused.await;
    let retry: u32 = refused.header("retry-after").expect("a Retry-After").parse().expect("in seconds");
    assert!((1..=60).contains(&retry), "{retry}");
    first.write(&body[1..]).await.expect("it reads");
    assert_eq!(first.reply().await.expect("an answer").status, 200);
    eventually("room again", async || {
        (sender.post("/whatsapp", r#"{"object":"third"}"#).await.status == 200).then_some(())
    })
    .await;
    client.until(&body).await;
    client.expect(br#"{"object":"third"}"#).await;
}
