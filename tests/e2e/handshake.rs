//! The GET by which Meta asks whether a callback address is ours.

use crate::start;
use postern_tests::{Config, Protocol, Sender, fixtures};

#[tokio::test]
async fn every_handshake_case_gets_its_answer() {
    let gateway = start(&Config::basic()).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for case in fixtures::cases("handshake-cases.json") {
        let (why, query) = (case["why"].as_str().expect("text"), case["query"].as_str().expect("text"));
        // Where the cases say 403 of a wrong mode, the contract says 400, and the contract stands.
        let status = match why {
            "mode is not subscribe" | "mode missing" => 400,
            _ => case["status"].as_u64().expect("a number"),
        };
        let target = if query.is_empty() { "/whatsapp".to_owned() } else { format!("/whatsapp?{query}") };
        let reply = sender.get(&target).await;
        assert_eq!(u64::from(reply.status), status, "{why}: {reply:?}");
        if status == 200 {
            assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{why}");
            assert_eq!(reply.text(), case["body"].as_str().expect("text"), "{why}: the challenge, exactly");
            assert!(
                reply.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")),
                "{why}: {reply:?}"
            );
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{why}");
        } else {
            let text = reply.text();
            assert!(!text.contains("script") && !text.contains("Evil"), "{why}: the query is reflected: {text}");
        }
    }
}

#[tokio::test]
async fn the_handshake_works_over_http2_and_stores_nothing() {
    let gateway = start(&Config::basic()).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http2).await;
    let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=s3cret-verify-token";
    let reply = sender.get(&format!("/whatsapp?{query}")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "1158201444"));
    assert_eq!(postern_tests::Admin::of(&gateway).metric("postern_inbox_events_total", &[]).await, 0.0);
}

#[tokio::test]
async fn each_webhook_has_its_own_verify_token() {
    let other = "path = \"/other\"\nprovider = \"meta\"\nverify_token = \"other-token\"\napp_secret = \"other-secret\"\n\
                 split = false";
    let gateway = start(&Config::basic().section("webhooks.other", other)).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let query = "hub.mode=subscribe&hub.challenge=77&hub.verify_token";
    assert_eq!(sender.get(&format!("/other?{query}=other-token")).await.status, 200);
    assert_eq!(sender.get(&format!("/other?{query}=s3cret-verify-token")).await.status, 403);
    assert_eq!(sender.get(&format!("/whatsapp?{query}=other-token")).await.status, 403);
}
