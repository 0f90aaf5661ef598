//! Large bodies, and those that would become large: what they cost, and where splitting ends.

use super::*;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;

/// A delivery of this many messages, with a contact each.
fn campaign(count: usize, text: usize, name: usize) -> String {
    let contact = |index: usize| format!(r#"{{"profile":{{"name":"{}"}},"wa_id":"{index}"}}"#, "n".repeat(name));
    let message = |index: usize| {
        format!(r#"{{"from":"{index}","id":"wamid.{index}","type":"text","text":{{"body":"{}"}}}}"#, "t".repeat(text))
    };
    let all = |one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"value":{{"metadata":{{"phone_number_id":"5"}},"contacts":[{}],"messages":[{}]}},"field":"messages"}}]}}]}}"#,
        all(&contact),
        all(&message)
    )
}

/// The shortest of several runs: what else the machine does is not measured.
fn time(body: &[u8], runs: u32) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let begun = Instant::now();
        let split = split(WEBHOOK, body, true);
        best = best.min(begun.elapsed());
        assert!(!split.unparsed);
    }
    best
}

fn told(what: &str, body: &[u8], took: Duration) {
    let speed = body.len() as f64 / took.as_secs_f64() / 1e6;
    println!("{what}: {} bytes in {took:?}, {speed:.0} MB/s", body.len());
}

#[test]
fn the_largest_delivery_of_meta_is_taken_apart_in_no_time() {
    let body = campaign(1_000, 2_990, 10);
    assert!(body.len() > 2 * MIB + MIB * 9 / 10);
    assert_eq!(split(WEBHOOK, body.as_bytes(), true).items.len(), 1_000);
    let took = time(body.as_bytes(), 10);
    told("1 000 messages", body.as_bytes(), took);
    assert!(took < Duration::from_millis(50), "{took:?}");
    let statuses = campaign(10_000, 220, 1);
    told("10 000 messages", statuses.as_bytes(), time(statuses.as_bytes(), 3));
}

#[test]
fn a_single_message_is_taken_in_microseconds() {
    let body = campaign(1, 700, 10);
    let took = time(body.as_bytes(), 2_000);
    told("one message", body.as_bytes(), took);
    assert!(took < Duration::from_millis(1), "{took:?}");
}

#[test]
fn repeated_contacts_beyond_the_limit_are_left_to_whom_they_are_about() {
    let body = campaign(1_000, 10, 1_000);
    let split = split(WEBHOOK, body.as_bytes(), true);
    assert_eq!(split.items.len(), 1_000);
    for (index, (item, part)) in split.items.iter().zip(parts(body.as_bytes(), &split)).enumerate() {
        let part: Value = serde_json::from_slice(&part).expect("a part is JSON");
        let value = &part["entry"][0]["changes"][0]["value"];
        assert_eq!(value["contacts"].as_array().map(Vec::len), Some(1));
        assert_eq!(value["contacts"][0]["wa_id"], index.to_string());
        assert_eq!(value["messages"][0]["from"], index.to_string());
        let again = super::split(WEBHOOK, part.to_string().as_bytes(), true);
        assert_eq!((&again.items[0].keys, again.items[0].fingerprint), (&item.keys, item.fingerprint));
    }
}

#[test]
fn contacts_that_are_kept_are_kept_with_the_right_commas() {
    let contacts = r#"[{"wa_id":"0"},{"wa_id":"1","user_id":"x"} , 5, {"user_id":"1"},{"wa_id":"1","user_id":"1"}]"#;
    let body = campaign(3, 10, 9 * MIB).replacen("\"contacts\":[", &format!("\"contacts\":{contacts},\"rest\":["), 1);
    let split = split(WEBHOOK, body.as_bytes(), true);
    assert_eq!(split.items[0].kind, "batch", "what is repeated is not contacts");
    let body = campaign(3, 10, 6 * MIB).replacen(
        "\"contacts\":[",
        &format!("\"contacts\":[{},", &contacts[1..contacts.len() - 1]),
        1,
    );
    let split = super::split(WEBHOOK, body.as_bytes(), true);
    let kept = parts(body.as_bytes(), &split).into_iter().map(|part| {
        let mut part: Value = serde_json::from_slice(&part).expect("a part is JSON");
        let mut contacts = part["entry"][0]["changes"][0]["value"]["contacts"].take();
        for contact in contacts.as_array_mut().expect("it is an array") {
            contact.as_object_mut().expect("it is an object").remove("profile");
        }
        contacts.to_string()
    });
    let expected = [
        r#"[{"wa_id":"0"},{"wa_id":"0"}]"#,
        r#"[{"user_id":"x","wa_id":"1"},{"user_id":"1"},{"user_id":"1","wa_id":"1"},{"wa_id":"1"}]"#,
        r#"[{"wa_id":"2"}]"#,
    ];
    assert_eq!(kept.collect::<Vec<_>>(), expected);
}

#[test]
fn what_would_become_too_large_is_not_taken_apart() {
    let batch = |body: &str| {
        let split = split(WEBHOOK, body.as_bytes(), true);
        assert_eq!((split.items.len(), split.unparsed), (1, false));
        assert_eq!((split.items[0].kind.as_str(), split.items[0].pieces.len()), ("batch", 0));
    };
    // Repeated, and not contacts: 1 000 times 1 MiB.
    batch(&campaign(1_000, 10, 10).replacen(
        "\"contacts\"",
        &format!("\"more\":\"{}\",\"contacts\"", "m".repeat(MIB)),
        1,
    ));
    // An id of 2 MiB, which every item would repeat.
    batch(&campaign(1_000, 10, 10).replacen("\"id\":\"1\"", &format!("\"id\":\"{}\"", "1".repeat(2 * MIB)), 1));
    // Every item has every contact.
    batch(
        &campaign(4_000, 10, 10)
            .replace("\"wa_id\":\"", "\"wa_id\":\"7\",\"x\":\"")
            .replace("\"from\":\"", "\"from\":\"7\",\"x\":\""),
    );
    batch(&format!(r#"{{"object":"page","entry":[{{"messaging":[{}]}}]}}"#, vec!["{}"; 10_001].join(",")));
    let contacts = format!("\"contacts\":[{}", "{},".repeat(10_001));
    batch(&campaign(2, 10, 10).replacen("\"contacts\":[", &contacts, 1));
}

#[test]
fn time_and_depth_stay_in_hand_whatever_is_sent() {
    let envelope = |inner: &str| format!(r#"{{"object":"page","entry":[{inner}]}}"#);
    let value = |inner: &str| envelope(&format!(r#"{{"id":"1","changes":[{{"value":{inner},"field":"messages"}}]}}"#));
    let deep = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let bodies = [
        ("entries", envelope(&vec!["{}"; MIB].join(","))),
        ("changes", envelope(&format!(r#"{{"changes":[{}]}}"#, vec!["{}"; MIB].join(",")))),
        ("messages", value(&format!(r#"{{"messages":[{}]}}"#, vec!["{}"; MIB].join(",")))),
        ("contacts", value(&format!(r#"{{"contacts":[{}],"messages":[1,2]}}"#, vec!["{}"; MIB].join(",")))),
        ("depth", value(&format!(r#"{{"messages":[{},{}]}}"#, deep(MIB), deep(MIB)))),
        (
            "spaces",
            value(&format!(
                r#"{{"messages":[{}] {} ,"statuses":[{}]}}"#,
                vec!["1"; 5_000].join(" , "),
                " ".repeat(3 * MIB),
                "{}"
            )),
        ),
        ("escapes", value(&format!(r#"{{"messages":[{{"id":"{}"}}]}}"#, "\\u0069".repeat(MIB / 2)))),
        ("names", value(&format!(r#"{{"messages":[{{{}}}]}}"#, vec!["\"\\u0069\\u0064x\":1"; MIB / 4].join(",")))),
        (
            "ids",
            value(&format!(
                r#"{{"metadata":{{"phone_number_id":"{}"}},"messages":[{}]}}"#,
                "1".repeat(2 * MIB),
                vec!["{}"; 9_000].join(",")
            )),
        ),
    ];
    for (what, body) in bodies {
        let took = time(body.as_bytes(), 1);
        told(what, body.as_bytes(), took);
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
    }
}
