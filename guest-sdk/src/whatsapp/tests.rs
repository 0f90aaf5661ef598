use crate::Message;
use crate::whatsapp::{Envelope, MessageItem};
use std::fs;
use std::path::PathBuf;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

fn read(path: &str) -> Envelope {
    let body = fs::read(fixtures().join(path)).expect("the fixture is there");
    Message::delivered(body).parse().expect("it is a delivery")
}

fn first(name: &str) -> MessageItem {
    read(&format!("whatsapp/{name}.json")).messages().next().expect("it holds a message").clone()
}

#[test]
fn every_delivery_that_whatsapp_or_its_sisters_make_is_read() {
    let mut read = 0;
    for kind in ["whatsapp", "meta-other"] {
        for file in fs::read_dir(fixtures().join(kind)).expect("the fixtures are there").flatten() {
            let body = fs::read(file.path()).expect("readable");
            let envelope = Message::delivered(body).parse::<Envelope>();
            let envelope = envelope.unwrap_or_else(|error| panic!("{}: {error}", file.path().display()));
            assert!(!envelope.object.is_empty() && !envelope.entry.is_empty(), "{}", file.path().display());
            read += 1;
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn no_body_however_bad_is_more_than_an_error() {
    for file in fs::read_dir(fixtures().join("bad")).expect("the fixtures are there").flatten() {
        let body = fs::read(file.path()).expect("readable");
        // Only that it returns is claimed: `deep_inside_value_10k` is a stack overflow in a careless reader.
        let _ = Message::delivered(body).parse::<Envelope>();
    }
}

#[test]
fn what_is_missing_or_null_is_a_default() {
    for body in [
        "{}",
        r#"{"object":null,"entry":null}"#,
        r#"{"entry":[null,{"changes":null},{"changes":[null,{"value":null}]}]}"#,
    ] {
        let envelope: Envelope = Message::text(body).parse().expect("it is a delivery");
        assert_eq!((envelope.messages().count(), envelope.statuses().count()), (0, 0), "{body}");
    }
}

#[test]
fn ids_and_times_may_be_numbers() {
    let body = r#"{"entry":[{"id":908172635445566,"changes":[{"value":{"statuses":[{"timestamp":1789000000}]}}]}]}"#;
    let envelope: Envelope = Message::text(body).parse().expect("it is a delivery");
    assert_eq!(envelope.entry[0].id, "908172635445566");
    assert_eq!(envelope.statuses().next().map(|status| &*status.timestamp), Some("1789000000"));
}

#[test]
fn a_key_that_is_there_twice_is_an_error() {
    let body = r#"{"entry":[{"changes":[{"value":{"metadata":{"phone_number_id":"1","phone_number_id":"2"}}}]}]}"#;
    assert!(Message::text(body).parse::<Envelope>().is_err());
}

#[test]
fn the_bodies_are_where_their_kind_says() {
    let text = first("text_simple");
    assert_eq!(
        (&*text.kind, text.sender(), text.words()),
        ("text", Some("15550100142"), Some("Hi, is the workshop open on Saturday?"))
    );
    assert_eq!(first("text_username_bsuid_no_phone").from, None);
    assert!(first("text_username_bsuid_no_phone").sender().is_some_and(|sender| sender.contains('.')));
    assert_eq!(first("audio_voice_note").audio.and_then(|audio| audio.voice), Some(true));
    assert_eq!(first("interactive_button_reply").words(), Some("Confirm"));
    assert_eq!(first("button_template_quick_reply").words(), Some("Stop promotions"));
    assert_eq!(first("reaction_remove_absent").reaction.and_then(|reaction| reaction.emoji), None);
    assert_eq!(first("order").order.map(|order| order.product_items[0].item_price.clone()).as_deref(), Some("89.5"));
    assert_eq!(first("unsupported_131051").errors[0].code.as_deref(), Some("131051"));
    let edited = first("edit_text").edit.and_then(|edit| edit.message);
    assert_eq!(edited.and_then(|message| message.text).map(|text| text.body).as_deref(), Some("I meant Sunday"));
    assert_eq!(first("future_message_type").kind, "teleport");
    assert!(first("system_user_changed_number").system.is_some_and(|system| system.wa_id.is_some()));
}

#[test]
fn a_batch_is_walked_whole() {
    assert_eq!(read("whatsapp/batch_20_messages_one_change.json").messages().count(), 20);
    assert_eq!(read("whatsapp/batch_100_statuses.json").statuses().count(), 100);
    assert_eq!(read("whatsapp/batch_two_wabas_three_numbers.json").phone_number_ids().len(), 3);
}
