//! `dispatch = false`: events are kept, pending, whatever else goes on, and judged when it is true again.

use crate::start;
use http::Method;
use postern_tests::{Admin, Config, Door, Feed, Form, Gateway, Protocol, Sender, guests, numbered_body};

const SIZE: usize = 50_000;

fn config(dispatch: bool) -> Config {
    let small = "retention = { age = \"7d\", size = \"8MiB\" }";
    let webhook = format!("filters = [\"stamp\"]\ndispatch = {dispatch}");
    Config::basic()
        .webhook("whatsapp", "/whatsapp", &webhook)
        .webhook("orders", "/orders", "")
        .stream("agents", "/ws", &["whatsapp", "orders"], "open = true")
        .filter("stamp", &guests::wat("stamp-a"), "")
        .section("inbox", small)
}

async fn send(gateway: &Gateway, numbers: std::ops::Range<u64>) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for number in numbers {
        sender.deliver("/whatsapp", numbered_body(0, number, SIZE)).await;
    }
}

async fn reload(gateway: &Gateway, dispatch: bool) {
    gateway.home.configure(&config(dispatch));
    let mut sender = Sender::plain(gateway.admin()).await;
    let reply = sender.send(Method::POST, "/v1/reload", &[], "").await.expect("the admin listener answers");
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Each in its turn, as its filter left it.
async fn expect(feed: &mut Feed, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let body = feed.event().await.body;
        let (sent, end) = (numbered_body(0, number, SIZE), body.len() - 4);
        assert_eq!((&body[..end], &body[end..]), (&sent[..end], &b"AA\"}"[..]), "{number}");
    }
}

#[tokio::test]
async fn what_is_not_judged_is_kept_over_a_restart_and_any_retention_and_judged_in_order_after_a_reload() {
    const EVENTS: u64 = 400;
    let gateway = start(&config(false)).await;
    send(&gateway, 0..EVENTS / 2).await;
    let (home, _) = gateway.stop().await;
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    send(&gateway, EVENTS / 2..EVENTS).await;
    // Other webhooks go on, and nothing of this one comes before them.
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/orders", "from another").await;
    feed.expect(b"from another").await;
    let admin = Admin::of(&gateway);
    assert_eq!(admin.metric("postern_inbox_lag", &[("webhook", "whatsapp")]).await, EVENTS as f64);
    assert!(admin.metric("postern_inbox_lag_seconds", &[("webhook", "whatsapp")]).await > 0.0);
    // Retention looks once a second: it has, twice, when the oldest has waited so long.
    postern_tests::eventually("retention looks", async || {
        (admin.metric("postern_inbox_lag_seconds", &[("webhook", "whatsapp")]).await > 2.5).then_some(())
    })
    .await;
    reload(&gateway, true).await;
    expect(&mut feed, 0..EVENTS).await;
    admin.metric_becomes("postern_inbox_lag", &[("webhook", "whatsapp")], 0.0).await;
    // And off again, from one event to the next.
    reload(&gateway, false).await;
    send(&gateway, EVENTS..EVENTS + 3).await;
    sender.deliver("/orders", "from another still").await;
    feed.expect(b"from another still").await;
    reload(&gateway, true).await;
    expect(&mut feed, EVENTS..EVENTS + 3).await;
}
