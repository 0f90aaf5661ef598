//! What disks do: full, torn, unsynced, rotten, gone. Never a 200 for what is not kept, never a refusal to start with
//! what is intact, never silence about what is lost.

use crate::{home, start};
use bytes::Bytes;
use postern_tests::{
    Admin, Config, Door, Fault, FaultyDisk, Feed, Form, Gateway, Home, News, Protocol, Sender, eventually,
    numbered_body,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn event(number: u64) -> Bytes {
    numbered_body(0, number, 1_000)
}

async fn send(gateway: &Gateway, numbers: std::ops::Range<u64>) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for number in numbers {
        sender.deliver("/whatsapp", event(number)).await;
    }
}

/// What a client that asks for everything gets: numbers, `None` for a gap.
async fn everything(gateway: &Gateway) -> Vec<Option<u64>> {
    let mut feed = Feed::new(&Door::of(gateway), "/ws", Form::V1).since("earliest").opened().await;
    let mut all = vec![];
    loop {
        match feed.next().await {
            Some(News::Hello { .. }) => {}
            Some(News::Live) => return all,
            Some(News::Gap { .. }) => all.push(None),
            Some(News::Event(got)) => {
                let number = std::str::from_utf8(&got.body[29..39]).expect("digits").parse().expect("digits");
                assert!(got.body == event(number), "whole");
                all.push(Some(number));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A fault while webhooks come: refused as long as it lasts, and then all is well without anybody's help.
async fn refused_then_healed(fault: Fault, paths: &str) {
    let home = home(&Config::basic());
    let disk = FaultyDisk::under(&home);
    let gateway = home.start().await;
    let (door, admin) = (Door::of(&gateway), Admin::of(&gateway));
    let mut feed = Feed::new(&door, "/ws", Form::V1).opened().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", event(0)).await;
    feed.expect(&event(0)).await;
    disk.fail(fault, paths);
    for _ in 0..3 {
        let reply = sender.post("/whatsapp", event(1)).await;
        assert_eq!(reply.status, 503, "{fault:?}: {reply:?}");
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    }
    assert_eq!(admin.get("/ready").await.status, 503, "a gateway that cannot write is not ready");
    assert_eq!(admin.get("/live").await.status, 200);
    disk.heal();
    eventually("a 200 again", async || (sender.post("/whatsapp", event(1)).await.status == 200).then_some(())).await;
    eventually("ready again", async || (admin.get("/ready").await.status == 200).then_some(())).await;
    // What was refused three times is there once, and nothing of the failed writes is in the way.
    feed.expect(&event(1)).await;
    send(&gateway, 2..4).await;
    feed.expect(&event(2)).await;
    feed.expect(&event(3)).await;
    let home = gateway.kill().await;
    let gateway = home.start().await;
    let all: Vec<_> = (0..4).map(Some).collect();
    assert_eq!(everything(&gateway).await, all, "{fault:?}");
}

#[tokio::test]
async fn a_full_disk_is_503_until_there_is_room_again() {
    refused_then_healed(Fault::Full, "/journal/inbox/").await;
}

#[tokio::test]
async fn a_write_that_is_cut_off_is_503_and_leaves_nothing_in_the_way() {
    refused_then_healed(Fault::Torn, "/journal/inbox/").await;
}

#[tokio::test]
async fn a_sync_that_fails_is_503_and_never_trusted() {
    refused_then_healed(Fault::Sync, "/journal/inbox/").await;
}

#[tokio::test]
async fn a_disk_that_takes_half_of_each_write_is_no_fault() {
    let home = home(&Config::basic());
    let disk = FaultyDisk::under(&home);
    disk.fail(Fault::Short, "/journal/");
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).opened().await;
    send(&gateway, 0..5).await;
    for number in 0..5 {
        feed.expect(&event(number)).await;
    }
    disk.heal();
    let home = gateway.kill().await;
    assert_eq!(everything(&home.start().await).await, (0..5).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_outbox_that_cannot_be_written_delays_clients_and_no_webhook_and_loses_nothing() {
    for fault in [Fault::Full, Fault::Torn, Fault::Sync] {
        let home = home(&Config::basic());
        let disk = FaultyDisk::under(&home);
        let gateway = home.start().await;
        let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
        send(&gateway, 0..2).await;
        feed.expect(&event(0)).await;
        feed.expect(&event(1)).await;
        disk.fail(fault, "/journal/outbox/");
        send(&gateway, 2..5).await;
        disk.heal();
        for number in 2..5 {
            feed.expect(&event(number)).await;
        }
        let home = gateway.kill().await;
        assert_eq!(everything(&home.start().await).await, (0..5).map(Some).collect::<Vec<_>>(), "{fault:?}");
    }
}

/// The files of a log, in its order.
fn segments(home: &Home, log: &str) -> Vec<PathBuf> {
    let folder = home.path("data").join("journal").join(log);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = listed.map(|entry| entry.expect("it is readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    files
}

fn change(file: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).expect("it is readable");
    how(&mut bytes);
    std::fs::write(file, bytes).expect("it is writable");
}

/// Where the bytes of an event are in a file.
fn found(bytes: &[u8], number: u64) -> usize {
    let mark = format!("\"sequence\":\"{number:010}\"");
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes());
    at.unwrap_or_else(|| panic!("event {number} is in the file"))
}

/// Flips a bit of event 4 in a log.
fn flip(home: &Home, log: &str) {
    let file = segments(home, log).pop().expect("there is a segment");
    change(&file, |bytes| {
        let at = found(bytes, 4);
        bytes[at + 200] ^= 0x10;
    });
}

/// A gateway that had ten events and was killed.
async fn ten_events() -> Arc<Home> {
    let gateway = start(&Config::basic()).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    for number in 0..10 {
        send(&gateway, number..number + 1).await;
        feed.expect(&event(number)).await;
    }
    gateway.kill().await
}

/// Starts, demands that what is listed is there in this order, and that life goes on.
async fn starts_with(home: Arc<Home>, what: &str, expected: &[Option<u64>]) {
    let gateway = home.start().await;
    let mut all = everything(&gateway).await;
    // Nobody can say that garbage at the end was nothing: whoever stands there may be told so.
    if all.last() == Some(&None) {
        all.pop();
    }
    assert_eq!(all, expected, "{what}");
    send(&gateway, 100..102).await;
    eventually(format!("{what}: the new ones"), async || {
        everything(&gateway).await.ends_with(&[Some(100), Some(101)]).then_some(())
    })
    .await;
}

fn numbers(range: std::ops::Range<u64>) -> Vec<Option<u64>> {
    range.map(Some).collect()
}

#[tokio::test]
async fn a_torn_tail_costs_what_is_torn_and_nothing_else() {
    for (what, garbage) in [
        ("half a frame", vec![0xAB; 37]),
        ("a page of zeros", vec![0; 4096]),
        ("noise", (0..=255).cycle().take(9_000).collect()),
    ] {
        for log in ["inbox", "outbox"] {
            let home = ten_events().await;
            let file = segments(&home, log).pop().expect("there is a segment");
            change(&file, |bytes| bytes.extend_from_slice(&garbage));
            starts_with(home, &format!("{what} behind the {log}"), &numbers(0..10)).await;
        }
    }
}

#[tokio::test]
async fn an_outbox_that_lost_its_end_is_decided_again_from_the_inbox() {
    let home = ten_events().await;
    let file = segments(&home, "outbox").pop().expect("there is a segment");
    let bytes = std::fs::read(&file).expect("it is readable");
    let cut = found(&bytes, 7);
    change(&file, |bytes| bytes.truncate(cut));
    starts_with(home, "cut within event 7", &numbers(0..10)).await;
}

#[tokio::test]
async fn who_saw_what_the_outbox_then_lost_is_told_of_a_reset() {
    let gateway = start(&Config::basic()).await;
    let door = Door::of(&gateway);
    let mut feeds = vec![];
    for form in Form::ALL {
        feeds.push(Feed::new(&door, "/ws", form).opened().await);
    }
    for number in 0..10 {
        send(&gateway, number..number + 1).await;
        for feed in &mut feeds {
            feed.expect(&event(number)).await;
        }
    }
    let home = gateway.kill().await;
    let file = segments(&home, "outbox").pop().expect("there is a segment");
    let bytes = std::fs::read(&file).expect("it is readable");
    let cut = found(&bytes, 7);
    change(&file, |bytes| bytes.truncate(cut));
    let gateway = home.start().await;
    door.moved(&gateway);
    for mut feed in feeds {
        feed.drop_link();
        feed.reopen().await;
        let reason = loop {
            match feed.next().await {
                Some(News::Hello { .. }) => {}
                Some(News::Gap { reason, .. }) => break reason,
                other => panic!("{:?}: instead of a gap {other:?}", feed.form),
            }
        };
        assert_eq!(reason, "reset", "{:?}", feed.form);
        // At the latest where the outboxes part.
        let mut number = None;
        while number != Some(9) {
            let body = feed.event().await.body;
            let next: u64 = std::str::from_utf8(&body[29..39]).expect("digits").parse().expect("digits");
            assert!(number.map_or(next <= 7, |number| next == number + 1), "{:?}: {next} after {number:?}", feed.form);
            number = Some(next);
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_costs_its_own_frame_and_is_told() {
    let home = ten_events().await;
    flip(&home, "outbox");
    let gateway = home.start().await;
    let all = everything(&gateway).await;
    let kept: Vec<_> = all.iter().flatten().copied().collect();
    let others: Vec<u64> = (0..10).filter(|number| *number != 4).collect();
    // Decided again from the inbox, which is whole, or told as a gap in its place; never just not there.
    assert!(kept.contains(&4) || all.contains(&None), "{all:?}");
    assert!(others.iter().all(|number| kept.contains(number)), "{all:?}");
    assert!(Admin::of(&gateway).metric("postern_journal_damage", &[]).await >= 1.0, "an operator is told");
    gateway.says("outbox").await;
}

#[tokio::test]
async fn a_raw_client_gets_past_a_hole_by_coming_back() {
    // It has no words for a gap, was sent away at the hole, and once was sent away there for ever.
    let home = ten_events().await;
    flip(&home, "outbox");
    let gateway = home.start().await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).since("earliest").opened().await;
    let (mut got, mut gaps) = (vec![], vec![]);
    while got.last() != Some(&9) {
        match feed.next().await {
            Some(News::Event(event)) => {
                let number = std::str::from_utf8(&event.body[29..39]).expect("digits");
                got.push(number.parse::<u64>().expect("digits"));
            }
            Some(News::Gap { reason, .. }) => gaps.push(reason),
            Some(News::Closed { code, .. }) => {
                assert_eq!(code, 1013);
                feed.reopen().await;
            }
            None => feed.reopen().await,
            Some(_) => {}
        }
    }
    assert_eq!(got, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(gaps, ["damaged"]);
}

#[tokio::test]
async fn a_flipped_bit_in_the_inbox_of_what_was_delivered_takes_nothing_from_clients() {
    let home = ten_events().await;
    flip(&home, "inbox");
    starts_with(home, "a rotten inbox", &numbers(0..10)).await;
}

#[tokio::test]
async fn the_index_may_be_gone_or_garbage() {
    for damage in ["gone", "empty", "garbage"] {
        let home = ten_events().await;
        let index = home.path("data").join("journal").join("index");
        match damage {
            "gone" => std::fs::remove_dir_all(&index).expect("it is there"),
            "empty" => files(&index).iter().for_each(|file| change(file, Vec::clear)),
            _ => files(&index).iter().for_each(|file| {
                change(file, |bytes| bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= (at % 251) as u8 | 1));
            }),
        }
        let gateway = home.start().await;
        assert_eq!(everything(&gateway).await, numbers(0..10), "{damage}");
        // What it knew of duplicates it knows again.
        send(&gateway, 5..6).await;
        send(&gateway, 100..101).await;
        let mut expected = numbers(0..10);
        expected.push(Some(100));
        eventually(format!("{damage}: the new one alone"), async || {
            Some(everything(&gateway).await)
                .filter(|all| all.len() > 10)
                .map(|all| assert_eq!(all, expected, "{damage}"))
        })
        .await;
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it is readable").map(|entry| entry.expect("it is readable").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn an_empty_or_headless_last_segment_is_no_reason_not_to_start() {
    for (what, length) in [("an empty file", 0), ("half a header", 9)] {
        for log in ["inbox", "outbox"] {
            let home = ten_events().await;
            let file = segments(&home, log).pop().expect("there is a segment");
            // As a crash leaves a segment that was just begun: the next number, and not yet a header.
            let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
            let segment = u32::from_str_radix(&name[..8], 16).expect("hexadecimal digits");
            let next = file.with_file_name(format!("{:08x}-{:016x}.log", segment + 1, 11));
            std::fs::write(next, vec![0x50; length]).expect("it is writable");
            starts_with(home, &format!("{what} at the end of the {log}"), &numbers(0..10)).await;
        }
    }
}
