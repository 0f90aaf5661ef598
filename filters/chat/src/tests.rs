use super::*;
use postern_filter::testing;
use serde_json::Value;

/// A client says something; what each of the clients 1 to 3 hears of it.
fn say(client: u64, what: &str) -> [Vec<Value>; 3] {
    let sender = testing::client(client).expect("it is connected");
    let chat = Chat { longest: Some(20) };
    let verdict = testing::call(|| chat.on_client_message(&sender, &Message::text(what)));
    assert_eq!(verdict.expect("it does not fail"), Verdict::Drop(None));
    let sent = testing::sent();
    [1, 2, 3].map(|client| {
        let heard = sent.iter().filter(|sent| sent.reached(client));
        heard.map(|sent| serde_json::from_str(sent.text()).expect("it is JSON")).collect()
    })
}

fn ann_and_two_guests() {
    testing::connect(Client::new(1).with_subject("ann"));
    testing::connect(Client::new(2).with_label("desk", "lobby"));
    testing::connect(Client::new(3));
}

#[test]
fn who_joins_hears_and_is_heard_and_who_leaves_is_told_so_and_no_more() {
    ann_and_two_guests();
    let joined = |who: &str| json!({ "room": "lobby", "joined": who });
    assert_eq!(say(1, r#"{"join":"lobby"}"#), [vec![joined("ann")], vec![], vec![]]);
    assert_eq!(say(2, r#"{"join":"lobby"}"#), [vec![joined("guest-2")], vec![joined("guest-2")], vec![]]);
    assert_eq!(say(2, r#"{"join":"lobby"}"#), [const { Vec::<Value>::new() }; 3], "once is enough");
    let said = json!({ "room": "lobby", "from": "ann", "text": "hello" });
    assert_eq!(say(1, r#"{"say":"hello","room":"lobby"}"#), [vec![said.clone()], vec![said], vec![]]);
    let left = json!({ "room": "lobby", "left": "ann" });
    assert_eq!(say(1, r#"{"leave":"lobby"}"#), [vec![left.clone()], vec![left], vec![]], "each once");
    assert_eq!(clients::find(&Selector::label("room", "lobby"), 9), [2]);
    assert!(say(1, r#"{"say":"hello?","room":"lobby"}"#)[0][0]["error"].is_string());
}

#[test]
fn what_makes_no_sense_is_answered_to_the_sender_alone_and_changes_nothing() {
    ann_and_two_guests();
    say(1, r#"{"join":"lobby"}"#);
    say(2, r#"{"join":"lobby"}"#);
    let long = format!(r#"{{"join":"{}"}}"#, "é".repeat(65));
    for what in [
        "hello",
        "[]",
        r#"{"say":"hello"}"#,
        r#"{"say":"hello","room":"other"}"#,
        r#"{"leave":"other"}"#,
        r#"{"join":""}"#,
        r#"{"join":7}"#,
        r#"{"say":"","room":"lobby"}"#,
        r#"{"say":"more than twenty characters","room":"lobby"}"#,
        r#"{"join":"a","leave":"b"}"#,
        &long,
    ] {
        let [ann, others @ ..] = say(1, what);
        assert!(matches!(&ann[..], [answer] if answer["error"].is_string()), "{what}: {ann:?}");
        assert!(others.iter().all(Vec::is_empty), "{what}");
    }
    let labels = testing::client(1).expect("it is connected").labels();
    assert_eq!(labels, [Label::new("room", "lobby")]);
}

#[test]
fn one_in_as_many_rooms_as_it_may_be_is_told_and_may_leave_one_for_another() {
    ann_and_two_guests();
    for room in 0..ROOMS {
        assert!(say(2, &format!(r#"{{"join":"{room}"}}"#))[1][0]["joined"].is_string());
    }
    assert!(say(2, r#"{"join":"one more"}"#)[1][0]["error"].is_string());
    say(2, r#"{"leave":"0"}"#);
    assert!(say(2, r#"{"join":"one more"}"#)[1][0]["joined"].is_string());
}

#[test]
fn a_binary_message_is_read_like_text_and_nonsense_in_it_does_not_fail() {
    ann_and_two_guests();
    let sender = testing::client(1).expect("it is connected");
    testing::call(|| Chat { longest: None }.on_client_message(&sender, &Message::delivered(*b"\xff")))
        .expect("answers");
    assert_eq!(testing::sent().len(), 1);
}

#[test]
fn a_configuration_is_read_and_a_wrong_one_refused() {
    testing::configure(json!({ "longest": 20 }));
    assert_eq!(Chat::configure().expect("it is right").longest, Some(20));
    testing::configure(json!({ "longer": 20 }));
    assert!(Chat::configure().is_err());
}
