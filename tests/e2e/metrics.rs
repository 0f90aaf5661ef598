//! How long events take, who is behind, and in which forms that is told.

use crate::start;
use bytes::Bytes;
use http::Method;
use postern_tests::{Admin, Client, Config, Protocol, Sender, Socket, eventually, fixtures, guests};
use serde_json::Value;

const WHATSAPP: (&str, &str) = ("webhook", "whatsapp");

#[tokio::test]
async fn the_way_of_a_webhook_is_timed_to_the_disk_and_to_its_first_and_its_last_client() {
    let config = Config::basic().without_dedupe().webhook("lonely", "/lonely", "");
    let gateway = start(&config.stream("nobody", "/nobody", &["lonely"], "open = true")).await;
    let admin = Admin::of(&gateway);
    let mut clients = vec![];
    for _ in 0..3 {
        clients.push(Client::connect(&gateway, "/ws").await);
    }
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for number in 0..20 {
        let body = format!("[{number}]");
        sender.deliver("/whatsapp", body.clone()).await;
        for client in &mut clients {
            client.expect(body.as_bytes()).await;
        }
    }
    sender.deliver("/lonely", "[1]").await;
    let mut sums = vec![];
    for stage in ["inbox", "first_socket", "last_socket"] {
        admin.metric_becomes(&format!("postern_webhook_{stage}_seconds_count"), &[WHATSAPP], 20.0).await;
        sums.push(admin.metric(&format!("postern_webhook_{stage}_seconds_sum"), &[WHATSAPP]).await);
    }
    assert!(0.0 < sums[0] && sums[0] < sums[2] && sums[1] <= sums[2], "{sums:?}");
    // What no client was given took no time to reach one.
    let lonely = ("webhook", "lonely");
    admin.metric_becomes("postern_webhook_inbox_seconds_count", &[lonely], 1.0).await;
    let events = admin.events_become("webhook=lonely", "delivered", 1).await;
    let sockets = sockets(&admin, &events[0]).await;
    assert_eq!((&sockets["clients"], &sockets["first_us"]), (&0.into(), &Value::Null));
    assert_eq!(admin.metric("postern_webhook_first_socket_seconds_count", &[lonely]).await, 0.0);
}

#[tokio::test]
async fn an_event_tells_how_many_clients_had_it_and_after_how_long() {
    let gateway = start(&Config::basic()).await;
    let admin = Admin::of(&gateway);
    let mut clients = vec![];
    for _ in 0..5 {
        clients.push(Client::connect(&gateway, "/ws").await);
    }
    Sender::connect(&gateway, Protocol::Http2).await.deliver("/whatsapp", "[1]").await;
    for client in &mut clients {
        client.expect(b"[1]").await;
    }
    let events = admin.events_become("", "delivered", 1).await;
    // A shard says so at the end of its turn, which a client may be quicker than.
    let told = eventually("five clients", async || {
        Some(sockets(&admin, &events[0]).await).filter(|sockets| sockets["clients"] == 5)
    })
    .await;
    let micros = |key: &str| told[key].as_u64().unwrap_or_else(|| panic!("{key} in {told}"));
    assert!(0 < micros("first_us") && micros("first_us") <= micros("last_us"), "{told}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_behind_and_is_no_measure_of_how_quick_the_gateway_is() {
    let gateway = start(&Config::basic().without_dedupe()).await;
    let admin = Admin::of(&gateway);
    let _stalled = Socket::connect(&gateway, "/ws").await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let large = Bytes::from(format!("\"{}\"", "x".repeat(1 << 20)));
    for _ in 0..12 {
        sender.deliver("/whatsapp", large.clone()).await;
        client.expect(&large).await;
    }
    let agents = ("stream", "agents");
    admin.metric_becomes("postern_clients_behind", &[agents], 1.0).await;
    let lag = admin.metric("postern_client_lag_entries", &[agents]).await;
    assert!((1.0..=12.0).contains(&lag), "{lag}");
    admin.metric_becomes("postern_webhook_last_socket_seconds_count", &[WHATSAPP], 12.0).await;
    let events = admin.events_become("", "delivered", 12).await;
    let last = sockets(&admin, events.last().expect("twelve")).await;
    assert_eq!(last["clients"], 1, "the other still lacks it: {last}");
}

#[tokio::test]
async fn how_long_the_oldest_event_waits_to_be_judged_is_told_in_seconds() {
    let looping = Config::basic().webhook("whatsapp", "/whatsapp", "filters = [\"it\"]").filter(
        "it",
        &guests::wat("loop"),
        "deadline = \"5s\"",
    );
    let gateway = start(&looping).await;
    let admin = Admin::of(&gateway);
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "[1]").await;
    eventually("an event that waits", async || {
        (admin.metric("postern_inbox_lag_seconds", &[WHATSAPP]).await > 0.2).then_some(())
    })
    .await;
    admin.held_becomes(1).await;
    admin.metric_becomes("postern_inbox_lag_seconds", &[WHATSAPP], 0.0).await;
}

#[tokio::test]
async fn metrics_come_in_the_form_that_is_asked_for_and_tell_of_the_process() {
    let gateway = start(&Config::basic()).await;
    let admin = Admin::of(&gateway);
    Sender::connect(&gateway, Protocol::Http1)
        .await
        .deliver("/whatsapp", fixtures::body("whatsapp/text_simple.json"))
        .await;
    let asked = async |accept: &str| {
        let mut sender = Sender::plain(gateway.admin()).await;
        sender.send(Method::GET, "/metrics", &[("accept", accept)], "").await.expect("it answers")
    };
    let plain = asked("text/plain;version=0.0.4;q=0.5,*/*;q=0.1").await;
    assert!(plain.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    assert!(plain.text().contains("# TYPE postern_webhooks_total counter\n"), "{}", plain.text());
    let open = asked("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5").await;
    assert!(open.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    assert!(open.text().ends_with("# EOF\n") && open.text().contains("# TYPE postern_webhooks counter\n"));
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(admin.metric("postern_build_info", &version).await, 1.0);
    assert_eq!(admin.metric("postern_journal_writable", &[]).await, 1.0);
    for (name, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 5.0),
        ("process_cpu_seconds_total", 0.001),
        ("process_start_time_seconds", 1.7e9),
    ] {
        assert!(admin.metric(name, &[]).await >= least, "{name}");
    }
}

async fn sockets(admin: &Admin, event: &Value) -> Value {
    let id = event["id"].as_str().expect("an id");
    let shown: Value = serde_json::from_slice(&admin.get(&format!("/v1/events/{id}")).await.body).expect("JSON");
    shown["sockets"].clone()
}
