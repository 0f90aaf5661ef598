//! Coming back: every form, over HTTP/1.1 and HTTP/2, gets exactly what it has not got, and is told what cannot be given.

use crate::forms::WAYS;
use crate::start;
use postern_tests::{
    Admin, Config, Door, Failure, Feed, Form, Frame, Gateway, News, Protocol, Sender, Socket, eventually, fixtures,
    numbered_body, together,
};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

fn event(number: u64) -> bytes::Bytes {
    numbered_body(0, number, 120)
}

async fn send(gateway: &Gateway, numbers: Range<u64>) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for number in numbers {
        sender.deliver("/whatsapp", event(number)).await;
    }
}

/// Sends these and gives the cursor after each.
async fn send_for_cursors(gateway: &Gateway, numbers: Range<u64>) -> Vec<String> {
    let mut feed = Feed::new(&Door::of(gateway), "/ws", Form::V1).opened().await;
    send(gateway, numbers.clone()).await;
    let mut cursors = vec![];
    for number in numbers {
        cursors.push(feed.expect(&event(number)).await.cursor.expect("`postern.v1` brings one"));
    }
    cursors
}

#[tokio::test]
async fn since_says_where_each_form_begins_over_both_protocols() {
    let gateway = start(&Config::basic()).await;
    let mut cursors = send_for_cursors(&gateway, 0..5).await;
    // Milliseconds date events: the next is of another one.
    let begin = Instant::now();
    eventually("later", async || (begin.elapsed() > Duration::from_millis(5)).then_some(())).await;
    let mut dated = Feed::new(&Door::of(&gateway), "/ws", Form::V1).opened().await;
    send(&gateway, 5..6).await;
    let fifth = dated.expect(&event(5)).await;
    cursors.extend(fifth.cursor.clone());
    cursors.extend(send_for_cursors(&gateway, 6..10).await);
    let door = Door::of(&gateway);
    for (next, (form, protocol)) in (10..).zip(WAYS) {
        let places = [
            ("earliest".to_owned(), 0),
            ("last:3".to_owned(), next - 3),
            ("last:10000".to_owned(), 0),
            (fifth.word("received").to_owned(), 5),
            (cursors[0].clone(), 1),
            (cursors[8].clone(), 9),
            (cursors[9].clone(), 10),
            (format!("{}~2", cursors[3]), 6),
            ("earliest~7".to_owned(), 7),
            ("earliest~0".to_owned(), 0),
        ];
        for (since, first) in places {
            let mut feed = Feed::new(&door, "/ws", form).over(protocol).since(&since).opened().await;
            for number in first..next {
                feed.expect(&event(number)).await;
            }
            if form != Form::Raw {
                assert_eq!(feed.live().await.len(), 0, "{form:?} since {since}");
            }
        }
        // Without a word, and with none of the last: what comes from now on.
        let mut fresh = Feed::new(&door, "/ws", form).over(protocol).opened().await;
        let mut none = Feed::new(&door, "/ws", form).over(protocol).since("last:0").opened().await;
        send(&gateway, next..next + 1).await;
        fresh.expect(&event(next)).await;
        none.expect(&event(next)).await;
    }
}

#[tokio::test]
async fn who_comes_back_with_where_it_stood_misses_nothing_and_sees_nothing_twice() {
    let gateway =
        start(&Config::basic().stream("agents", "/ws", &["whatsapp"], "open = true\nheartbeat = \"200ms\"")).await;
    let door = Door::of(&gateway);
    let mut feeds = vec![];
    for (form, protocol) in WAYS {
        feeds.push(Feed::new(&door, "/ws", form).over(protocol).opened().await);
    }
    let (mut sent, mut gateway) = (0, gateway);
    for round in 0..6 {
        if round % 2 == 1 {
            gateway = gateway.kill().await.start().await;
            door.moved(&gateway);
        }
        // Live, and then what comes while nobody is there.
        for away in [false, true] {
            if away {
                feeds.iter_mut().for_each(Feed::drop_link);
            }
            send(&gateway, sent..sent + 3).await;
            for feed in &mut feeds {
                for number in sent..sent + 3 {
                    assert_eq!(feed.steady_event().await.body, event(number), "round {round}, {:?}", feed.form);
                }
            }
            sent += 3;
        }
    }
}

#[tokio::test]
async fn a_pinged_raw_client_knows_its_cursor() {
    let gateway =
        start(&Config::basic().stream("agents", "/ws", &["whatsapp"], "open = true\nheartbeat = \"100ms\"")).await;
    let cursors = send_for_cursors(&gateway, 0..3).await;
    let mut socket = Socket::connect(&gateway, "/ws?since=earliest").await;
    for number in 0..3 {
        let mut frame = socket.read().await.expect("it is kept");
        while frame.opcode == Frame::PING {
            frame = socket.read().await.expect("it is kept");
        }
        assert_eq!(frame.payload, event(number));
    }
    let ping = socket.read().await.expect("it is kept");
    assert_eq!((ping.opcode, ping.payload.as_ref()), (Frame::PING, cursors[2].as_bytes()));
}

#[tokio::test]
async fn last_event_id_says_more_than_since() {
    let gateway = start(&Config::basic()).await;
    let cursors = send_for_cursors(&gateway, 0..5).await;
    let door = Door::of(&gateway);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let feed =
            Feed::new(&door, "/ws", Form::Sse).over(protocol).since("earliest").with("last-event-id", &cursors[2]);
        let mut feed = feed.opened().await;
        for number in 3..5 {
            let got = feed.expect(&event(number)).await;
            assert_eq!(got.cursor.as_ref(), Some(&cursors[number as usize]), "the same cursor in every form");
        }
    }
}

#[tokio::test]
async fn a_since_that_says_nothing_is_400_in_every_form() {
    let gateway = start(&Config::basic()).await;
    let cursor = send_for_cursors(&gateway, 0..1).await.remove(0);
    let door = Door::of(&gateway);
    let other = if cursor.ends_with('0') { "1" } else { "0" };
    let spoilt = format!("{}{other}", &cursor[..cursor.len() - 1]);
    let bad = [
        "",
        "yesterday",
        "last:",
        "last:x",
        "last:-1",
        "last:10001",
        "earliest~",
        "earliest~x",
        "0",
        &spoilt,
        &cursor[1..],
    ];
    for (form, protocol) in WAYS {
        for since in bad {
            match Feed::new(&door, "/ws", form).over(protocol).since(since).open().await {
                Err(Failure::Refused(reply)) => {
                    assert_eq!(reply.status, 400, "{form:?} {since:?}");
                    assert!(reply.text().contains("since"), "{:?}", reply.text());
                }
                other => panic!("{form:?} over {protocol:?} since {since:?}: {other:?}"),
            }
        }
    }
    Admin::of(&gateway).metric_becomes("postern_connects_total", &[("outcome", "bad_since")], 66.0).await;
}

#[tokio::test]
async fn a_cursor_of_another_gateway_is_a_gap_and_then_all_there_is() {
    let other = start(&Config::basic()).await;
    let foreign = send_for_cursors(&other, 0..3).await.remove(2);
    let gateway = start(&Config::basic()).await;
    send_for_cursors(&gateway, 0..4).await;
    let door = Door::of(&gateway);
    for (form, protocol) in WAYS {
        // A raw client says beside it how much it got since: of what it is given now it has nothing.
        let since = if form == Form::Raw { format!("{foreign}~2") } else { foreign.clone() };
        let mut feed = Feed::new(&door, "/ws", form).over(protocol).since(since).opened().await;
        let gap = loop {
            match feed.next().await {
                Some(News::Hello { .. }) => {}
                Some(News::Gap { reason, .. }) => break reason,
                other => panic!("{form:?}: instead of a gap {other:?}"),
            }
        };
        assert_eq!(gap, "reset", "{form:?}");
        for number in 0..4 {
            feed.expect(&event(number)).await;
        }
    }
}

#[tokio::test]
async fn what_is_replayed_is_judged_by_what_the_client_may_see_now() {
    let tokens = "config = { tokens = [{ token = \"ann\", labels = { phone_number_id = \"771155338844220\" } }, \
                  { token = \"ben\", labels = { phone_number_id = \"771155338844999\" } }] }\ndeadline = \"2s\"";
    let config = Config::basic()
        .filter("token", "builtin:token".as_ref(), tokens)
        .filter("route", "builtin:route-by-number".as_ref(), "deadline = \"2s\"")
        .webhook("whatsapp", "/whatsapp", "split = true\nfilters = [\"route\"]")
        .stream("agents", "/ws", &["whatsapp"], "admission = [\"token\"]");
    let gateway = start(&config).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut bodies = vec![];
    for number in 0..6 {
        let body = String::from_utf8(fixtures::message(&format!("wamid.{number}"), "15550100142", "hello").to_vec());
        let mut body = body.expect("it is JSON");
        if number % 2 == 1 {
            body = body.replace("771155338844220", "771155338844999");
        }
        sender.deliver("/whatsapp", body.clone()).await;
        bodies.push(body);
    }
    let door = Door::of(&gateway);
    for (form, protocol) in WAYS {
        let mut ann = Feed::new(&door, "/ws?token=ann", form).over(protocol).since("earliest").opened().await;
        ann.expect(bodies[0].as_bytes()).await;
        ann.expect(bodies[2].as_bytes()).await;
        // The same place, by somebody who may see other things: nothing of Ann's, and all of his from there on.
        let stands = ann.stands().expect("it knows");
        let since = if form == Form::Raw { "earliest~2".to_owned() } else { stands };
        let first = if form == Form::Raw { 5 } else { 3 };
        let mut ben = Feed::new(&door, "/ws?token=ben", form).over(protocol).since(since).opened().await;
        for number in (first..6).step_by(2) {
            ben.expect(bodies[number].as_bytes()).await;
        }
        ann.expect(bodies[4].as_bytes()).await;
        if form != Form::Raw {
            assert_eq!(ben.live().await.len() + ann.live().await.len(), 0);
        }
    }
}

#[tokio::test]
async fn a_drain_tells_everyone_its_cursor_and_spreads_the_way_back() {
    let gateway = start(&Config::basic()).await;
    let door = Door::of(&gateway);
    let mut feeds = vec![];
    for number in 0..24 {
        let (form, protocol) = [WAYS[1], WAYS[1], WAYS[4], WAYS[2], WAYS[5], WAYS[0]][number % 6];
        feeds.push(Feed::new(&door, "/ws", form).over(protocol).opened().await);
    }
    send(&gateway, 0..3).await;
    for feed in &mut feeds {
        for number in 0..3 {
            feed.expect(&event(number)).await;
        }
    }
    gateway.terminate();
    let told = together(feeds.into_iter().map(|mut feed| async move {
        let (mut drain, mut code) = (None, None);
        while let Some(news) = feed.next().await {
            match news {
                News::Drain { retry_after, .. } => drain = Some(retry_after),
                News::Closed { code: closed, reason } => {
                    code = Some(closed);
                    assert!(
                        feed.form != Form::Raw || reason.len() == 24,
                        "raw clients are told where they stand: {reason:?}"
                    );
                }
                News::Live | News::Hello { .. } => {}
                other => panic!("{:?}: {other:?}", feed.form),
            }
        }
        assert_eq!(drain.is_some(), feed.form != Form::Raw, "{:?}", feed.form);
        assert_eq!(code, (feed.form != Form::Sse).then_some(1001), "{:?}", feed.form);
        (feed, drain)
    }))
    .await;
    let waits: BTreeSet<_> = told.iter().filter_map(|(_, wait)| *wait).collect();
    assert!(waits.len() >= 5, "spread: {waits:?}");
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(60)), "{waits:?}");
    let home = gateway.gone().await;
    let gateway = home.start().await;
    door.moved(&gateway);
    send(&gateway, 3..5).await;
    for (mut feed, _) in told {
        for number in 3..5 {
            assert_eq!(feed.steady_event().await.body, event(number));
        }
    }
}
