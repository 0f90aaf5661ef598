use super::*;
use postern_filter::Label;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name);
    fs::read(path).expect("the fixture is there")
}

fn route(otherwise: Otherwise, body: impl Into<Vec<u8>>) -> Verdict {
    let filter = RouteByNumber { otherwise, ..RouteByNumber::default() };
    filter.on_message(&Message::delivered(body)).expect("it never fails")
}

#[test]
fn a_message_goes_unchanged_to_the_clients_of_its_number() {
    for name in [
        "text_simple",
        "status_delivered",
        "wire_whitespace_key_order",
        "calls_connect",
        "batch_20_messages_one_change",
    ] {
        let verdict = route(Otherwise::Drop, fixture(&format!("whatsapp/{name}.json")));
        assert_eq!(verdict, Verdict::send(Selector::label("phone_number_id", "771155338844220")), "{name}");
    }
}

#[test]
fn a_delivery_for_several_numbers_is_split_and_nobody_sees_anothers() {
    let body = fixture("whatsapp/batch_two_wabas_three_numbers.json");
    let whole: Value = serde_json::from_slice(&body).expect("it is JSON");
    let Verdict::Send(deliveries) = route(Otherwise::Drop, body) else { panic!("it is split") };
    assert_eq!(deliveries.len(), 3);
    let mut changes = 0;
    for delivery in deliveries {
        let Selector::AllLabels(labels) = delivery.to else { panic!("it goes to a number") };
        let [Label { value: number, .. }] = &labels[..] else { panic!("it goes to one number") };
        let part: Value = serde_json::from_slice(&delivery.payload.expect("it has a body").data).expect("it is JSON");
        assert_eq!(part["object"], whole["object"]);
        for entry in part["entry"].as_array().expect("a list") {
            assert!(whole["entry"].as_array().expect("a list").iter().any(|other| other["id"] == entry["id"]));
            for change in entry["changes"].as_array().expect("a list") {
                assert_eq!(change["value"]["metadata"]["phone_number_id"], json!(number));
                changes += 1;
            }
        }
    }
    let all = whole["entry"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["changes"].as_array().expect("a list").len());
    assert_eq!(changes, all.sum::<usize>());
}

#[test]
fn the_bytes_of_a_change_survive_the_split() {
    let change = |number: &str, more: &str| {
        format!(r#"{{ "value" : {{"metadata":{{"phone_number_id":"{number}"}},"n":{more}}} }}"#)
    };
    let (first, second) = (change("1", "9007199254740993.10"), change("2", r#""\u00e9\/""#));
    let body =
        format!(r#"{{"object":"o","entry":[{{"id":"a","time":18446744073709551616,"changes":[{first},{second}]}}]}}"#);
    let Verdict::Send(deliveries) = route(Otherwise::Drop, body) else { panic!("it is split") };
    let bodies: Vec<_> = deliveries.into_iter().map(|delivery| delivery.payload.expect("it has a body")).collect();
    let expected = [&first, &second].map(|change| {
        Payload::text(format!(
            r#"{{"object":"o","entry":[{{"id":"a","time":18446744073709551616,"changes":[{change}]}}]}}"#
        ))
    });
    assert_eq!(bodies, expected);
}

#[test]
fn what_is_about_no_number_is_dropped_or_for_everyone_as_configured() {
    for name in [
        "whatsapp/template_status_rejected.json",
        "bad/metadata_missing.json",
        "bad/routing_empty.json",
        "bad/random_4k.bin",
    ] {
        assert_eq!(route(Otherwise::Drop, fixture(name)), Verdict::drop("no phone number id"), "{name}");
        assert_eq!(route(Otherwise::Everyone, fixture(name)), Verdict::Pass, "{name}");
    }
}

#[test]
fn a_change_without_a_number_does_not_travel_with_those_that_have_one() {
    let body = r#"{"entry":[{"changes":[{"value":{"metadata":{"phone_number_id":"1"}}},{"value":{"event":"x"}}]}]}"#;
    let own = r#"{"entry":[{"changes":[{"value":{"metadata":{"phone_number_id":"1"}}}]}]}"#;
    let rest = r#"{"entry":[{"changes":[{"value":{"event":"x"}}]}]}"#;
    let delivery = |to, text: &str| postern_filter::Delivery { to, except: vec![], payload: Some(Payload::text(text)) };
    let own = delivery(Selector::label("phone_number_id", "1"), own);
    assert_eq!(route(Otherwise::Drop, body), Verdict::Send(vec![own.clone()]));
    assert_eq!(route(Otherwise::Everyone, body), Verdict::Send(vec![own, delivery(Selector::Everyone, rest)]));
}

#[test]
fn a_configuration_is_read_and_a_wrong_one_refused() {
    postern_filter::testing::configure(json!({ "label": "line", "otherwise": "everyone" }));
    let filter = RouteByNumber::configure().expect("it is right");
    let verdict = filter.on_message(&Message::delivered(fixture("whatsapp/text_simple.json"))).expect("it never fails");
    assert_eq!(verdict, Verdict::send(Selector::label("line", "771155338844220")));
    postern_filter::testing::configure(json!({ "otherwise": "nobody" }));
    let Err(error) = RouteByNumber::configure() else { panic!("`nobody` is not a choice") };
    assert!(error.to_string().contains("`otherwise`: expected one of `drop`, `everyone`"), "{error}");
}
