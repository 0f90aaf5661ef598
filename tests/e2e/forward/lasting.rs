//! How far a target is, over restarts and crashes, and when the outbox has gone on without it.

use super::{QUICK, arrived, numbered, send, to};
use crate::home;
use postern_tests::{Admin, Config, Door, Feed, Form, News, Receiver, eventually};
use serde_json::json;
use std::collections::BTreeMap;

#[tokio::test]
async fn after_a_stop_a_target_gets_exactly_what_it_has_not_got() {
    let receiver = Receiver::start().await;
    let home = home(&to(&receiver.url("/"), QUICK));
    let bodies = numbered(0..60);
    for part in bodies.chunks(20) {
        let gateway = home.start().await;
        send(&gateway, "/whatsapp", part).await;
        // Wherever it is just now.
        let (_, ended) = gateway.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    let gateway = home.start().await;
    arrived(&gateway, &receiver, &bodies).await;
    assert_eq!(receiver.bodies(), bodies, "in order, each once");
    // Taken out of the configuration and put back, it goes on where it was.
    drop(gateway.stop().await);
    home.configure(&Config::basic());
    let gateway = home.start().await;
    let later = numbered(60..65);
    send(&gateway, "/whatsapp", &later).await;
    drop(gateway.stop().await);
    home.configure(&to(&receiver.url("/"), QUICK));
    let gateway = home.start().await;
    receiver.becomes(65).await;
    assert_eq!(receiver.bodies()[60..], later);
    drop(gateway);
}

#[tokio::test]
async fn after_kill_9_some_come_again_under_their_ids_and_none_is_missing() {
    let receiver = Receiver::start().await;
    let home = home(&to(&receiver.url("/"), QUICK));
    let bodies = numbered(0..400);
    for part in bodies.chunks(100) {
        let before = receiver.got().len();
        let gateway = home.start().await;
        send(&gateway, "/whatsapp", part).await;
        receiver.becomes(before + 30).await;
        drop(gateway.kill().await);
    }
    let gateway = home.start().await;
    arrived(&gateway, &receiver, &bodies).await;
    let (mut ids, mut first) = (BTreeMap::new(), Vec::new());
    for push in receiver.got() {
        let id = push.id().to_owned();
        match ids.insert(push.body.clone(), id.clone()) {
            None => first.push(push.body),
            Some(before) => assert_eq!(before, id, "what comes again has its id"),
        }
    }
    assert_eq!(first, bodies, "all of them, in order");
    postern_tests::report(format_args!("forward: {} of 400 came again after 4 kills", receiver.got().len() - 400));
}

#[tokio::test]
async fn a_new_target_begins_with_what_comes_or_with_all_there_is() {
    let (now, all) = (Receiver::start().await, Receiver::start().await);
    let home = home(&Config::basic());
    let gateway = home.start().await;
    let bodies = numbered(0..3);
    send(&gateway, "/whatsapp", &bodies[..2]).await;
    Admin::of(&gateway).events_become("", "delivered", 2).await;
    drop(gateway.stop().await);
    let secret = format!("secret = \"{}\"\nfrom = \"earliest\"", super::SECRET);
    let config = to(&now.url("/"), "").section("forward.all", &format!("url = \"{}\"\n{secret}", all.url("/")));
    home.configure(&config);
    // However soon it ends: what comes next is not "now" but what it has missed.
    drop(home.start().await.kill().await);
    let gateway = home.start().await;
    send(&gateway, "/whatsapp", &bodies[2..]).await;
    now.becomes(1).await;
    assert_eq!(now.bodies(), bodies[2..]);
    // What it got before that end may have come again.
    eventually("all there is", async || {
        let mut came = all.bodies();
        came.sort();
        came.dedup();
        (came == bodies).then_some(())
    })
    .await;
    drop(gateway.kill().await);
    // What is damaged is told, and rather sent twice than not at all.
    home.write("data/forward/crm/state.json", "{");
    let gateway = home.start().await;
    now.becomes(4).await;
    assert_eq!(now.bodies()[1..], bodies);
    gateway.says("how far a target was is damaged").await;
}

#[tokio::test]
async fn what_the_outbox_has_no_longer_is_told_and_counted() {
    let receiver = Receiver::start().await;
    receiver.now(|_| Some((410, vec![])));
    let outbox = "retention = { age = \"1s\", size = \"1GiB\" }";
    let home = home(&to(&receiver.url("/"), QUICK).section("outbox", outbox));
    let gateway = home.start().await;
    let bodies = numbered(0..20);
    send(&gateway, "/whatsapp", &bodies).await;
    Admin::of(&gateway).target_becomes("crm", "is set aside", |target| target["state"] == "set-aside").await;
    // A segment is closed by what comes after it.
    let mut number = 20;
    let door = Door::of(&gateway);
    eventually("the first are gone", async || {
        send(&gateway, "/whatsapp", &numbered(number..number + 1)).await;
        number += 1;
        let mut feed = Feed::new(&door, "/ws", Form::V1).since("earliest").opened().await;
        loop {
            match feed.next().await {
                Some(News::Event(got)) => return (!bodies.contains(&got.body)).then_some(()),
                Some(News::Live) => return Some(()),
                Some(_) => {}
                None => return None,
            }
        }
    })
    .await;
    drop(gateway.stop().await);
    receiver.now(|_| Some((200, vec![])));
    let gateway = home.start().await;
    let admin = Admin::of(&gateway);
    admin.target_becomes("crm", "is set aside", |target| target["state"] == "set-aside").await;
    admin.post("/v1/targets/crm/resume", &json!({})).await;
    let last = numbered(1000..1001);
    send(&gateway, "/whatsapp", &last).await;
    let told = arrived(&gateway, &receiver, &last).await;
    assert!(told["missed"].as_u64() >= Some(20), "{told}");
    assert_eq!((&told["gap"]["reason"], told["gap"]["to"].as_str().map(str::len)), (&json!("expired"), Some(24)));
    gateway.says("a target does not get what the outbox has no longer").await;
    assert!(admin.metric("postern_forward_missed_total", &[("target", "crm")]).await >= 20.0);
    assert_eq!(receiver.bodies().last(), Some(&last[0]));
}
