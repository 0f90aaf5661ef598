use super::*;
use postern_filter::testing::{self, Sent};

fn say(client: &Client, what: &str) -> Vec<Sent> {
    let now = testing::client(client.id()).expect("it is connected");
    let verdict = testing::call(|| Chat { longest: 20 }.on_client_message(&now, &Message::text(what)));
    assert_eq!(verdict.expect("it does not fail"), Verdict::Drop(None));
    testing::sent()
}

fn only(sent: &[Sent]) -> Value {
    let [one] = sent else { panic!("one thing is said, not {sent:?}") };
    serde_json::from_str(one.text()).expect("it is JSON")
}

#[test]
fn who_joins_hears_and_is_heard_and_who_leaves_is_not() {
    let ann = testing::connect(Client::new(1).with_subject("ann"));
    let guest = testing::connect(Client::new(0xab));
    let sent = say(&ann, r#"{"join":"lobby"}"#);
    assert_eq!(only(&sent), json!({ "room": "lobby", "joined": "ann" }));
    assert_eq!(sent[0].to, Selector::label("room", "lobby"));
    assert_eq!(clients::find(&Selector::label("room", "lobby"), 9), [1]);
    assert_eq!(say(&ann, r#"{"join":"lobby"}"#), [], "once is enough");
    let sent = say(&ann, r#"{"say":"hello","room":"lobby"}"#);
    assert_eq!(only(&sent), json!({ "room": "lobby", "from": "ann", "text": "hello" }));
    assert_eq!(only(&say(&guest, r#"{"join":"lobby"}"#))["joined"], "guest-ab");
    assert_eq!(only(&say(&ann, r#"{"leave":"lobby"}"#)), json!({ "room": "lobby", "left": "ann" }));
    assert_eq!(clients::find(&Selector::label("room", "lobby"), 9), [0xab]);
}

#[test]
fn what_makes_no_sense_is_answered_to_the_sender_alone() {
    let ann = testing::connect(Client::new(1).with_subject("ann").with_label("room", "lobby"));
    for what in [
        "hello",
        "[]",
        r#"{"say":"hello"}"#,
        r#"{"say":"hello","room":"other"}"#,
        r#"{"leave":"other"}"#,
        r#"{"join":""}"#,
        r#"{"say":"","room":"lobby"}"#,
        r#"{"say":"more than twenty characters","room":"lobby"}"#,
        r#"{"join":"a","leave":"b"}"#,
    ] {
        let sent = say(&ann, what);
        assert!(only(&sent)["error"].is_string(), "{what}");
        assert_eq!(sent[0].to, Selector::Clients(vec![1]), "{what}");
    }
}
