//! The admin listener: health, metrics, what is held; and the log.

use crate::start;
use bytes::Bytes;
use http::Method;
use postern_tests::{Admin, Client, Config, Protocol, Sender};
use serde_json::Value;

#[tokio::test]
async fn the_admin_listener_tells_health_and_metrics_and_the_edge_tells_neither() {
    let gateway = start(&Config::basic()).await;
    let admin = Admin::of(&gateway);
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for path in ["/live", "/ready"] {
        assert_eq!(admin.get(path).await.status, 200, "{path}");
    }
    assert_eq!(admin.get("/nothing-here").await.status, 404);
    for path in ["/live", "/ready", "/metrics", "/v1/events?held=true"] {
        assert_eq!(sender.get(path).await.status, 404, "the edge at {path}");
    }
    sender.deliver("/whatsapp", "{}").await;
    client.expect(b"{}").await;
    let whatsapp = ("webhook", "whatsapp");
    admin.metric_becomes("postern_webhooks_total", &[whatsapp, ("outcome", "accepted")], 1.0).await;
    admin.metric_becomes("postern_inbox_events_total", &[whatsapp], 1.0).await;
    admin.metric_becomes("postern_events_total", &[whatsapp, ("outcome", "delivered")], 1.0).await;
    admin.metric_becomes("postern_clients", &[("stream", "agents")], 1.0).await;
    admin.metric_becomes("postern_frames_sent_total", &[], 1.0).await;
    assert_eq!(admin.metric("postern_webhook_seconds_count", &[]).await, 1.0);
    let metrics = admin.get("/metrics").await;
    assert!(metrics.header("content-type").is_some_and(|kind| kind.contains("openmetrics-text")), "{metrics:?}");
    assert!(metrics.text().ends_with("# EOF\n"), "whole");
    assert_eq!(admin.held().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_admin_token_is_demanded_where_one_is_set() {
    let gateway = start(&Config::basic().section("admin", "listen = \"127.0.0.1:0\"\ntoken = \"admin-token\"")).await;
    let mut sender = Sender::plain(gateway.admin()).await;
    for (authorization, status) in [
        (None, 401),
        (Some("Bearer wrong"), 401),
        (Some("Bearer admin-toke"), 401),
        (Some("Basic admin-token"), 401),
        (Some("Bearer admin-token"), 200),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
        for target in ["/metrics", "/v1/events?held=true"] {
            let reply = sender.send(Method::GET, target, &headers, Bytes::new()).await.expect("it answers");
            assert_eq!(reply.status, status, "{target} {authorization:?}");
        }
    }
    // Probes of an orchestrator carry no token.
    assert_eq!(sender.get("/live").await.status, 200);
    assert_eq!(sender.get("/ready").await.status, 200);
}

#[tokio::test]
async fn off_a_terminal_the_log_is_one_json_object_a_line_without_bodies_or_secrets() {
    let gateway = start(&Config::basic()).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "a private word").await;
    client.expect(b"a private word").await;
    sender.get("/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong-private-token").await;
    let (_, ended) = gateway.stop().await;
    for line in ended.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        for key in ["timestamp", "level", "target"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
        assert!(line["fields"]["message"].is_string(), "{line}");
    }
    for private in ["a private word", "wrong-private-token", postern_tests::APP_SECRET, postern_tests::VERIFY_TOKEN] {
        assert!(!ended.stderr.contains(private), "{private} is in the log");
    }
}
