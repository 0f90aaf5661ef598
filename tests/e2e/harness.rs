//! `postern_filter::testing::Component`: filters' own tests, run by the gateway's engine through its own program. Here it is
//! the gallery that is tested so, by the program that these tests build.

use postern_filter::testing::Component;
use postern_filter::{
    Admission, Client, Close, Denial, Event, HttpVerdict, Message, Payload, Request, Selector, Verdict,
};
use postern_tests::{fixtures, guests};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

fn gallery(name: &str) -> Component {
    Component::at(guests::gallery(name)).by(env!("CARGO_BIN_EXE_postern-under-test"))
}

fn reference() -> Component {
    Component::at(guests::reference()).by(env!("CARGO_BIN_EXE_postern-under-test"))
}

#[test]
fn route_by_number_sends_each_part_of_a_batch_to_the_clients_of_its_number() {
    let ran = gallery("route-by-number").on_message(&Message::delivered(fixtures::body("whatsapp/text_simple.json")));
    assert_eq!(*ran.answer(), Verdict::send(Selector::label("phone_number_id", "771155338844220")));
    let batch = Message::delivered(fixtures::body("whatsapp/batch_two_wabas_three_numbers.json"));
    let ran = gallery("route-by-number").on_message(&batch);
    let Verdict::Send(parts) = ran.answer() else { panic!("it is split") };
    assert!(parts.len() == 3 && parts.iter().all(|part| part.payload.is_some()));
}

#[test]
fn token_lets_in_whom_it_knows_as_whom_it_knows() {
    let tokens = json!({ "tokens": [{ "token": "t-1", "subject": "ann", "labels": { "desk": "5" } }] });
    let token = gallery("token").with_config(tokens);
    let ran = token.on_connect(&Request::get("/ws").with_header("Authorization", "Bearer t-1"));
    let Admission::Allow(grant) = ran.answer() else { panic!("she is let in") };
    assert_eq!((grant.subject.as_deref(), grant.labels[0].value.as_str()), (Some("ann"), "5"));
    let ran = token.on_connect(&Request::get("/ws?token=t-2"));
    assert!(matches!(ran.answer(), Admission::Deny(Denial { status: 401, .. })));
}

#[test]
fn by_label_chooses_those_of_the_number_and_refuses_a_configuration_that_is_none() {
    let filter = gallery("by-label").with_config(json!({ "pointer": "/to", "label": "number" }));
    let among = [Client::new(1), Client::new(2).with_label("number", "7")];
    assert_eq!(*filter.choose(&Message::json(&json!({ "to": "7" })), &among).answer(), [false, true]);
    assert_eq!(gallery("by-label").configure().failed().kind, "refused");
    filter.configure().answer();
}

#[test]
fn what_a_filter_does_beside_its_answer_is_seen() {
    let filter = reference()
        .with_client(&Client::new(1).with_subject("ann").with_label("room", "a"))
        .with_kept("count", "41")
        .with_secret("jefe", "Jefe")
        .with_clock(1_000);
    let steps = json!({ "answer": "drop", "do": [
        { "op": "send", "a": "any:room=a", "b": "hi", "c": "7" }, { "op": "label", "a": "1", "b": "x", "c": "y" },
        { "op": "kv-increment", "a": "count", "b": "1" }, { "op": "log", "a": "info", "b": "line", "c": "k", "d": "v" },
        { "op": "count", "a": "seen", "b": "2" },
    ] });
    let ran = filter.on_message(&Message::json(&steps));
    assert_eq!(*ran.answer(), Verdict::Drop(None));
    assert_eq!((ran.sent[0].text(), &ran.sent[0].except[..]), ("hi", &[7][..]));
    assert_eq!(ran.sent[0].to, Selector::AnyLabel(vec![postern_filter::Label::new("room", "a")]));
    assert_eq!(
        (&ran.changes[..], &ran.lines[..]),
        (&["label 1 x=y".to_owned()][..], &["info: line k=v".to_owned()][..])
    );
    assert_eq!((ran.kept["count"].as_slice(), &ran.metrics["seen"]), (&b"42"[..], &json!(2)));
    assert!(ran.micros > 0 && ran.memory > 0);
    let ask = json!({ "do": [
        { "op": "now" }, { "op": "sender" }, { "op": "sign", "a": "jefe", "b": "hmac-sha1", "c": "what do ya want for nothing?" },
    ] });
    let ran = filter.on_client_message(&Client::new(2).with_subject("ben"), &Message::json(&ask));
    let report = "1000\nben|none||127.0.0.1:50000|0\neffcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
    assert_eq!(*ran.answer(), Verdict::rewrite(report));
}

#[test]
fn each_handler_is_asked_in_its_own_types() {
    let filter = reference();
    let ran = filter.on_event(&Client::new(1), &Event::Close(Some(Close::new(1000, "bye"))));
    ran.answer();
    assert_eq!((ran.sent[0].text(), ran.kept["event"].as_slice()), ("close:1000 bye", &b"close:1000 bye"[..]));
    let ran = filter.on_event(&Client::new(1), &Event::Ping(b"x".to_vec()));
    assert_eq!(ran.changes, ["label 1 seen=ping"]);
    let ran = filter.on_request(&Request::of("POST", "/x?do=accept").with_body("{}"));
    let HttpVerdict::Accept(payload, response) = ran.answer() else { panic!("it is accepted") };
    assert_eq!((payload, response.status), (&Payload::text("{}"), 202));
    assert_eq!(*filter.on_request(&Request::get("/")).answer(), HttpVerdict::Pass);
    let ran =
        filter.on_message(&Message::json(&json!({ "answer": "report-binary", "do": [{ "op": "id" }] })).with_id(9));
    assert_eq!(*ran.answer(), Verdict::Rewrite(Payload::binary("9")));
}

#[test]
fn limits_hold_as_in_service() {
    let does = |op: &str| Message::json(&json!({ "do": [{ "op": op, "a": "3" }] }));
    let filter = reference().with_deadline(Duration::from_millis(20)).with_memory(2 << 20);
    assert_eq!(filter.on_message(&does("loop")).failed().kind, "deadline");
    assert_eq!(filter.on_message(&does("grow")).failed().kind, "memory");
    assert_eq!(filter.on_message(&does("trap")).failed().kind, "trap");
    let refused = filter.on_message(&Message::json(&json!({ "answer": "error", "reason": "no" })));
    assert_eq!((refused.failed().kind.as_str(), refused.failed().words.as_str()), ("refused", "no"));
}

#[test]
fn what_is_static_is_enough_for_most_calls_and_beyond_it_memory_grows_up_to_the_limit() {
    let component = guests::reference();
    let program = env!("CARGO_BIN_EXE_postern-under-test");
    let told = Command::new(program).args(["filter", "inspect", "--json"]).arg(&component).output();
    let told: Value = serde_json::from_slice(&told.expect("the program runs").stdout).expect("it is JSON");
    let filter = reference().with_memory(8 << 20);
    let large = json!({ "text": "x".repeat(16 << 10), "do": [{ "op": "size" }] });
    let ran = filter.on_message(&Message::json(&large));
    ran.answer();
    assert_eq!(told["memory"]["initial"], ran.memory, "nothing has grown");
    let grow = |mebibytes: &str| Message::json(&json!({ "do": [{ "op": "grow", "a": mebibytes }] }));
    for mebibytes in ["1", "3", "6"] {
        let grown = filter.on_message(&grow(mebibytes));
        grown.answer();
        assert!(grown.memory > ran.memory && grown.memory <= 8 << 20, "{}", grown.memory);
    }
    let refused = filter.on_message(&grow("8"));
    assert_eq!(refused.failed().kind, "memory");
    assert!(refused.failed().words.ends_with("of the 8388608 it may have"), "{}", refused.failed().words);
}

#[test]
fn without_the_program_a_test_is_told_how_to_get_it() {
    let tried = std::panic::catch_unwind(|| Component::at("x.wasm").by("/no/such/postern").configure());
    let words = tried.expect_err("there is no such program").downcast::<String>().expect("it says why");
    assert!(words.contains("there is no `/no/such/postern`") && words.contains("\nhint: build one with"), "{words}");
}
