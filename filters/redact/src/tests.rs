use super::*;
use postern_filter::testing;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn fixtures(kind: &str) -> Vec<(String, Vec<u8>)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(kind);
    let files = fs::read_dir(directory).expect("the fixtures are there").flatten();
    files.map(|file| (file.file_name().to_string_lossy().into(), fs::read(file.path()).expect("readable"))).collect()
}

fn redacted(fields: &[&str], body: &str) -> String {
    let filter = Redact { fields: fields.iter().map(|field| (*field).to_owned()).collect(), replacement: "-".into() };
    match filter.on_message(&Message::text(body)).expect("it is JSON") {
        Verdict::Rewrite(payload) => String::from_utf8(payload.data).expect("UTF-8"),
        Verdict::Pass => body.to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Every string under these keys, wherever they stand.
fn strings_under(keys: &[&str], tree: &Value, within: bool, found: &mut BTreeSet<String>) {
    match tree {
        Value::String(text) if within => _ = found.insert(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings_under(keys, item, within, found)),
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| strings_under(keys, value, within || keys.contains(&&**key), found));
        }
        _ => {}
    }
}

#[test]
fn no_phone_number_or_profile_name_of_a_person_is_left_in_any_fixture() {
    for (name, body) in fixtures("whatsapp") {
        let before: Value = serde_json::from_slice(&body).expect("it is JSON");
        let mut people = BTreeSet::new();
        strings_under(
            &["wa_id", "recipient_id", "profile", "phone", "phone_number", "new_wa_id"],
            &before,
            false,
            &mut people,
        );
        let after = match Redact::default().on_message(&Message::delivered(body)).expect("it is JSON") {
            Verdict::Rewrite(payload) => serde_json::from_slice(&payload.data).expect("it is still JSON"),
            verdict => {
                assert_eq!(verdict, Verdict::Pass, "{name}");
                before
            }
        };
        // What people write in their messages is theirs to write; only the fields around it are looked at here.
        let mut left = BTreeSet::new();
        strings_under(
            &["contacts", "messages", "statuses", "history", "state_sync", "groups", "calls"],
            &after,
            false,
            &mut left,
        );
        for text in people.iter().filter(|text| text.len() > 4) {
            let told = left.iter().find(|other| *other == text || (text.len() > 9 && other.contains(&**text)));
            assert_eq!(told, None, "{name}");
        }
    }
}

#[test]
fn what_is_not_named_stays_byte_for_byte() {
    let body =
        "\r\n\t{\"n\" : 9007199254740993 ,\"f\":1.10e+2, \"from\" :\"1555\" , \"x\":\"caf\\u00e9 \\/\", \"to\":[ ]}\n";
    assert_eq!(redacted(&["from"], body), body.replace("\"1555\"", "\"-\""));
    assert_eq!(redacted(&["nothing"], body), body);
    for (name, body) in fixtures("whatsapp").into_iter().chain(fixtures("meta-other")) {
        let filter = Redact { fields: vec!["no such field".into()], ..Redact::default() };
        assert_eq!(filter.on_message(&Message::delivered(body)).expect("it is JSON"), Verdict::Pass, "{name}");
    }
}

#[test]
fn all_that_stands_within_a_field_is_hidden_and_nothing_beside_it() {
    for (fields, body, expected) in [
        (vec!["a"], r#"{"a":1,"b":2}"#, r#"{"a":"-","b":2}"#),
        (vec!["a"], r#"{"a":[1,"x",null,true],"b":[2]}"#, r#"{"a":["-","-",null,true],"b":[2]}"#),
        (vec!["a"], r#"{"a":{"c":{"d":"x"}},"b":{"c":"y"}}"#, r#"{"a":{"c":{"d":"-"}},"b":{"c":"y"}}"#),
        (vec!["a"], r#"[{"a":"x"},{"b":["y",{"a":"z"}]}]"#, r#"[{"a":"-"},{"b":["y",{"a":"-"}]}]"#),
        (vec!["a"], r#"{"b":"a","a":"b"}"#, r#"{"b":"a","a":"-"}"#),
        (vec!["a"], r#"{"a":"x","a":"y"}"#, r#"{"a":"-","a":"-"}"#),
        (vec!["a"], r#"{"\u0061":"x","A":"y"}"#, r#"{"\u0061":"-","A":"y"}"#),
        (vec!["a.b"], r#"{"a":{"b":1},"b":2,"c":{"b":3}}"#, r#"{"a":{"b":"-"},"b":2,"c":{"b":3}}"#),
        (vec!["a.b"], r#"{"x":{"a":[[{"b":1}],{"b":2}]}}"#, r#"{"x":{"a":[[{"b":"-"}],{"b":"-"}]}}"#),
        (vec!["a.b"], r#"{"a":{"c":{"b":1}}}"#, r#"{"a":{"c":{"b":1}}}"#),
        (vec!["a", "b"], r#"{"a":{},"b":[],"c":""}"#, r#"{"a":{},"b":[],"c":""}"#),
        (vec!["a"], r#""a""#, r#""a""#),
    ] {
        assert_eq!(redacted(&fields, body), expected);
    }
}

#[test]
fn what_is_not_json_is_an_error_and_never_passes() {
    for (name, body) in fixtures("bad") {
        let verdict = Redact::default().on_message(&Message::delivered(&*body));
        // serde_json is stricter in what it can represent (depth, huge numbers, halves of pairs), not in the grammar.
        let beyond_serde =
            ["deep_objects_10k.json", "deep_inside_value_10k.json", "number_huge_int.json", "lone_surrogate_low.json"];
        let is_json = serde_json::from_slice::<Value>(&body).is_ok() || beyond_serde.contains(&&*name);
        assert_eq!(verdict.is_ok(), is_json, "{name}");
    }
    for body in [
        "",
        " ",
        "{",
        "[",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{,}",
        "{\"a\":1,}",
        "[1 2]",
        "01",
        "1.",
        "-",
        "1e",
        "tru",
        "\"",
        "\"\\",
        "\"\\u12",
        "]",
        "[}",
    ] {
        assert!(Redact::default().on_message(&Message::text(body)).is_err(), "{body}");
    }
}

#[test]
fn every_beginning_of_a_body_is_an_error() {
    let (_, body) =
        fixtures("whatsapp").into_iter().find(|(name, _)| name == "wire_arabic_name.json").expect("it is there");
    let body = String::from_utf8(body).expect("UTF-8");
    for end in 0..body.trim_end().len() {
        assert!(Redact::default().on_message(&Message::text(&body[..end])).is_err(), "{end}");
    }
}

#[test]
fn the_error_says_where_and_never_what() {
    let error =
        Redact::default().on_message(&Message::text("{\"from\":\"15550100142\" x}")).expect_err("it is not JSON");
    assert_eq!(error.to_string(), "the message is not JSON: neither a comma nor an end at byte 22");
}

#[test]
fn a_configuration_that_hides_nothing_is_refused() {
    for (config, expected) in [
        (json!({ "fields": [] }), "nothing would be redacted"),
        (json!({ "fields": ["from", "profile..name"] }), "`fields[1]`"),
        (json!({ "feilds": ["from"] }), "unknown field `feilds`"),
        (json!({ "fields": "from" }), "`fields`: expected a sequence, found a string"),
    ] {
        testing::configure(config);
        let Err(error) = Redact::configure() else { panic!("{expected}") };
        assert!(error.to_string().contains(expected), "{error}");
    }
    testing::configure(json!({ "fields": ["from"], "replacement": "\"*\"" }));
    let filter = Redact::configure().expect("it is right");
    let verdict = filter.on_message(&Message::text(r#"{"from":"1"}"#)).expect("it is JSON");
    assert_eq!(verdict, Verdict::rewrite(r#"{"from":"\"*\""}"#));
}
