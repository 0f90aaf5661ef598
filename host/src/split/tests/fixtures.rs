//! Every fixture, and what is to be seen in the interesting ones.

use super::*;
use std::collections::HashSet;

fn users(split: &Split) -> Vec<&str> {
    split.items.iter().map(|item| item.keys.user.as_deref().unwrap_or("-")).collect()
}

fn prints(split: &Split) -> HashSet<Fingerprint> {
    split.items.iter().map(|item| item.fingerprint).collect()
}

fn of(path: &str) -> Split {
    checked(&fixture(path))
}

#[test]
fn every_valid_fixture_is_taken_apart_into_what_is_in_it() {
    let many = [
        ("batch_100_statuses.json", 100),
        ("batch_20_messages_one_change.json", 20),
        ("batch_messages_and_statuses_same_value.json", 3),
        ("batch_two_wabas_three_numbers.json", 3),
        ("duplicate_delivery_3_rebatched.json", 2),
        ("messenger_batch.json", 2),
        ("messenger_delivery_read.json", 2),
        ("status_group_aggregated.json", 6),
        ("status_out_of_order.json", 4),
    ];
    for (name, body) in folder("whatsapp").into_iter().chain(folder("meta-other")) {
        let split = checked(&body);
        let expected = many.iter().find(|(batch, _)| *batch == name).map_or(1, |(_, count)| *count);
        assert_eq!((split.items.len(), split.unparsed), (expected, false), "{name}");
        assert!(split.items.iter().all(|item| item.kind != "unknown" && item.keys.waba.is_some()), "{name}");
    }
}

#[test]
fn a_bad_fixture_is_unparsed_exactly_when_it_is_no_envelope() {
    let envelopes = [
        "changes_null",
        "deep_in_string_json",
        "deep_inside_value_10k",
        "escape_amplification",
        "field_missing",
        "huge_key_64k",
        "huge_string_256k",
        "lone_surrogate_low",
        "many_entries_20k",
        "messages_object",
        "metadata_missing",
        "number_huge_int",
        "number_int_2pow64",
        "number_many_decimals",
        "number_neg_zero",
        "object_unknown",
        "proto_pollution",
        "routing_crlf",
        "routing_empty",
        "routing_long_id",
        "routing_traversal",
        "routing_wildcard",
        "timestamp_extremes",
        "value_string",
    ];
    for (name, body) in folder("bad") {
        let split = checked(&body);
        let envelope = envelopes.iter().any(|known| name.strip_suffix(".json") == Some(known));
        assert_eq!(split.unparsed, !envelope, "{name}");
        let expected = if name == "timestamp_extremes.json" { 10 } else { 1 };
        assert_eq!(split.items.len(), expected, "{name}");
        if split.unparsed {
            assert_eq!((split.items[0].kind.as_str(), &split.items[0].keys), ("unparsed", &Keys::default()), "{name}");
        }
    }
}

#[test]
fn a_member_that_is_read_and_given_twice_makes_a_body_unparsed() {
    for name in ["duplicate_keys_object", "duplicate_keys_routing", "duplicate_keys_escaped"] {
        assert_eq!(read::read(&fixture(&format!("bad/{name}.json"))).err(), Some(Refusal::Ambiguous), "{name}");
    }
}

#[test]
fn odd_spacing_and_order_of_keys_change_nothing() {
    let item = &of("whatsapp/wire_whitespace_key_order.json").items[0];
    assert_eq!(item.kind, "messages");
    assert_eq!(item.keys.waba.as_deref(), Some("908172635445566"));
    assert_eq!(item.keys.phone_number_id.as_deref(), Some("771155338844220"));
    assert_eq!(item.keys.user.as_deref(), Some("15550100142"));
}

#[test]
fn each_item_of_two_accounts_and_three_numbers_has_its_own_keys() {
    let split = of("whatsapp/batch_two_wabas_three_numbers.json");
    let keys = split.items.iter().map(|item| {
        let keys = &item.keys;
        [&keys.waba, &keys.phone_number_id, &keys.user].map(|key| key.as_deref().unwrap_or("-"))
    });
    let expected = [
        ["908172635445566", "771155338844220", "15550100142"],
        ["908172635449911", "771155338844999", "447700900321"],
        ["908172635445566", "771155338844555", "15550100142"],
    ];
    assert_eq!(keys.collect::<Vec<_>>(), expected);
    assert_eq!(
        split.items.iter().map(|item| item.kind.as_str()).collect::<Vec<_>>(),
        ["messages", "messages", "statuses"]
    );
}

#[test]
fn a_message_has_no_statuses_beside_it_and_a_status_no_messages() {
    let body = fixture("whatsapp/batch_messages_and_statuses_same_value.json");
    let split = checked(&body);
    let has = |part: &Bytes, name: &str| part.windows(name.len()).any(|window| window == name.as_bytes());
    let seen = parts(&body, &split)
        .iter()
        .map(|part| (has(part, "\"messages\": ["), has(part, "\"statuses\": [")))
        .collect::<Vec<_>>();
    assert_eq!(seen, [(true, false), (false, true), (false, true)]);
}

#[test]
fn statuses_with_one_id_are_told_apart_by_participant_status_and_time() {
    let group = of("whatsapp/status_group_aggregated.json");
    assert_eq!(prints(&group).len(), 6);
    assert_eq!(
        users(&group),
        ["15550100142", "15550100142", "15550100143", "15550100143", "447700900321", "447700900321"]
    );
    let order = of("whatsapp/status_out_of_order.json");
    let print = |index: usize| order.items[index].fingerprint;
    assert_eq!(prints(&order).len(), 3, "the last two are one status, given twice");
    assert_eq!(print(2), print(3));
}

#[test]
fn a_message_is_recognised_in_whatever_delivery_it_comes() {
    let [first, identical, rebatched] =
        ["1", "2_identical", "3_rebatched"].map(|name| of(&format!("whatsapp/duplicate_delivery_{name}.json")));
    assert_eq!(first, identical);
    assert_eq!(first.items[0].fingerprint, rebatched.items[0].fingerprint);
    assert_ne!(first.items[0].fingerprint, rebatched.items[1].fingerprint);
    let elsewhere = split("other", &fixture("whatsapp/duplicate_delivery_1.json"), true);
    assert_ne!(first.items[0].fingerprint, elsewhere.items[0].fingerprint, "another webhook");
}

#[test]
fn no_two_different_valid_fixtures_have_a_fingerprint_in_common() {
    let mut seen = HashSet::new();
    let again = ["duplicate_delivery_2_identical.json", "duplicate_delivery_3_rebatched.json"];
    for (name, body) in folder("whatsapp").into_iter().chain(folder("meta-other")) {
        if !again.contains(&name.as_str()) {
            assert!(prints(&checked(&body)).into_iter().all(|print| seen.insert(print)), "{name}");
        }
    }
}

#[test]
fn a_user_is_named_by_id_before_number() {
    assert_eq!(users(&of("whatsapp/text_username_bsuid_no_phone.json")), ["GB.44170099220011883377"]);
    assert_eq!(users(&of("whatsapp/text_bsuid_and_phone.json")), ["US.55120099887766554433"]);
    assert_eq!(users(&of("whatsapp/text_wa_id_differs_from_from.json")), ["5511955500123"]);
    assert_eq!(users(&of("whatsapp/status_bsuid_only.json")), ["GB.44170099220011883377"]);
    assert_eq!(users(&of("meta-other/messenger_postback.json")), ["7001002003004005"]);
    assert_eq!(users(&of("meta-other/messenger_standby.json")), ["7001002003004005"]);
    let echo = of("meta-other/instagram_echo_deleted.json");
    assert_eq!(users(&echo), ["17840000000000001"], "an echo is about whom it was sent to");
}

#[test]
fn messenger_and_instagram_are_told_by_page_kind_and_user() {
    let told = |name: &str| {
        let split = of(&format!("meta-other/{name}.json"));
        let items = split
            .items
            .into_iter()
            .map(|Item { kind, keys, .. }| [kind, keys.waba.unwrap_or_default(), keys.user.unwrap_or_default()]);
        items.flatten().collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("messenger_text", "messages 410022003300 7001002003004005"),
        ("messenger_attachment", "messages 410022003300 7001002003004005"),
        ("messenger_postback", "messaging_postbacks 410022003300 7001002003004005"),
        ("messenger_standby", "standby 410022003300 7001002003004005"),
        (
            "messenger_delivery_read",
            "message_deliveries 410022003300 7001002003004005 message_reads 410022003300 7001002003004005",
        ),
        ("messenger_batch", "messages 410022003300 7001002003004005 messages 410022003301 7001002003004005"),
        ("page_feed_change", "feed 410022003300 9"),
        ("instagram_dm", "messages 17840000000000002 17840000000000001"),
        ("instagram_echo_deleted", "message_echoes 17840000000000002 17840000000000001"),
        ("instagram_comment", "comments 17840000000000002 17840000000000003"),
    ];
    for (name, expected) in cases {
        assert_eq!(told(name), expected, "{name}");
    }
    assert_eq!(cases.len(), folder("meta-other").len());
}

#[test]
fn a_messages_kind_does_not_hang_on_the_order_of_its_members_and_its_fingerprint_not_on_its_kind() {
    let item = |members: &str| {
        let body = format!(r#"{{"object":"page","entry":[{{"id":"1","messaging":[{{{members}}}]}}]}}"#);
        let mut split = checked(body.as_bytes());
        (split.items.len() == 1).then(|| split.items.remove(0)).expect("one item")
    };
    let message = r#""message":{"mid":"m1"}"#;
    let (first, last) =
        (item(&format!(r#"{message},"referral":{{}}"#)), item(&format!(r#""referral":{{}},{message}"#)));
    assert_eq!((first.kind.as_str(), last.kind.as_str()), ("messages", "messages"));
    assert_eq!(first.fingerprint, last.fingerprint);
    // The `mid` of a postback and of a message are of one kind, and were when both were called `messaging`.
    assert_eq!(item(r#""postback":{"mid":"m1"}"#).fingerprint, first.fingerprint);
    assert_eq!(item(r#""something_new":{}"#).kind, "messaging");
    assert_eq!(item(r#""reaction":{"mid":"m1"}"#).kind, "message_reactions");
    assert_ne!(item(r#""reaction":{"mid":"m1"}"#).fingerprint, first.fingerprint);
}

#[test]
fn ids_that_are_empty_long_or_hold_controls_are_no_keys() {
    for name in ["routing_empty", "routing_crlf", "routing_long_id"] {
        assert_eq!(of(&format!("bad/{name}.json")).items[0].keys.phone_number_id, None, "{name}");
    }
    assert_eq!(of("bad/routing_wildcard.json").items[0].keys.phone_number_id.as_deref(), Some("*"));
}

#[test]
fn what_says_nothing_is_one_item_all_the_same() {
    let empty = of("whatsapp/batch_empty_arrays.json");
    assert_eq!((empty.items.len(), empty.items[0].kind.as_str()), (1, "messages"));
    let null = of("bad/changes_null.json");
    assert_eq!((null.items[0].kind.as_str(), null.items[0].keys.waba.as_deref()), ("unknown", Some("1")));
}
