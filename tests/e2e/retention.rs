//! What is older than retention goes, by age and by size, while the gateway runs; who asks for it is told.

use crate::start;
use postern_tests::{Admin, Config, Door, Feed, Form, Gateway, News, Protocol, Sender, eventually, numbered_body};
use std::path::Path;

const SIZE: usize = 50_000;

async fn send(gateway: &Gateway, numbers: std::ops::Range<u64>) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for number in numbers {
        sender.deliver("/whatsapp", numbered_body(0, number, SIZE)).await;
    }
}

fn disk_use(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.filter_map(Result::ok).map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_use(&entry.path()),
        Ok(metadata) => metadata.len(),
        // Deleted meanwhile.
        Err(_) => 0,
    });
    sizes.sum()
}

/// The gap a client is told first, and the number of the first event after it.
async fn gap_then_first(feed: &mut Feed) -> (String, u64) {
    let reason = loop {
        match feed.next().await {
            Some(News::Hello { .. }) => {}
            Some(News::Gap { reason, .. }) => break reason,
            other => panic!("{:?}: instead of a gap {other:?}", feed.form),
        }
    };
    let body = feed.event().await.body;
    let number = std::str::from_utf8(&body[29..39]).expect("a numbered body").parse().expect("a number");
    assert!(body == numbered_body(0, number, SIZE), "whole");
    (reason, number)
}

/// Demands that clients of every form which stood at these places are told what is gone, and get all the rest.
async fn told_and_fed(gateway: &Gateway, cursor: &str, last: u64) {
    let door = Door::of(gateway);
    for form in Form::ALL {
        let mut feed = Feed::new(&door, "/ws", form).since(cursor).opened().await;
        let (reason, first) = gap_then_first(&mut feed).await;
        assert_eq!(reason, "expired", "{form:?}");
        assert!(first > 1, "the first are gone: {first}");
        for number in first + 1..=last {
            feed.expect(&numbered_body(0, number, SIZE)).await;
        }
    }
}

#[tokio::test]
async fn by_size_the_oldest_go_and_the_gateway_never_stops() {
    const EVENTS: u64 = 800;
    let small = "retention = { age = \"7d\", size = \"8MiB\" }";
    let config = Config::basic().section("inbox", small).section("outbox", small).limits("ring = \"1MiB\"");
    let gateway = start(&config).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    let journal = gateway.home.path("data").join("journal");
    let mut cursor = None;
    let mut most = 0;
    for number in 0..EVENTS {
        send(&gateway, number..number + 1).await;
        let got = feed.expect(&numbered_body(0, number, SIZE)).await;
        cursor = cursor.or(got.cursor);
        most = most.max(disk_use(&journal.join("inbox")) + disk_use(&journal.join("outbox")));
    }
    // Looked at every second or so; a segment of grace each, and what came in a second.
    assert!(most < 60 * 1024 * 1024, "40 MB came twice, and at most {} MiB were kept", most >> 20);
    // Until nothing more is deleted, from under who reads what was kept.
    eventually("at most 8 MiB of each log", async || {
        ["inbox", "outbox"].iter().all(|log| disk_use(&journal.join(log)) <= 8 << 20).then_some(())
    })
    .await;
    told_and_fed(&gateway, &cursor.expect("it had events"), EVENTS - 1).await;
    // What is left survives a restart, and so does the memory of what is gone.
    let (home, _) = gateway.stop().await;
    let gateway = home.start().await;
    let mut earliest = Feed::new(&Door::of(&gateway), "/ws", Form::V1).since("earliest").opened().await;
    let got = earliest.live().await;
    assert!(!got.is_empty() && got.len() < EVENTS as usize, "{} left", got.len());
}

#[tokio::test]
async fn by_age_what_is_old_goes_even_when_nothing_comes() {
    let short = "retention = { age = \"3s\", size = \"1GiB\" }";
    let gateway = start(&Config::basic().section("inbox", short).section("outbox", short)).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    send(&gateway, 0..4).await;
    let mut cursors = vec![];
    for number in 0..4 {
        cursors.extend(feed.expect(&numbered_body(0, number, SIZE)).await.cursor);
    }
    let door = Door::of(&gateway);
    eventually("nothing left", async || {
        let mut feed = Feed::new(&door, "/ws", Form::V1).since("earliest").opened().await;
        feed.live().await.is_empty().then_some(())
    })
    .await;
    send(&gateway, 4..6).await;
    told_and_fed(&gateway, &cursors[0], 5).await;
    // Who stood at the end has missed nothing.
    for form in Form::ALL {
        let mut feed = Feed::new(&door, "/ws", form).since(&cursors[3]).opened().await;
        feed.expect(&numbered_body(0, 4, SIZE)).await;
    }
}

#[tokio::test]
async fn what_is_held_stays_however_old_it_is() {
    let short = "retention = { age = \"2s\", size = \"8MiB\" }";
    let config = Config::basic()
        .filter("trap", &postern_tests::guests::wat("trap"), "")
        .webhook("held", "/held", "filters = [\"trap\"]")
        .section("inbox", short)
        .section("outbox", short);
    let gateway = start(&config).await;
    let admin = Admin::of(&gateway);
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/held", "kept").await;
    let held = admin.held_becomes(1).await;
    send(&gateway, 0..4).await;
    let door = Door::of(&gateway);
    eventually("nothing left of the others", async || {
        let mut feed = Feed::new(&door, "/ws", Form::V1).since("earliest").opened().await;
        feed.live().await.is_empty().then_some(())
    })
    .await;
    assert_eq!(admin.held().await, held);
}
