//! The gallery: each filter as the component a user would deploy, in the gateway.

use crate::start;
use postern_tests::{Admin, Client, Config, Protocol, Sender, fixtures, guests, refusal};
use serde_json::Value;

/// Tokens whose bearers serve one phone number each.
const TOKENS: &str = r#"config = { tokens = [
    { token = "token-220", subject = "ann", labels = { phone_number_id = "771155338844220" } },
    { token = "token-999", subject = "ben", labels = { phone_number_id = ["771155338844999", "771155338844000"] } },
    { token = "token-none" },
] }"#;

fn guarded_by_token(config: Config) -> Config {
    let config = config.filter("token", &guests::gallery("token"), &TOKENS.replace('\n', ""));
    config.stream("agents", "/ws", &["whatsapp"], "admission = [\"token\"]")
}

#[tokio::test]
async fn drop_statuses_drops_statuses_and_lets_everything_else_through_untouched() {
    let config = Config::basic().without_dedupe();
    let config = config.filter("drop-statuses", &guests::gallery("drop-statuses"), "").webhook(
        "whatsapp",
        "/whatsapp",
        "filters = [\"drop-statuses\"]",
    );
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut dropped = 0;
    for fixture in fixtures::good().into_iter().chain(fixtures::bad()) {
        sender.deliver("/whatsapp", fixture.body.clone()).await;
        let name = fixture.name.as_str();
        if name.starts_with("whatsapp/status_") || name == "whatsapp/batch_100_statuses.json" {
            dropped += 1;
        } else {
            client.expect(&fixture.body).await;
        }
    }
    let admin = Admin::of(&gateway);
    admin.metric_becomes("postern_events_total", &[("outcome", "dropped")], f64::from(dropped)).await;
    assert_eq!(admin.metric("postern_events_total", &[("outcome", "held")]).await, 0.0, "it judged every one");
}

#[tokio::test]
async fn redact_hides_numbers_and_names_and_leaves_every_other_byte() {
    let config = Config::basic()
        .without_dedupe()
        .filter("redact", &guests::gallery("redact"), "")
        .filter("redact-from", &guests::gallery("redact"), "config = { fields = [\"from\"], replacement = \"?\" }")
        .filter("drop-statuses", &guests::gallery("drop-statuses"), "")
        .webhook("whatsapp", "/whatsapp", "filters = [\"drop-statuses\", \"redact\"]")
        .webhook("other", "/other", "filters = [\"redact-from\"]")
        .stream("agents", "/ws", &["whatsapp", "other"], "open = true");
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let body = fixtures::body("whatsapp/text_simple.json");
    let text = String::from_utf8_lossy(&body);
    sender.deliver("/whatsapp", fixtures::body("whatsapp/status_delivered.json")).await;
    sender.deliver("/whatsapp", body.clone()).await;
    let hidden = text.replace("\"Ilse Varga\"", "\"[redacted]\"").replace("\"15550100142\"", "\"[redacted]\"");
    client.expect(hidden.as_bytes()).await;
    sender.deliver("/other", body.clone()).await;
    client.expect(text.replace("\"from\": \"15550100142\"", "\"from\": \"?\"").as_bytes()).await;

    // What it cannot read to the end it does not let pass: it may hold what is to be hidden.
    let unreadable = ["bad/truncated_half.json", "bad/invalid_utf8_overlong.json", "bad/random_4k.bin"];
    for name in unreadable {
        sender.deliver("/whatsapp", fixtures::body(name)).await;
    }
    let held = Admin::of(&gateway).held_becomes(unreadable.len()).await;
    assert!(held.iter().all(|event| event["filter"] == "redact"), "{held:?}");
    sender.deliver("/whatsapp", body.clone()).await;
    client.expect(hidden.as_bytes()).await;
}

#[tokio::test]
async fn token_lets_in_bearers_by_header_or_query_and_nobody_else() {
    let gateway = start(&guarded_by_token(Config::basic())).await;
    let mut clients = [
        Client::connect_with(&gateway, "/ws", &[("authorization", "Bearer token-220")]).await,
        Client::connect(&gateway, "/ws?token=token-220").await,
        Client::connect(&gateway, "/ws?a=b&token=token%2Dnone").await,
    ];
    let refused: [(&str, &[(&str, &str)]); 7] = [
        ("/ws", &[]),
        ("/ws?token=", &[]),
        ("/ws?token=token-22", &[]),
        ("/ws?token=TOKEN-220", &[]),
        ("/ws", &[("authorization", "Bearer token-220x")]),
        ("/ws", &[("authorization", "Basic token-220")]),
        ("/ws?token=token-220", &[("authorization", "Bearer wrong")]),
    ];
    for (path, headers) in refused {
        let reply = refusal(&gateway, path, headers).await;
        assert_eq!((reply.status, reply.text().as_str()), (401, "a valid token is required"), "{path} {headers:?}");
    }
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "for all three").await;
    for client in &mut clients {
        client.expect(b"for all three").await;
    }
    let denied = [("stream", "agents"), ("outcome", "denied")];
    Admin::of(&gateway).metric_becomes("postern_connects_total", &denied, refused.len() as f64).await;
}

#[tokio::test]
async fn a_token_of_the_operators_never_shows_in_the_log() {
    let gateway = start(&guarded_by_token(Config::basic())).await;
    let _client = Client::connect(&gateway, "/ws?token=token-220").await;
    refusal(&gateway, "/ws?token=private-guess", &[]).await;
    let (_, ended) = gateway.stop().await;
    for private in ["token-220", "token-999", "private-guess"] {
        assert!(!ended.stderr.contains(private), "{private} in:\n{}", ended.stderr);
    }
}

#[tokio::test]
async fn route_by_number_sends_each_number_to_the_clients_labelled_with_it() {
    let config = Config::basic().without_dedupe();
    let config = config.filter("route-by-number", &guests::gallery("route-by-number"), "").webhook(
        "whatsapp",
        "/whatsapp",
        "filters = [\"route-by-number\"]",
    );
    let gateway = start(&guarded_by_token(config)).await;
    let mut ann = Client::connect(&gateway, "/ws?token=token-220").await;
    let mut ben = Client::connect(&gateway, "/ws?token=token-999").await;
    let mut nobody = Client::connect(&gateway, "/ws?token=token-none").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;

    let text = fixtures::body("whatsapp/text_simple.json");
    sender.deliver("/whatsapp", text.clone()).await;
    ann.expect(&text).await;

    // One POST for three numbers: each sees its own, whole, and no other's.
    let batch = fixtures::body("whatsapp/batch_two_wabas_three_numbers.json");
    sender.deliver("/whatsapp", batch).await;
    for (client, number) in [(&mut ann, "771155338844220"), (&mut ben, "771155338844999")] {
        let body: Value = serde_json::from_slice(&client.body().await).expect("it is JSON still");
        let entries = body["entry"].as_array().expect("it is a webhook body still").iter();
        let numbers: Vec<_> = entries
            .flat_map(|entry| entry["changes"].as_array().expect("a list"))
            .map(|change| change["value"]["metadata"]["phone_number_id"].clone())
            .collect();
        assert!(!numbers.is_empty() && numbers.iter().all(|found| found == number), "{number}: {numbers:?}");
    }
    // What is about no number is dropped, so the next thing each gets is the next of its own.
    sender.deliver("/whatsapp", fixtures::body("whatsapp/account_alerts.json")).await;
    for (client, number) in [(&mut ann, "771155338844220"), (&mut ben, "771155338844000")] {
        let other = String::from_utf8_lossy(&text).replace("771155338844220", number);
        sender.deliver("/whatsapp", other.clone()).await;
        client.expect(other.as_bytes()).await;
    }
    Admin::of(&gateway).metric_becomes("postern_events_total", &[("outcome", "dropped")], 1.0).await;
    drop(gateway);
    assert_eq!(nobody.try_body().await, None, "who serves no number got nothing");
}
