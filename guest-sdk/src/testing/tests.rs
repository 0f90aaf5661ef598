use super::*;
use crate::signing::Algorithm;
use crate::{Error, Message, Request, Verdict, clients, clock, config, kv, log, metrics, outbox, signing};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_call_that_fails_has_done_nothing_and_one_that_does_not_has_done_all() {
    connect(Client::new(7).with_subject("ann").with_label("room", "a"));
    connect(Client::new(8));
    let work = || {
        outbox::to_label("room", "a", Payload::text("hello"));
        clients::add_label(8, "room", "a");
        clients::remove_label(7, "room", "a");
        clients::disconnect(7, Close::new(4000, "bye"));
        clients::pong(8, *b"x");
    };
    let failed: Result<()> = call(|| {
        work();
        kv::set("count", "1", None)?;
        Err(Error::new("no"))
    });
    assert!(failed.is_err() && sent().is_empty() && disconnected().is_empty() && pongs().is_empty());
    assert_eq!(kv::get("count").expect("it answers").as_deref(), Some(&b"1"[..]), "which acts at once");
    assert_eq!(clients::find(&Selector::label("room", "a"), 9), [7]);
    call(|| {
        work();
        assert_eq!(clients::count(&Selector::label("room", "a")), 1, "not yet");
        Ok(())
    })
    .expect("it does not fail");
    assert_eq!(sent()[0].text(), "hello");
    assert_eq!((disconnected(), pongs()), (vec![(7, Close::new(4000, "bye"))], vec![(8, b"x".to_vec())]));
    assert!(client(7).is_none() && client(8).is_some_and(|client| client.has_label("room", "a")));
}

#[test]
fn what_is_sent_reaches_those_whom_it_is_for_then_the_one_just_labelled_and_the_one_about_to_go() {
    connect(Client::new(1).with_label("room", "a"));
    connect(Client::new(2));
    connect(Client::new(3).with_label("room", "a"));
    let verdict = call(|| {
        clients::add_label(2, "room", "a");
        outbox::send(&Selector::label("room", "a"), &[3], Payload::text("hello"));
        clients::disconnect(1, Close::new(1000, "bye"));
        clients::remove_label(2, "room", "a");
        outbox::to_client(2, Payload::binary(*b"\xff"));
        outbox::broadcast(Payload::text("all"));
        Ok(Verdict::Pass)
    });
    assert_eq!(verdict.expect("it does not fail"), Verdict::Pass);
    let reached = |sent: Sent| (1..4).filter(|client| sent.reached(*client)).collect::<Vec<_>>();
    assert_eq!(sent().into_iter().map(reached).collect::<Vec<_>>(), [vec![1, 2], vec![2], vec![1, 2, 3]]);
    leave(3);
    assert_eq!((clients::find(&Selector::Everyone, 9), clients::count(&Selector::label("room", "a"))), (vec![2], 0));
}

#[test]
fn what_the_gateway_ends_a_call_for_ends_a_test() {
    connect(Client::new(1));
    let breaches: [(&str, fn()); 8] = [
        ("close code", || clients::disconnect(1, Close::new(1005, ""))),
        ("pong", || clients::pong(1, [0; 126])),
        ("UTF-8", || outbox::broadcast(Payload { format: Format::Text, data: vec![0xff] })),
        ("label", || clients::add_label(1, "room", "x".repeat(1025))),
        ("label", || clients::add_label(1, "", "x")),
        ("labels", || (0..33).for_each(|room| clients::add_label(1, "room", room.to_string()))),
        ("name", || metrics::count("Words", 1)),
        ("counter", || (metrics::gauge("rooms", 1.0), metrics::count("rooms", 1)).1),
    ];
    for (what, breach) in breaches {
        let Err(panic) = std::panic::catch_unwind(breach) else { panic!("{what} is let through") };
        let told = panic.downcast_ref::<String>().expect("it says why");
        assert!(told.starts_with("the gateway ends this call") && told.contains(what), "{told}");
    }
    clients::add_label(2, "", "who is gone has no labels to break");
}

#[test]
fn what_is_kept_expires_and_may_be_full() {
    stop_clock(1_000);
    let ttl = Some(Duration::from_millis(50));
    assert_eq!((kv::add("id", [], ttl), kv::add("id", [], ttl)), (Ok(true), Ok(false)));
    assert_eq!((kv::increment("n", 2, ttl), kv::increment("n", 3, ttl)), (Ok(2), Ok(5)));
    kv::set_json("rooms", &["a", "b"], None).expect("it is kept");
    assert_eq!(kv::get_json::<Vec<String>>("rooms").expect("it is JSON").expect("it is there"), ["a", "b"]);
    assert_eq!(kv::increment("rooms", 1, None), Err(kv::Fault::NotANumber));
    assert_eq!(kv::keys("", Some("id"), 9), Ok(vec!["n".to_owned(), "rooms".to_owned()]));
    stop_clock(1_050);
    assert_eq!((kv::add("id", [], ttl), kv::increment("n", 1, None)), (Ok(true), Ok(1)));
    assert_eq!(kv::swap("n", Some(b"1"), None), Ok(true));
    let for_ever = Some(Duration::MAX);
    assert_eq!((kv::set("text", "ann", for_ever), kv::set("bytes", [0xff], None)), (Ok(()), Ok(())));
    assert_eq!(kv::get_text("text").expect("it is text").as_deref(), Some("ann"));
    assert!(kv::get_text("bytes").is_err() && kv::get_text("none").is_ok_and(|text| text.is_none()));
    let told = kv::get_json::<u8>("text").expect_err("it is no JSON").to_string();
    assert!(told.contains("not JSON") && !told.contains("ann"), "{told}");
    fill_kv(true);
    assert_eq!((kv::set("n", "1", None), kv::get("n")), (Err(kv::Fault::Full), Ok(None)));
}

#[test]
fn signatures_and_metrics_are_those_of_the_gateway() {
    secret("partner", "key");
    let data = b"The quick brown fox jumps over the lazy dog";
    let signature = signing::sign("partner", Algorithm::HmacSha256, data).expect("the secret is there");
    assert_eq!(signature[..4], [0xf7, 0xbc, 0x83, 0xf4]);
    assert_eq!(signing::verify("partner", Algorithm::HmacSha256, data, &signature), Ok(true));
    assert_eq!(signing::verify("partner", Algorithm::HmacSha256, data, &signature[..9]), Ok(false));
    assert_eq!(signing::sign("other", Algorithm::HmacSha1, data), Err(signing::NoSuchSecret));
    metrics::count("words", 2);
    metrics::count("words", 3);
    metrics::gauge("rooms", 4.0);
    metrics::gauge("rooms", 3.5);
    metrics::observe("length", 1.0);
    metrics::observe("length", 2.0);
    assert_eq!((metric("words"), metric("rooms")), (Some(Metric::Count(5)), Some(Metric::Gauge(3.5))));
    assert_eq!((metric("length"), metric("width")), (Some(Metric::Observed(vec![1.0, 2.0])), None));
}

#[test]
fn a_message_made_by_hand_answers_as_a_delivered_one_does() {
    let message = Message::json(&json!({ "a": [{ "b/c": "x", "n": 7, "o": {} }] }))
        .with_header("Content-Type", "application/json")
        .with_source("whatsapp");
    assert_eq!(message.pointer("/a/0/b~1c").as_deref(), Some("x"));
    assert_eq!(message.pointer("/a/0/n").as_deref(), Some("7"));
    assert_eq!(message.pointer("/a/0/o").as_deref(), Some("{}"));
    assert_eq!(message.pointer("/a/1"), None);
    assert_eq!(message.header("content-TYPE").as_deref(), Some(&b"application/json"[..]));
    assert_eq!((message.read(1, 3), message.read(message.size() - 1, 9)), (b"\"a\"".to_vec(), b"}".to_vec()));
    assert_eq!(message.read(u64::MAX, u64::MAX), b"");
    assert_eq!((message.source(), message.format()), ("whatsapp".to_owned(), Format::Text));
    assert_eq!(Message::delivered(*b"\xff").format(), Format::Binary);
}

#[test]
fn a_body_of_the_wrong_shape_is_told_without_quoting_it() {
    let error = Message::text(r#"{"from": "15550100142"}"#).parse::<Vec<u8>>().expect_err("it is no list").to_string();
    assert!(error.contains("another shape") && !error.contains("1555"), "{error}");
    let error = Message::text("15550100142 is not JSON").parse::<String>().expect_err("it is no JSON").to_string();
    assert!(!error.contains("1555"), "{error}");
}

#[test]
fn a_request_made_by_hand_is_taken_apart() {
    let request = Request::get("/ws?room=a%20b+c&room=d&flag&%6b=%").with_header("Authorization", "BEARER t");
    assert_eq!((request.path(), request.method()), ("/ws".to_owned(), "GET".to_owned()));
    assert_eq!(request.param("room").as_deref(), Some("a b c"));
    assert_eq!((request.param("flag").as_deref(), request.param("k").as_deref()), (Some(""), Some("%")));
    assert_eq!((request.param("none"), request.bearer().as_deref()), (None, Some("t")));
    assert_eq!(Request::get("/ws").query(), None);
}

#[test]
fn what_a_test_arranges_is_what_the_filter_meets() {
    configure(json!({ "name": "x", "limit": 3 }));
    stop_clock(1_789_000_000_000);
    log_from(Level::Info);
    log::debug("nowhere");
    log::write(Level::Warn, "over the limit", &[("limit", "3")]);
    assert_eq!((config::get("name").as_deref(), config::get("limit").as_deref()), (Some("x"), Some("3")));
    assert_eq!(clock::now(), 1_789_000_000_000);
    let fields = vec![("limit".to_owned(), "3".to_owned())];
    assert_eq!(logged(), [Line { level: Level::Warn, text: "over the limit".into(), fields }]);
    assert_eq!(logged(), []);
}
