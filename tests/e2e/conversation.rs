//! What clients say, and what filters do about it: whole or not at all, in order, within limits.

use crate::start;
use postern_tests::guests::gallery;
use postern_tests::{Admin, Client, Config, Frame, Gateway, Socket, alone, report, together};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio_tungstenite::tungstenite::Message;

fn desk(filter: &str, stream: &str) -> Config {
    Config::basic().filter("script", &gallery("script"), &format!("deadline = \"2s\"\n{filter}")).stream(
        "agents",
        "/ws",
        &["whatsapp"],
        &format!("admission = [\"script\"]\nclient = [\"script\"]\n{stream}"),
    )
}

async fn say(client: &mut Client, script: Value) {
    client.send(Message::text(script.to_string())).await.expect("the gateway reads");
}

async fn told(client: &mut Client) -> Value {
    serde_json::from_slice(&client.body().await).expect("it is JSON")
}

#[tokio::test]
async fn a_filter_that_fails_halfway_has_sent_nothing_and_changed_nothing() {
    let failing = [json!(["fail"]), json!(["trap"]), json!(["loop"]), json!(["disconnect", "me", 1005, ""])];
    let gateway = start(&desk("on_error = \"drop\"", "")).await;
    let mut bob = Client::connect(&gateway, "/ws?label=name:bob").await;
    let mut ann = Client::connect(&gateway, "/ws?label=name:ann").await;
    for end in failing {
        let script =
            json!([["send", "all", "half"], ["label", "me", "room", "a"], ["set", "kept", end.to_string()], end]);
        say(&mut ann, script).await;
        say(&mut ann, json!([["send", "room:a", "inside?"], ["tell", "kept"]])).await;
        assert_eq!(told(&mut ann).await["kept"], end.to_string(), "what is kept is kept at once");
    }
    say(&mut ann, json!([["send", "all", "the end"]])).await;
    bob.expect(b"the end").await;
    ann.expect(b"the end").await;
}

#[tokio::test]
async fn what_is_asked_of_clients_is_done_around_what_is_sent_in_the_order_it_was_asked() {
    let gateway = start(&desk("", "").limits("client_messages_per_second = 1000")).await;
    let mut ann = Client::connect(&gateway, "/ws").await;
    let mut bob = Client::connect(&gateway, "/ws?label=room:a").await;
    // Whoever is given a label hears what is sent to it then, and finds it with its next word.
    say(&mut ann, json!([["label", "me", "room", "a"], ["send", "room:a", "in"]])).await;
    say(&mut ann, json!([["send", "room:a", "still in"]])).await;
    for client in [&mut ann, &mut bob] {
        client.expect(b"in").await;
        client.expect(b"still in").await;
    }
    // Whoever loses it after a word has heard the word, and not the next.
    say(&mut ann, json!([["send", "room:a", "out"], ["unlabel", "me", "room", "a"]])).await;
    say(&mut ann, json!([["send", "room:a", "without her"], ["send", "me", "alone"]])).await;
    ann.expect(b"out").await;
    ann.expect(b"alone").await;
    bob.expect(b"out").await;
    bob.expect(b"without her").await;
    // What is done with nothing sent is done after what was sent before.
    for round in 0..20 {
        let round = round.to_string();
        say(&mut ann, json!([["label", "me", "room", round]])).await;
        say(&mut ann, json!([["send", format!("room:{round}"), round]])).await;
        say(&mut ann, json!([["unlabel", "me", "room", round]])).await;
        ann.expect(round.as_bytes()).await;
    }
    // Whoever is closed has heard its farewell.
    say(&mut ann, json!([["send", "me", "farewell"], ["disconnect", "me", 4000, "done"]])).await;
    ann.expect(b"farewell").await;
    assert_eq!(ann.close_code().await, Some(4000));
}

#[tokio::test]
async fn one_whose_words_cannot_be_judged_is_told_1011_and_nobody_else_is_disturbed() {
    let gateway = start(&desk("", "")).await;
    let mut bob = Client::connect(&gateway, "/ws").await;
    let mut ann = Client::connect(&gateway, "/ws").await;
    say(&mut ann, json!([["send", "all", "half"], ["fail"]])).await;
    assert_eq!(ann.close_code().await, Some(1011));
    say(&mut bob, json!([["send", "all", "whole"]])).await;
    bob.expect(b"whole").await;
    let admin = Admin::of(&gateway);
    assert_eq!(admin.metric("postern_client_messages_total", &[("outcome", "lost")]).await, 1.0);
    assert_eq!(admin.metric("postern_client_messages_total", &[("outcome", "heard")]).await, 1.0);
}

#[tokio::test]
async fn a_filter_of_messages_that_fails_after_sending_has_sent_nothing_until_it_is_judged_again() {
    let config = desk("", "").webhook("whatsapp", "/whatsapp", "filters = [\"script\"]");
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = postern_tests::Sender::connect(&gateway, postern_tests::Protocol::Http1).await;
    let body = json!({ "script": [["send", "all", "half"], ["fail"]] }).to_string();
    sender.deliver("/whatsapp", body).await;
    Admin::of(&gateway).held_becomes(1).await;
    sender.deliver("/whatsapp", json!({ "script": [["rewrite", "after"]] }).to_string()).await;
    client.expect(b"after").await;
}

#[tokio::test]
async fn each_clients_words_stay_in_order_among_many_who_talk_at_once() {
    const CLIENTS: usize = 20;
    const EACH: usize = 40;
    let gateway = Arc::new(start(&desk("", "relay = \"everyone\"")).await);
    let mut ears = Client::connect(&gateway, "/ws").await;
    let talk = |number: usize| {
        let gateway = gateway.clone();
        async move {
            let mut client = Client::connect(&gateway, "/ws").await;
            for word in 0..EACH {
                client.send(Message::text(format!("{number} {word}"))).await.expect("the gateway reads");
            }
            client
        }
    };
    let talkers = together((0..CLIENTS).map(talk)).await;
    let mut next = [0; CLIENTS];
    for _ in 0..CLIENTS * EACH {
        let heard = String::from_utf8(ears.body().await.to_vec()).expect("text");
        let (number, word) = heard.split_once(' ').expect("two numbers");
        let number: usize = number.parse().expect("a number");
        assert_eq!(word.parse(), Ok(next[number]), "of {number}");
        next[number] += 1;
    }
    drop(talkers);
}

#[tokio::test]
async fn what_is_kept_survives_kills_and_a_quota_is_an_error_and_no_crash() {
    let mut gateway = start(&desk("on_error = \"drop\"", "").limits("kv = \"2KiB\"")).await;
    for round in 1..=3 {
        let mut ann = Client::connect(&gateway, "/ws").await;
        for number in 1..=10 {
            say(&mut ann, json!([["count", "n"], ["tell", "n"]])).await;
            assert_eq!(told(&mut ann).await["kept"], format!("{}", (round - 1) * 10 + number));
        }
        gateway = gateway.kill().await.start().await;
    }
    let mut ann = Client::connect(&gateway, "/ws").await;
    say(&mut ann, json!([["set", "large", "x".repeat(3000)], ["send", "me", "not reached"]])).await;
    say(&mut ann, json!([["set", "small", "fits"], ["tell", "small"]])).await;
    assert_eq!(told(&mut ann).await["kept"], "fits");
}

#[tokio::test]
async fn filters_keep_apart_what_they_keep_unless_they_are_to_share_it() {
    let share =
        |name: &str| Config::basic().filter(name, &gallery("script"), "deadline = \"2s\"\nkeyspace = \"shared\"");
    let config = share("one").filter("two", &gallery("script"), "deadline = \"2s\"\nkeyspace = \"shared\"").filter(
        "three",
        &gallery("script"),
        "deadline = \"2s\"",
    );
    let stream = |config: Config, name: &str| {
        config.stream(name, &format!("/{name}"), &[], &format!("open = true\nclient = [\"{name}\"]"))
    };
    let gateway = start(&["one", "two", "three"].into_iter().fold(config, stream)).await;
    let mut clients = vec![];
    for path in ["/one", "/two", "/three"] {
        clients.push(Client::connect(&gateway, path).await);
    }
    let mut kept = vec![];
    for client in &mut clients {
        say(client, json!([["count", "n"], ["tell", "n"]])).await;
        kept.push(told(client).await["kept"].as_str().expect("text").to_owned());
    }
    assert_eq!(kept, ["1", "2", "1"]);
}

#[tokio::test]
async fn secrets_sign_and_are_never_seen_and_metrics_are_shown_with_posterns() {
    let gateway = start(&desk("secrets = { partner = \"key\" }\non_error = \"drop\"", "")).await;
    let mut ann = Client::connect(&gateway, "/ws").await;
    let text = "The quick brown fox jumps over the lazy dog";
    say(&mut ann, json!([["sign", "partner", text], ["metric", "jumps"], ["metric", "jumps"]])).await;
    let signature = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    assert_eq!(told(&mut ann).await["signature"], signature);
    say(&mut ann, json!([["sign", "another", text]])).await;
    say(&mut ann, json!([["metric", "calls"]])).await;
    say(&mut ann, json!([["send", "me", "the end"]])).await;
    ann.expect(b"the end").await;
    let admin = Admin::of(&gateway);
    assert_eq!(admin.metric("postern_filter_jumps_total", &[("filter", "script")]).await, 2.0);
    assert!(!gateway.stderr().contains("\"key\""), "a secret is never logged");
}

#[tokio::test]
async fn who_is_there_is_told_to_those_who_speak_postern_v1() {
    let gateway = start(&desk("", "presence = true\npresence_labels = [\"room\"]")).await;
    let v1 = [("sec-websocket-protocol", "postern.v1")];
    let mut ann = Client::connect_with(&gateway, "/ws?subject=ann&label=room:a,tenant:t", &v1).await;
    let presence = async |client: &mut Client| loop {
        let told = told(client).await;
        if told["type"] == "presence" {
            return told;
        }
    };
    let first = presence(&mut ann).await;
    assert_eq!((&first["count"], &first["clients"][0]["subject"]), (&1.into(), &"ann".into()));
    assert_eq!(first["clients"][0]["labels"], json!({ "room": ["a"] }), "and no other labels");
    let mut bob = Client::connect(&gateway, "/ws?subject=bob").await;
    let came = presence(&mut ann).await;
    assert_eq!((&came["joined"][0]["subject"], &came["count"]), (&"bob".into(), &2.into()));
    say(&mut bob, json!([["label", "me", "room", "b"]])).await;
    assert_eq!(presence(&mut ann).await["joined"][0]["labels"], json!({ "room": ["b"] }));
    drop(bob);
    let left = presence(&mut ann).await;
    assert_eq!((left["left"].as_array().map(Vec::len), &left["count"]), (Some(1), &1.into()));
    ann.send(Message::text(r#"{"type":"presence"}"#)).await.expect("the gateway reads");
    assert_eq!(presence(&mut ann).await["clients"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn admission_picks_the_subprotocol_among_those_offered() {
    let gateway = start(&desk("", "")).await;
    let offered = [("sec-websocket-protocol", "chat, superchat")];
    let socket = Socket::upgrade(&gateway, "/ws?subprotocol=superchat", &offered).await.expect("it is let in");
    assert_eq!(socket.answer.header("sec-websocket-protocol"), Some("superchat"));
    let none = Socket::upgrade(&gateway, "/ws", &offered).await.expect("it is let in");
    assert_eq!(none.answer.header("sec-websocket-protocol"), None);
    assert_eq!(
        Socket::upgrade(&gateway, "/ws?subprotocol=other", &offered).await.map(|_| ()).expect_err("no").status,
        503
    );
}

/// What no decent client sends, where filters listen: each is told by the code of RFC 6455, and the others talk on.
#[tokio::test]
async fn bad_frames_are_told_by_their_code_and_disturb_nobody() {
    let gateway = start(&desk("", "").limits("client_message = \"1KiB\"\nclient_messages_per_second = 50")).await;
    let mut others = Client::connect(&gateway, "/ws").await;
    for (what, code) in [
        ("a message over the limit", 1009),
        ("text that is not UTF-8", 1007),
        ("a control frame over 125 bytes", 1002),
        ("a frame without a mask", 1002),
        ("reserved bits", 1002),
        ("a continuation of nothing", 1002),
        ("a flood", 1008),
    ] {
        let mut socket = Socket::connect(&gateway, "/ws").await;
        // The gateway may have had enough before all is written.
        let _ = match what {
            "a message over the limit" => socket.write(0x81, &[b'x'; 1025]).await,
            "text that is not UTF-8" => socket.write(0x81, b"\xc3\x28").await,
            "a control frame over 125 bytes" => socket.write(0x80 | Frame::PING, &[b'x'; 126]).await,
            "a frame without a mask" => socket.write_unmasked(0x81, b"x").await,
            "reserved bits" => socket.write(0xb1, b"x").await,
            "a continuation of nothing" => socket.write(0x80, b"x").await,
            _ => {
                for _ in 0..200 {
                    if socket.write(0x81, b"[]").await.is_err() {
                        break;
                    }
                }
                Ok(())
            }
        };
        assert_eq!(socket.close_code().await, Some(code), "{what}");
        say(&mut others, json!([["send", "me", what]])).await;
        others.expect(what.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_loop_in_what_one_stream_says_delays_no_other_stream() {
    let config = desk("on_error = \"drop\"", "").filter("quick", &gallery("script"), "").stream(
        "other",
        "/other",
        &[],
        "open = true\nclient = [\"quick\"]",
    );
    let gateway = start(&config).await;
    let mut loops = vec![];
    for _ in 0..8 {
        let mut client = Client::connect(&gateway, "/ws").await;
        say(&mut client, json!([["loop"]])).await;
        loops.push(client);
    }
    let mut other = Client::connect(&gateway, "/other").await;
    let began = Instant::now();
    say(&mut other, json!([["send", "me", "heard"]])).await;
    other.expect(b"heard").await;
    assert!(began.elapsed().as_secs() < 2, "it waited for none of them: {:?}", began.elapsed());
}

#[tokio::test]
async fn an_audience_filter_that_fails_makes_its_own_stream_wait_and_loses_nothing() {
    let stream = "audience = [\"script\"]";
    let config = desk("", stream).stream("other", "/other", &["whatsapp"], "open = true");
    let gateway = start(&config).await;
    let mut waits = Client::connect(&gateway, "/ws?label=number:1").await;
    let mut other = Client::connect(&gateway, "/other").await;
    let mut sender = postern_tests::Sender::connect(&gateway, postern_tests::Protocol::Http1).await;
    let body = |number: u32, more: &str| format!("{{\"number\":{number}{more}}}");
    sender.deliver("/whatsapp", body(1, "")).await;
    waits.expect(body(1, "").as_bytes()).await;
    for text in [body(1, ",\"fail\":1"), body(1, ",\"x\":1")] {
        sender.deliver("/whatsapp", text).await;
    }
    other.until(body(1, ",\"x\":1").as_bytes()).await;
    gateway.says("an audience filter failed").await;
    // Once it is told to pass what it fails at, all of it comes.
    let home = gateway.stop().await.0;
    let config = desk("on_error = \"pass\"", stream);
    home.configure(&config);
    let gateway = home.start().await;
    let mut back = Client::connect(&gateway, "/ws?label=number:1&since=last:2").await;
    for text in [body(1, ",\"fail\":1"), body(1, ",\"x\":1")] {
        back.expect(text.as_bytes()).await;
    }
}

async fn connect_many(gateway: &Arc<Gateway>, count: usize) -> Vec<Client> {
    let mut clients = Vec::with_capacity(count);
    while clients.len() < count {
        let from = clients.len();
        let connect = |number: usize| {
            let gateway = gateway.clone();
            async move { Client::connect(&gateway, &format!("/ws?label=number:{}", number % 10)).await }
        };
        clients.extend(together((from..count.min(from + 100)).map(connect)).await);
    }
    clients
}

/// For ten thousand clients, where a process may have so many files open; else for a thousand.
#[tokio::test]
async fn choosing_among_many_clients_costs_this_much_a_client_and_on_replay_they_get_the_same() {
    let _alone = alone().await;
    let files = rlimit::increase_nofile_limit(16 * 1024).expect("the limit of open files can be read and raised");
    let count: usize = if files > 12_000 { 10_000 } else { 1_000 };
    let limits = format!("connections_per_address = {}\nidle = \"10m\"", count + 10);
    let gateway = Arc::new(start(&desk("", "audience = [\"script\"]").limits(&limits)).await);
    let mut clients = connect_many(&gateway, count).await;
    let mut sender = postern_tests::Sender::connect(&gateway, postern_tests::Protocol::Http1).await;
    let bodies: Vec<String> =
        (0..20).map(|event| json!({ "number": event % 10, "event": event }).to_string()).collect();
    let began = Instant::now();
    for body in &bodies {
        sender.deliver("/whatsapp", body.clone()).await;
    }
    for (number, client) in clients.iter_mut().enumerate() {
        for body in bodies.iter().enumerate().filter(|(event, _)| event % 10 == number % 10).map(|(_, body)| body) {
            client.expect(body.as_bytes()).await;
        }
    }
    let took = began.elapsed();
    let admin = Admin::of(&gateway);
    let spent = admin.metric("postern_filter_seconds_sum", &[]).await;
    let asked = (count * bodies.len()) as f64;
    report(format_args!(
        "an audience filter among {count} clients: {:.2} us of its thread a client and event (all filters' time), {} events \
         delivered in {took:?}",
        spent * 1e6 / asked,
        bodies.len()
    ));
    drop(clients);
    let mut back = Client::connect(&gateway, "/ws?label=number:3&since=earliest").await;
    back.expect(bodies[3].as_bytes()).await;
    back.expect(bodies[13].as_bytes()).await;
}
