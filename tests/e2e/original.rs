//! Everything that the component could do from which postern began (TTMSFNCWhatsAppServer): a test for each row of the
//! table in README, named for the property, method or event.

use crate::{home, start};
use http::Method;
use postern_tests::guests::gallery;
use postern_tests::{APP_SECRET, Raw, VERIFY_TOKEN, refusal};
use postern_tests::{
    Admin, Client, Config, Frame, Gateway, Protocol, Reply, Sender, Socket, eventually, fixtures, sign,
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// A desk whose filters do what they are told to; `more` is added to its stream.
fn desk(more: &str) -> Config {
    Config::basic()
        .filter(
            "script",
            &gallery("script"),
            "deadline = \"2s\"\nconfig = { tell = true }\nsecrets = { partner = \"key\" }",
        )
        .webhook("whatsapp", "/whatsapp", "filters = [\"script\"]")
        .stream("agents", "/ws", &["whatsapp"], &format!("admission = [\"script\"]\n{more}"))
}

/// A webhook that tells the filter what to do with it.
async fn deliver(gateway: &Gateway, script: Value) {
    let body = json!({ "script": script, "object": "x" }).to_string();
    Sender::connect(gateway, Protocol::Http1).await.deliver("/whatsapp", body).await;
}

async fn post(gateway: &Gateway, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut admin = Sender::plain(gateway.admin()).await;
    admin.send(Method::POST, target, headers, body.to_owned()).await.expect("the admin listener answers")
}

async fn json_of(client: &mut Client) -> Value {
    serde_json::from_slice(&client.body().await).expect("it is JSON")
}

async fn say(client: &mut Client, script: Value) {
    client.send(Message::text(script.to_string())).await.expect("the gateway reads");
}

/// The id of the one client that carries this label.
async fn id_of(gateway: &Gateway, label: &str) -> String {
    let admin = Admin::of(gateway);
    eventually(format!("one client of {label}"), async || {
        let found = admin.get(&format!("/v1/clients?label={label}")).await;
        let found: Value = serde_json::from_slice(&found.body).expect("JSON");
        found["clients"][0]["client"].as_str().map(str::to_owned)
    })
    .await
}

/// Waits until so many clients are with their shards, which they may not be yet when they read their 101.
async fn there(gateway: &Gateway, count: usize) {
    let admin = Admin::of(gateway);
    eventually(format!("{count} clients"), async || {
        let listed = admin.get("/v1/clients").await;
        let listed: Value = serde_json::from_slice(&listed.body).expect("JSON");
        (listed["count"] == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn active_webhooks_are_paused_and_resumed_and_streams_stay() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let body = fixtures::message("wamid.1", "15550100142", "hello");
    assert_eq!(post(&gateway, "/v1/pause", &[], "").await.text(), r#"{"paused":true}"#);
    let reply = sender.post("/whatsapp", body.clone()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert_eq!(Admin::of(&gateway).get("/ready").await.status, 503);
    assert_eq!(post(&gateway, "/v1/send", &[], "while paused").await.status, 200);
    client.expect(b"while paused").await;
    assert_eq!(post(&gateway, "/v1/resume", &[], "").await.text(), r#"{"paused":false}"#);
    sender.deliver("/whatsapp", body.clone()).await;
    client.expect(&body).await;
}

#[tokio::test]
async fn port_and_path_name_one_path_is_both_and_an_empty_one_is_any() {
    let one = Config::basic().webhook("whatsapp", "/bot", "").stream("agents", "/bot", &["whatsapp"], "open = true");
    let any = Config::basic().webhook("whatsapp", "", "").stream("agents", "", &["whatsapp"], "open = true");
    for (config, path) in [(one, "/bot"), (any, "/whatever/it/is")] {
        let gateway = start(&config).await;
        let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
        let handshake = format!("{path}?hub.mode=subscribe&hub.challenge=42&hub.verify_token={VERIFY_TOKEN}");
        assert_eq!(sender.get(&handshake).await.text(), "42");
        let mut client = Client::connect(&gateway, path).await;
        let body = fixtures::message("wamid.1", "15550100142", "hello");
        sender.deliver(path, body.clone()).await;
        client.expect(&body).await;
    }
}

#[tokio::test]
async fn on_raw_message_a_message_handler_passes_drops_rewrites_and_sends() {
    let gateway = start(&desk("")).await;
    let mut all = Client::connect(&gateway, "/ws").await;
    let mut room = Client::connect(&gateway, "/ws?label=room:a").await;
    deliver(&gateway, json!([["drop"]])).await;
    deliver(&gateway, json!([["rewrite", "rewritten"]])).await;
    deliver(&gateway, json!([["split", "room:a", "for a"], ["split", "all", "for all"]])).await;
    deliver(&gateway, json!([["send", "all", "its own"], ["pass"]])).await;
    let whole = json!({ "script": [["send", "all", "its own"], ["pass"]], "object": "x" }).to_string();
    for body in ["rewritten", "for all", "its own", &whole] {
        all.expect(body.as_bytes()).await;
    }
    for body in ["rewritten", "for a", "for all", "its own", &whole] {
        room.expect(body.as_bytes()).await;
    }
}

#[tokio::test]
async fn on_allow_an_admission_handler_says_who_a_client_is_or_why_not() {
    let gateway = start(&desk("")).await;
    let _ann = Client::connect(&gateway, "/ws?subject=ann&label=room:a,desk:1").await;
    there(&gateway, 1).await;
    let listed = Admin::of(&gateway).get("/v1/clients?subject=ann").await;
    let listed: Value = serde_json::from_slice(&listed.body).expect("JSON");
    let labels = json!({ "room": ["a"], "desk": ["1"] });
    assert_eq!((&listed["count"], &listed["clients"][0]["labels"]), (&1.into(), &labels));
    let denied = desk("").filter("script", &gallery("script"), "config = { on_connect = [[\"fail\"]] }");
    assert_eq!(refusal(&start(&denied).await, "/ws", &[]).await.status, 503);
}

#[tokio::test]
async fn broadcast_message_and_data_reach_everybody_and_those_who_come_back() {
    let gateway = start(&desk("")).await;
    let mut one = Client::connect(&gateway, "/ws").await;
    let mut other = Client::connect(&gateway, "/ws").await;
    there(&gateway, 2).await;
    let sent = post(&gateway, "/v1/send", &[("content-type", "text/plain")], "to all").await;
    let sent: Value = serde_json::from_slice(&sent.body).expect("JSON");
    assert_eq!((&sent["clients"], &sent["duplicate"]), (&2.into(), &false.into()));
    let binary = [("content-type", "application/octet-stream")];
    assert_eq!(post(&gateway, "/v1/send", &binary, "data").await.status, 200);
    for client in [&mut one, &mut other] {
        assert_eq!(client.next().await, Message::text("to all"));
        assert_eq!(client.next().await, Message::binary("data"));
    }
    let (home, _) = gateway.stop().await;
    let gateway = home.start().await;
    let mut back = Client::connect(&gateway, "/ws?since=last:2").await;
    assert_eq!(back.next().await, Message::text("to all"));
    assert_eq!(back.next().await, Message::binary("data"));
}

#[tokio::test]
async fn send_message_to_a_selector_reaches_those_it_chooses() {
    let config = desk("").stream("public", "/public", &[], "open = true");
    let gateway = start(&config).await;
    let mut ann = Client::connect(&gateway, "/ws?subject=ann&label=room:a,desk:1").await;
    let mut bob = Client::connect(&gateway, "/ws?subject=bob&label=room:a,desk:2").await;
    let mut public = Client::connect(&gateway, "/public").await;
    let bob_id = id_of(&gateway, "desk:2").await;
    for (query, text) in [
        ("stream=agents&label=room:a", "room a"),
        ("label=room:a&label=desk:1", "room a and desk 1"),
        (&format!("client={bob_id}"), "bob by id"),
        ("subject=ann", "ann by name"),
        ("stream=public", "the public"),
        ("label=room:b", "nobody"),
        ("", "everybody"),
    ] {
        assert_eq!(post(&gateway, &format!("/v1/send?{query}"), &[], text).await.status, 200, "{query}");
    }
    for text in ["room a", "room a and desk 1", "ann by name", "everybody"] {
        ann.expect(text.as_bytes()).await;
    }
    for text in ["room a", "bob by id", "everybody"] {
        bob.expect(text.as_bytes()).await;
    }
    for text in ["the public", "everybody"] {
        public.expect(text.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_selector_callback_is_an_audience_handler_asked_live_and_on_replay() {
    let gateway = start(&desk("audience = [\"script\"]")).await;
    let mut one = Client::connect(&gateway, "/ws?label=number:1").await;
    let mut two = Client::connect(&gateway, "/ws?label=number:1,number:2").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let body = |number: u32, text: &str| json!({ "number": number, "text": text }).to_string();
    for (number, text) in [(1, "a"), (2, "b"), (3, "c"), (1, "d")] {
        sender.deliver("/whatsapp", body(number, text)).await;
    }
    for client in [&mut one, &mut Client::connect(&gateway, "/ws?label=number:1&since=earliest").await] {
        client.expect(body(1, "a").as_bytes()).await;
        client.expect(body(1, "d").as_bytes()).await;
    }
    for text in [body(1, "a"), body(2, "b"), body(1, "d")] {
        two.expect(text.as_bytes()).await;
    }
    let mut last = Client::connect(&gateway, "/ws?label=number:2&since=last:1").await;
    last.expect(body(2, "b").as_bytes()).await;
}

#[tokio::test]
async fn on_message_and_binary_data_received_go_to_a_client_handler() {
    let gateway = start(&desk("client = [\"script\"]\nrelay = \"others\"")).await;
    let mut ann = Client::connect(&gateway, "/ws?label=name:ann").await;
    let mut bob = Client::connect(&gateway, "/ws?label=name:bob").await;
    say(&mut ann, json!([["send", "me", "an answer"], ["send", "others", "to the others"]])).await;
    say(&mut ann, json!([["split", "name:bob", "to bob"], ["split", "name:ann", "to myself"]])).await;
    say(&mut ann, json!([["rewrite", "rewritten and relayed"]])).await;
    ann.send(Message::binary(b"\xff\x00".to_vec())).await.expect("the gateway reads");
    ann.send(Message::text("plain")).await.expect("the gateway reads");
    say(&mut ann, json!([["send", "all", "the end"]])).await;
    for text in ["an answer", "to myself", "the end"] {
        ann.expect(text.as_bytes()).await;
    }
    for text in ["to the others", "to bob", "rewritten and relayed"] {
        bob.expect(text.as_bytes()).await;
    }
    assert_eq!(bob.next().await, Message::binary(b"\xff\x00".to_vec()));
    bob.expect(b"plain").await;
    bob.expect(b"the end").await;
}

#[tokio::test]
async fn on_connect_disconnect_close_ping_and_pong_go_to_an_event_handler() {
    let kinds = r#"events = ["script"]
        event_kinds = ["connect", "disconnect", "close", "ping", "pong"]"#;
    let gateway = start(&desk(kinds)).await;
    let mut ears = Client::connect(&gateway, "/ws?label=hears:events").await;
    assert_eq!(json_of(&mut ears).await["event"], "connect", "its own");
    let mut socket = Socket::connect(&gateway, "/ws?subject=ann").await;
    socket.write(0x80 | Frame::PING, b"are you there").await.expect("the gateway reads");
    socket.write(0x80 | Frame::PONG, b"I am").await.expect("the gateway reads");
    socket.write(0x80 | Frame::CLOSE, b"\x03\xe8bye").await.expect("the gateway reads");
    let mut told = vec![];
    while told.len() < 5 {
        let event = json_of(&mut ears).await;
        if event["subject"] == "ann" {
            told.push((event["event"].as_str().expect("a kind").to_owned(), event["said"].clone()));
        }
    }
    let wanted = [
        ("connect", json!(null)),
        ("ping", json!("are you there")),
        ("pong", json!(null)),
        ("close", json!([1000, "bye"])),
        ("disconnect", json!(null)),
    ];
    assert_eq!(told, wanted.map(|(kind, said)| (kind.to_owned(), said)));
    assert_eq!(socket.close_code().await, Some(1000));
}

#[tokio::test]
async fn on_command_get_is_an_http_handler_which_may_take_a_webhook() {
    let config = desk("client = [\"script\"]")
        .section("http.page", "path = \"/page/*\"\nfilter = \"script\"\nwebhook = \"whatsapp\"");
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    there(&gateway, 1).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let reply = sender.get("/page/echo?a=b").await;
    let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!((&told["method"], &told["query"], &told["clients"]), (&"GET".into(), &"a=b".into(), &1.into()));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let mut ask = async |script: Value| {
        let sent = sender.send(Method::POST, "/page/x", &[], script.to_string()).await;
        let reply = sent.expect("the gateway answers");
        (reply.status, reply.text())
    };
    assert_eq!(ask(json!([["respond", 418, "a teapot"]])).await, (418, "a teapot".to_owned()));
    assert_eq!(ask(json!([["send", "all", "from a page"], ["respond", 200, "sent"]])).await.0, 200);
    client.expect(b"from a page").await;
    let webhook = json!({ "script": [["rewrite", "judged as a webhook is"]] }).to_string();
    assert_eq!(ask(json!([["send", "all", "beside it"], ["accept", webhook]])).await, (202, "taken".to_owned()));
    let mut got = [client.body().await, client.body().await];
    got.sort();
    assert_eq!(got, ["beside it", "judged as a webhook is"]);
    assert_eq!(ask(json!([["fail"]])).await.0, 503);
    assert_eq!(ask(json!([])).await.0, 404, "what it passes is nobody's");
    assert_eq!(sender.get("/elsewhere").await.status, 404);
}

#[tokio::test]
async fn disconnect_client_is_for_operators_and_for_filters() {
    let gateway = start(&desk("client = [\"script\"]")).await;
    let mut ann = Client::connect(&gateway, "/ws?label=name:ann").await;
    let mut bob = Client::connect(&gateway, "/ws?label=name:bob").await;
    let mut eve = Client::connect(&gateway, "/ws?label=name:eve").await;
    assert_eq!(post(&gateway, "/v1/disconnect", &[], "").await.status, 400, "everybody is not meant by saying nothing");
    id_of(&gateway, "name:ann").await;
    let reply = post(&gateway, "/v1/disconnect?label=name:ann&code=4001&reason=enough", &[], "").await;
    assert_eq!(reply.text(), r#"{"disconnected":1}"#);
    assert_eq!(ann.close_code().await, Some(4001));
    let eve_id = id_of(&gateway, "name:eve").await;
    say(&mut bob, json!([["disconnect", eve_id, 1008, "by a filter"]])).await;
    assert_eq!(eve.close_code().await, Some(1008));
    post(&gateway, "/v1/disconnect?all=true", &[], "").await;
    assert_eq!(bob.close_code().await, Some(1008));
}

#[tokio::test]
async fn user_data_is_labels_and_they_change() {
    let gateway = start(&desk("client = [\"script\"]")).await;
    let mut ann = Client::connect(&gateway, "/ws?label=name:ann").await;
    say(&mut ann, json!([["label", "me", "room", "a"], ["send", "room:a", "inside already"]])).await;
    ann.expect(b"inside already").await;
    say(&mut ann, json!([["unlabel", "me", "room", "a"], ["send", "room:a", "outside"], ["send", "me", "to you"]]))
        .await;
    ann.expect(b"to you").await;
    let mut bob = Client::connect(&gateway, "/ws?label=name:bob").await;
    let ann_id = id_of(&gateway, "name:ann").await;
    say(&mut bob, json!([["label", ann_id, "room", "b"], ["clients", "name:ann"]])).await;
    assert_eq!(json_of(&mut bob).await["clients"], json!([ann_id]));
    assert_eq!(post(&gateway, "/v1/send?label=room:b", &[], "to room b").await.status, 200);
    ann.expect(b"to room b").await;
}

#[tokio::test]
async fn split_message_and_frame_size_cut_what_is_sent_into_frames() {
    let gateway = start(&desk("frame_size = \"200B\"")).await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    let text = "0123456789".repeat(50);
    assert_eq!(post(&gateway, "/v1/send", &[], &text).await.status, 200);
    assert_eq!(post(&gateway, "/v1/send", &[], "short").await.status, 200);
    let mut frames = vec![];
    for _ in 0..4 {
        let frame = socket.read_event().await.expect("there are frames");
        frames.push((frame.last, frame.opcode, frame.payload));
    }
    let cut = |from: usize, to: usize| text.as_bytes()[from..to].to_vec().into();
    assert_eq!(
        frames,
        [(false, 1, cut(0, 200)), (false, 0, cut(200, 400)), (true, 0, cut(400, 500)), (true, 1, "short".into())]
    );
    let mut client = Client::connect(&gateway, "/ws?since=last:2").await;
    client.expect(text.as_bytes()).await;
}

#[tokio::test]
async fn manual_pong_and_close_are_answered_by_a_filter() {
    let gateway = start(&desk("events = [\"script\"]\npong = \"manual\"\nclose = \"manual\"").filter(
        "script",
        &gallery("script"),
        r#"deadline = "2s"
            [filters.script.config.on_event]
            ping = [["pong", "me", "from the filter"]]
            close = [["disconnect", "me", 4002, "as you wish"]]"#,
    ))
    .await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    socket.write(0x80 | Frame::PING, b"x").await.expect("the gateway reads");
    let pong = socket.read_event().await.expect("an answer");
    assert_eq!((pong.opcode, &pong.payload[..]), (Frame::PONG, &b"from the filter"[..]));
    socket.write(0x80 | Frame::CLOSE, b"\x03\xe8bye").await.expect("the gateway reads");
    let close = socket.read_event().await.expect("an answer");
    assert_eq!((close.close_code(), close.close_reason().as_str()), (Some(4002), "as you wish"));
}

#[tokio::test]
async fn origin_and_binding_ip_bound_who_connects_and_where() {
    let config = Config::basic().top("listen", r#"["127.0.0.1:0", "[::1]:0"]"#).stream(
        "agents",
        "/ws",
        &["whatsapp"],
        "open = true\norigins = [\"https://desk.example.com\"]",
    );
    let gateway = start(&config).await;
    let ours = [("origin", "https://desk.example.com")];
    let _client = Client::connect_with(&gateway, "/ws", &ours).await;
    assert_eq!(refusal(&gateway, "/ws", &[("origin", "https://evil.example")]).await.status, 403);
    assert!(gateway.edge().ip().is_loopback());
}

#[tokio::test]
async fn certificate_file_and_key_password_serve_an_encrypted_key() {
    let config = Config::basic().section(
        "tls",
        "certificate = \"cert.pem\"\nkey = \"encrypted.pem\"\nkey_password = { env = \"KEY_PASSWORD\" }",
    );
    let home = home(&config);
    let key = std::fs::read_to_string(home.path("key.pem")).expect("it is there");
    home.write("encrypted.pem", postern_tests::encrypted(&key, "s3same"));
    home.set("KEY_PASSWORD", "s3same");
    let gateway = home.start().await;
    Client::connect(&gateway, "/ws").await;
}

#[tokio::test]
async fn root_certificate_file_asks_for_a_certificate_of_an_exact_name() {
    let asks = "client_auth = \"required\"\nclient_name = \"client.webhooks.fbclientcerts.com\"";
    let config = Config::basic()
        .section("tls", "certificate = \"cert.pem\"\nkey = \"key.pem\"\nclient_ca = [\"ca.pem\"]")
        .webhook("whatsapp", "/whatsapp", asks)
        .stream("agents", "/ws", &["whatsapp"], "open = true\nclient_auth = \"optional\"");
    let home = home(&config);
    let (ours, others) = (&home.authority, postern_tests::Authority::default());
    home.write("ca.pem", others.root());
    let gateway = home.start().await;
    let meta = ours.issue_client("client.webhooks.fbclientcerts.com");
    let somebody = ours.issue_client("client.webhooks.fbclientcerts.com.evil.example");
    let body = fixtures::message("wamid.1", "15550100142", "hello");
    let signature = sign(APP_SECRET, &body);
    let send = async |client: Option<&postern_tests::Issued>| {
        let trust = match client {
            Some(client) => ours.trust_as(client),
            None => ours.trust(&["http/1.1"], rustls::ALL_VERSIONS),
        };
        let mut raw = Raw::with(&gateway, trust).await.ok()?;
        let head = format!(
            "POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nX-Hub-Signature-256: {signature}\r\n\r\n",
            body.len()
        );
        raw.write([head.as_bytes(), &body].concat()).await.ok()?;
        Some(raw.reply().await?.status)
    };
    assert_eq!(send(None).await, Some(403), "none is shown");
    assert_eq!(send(Some(&meta)).await, None, "of an authority that is not trusted yet");
    home.write("ca.pem", format!("{}{}", others.root(), ours.root()));
    eventually("the new authority is taken up", async || (send(Some(&meta)).await == Some(200)).then_some(())).await;
    assert_eq!(send(Some(&somebody)).await, Some(403), "for another name");
    Client::connect(&gateway, "/ws").await;
}

#[tokio::test]
async fn verify_token_and_the_signature_of_what_follows() {
    let gateway = start(&Config::basic()).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let handshake = |token: &str| format!("/whatsapp?hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}");
    assert_eq!(sender.get(&handshake(VERIFY_TOKEN)).await.text(), "42");
    assert_eq!(sender.get(&handshake("wrong")).await.status, 403);
    let body = fixtures::message("wamid.1", "15550100142", "hello");
    let signature = sign("another secret", &body);
    let forged = [("x-hub-signature-256", signature.as_str())];
    let forged = sender.send(Method::POST, "/whatsapp", &forged, body.clone()).await;
    assert_eq!(forged.expect("an answer").status, 401);
    assert_eq!(sender.secret, APP_SECRET);
    sender.deliver("/whatsapp", body).await;
}

#[tokio::test]
async fn the_receiver_is_postern_listen_or_any_client() {
    let gateway = start(&Config::basic()).await;
    let url = format!("wss://localhost:{}/ws", gateway.edge().port());
    let mut listen = gateway.home.launch(&["listen", &url, "--insecure", "--since", "earliest"]);
    let body = fixtures::message("wamid.1", "15550100142", "hello from the original");
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", body).await;
    eventually("the event on its standard output", async || {
        assert!(listen.ended().is_none(), "it goes on");
        listen.stdout().contains("hello from the original").then_some(())
    })
    .await;
}
