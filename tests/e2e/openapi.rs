//! The description of the admin API against the API itself.

use crate::start;
use http::Method;
use postern_tests::{Admin, Client, Config, Protocol, Sender, Tap, fixtures, guests};
use serde_json::{Value, json};

/// What is wrong with a value by its JSON Schema, as far as our schemas go.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is nowhere"));
        return faults(root, target, value, at, found);
    }
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    };
    let fits = match &schema["type"] {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    if !fits {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at}: `{name}` is missing"));
        }
    }
    for (name, part) in value.as_object().into_iter().flatten() {
        let described = schema["properties"].get(name).or(schema.get("additionalProperties"));
        match (described, schema["properties"].is_object()) {
            (Some(schema), _) => faults(root, schema, part, &format!("{at}.{name}"), found),
            (None, true) => found.push(format!("{at}: `{name}` is not described")),
            (None, false) => {}
        }
    }
    for (index, part) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(schema) = schema.get("items") {
            faults(root, schema, part, &format!("{at}[{index}]"), found);
        }
    }
}

#[tokio::test]
async fn every_operation_is_there_and_answers_as_it_is_described() {
    let component = std::fs::read(guests::wat("pass")).expect("it was compiled");
    let target = "url = \"http://127.0.0.1:9\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
    let config = Config::basic().filter("pass", &guests::wat("pass"), "").section("forward.pass", target);
    let gateway = start(&config).await;
    let admin = Admin::of(&gateway);
    let _client = Client::connect(&gateway, "/ws").await;
    Sender::connect(&gateway, Protocol::Http1)
        .await
        .deliver("/whatsapp", fixtures::batch(&["a".into(), "b".into()]))
        .await;
    let events = admin.events_become("", "delivered", 1).await;
    let id = events[0]["id"].as_str().expect("an id").to_owned();
    let described = admin.get("/v1/openapi.json").await;
    assert_eq!(described.header("content-type"), Some("application/json"));
    let described: Value = serde_json::from_slice(&described.body).expect("JSON");
    assert_eq!(described["openapi"], "3.1.0");
    let (mut found, mut asked) = (vec![], 0);
    let mut tap = Tap::open(&gateway).await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", fixtures::batch(&["c".into()])).await;
    let decision = tap.event().await;
    faults(&described, &described["components"]["schemas"]["Decision"], &decision, "GET /v1/tap", &mut found);
    // What ends it comes last.
    let paths = described["paths"].as_object().expect("paths").iter();
    let (last, first): (Vec<_>, Vec<_>) = paths.partition(|(path, _)| *path == "/v1/drain");
    for (path, operations) in first.into_iter().chain(last) {
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let target = path.replace("{id}", &id).replace("{name}", "pass");
            let target = if path == "/v1/disconnect" { format!("{target}?label=no:body") } else { target };
            let body = match operation["requestBody"]["content"].as_object() {
                None => Vec::new(),
                Some(content) if content.contains_key("application/wasm") => component.clone(),
                Some(_) if path.starts_with("/v1/targets/") => b"{}".to_vec(),
                Some(_) => json!({ "ids": [id] }).to_string().into(),
            };
            let headers = [("content-type", "application/json")];
            // One that does not end was asked above.
            if operation["responses"]["200"]["content"].get("text/event-stream").is_some() {
                continue;
            }
            let mut sender = Sender::plain(gateway.admin()).await;
            let reply = sender.send(method.clone(), &target, &headers, body).await.expect("an answer");
            assert_eq!(reply.status, 200, "{method} {target}: {}", reply.text());
            let content = operation["responses"]["200"]["content"].as_object().expect("content");
            let (content_type, content) = content.iter().next().expect("a type");
            assert!(reply.header("content-type").is_some_and(|told| told.starts_with(content_type)), "{path}");
            if content_type == "application/json" {
                let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
                faults(&described, &content["schema"], &told, &format!("{method} {path}"), &mut found);
            }
            if path == "/v1/drain" {
                continue;
            }
            // Another method is not taken, and a word that is unknown is refused where words are known.
            let other = if method == Method::GET { Method::POST } else { Method::GET };
            let mut sender = Sender::plain(gateway.admin()).await;
            let reply = sender.send(other, path, &headers, String::new()).await.expect("an answer");
            assert!(reply.status == 405 || path.contains('{'), "{path}: {}", reply.status);
            if operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["in"] == "query")) {
                let mut sender = Sender::plain(gateway.admin()).await;
                let reply = sender.send(method, &format!("{path}?zzz=1"), &headers, String::new()).await;
                assert_eq!(reply.expect("an answer").status, 400, "{path}");
            }
            asked += 1;
        }
    }
    assert_eq!(found, Vec::<String>::new());
    assert!(asked >= 20, "{asked}");
    // And nothing is there that is not described.
    let source = include_str!("../../host/src/admin/resource.rs");
    for path in source.split('"').filter(|text| text.starts_with("/v1/") && !text.ends_with('/')) {
        assert!(described["paths"].get(path).is_some(), "{path} is not described");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_and_one_without_the_token_send_nothing() {
    let gateway = start(&Config::basic()).await;
    let mut sender = Sender::plain(gateway.admin()).await;
    let foreign = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    let reply = sender.send(Method::POST, "/v1/send", &foreign, "spam").await.expect("an answer");
    assert_eq!(reply.status, 403);
    let guarded = Config::basic().section("admin", "listen = \"127.0.0.1:0\"\ntoken = \"hush\"");
    let gateway = start(&guarded).await;
    let mut sender = Sender::plain(gateway.admin()).await;
    for (token, status) in [("", 401), ("Bearer wrong", 401), ("Bearer hush", 200)] {
        let reply = sender.send(Method::POST, "/v1/send", &[("authorization", token)], "text").await;
        assert_eq!(reply.expect("an answer").status, status, "{token}");
    }
}

#[tokio::test]
async fn what_is_sent_under_the_same_key_is_sent_once() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::plain(gateway.admin()).await;
    let mut send = async |key: &str, text: &str| {
        let reply = sender.send(Method::POST, "/v1/send", &[("idempotency-key", key)], text.to_owned()).await;
        let told: Value = serde_json::from_slice(&reply.expect("an answer").body).expect("JSON");
        told["duplicate"].as_bool().expect("it is told")
    };
    assert_eq!([send("a", "one").await, send("a", "one").await, send("b", "two").await], [false, true, false]);
    client.expect(b"one").await;
    client.expect(b"two").await;
}
