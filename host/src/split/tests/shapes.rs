//! What becomes of bodies with something odd in them.

use super::*;

fn envelope(entries: &str) -> String {
    format!(r#"{{"object":"whatsapp_business_account","entry":[{entries}]}}"#)
}

/// One change with this value, of the field `messages`.
fn value(value: &str) -> String {
    envelope(&format!(r#"{{"id":"1","changes":[{{"value":{value},"field":"messages"}}]}}"#))
}

fn message(more: &str) -> String {
    value(&format!(r#"{{"metadata":{{"phone_number_id":"5"}},"messages":[{{{more}}}]}}"#))
}

fn only(body: &str) -> Item {
    let split = checked(body.as_bytes());
    assert_eq!((split.items.len(), split.unparsed), (1, false), "{body}");
    split.items.into_iter().next().expect("there is one")
}

fn kinds(body: &str) -> Vec<String> {
    checked(body.as_bytes()).items.into_iter().map(|item| item.kind).collect()
}

fn user(body: &str) -> Option<String> {
    only(body).keys.user
}

#[test]
fn a_wrong_shape_below_the_envelope_is_an_item_as_it_is() {
    for odd in ["null", "\"x\"", "5", "[]", "{}", "{\"messages\":{}}", "{\"messages\":null,\"statuses\":[]}"] {
        assert_eq!(kinds(&value(odd)), ["messages"], "{odd}");
    }
    for odd in ["null", "5", "[]", r#"{"field":7.5}"#, r#"{"field":"a b"}"#, r#"{"field":"é"}"#, r#"{"field":""}"#] {
        assert_eq!(kinds(&envelope(&format!(r#"{{"changes":[{odd}]}}"#))), ["unknown"], "{odd}");
    }
    for odd in ["5", "null", r#"{"changed_fields":["feed"]}"#, r#"{"changes":{}}"#, r#"{"messaging":null}"#] {
        assert_eq!(
            kinds(&envelope(&format!(r#"{odd},{{"changes":[{{"field":"feed"}}]}}"#))),
            ["unknown", "feed"],
            "{odd}"
        );
    }
    let long = "f".repeat(65);
    assert_eq!(kinds(&envelope(&format!(r#"{{"changes":[{{"field":"{long}"}}]}}"#))), ["unknown"]);
}

#[test]
fn each_part_keeps_its_surroundings_to_the_byte() {
    let body = value(
        r#"{"product":"whatsapp" , "statuses" : [ {"id":"s"} ], "contacts":[], "messages":[ {"id":"a"} ,{"id":"b"} ]}"#,
    );
    let split = checked(body.as_bytes());
    let expected = [
        r#"{"product":"whatsapp" , "statuses" : [ {"id":"s"} ], "contacts":[]}"#,
        r#"{"product":"whatsapp" , "contacts":[], "messages":[ {"id":"a"} ]}"#,
        r#"{"product":"whatsapp" , "contacts":[], "messages":[ {"id":"b"} ]}"#,
    ];
    assert_eq!(parts(body.as_bytes(), &split), expected.map(value));
}

#[test]
fn sibling_lists_of_an_entry_go_with_their_commas() {
    let entry = |inner: &str| envelope(&format!("{{{inner}}}"));
    let body = entry(r#""standby":[{"b":1}],"id":"1","changes":[{"field":"x"}],"messaging":[{"a":1}]"#);
    let split = checked(body.as_bytes());
    let expected = [
        r#""standby":[{"b":1}],"id":"1""#,
        r#""id":"1","changes":[{"field":"x"}]"#,
        r#""id":"1","messaging":[{"a":1}]"#,
    ];
    assert_eq!(parts(body.as_bytes(), &split), expected.map(entry));
    assert_eq!(kinds(&body), ["standby", "x", "messaging"]);
}

#[test]
fn a_member_given_twice_matters_only_where_it_is_read() {
    let unparsed = |body: &str| checked(body.as_bytes()).unparsed;
    assert!(!unparsed(&message(r#""text":1,"text":2"#)));
    assert!(unparsed(&message(r#""id":"a","\u0069\u0064":"a""#)));
    assert!(unparsed(&message(r#""timestamp":"1","timestamp":"1""#)));
    assert!(unparsed(&value(r#"{"messages":[],"messages":null}"#)));
    assert!(unparsed(&value(r#"{"metadata":{"phone_number_id":"1","phone_number\u005fid":"2"}}"#)));
    assert!(unparsed(r#"{"object":"page","entry":[],"entry":[]}"#));
    assert!(unparsed(&envelope(r#"{"id":"1","id":"1"}"#)));
    assert!(unparsed(&envelope(r#"{"messaging":[{"message":{"mid":"a","mid":"b"}}]}"#)));
    assert!(!unparsed(&envelope(r#"{"messaging":[{"message":{"text":"a","text":"b"}}]}"#)));
}

#[test]
fn keys_are_decoded_and_numbers_are_their_digits() {
    let body = r#"{"object":"page","entry":[{"id":9007199254740993,"changes":[{"value":{"metadata":{"phone_number_id":"\u0037\/7"},
        "messages":[{"from":"\ud83d\ude00"}]}}]}]}"#;
    let keys = only(body).keys;
    assert_eq!(keys.waba.as_deref(), Some("9007199254740993"));
    assert_eq!(keys.phone_number_id.as_deref(), Some("7/7"));
    assert_eq!(keys.user.as_deref(), Some("😀"));
    for odd in [r#""\ud83d""#, "1.0", "-1", "1e3", "null", "{}", r#""\u0085""#, r#""\u007f""#] {
        assert_eq!(user(&message(&format!(r#""from":{odd}"#))), None, "{odd}");
    }
    let long = |count: usize| user(&message(&format!(r#""from":"{}""#, "é".repeat(count))));
    assert_eq!((long(128).is_some(), long(129).is_some()), (true, false));
}

#[test]
fn of_several_contacts_the_one_with_the_senders_number_names_him() {
    let with =
        |contacts: &str| user(&value(&format!(r#"{{"contacts":[{contacts}],"messages":[{{"from":"1","id":"a"}}]}}"#)));
    let (mine, other) = (r#"{"wa_id":"1","user_id":"A"}"#, r#"{"wa_id":"2","user_id":"B"}"#);
    assert_eq!(with(mine).as_deref(), Some("A"));
    assert_eq!(with(other).as_deref(), Some("B"), "the only contact is the sender, however its number is written");
    assert_eq!(with(&format!("{other},{mine}")).as_deref(), Some("A"));
    assert_eq!(with(&format!("{mine},{other},{mine}")).as_deref(), Some("1"), "two may be meant");
    assert_eq!(with(r#"{"wa_id":"1"},{}"#).as_deref(), Some("1"));
    assert_eq!(with("").as_deref(), Some("1"));
}

#[test]
fn a_status_is_about_the_user_then_the_participant_then_the_recipient() {
    let names = ["recipient_user_id", "recipient_participant_id", "recipient_id"];
    for first in 0..names.len() {
        let members = names[first..].iter().rev().map(|name| format!(r#""{name}":"{name}""#)).collect::<Vec<_>>();
        let body = value(&format!(r#"{{"statuses":[{{{}}}]}}"#, members.join(",")));
        assert_eq!(user(&body).as_deref(), Some(names[first]));
    }
}

#[test]
fn an_item_without_an_id_is_recognised_by_its_bytes_alone() {
    let same = |one: &str, other: &str| only(&message(one)).fingerprint == only(&message(other)).fingerprint;
    assert!(same(r#""id":"a","text":1"#, r#""text":2,"id":"\u0061""#));
    assert!(!same(r#""id":"","text":1"#, r#""id":"","text":2"#), "an empty id is none");
    assert!(!same(r#""text":1"#, r#""text":2"#));
    assert!(same(r#""text":1"#, r#""text":1"#));
    assert!(!same(r#""id":"\ud800""#, r#""id":"\udfff""#));
    let (long, longer) = (format!(r#""id":"{}""#, "x".repeat(9_000)), format!(r#""id":"{}""#, "x".repeat(9_001)));
    assert!(same(&long, &format!("{long},\"text\":1")) && !same(&long, &longer));
}

#[test]
fn the_news_that_a_message_was_deleted_is_not_that_message() {
    let with = |more: &str| {
        only(&envelope(&format!(r#"{{"id":"1","messaging":[{{"message":{{"mid":"m"{more}}}}}]}}"#))).fingerprint
    };
    assert_eq!(with(""), with(r#","text":"x""#));
    assert_ne!(with(""), with(r#","is_deleted":true"#));
}

#[test]
fn a_change_is_recognised_by_its_account_field_time_and_value() {
    let with = |id: &str, time: &str, field: &str, value: &str| {
        let change = format!(r#"{{"field":"{field}","value":{value}}}"#);
        only(&envelope(&format!(r#"{{"id":"{id}","time":{time},"changes":[{change}]}}"#))).fingerprint
    };
    let one = with("1", "7", "calls", "{}");
    let others = [
        with("2", "7", "calls", "{}"),
        with("1", "8", "calls", "{}"),
        with("1", "7", "flows", "{}"),
        with("1", "7", "calls", "[]"),
    ];
    assert_eq!(one, with("1", "7", "calls", "{}"));
    assert!(!others.contains(&one));
}

#[test]
fn together_the_items_are_one_with_what_they_have_in_common() {
    let whole = |path: &str| split(WEBHOOK, &fixture(path), false).items.remove(0);
    let statuses = whole("whatsapp/batch_100_statuses.json");
    assert_eq!((statuses.kind.as_str(), statuses.keys.user), ("statuses", None));
    assert_eq!(statuses.keys.phone_number_id.as_deref(), Some("771155338844220"));
    let mixed = whole("whatsapp/batch_two_wabas_three_numbers.json");
    assert_eq!((mixed.kind.as_str(), mixed.keys), ("batch", Keys::default()));
    let single = "whatsapp/text_simple.json";
    assert_eq!(whole(single), split(WEBHOOK, &fixture(single), true).items[0]);
}

#[test]
fn an_id_that_names_nobody_brings_no_contact_along() {
    let contacts = r#"[{},{"wa_id":"","user_id":"A"}]"#;
    let body = value(&format!(r#"{{"contacts":{contacts},"messages":[{{"from_user_id":"","n":1}},{{"n":2}}]}}"#));
    let split = split_within(WEBHOOK, body.as_bytes(), true, 0);
    let again = super::super::split(WEBHOOK, &parts(body.as_bytes(), &split)[0], true);
    assert_eq!((&split.items[0].keys.user, &again.items[0].keys.user), (&None, &None));
}
