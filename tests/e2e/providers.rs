//! Webhooks of others than Meta: each is signed by `postern send` as its provider does, and taken by the real gateway.

use crate::home;
use http::Method;
use postern_tests::{Admin, Client, Config, Ended, Gateway, Home, Protocol, Sender, fixtures};
use ring::hmac;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const PUBLIC_URL: &str = "https://hooks.example.com/twilio";

/// Of RFC 8032's first test: its private key, and the public one that belongs to it.
const PRIVATE: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// One provider: its webhook, and what it sends.
struct Case {
    name: &'static str,
    /// Two of them, one in rotation.
    secrets: [&'static str; 2],
    /// What else the webhook says.
    more: &'static str,
    body: &'static str,
    kind: &'static str,
    /// What is typed to sign as it does.
    send: &'static [&'static str],
    /// The time is signed.
    timed: bool,
}

const CASES: [Case; 8] = [
    Case {
        name: "github",
        secrets: ["new", "old"],
        more: "",
        body: r#"{"action":"opened","number":1}"#,
        kind: "pull_request",
        send: &["--provider", "github", "--header", "X-GitHub-Event: pull_request"],
        timed: false,
    },
    Case {
        name: "stripe",
        secrets: ["whsec_new", "whsec_old"],
        more: "",
        body: r#"{"id":"evt_1","type":"invoice.paid"}"#,
        kind: "invoice.paid",
        send: &["--provider", "stripe"],
        timed: true,
    },
    Case {
        name: "slack",
        secrets: ["new", "old"],
        more: "",
        body: r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#,
        kind: "app_mention",
        send: &["--provider", "slack"],
        timed: true,
    },
    Case {
        name: "shopify",
        secrets: ["new", "old"],
        more: "",
        body: r#"{"id":1}"#,
        kind: "orders/create",
        send: &["--provider", "shopify", "--header", "X-Shopify-Topic: orders/create"],
        timed: false,
    },
    Case {
        name: "twilio",
        secrets: ["new", "old"],
        more: "public_url = \"https://hooks.example.com/twilio\"",
        body: "MessageSid=SM1&From=%2B15550100142&To=%2B15550100143&SmsStatus=received&Body=h%C3%A9llo+you",
        kind: "message",
        send: &["--provider", "twilio", "--public-url", PUBLIC_URL],
        timed: false,
    },
    Case {
        name: "telegram",
        secrets: ["new", "old"],
        more: "",
        body: r#"{"update_id":1,"message":{"text":"hi"}}"#,
        kind: "message",
        send: &["--provider", "telegram"],
        timed: false,
    },
    Case {
        name: "standard",
        secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", PUBLIC],
        more: "provider = \"standard-webhooks\"",
        body: r#"{"type":"user.created","number":1}"#,
        kind: "user.created",
        send: &["--provider", "standard-webhooks"],
        timed: true,
    },
    Case {
        name: "custom",
        secrets: ["new", "old"],
        more: "provider = \"hmac\"\nkind = \"/event/name\"\nsignature = { header = \"X-Acme-Signature\", algorithm = \
               \"sha512\", encoding = \"base64\", prefix = \"v1=\", timestamp = \"X-Acme-Time\" }",
        body: r#"{"event":{"name":"door.opened"},"number":1}"#,
        kind: "door.opened",
        send: &["--webhook", "custom", "-c", "postern.toml"],
        timed: true,
    },
];

/// All of them at one gateway, and one that anybody may use.
fn config() -> Config {
    let config = Config::basic().without("webhooks.whatsapp").without("streams.agents");
    let config = CASES.iter().fold(config, |config, Case { name, secrets, more, .. }| {
        let provider = if more.contains("provider") { String::new() } else { format!("provider = \"{name}\"\n") };
        let toml = format!("path = \"/{name}\"\n{provider}secret = {secrets:?}\n{more}");
        config.section(&format!("webhooks.{name}"), &toml)
    });
    config
        .section("webhooks.open", "path = \"/open\"\nprovider = \"none\"")
        .webhook("page", "/page", "split = true")
        .section("streams.agents", "path = \"/ws\"\nopen = true")
}

async fn started() -> (Arc<Home>, Gateway) {
    let home = home(&config());
    home.write("ca.pem", home.authority.root());
    let gateway = home.start().await;
    (home, gateway)
}

/// Sends a body by `postern send`.
async fn send(home: &Home, gateway: &Gateway, path: &str, body: &str, arguments: &[&str]) -> Ended {
    let file = home.write("payload", body);
    let to = format!("https://localhost:{}{path}", gateway.edge().port());
    let file = file.to_str().expect("a path that is text");
    home.run(&[&["send", file, "--to", &to, "--ca", "ca.pem"], arguments].concat()).await
}

#[track_caller]
fn answered(ended: &Ended, status: u16) {
    assert_eq!(ended.code, Some(i32::from(status != 200)), "{ended:?}");
    assert!(ended.stdout.lines().all(|line| line.starts_with(&format!("{status} in "))), "{ended:?}");
}

#[tokio::test]
async fn each_providers_delivery_reaches_a_client_once_by_any_of_its_secrets_and_a_forged_or_old_one_never() {
    let (home, gateway) = started().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let admin = Admin::of(&gateway);
    let (mut stored, mut expired) = (0, 0);
    for Case { name, secrets: [first, second], body, kind, send: typed, timed, .. } in &CASES {
        let path = format!("/{name}");
        let send = async |body: &str, more: &[&str]| send(&home, &gateway, &path, body, &[*typed, more].concat()).await;
        // What is forged, and what is old, comes before what is right: it would be the first that the client gets.
        let wrong = if *name == "standard" { "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } else { "wrong" };
        answered(&send(body, &["--secret", wrong]).await, 401);
        if *timed {
            answered(&send(body, &["--secret", first, "--age", "301s"]).await, 401);
            expired += 1;
        }
        answered(&send(body, &["--secret", first, "--repeat", "2", "--same"]).await, 200);
        client.expect(body.as_bytes()).await;
        let other = body.replace('1', "2");
        let second = if *second == PUBLIC { PRIVATE } else { second };
        answered(&send(&other, &["--secret", second]).await, 200);
        client.expect(other.as_bytes()).await;
        stored += 2;
        let mut events = admin.events(&format!("webhook={name}")).await;
        events.retain(|event| event["state"] != "duplicate");
        assert!(events.len() == 2 && events.iter().all(|event| event["kind"] == *kind), "{name}: {events:?}");
    }
    admin.metric_becomes("postern_inbox_events_total", &[], f64::from(stored)).await;
    let outcome = async |outcome| admin.metric("postern_webhooks_total", &[("outcome", outcome)]).await;
    assert_eq!(outcome("signature_wrong").await, CASES.len() as f64);
    assert_eq!(outcome("signature_expired").await, f64::from(expired));
    assert_eq!(outcome("duplicate").await, CASES.len() as f64);
    assert!(!gateway.stderr().contains("whsec_") && !gateway.stderr().contains("hunter"), "no secret is logged");
}

#[tokio::test]
async fn a_signed_body_is_not_delivered_again_under_another_name_that_nobody_signed() {
    let (home, gateway) = started().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    for (name, event, id, body) in [
        ("github", "X-GitHub-Event", "X-GitHub-Delivery", r#"{"a":1}"#),
        ("shopify", "X-Shopify-Topic", "X-Shopify-Webhook-Id", r#"{"b":1}"#),
    ] {
        for number in 1..=3 {
            let (event, id) = (format!("{event}: kind-{number}"), format!("{id}: {number}"));
            let more = ["--provider", name, "--secret", "new", "--header", &event, "--header", &id];
            answered(&send(&home, &gateway, &format!("/{name}"), body, &more).await, 200);
        }
        client.expect(body.as_bytes()).await;
    }
    Admin::of(&gateway).metric_becomes("postern_inbox_events_total", &[], 2.0).await;
}

#[tokio::test]
async fn twilio_is_believed_by_the_address_it_calls_and_a_body_of_json_by_its_hash_in_it() {
    let (home, gateway) = started().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let body = r#"[{"type":"com.twilio.messaging.message.delivered"}]"#;
    let twilio = ["--provider", "twilio", "--secret", "new"];
    // The address that is really called, and one that a proxy might have made of it.
    for wrong in [&[][..], &["--public-url", "https://hooks.example.com/other"]] {
        answered(&send(&home, &gateway, "/twilio", body, &[&twilio, wrong].concat()).await, 401);
    }
    let right = ["--public-url", PUBLIC_URL];
    answered(&send(&home, &gateway, "/twilio?agent=7", body, &[&twilio[..], &right].concat()).await, 200);
    client.expect(body.as_bytes()).await;
    Admin::of(&gateway).metric_becomes("postern_inbox_events_total", &[], 1.0).await;
}

/// A POST that Slack signed now.
async fn by_slack(sender: &mut Sender, secret: &str, body: &str) -> postern_tests::Reply {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{now}:{body}").as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = [("x-slack-request-timestamp", now.as_str()), ("x-slack-signature", &format!("v0={digits}"))];
    sender.send(Method::POST, "/slack", &headers, body.to_owned()).await.expect("it answers")
}

#[tokio::test]
async fn slacks_question_is_answered_when_it_is_signed_and_never_stored() {
    let (_home, gateway) = started().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http2).await;
    let question = |challenge: &str| format!(r#"{{"token":"t","challenge":"{challenge}","type":"url_verification"}}"#);
    let reply = by_slack(&mut sender, "new", &question("3eZbrw1aBm2rZgRNFdxV")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "3eZbrw1aBm2rZgRNFdxV"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")), "{reply:?}");
    let forged = by_slack(&mut sender, "forged", &question("3eZbrw1aBm2rZgRNFdxV")).await;
    assert!(forged.status == 401 && !forged.text().contains("3eZ"), "{forged:?}");
    for bad in ["<script>", "", &"a".repeat(257)] {
        let reply = by_slack(&mut sender, "new", &question(bad)).await;
        assert!(reply.status == 400 && reply.text().is_empty(), "{bad}: {reply:?}");
    }
    assert_eq!(Admin::of(&gateway).metric("postern_inbox_events_total", &[]).await, 0.0);
}

#[tokio::test]
async fn who_needs_no_signature_is_said_at_the_start_and_who_knows_no_handshake_answers_none() {
    let (_home, gateway) = started().await;
    gateway.says("signatures are not checked").await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let reply = sender.send(Method::POST, "/open", &[], "anything").await.expect("it answers");
    assert_eq!(reply.status, 200);
    client.expect(b"anything").await;
    for path in ["/open", "/github", "/slack"] {
        let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=";
        let reply = sender.get(&format!("{path}?{query}")).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{path}");
    }
}

#[tokio::test]
async fn messenger_and_instagram_are_told_by_what_they_say_as_whatsapp_is() {
    let (_home, gateway) = started().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let files = ["messenger_delivery_read", "instagram_echo_deleted", "instagram_comment", "messenger_postback"];
    for file in files {
        sender.deliver("/page", fixtures::body(&format!("meta-other/{file}.json"))).await;
    }
    let events = Admin::of(&gateway).events("webhook=page").await;
    let mut kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["comments", "message_deliveries", "message_echoes", "message_reads", "messaging_postbacks"]);
    assert!(events.iter().all(|event| event["keys"]["user"].is_string()), "{events:?}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_one_of_its_provider_is_told_with_its_line_and_not_shown() {
    let standard = "path = \"/a\"\nprovider = \"standard-webhooks\"\nsecret = \"hunter2\"";
    let telegram = "path = \"/b\"\nprovider = \"telegram\"\nsecret = \"hunter 2\"";
    let config = Config::basic().section("webhooks.standard", standard).section("webhooks.telegram", telegram);
    let ended = home(&config).run(&["check", "-c", "postern.toml"]).await;
    assert_eq!(ended.code, Some(78), "{}", ended.stderr);
    let line = |key: &str| {
        let lines: Vec<_> = config.text().lines().map(str::to_owned).collect();
        lines.iter().position(|line| line.contains(key)).expect("it was written") + 1
    };
    for secret in ["hunter2", "hunter 2"] {
        assert!(ended.stderr.contains(&format!("postern.toml:{}: ", line(secret))), "{}", ended.stderr);
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
}
