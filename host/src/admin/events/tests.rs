use super::digits::Digits;
use super::*;
use crate::journal::{self, Decision, Journal, Judged, Retention};
use crate::message::{Audience, Cursor, Delivery, EventId, Fingerprint, Item, Offset, Payload};
use bytes::Bytes;

fn item(kind: &str, user: &str, number: u8) -> Item {
    let keys = Keys { waba: Some("waba".into()), phone_number_id: None, user: Some(user.into()) };
    Item { kind: kind.into(), keys, pieces: vec![], fingerprint: Fingerprint([number; 16]) }
}

fn delivery(webhook: &str, received: u64, body: &'static str, items: Vec<Item>) -> Delivery {
    Delivery {
        webhook: webhook.into(),
        received: Timestamp(received),
        content_type: Some("application/json".into()),
        unparsed: false,
        items,
        body: Bytes::from_static(body.as_bytes()),
        orders: None,
    }
}

fn open(directory: &std::path::Path) -> Journal {
    let retention = || Retention { age: Duration::from_secs(86_400), size: 1 << 30 };
    let config = journal::Config {
        directory: directory.join("journal"),
        webhooks: vec!["a".into(), "b".into()],
        waiting: 8,
        inbox: retention(),
        outbox: retention(),
        dedupe_window: Duration::from_secs(3600),
    };
    Journal::open(&config).unwrap()
}

fn decide(journal: &Journal, webhook: &str, id: EventId, judged: Judged) {
    let event = journal.event(id).unwrap().unwrap();
    let step = Step { filter: "redact".into(), sha256: "00".into(), verdict: "pass".into(), micros: 7 };
    let decision = Decision {
        event: id,
        received: event.received,
        content_type: event.content_type,
        unparsed: event.unparsed,
        kind: event.kind,
        keys: event.keys,
        trail: vec![step],
        judged,
    };
    journal.decide(&journal.lane(webhook).unwrap(), vec![decision], |_| {}).unwrap();
}

fn deliver(body: &'static str) -> Judged {
    Judged::Deliver(vec![(Payload::of(Bytes::from_static(body.as_bytes())), Audience::default())])
}

/// Six events: delivered, held, dropped, a duplicate of the first, delivered, pending.
async fn filled(directory: &std::path::Path) -> Journal {
    let journal = open(directory);
    let (a, b) = (journal.lane("a").unwrap(), journal.lane("b").unwrap());
    let now = Timestamp::now().0;
    let both = [(0, 4), (4, 9)].map(|piece| vec![piece]);
    let [first, second] = both;
    let two =
        vec![Item { pieces: first, ..item("messages", "u1", 1) }, Item { pieces: second, ..item("statuses", "u2", 2) }];
    journal.append(&a, delivery("a", now, "[1] [22]\n", two)).await.unwrap();
    journal.append(&b, delivery("b", now, "{}", vec![item("messages", "u2", 3)])).await.unwrap();
    journal.append(&a, delivery("a", now, "[1]", vec![item("messages", "u1", 1)])).await.unwrap();
    journal.append(&b, delivery("b", now, "null", vec![item("messages", "u1", 5)])).await.unwrap();
    journal.append(&a, delivery("a", now, "x", vec![item("messages", "u1", 6)])).await.unwrap();
    decide(&journal, "a", EventId(1), deliver("one"));
    decide(&journal, "a", EventId(2), Judged::Hold { filter: "redact".into(), reason: "it trapped".into() });
    decide(&journal, "b", EventId(3), Judged::Deliver(vec![]));
    decide(&journal, "b", EventId(5), deliver("five"));
    journal
}

fn ids(journal: &Journal, query: &str) -> Vec<u64> {
    let page = list(journal, &Query::parse(query).unwrap()).unwrap();
    assert_eq!(page.next, None, "{query}");
    page.events.iter().map(|event| id(&event.id).unwrap().0).collect()
}

#[tokio::test]
async fn each_filter_narrows_and_all_of_them_together() {
    let directory = tempfile::tempdir().unwrap();
    let journal = filled(directory.path()).await;
    let cursor = journal.cursor(Offset(2));
    let (past, future) = ("2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z");
    for (query, expected) in [
        ("", vec![1, 2, 3, 4, 5, 6]),
        ("webhook=a", vec![1, 2, 4, 6]),
        ("kind=statuses", vec![2]),
        ("key=u2", vec![2, 3]),
        ("key=waba&webhook=b&kind=messages", vec![3, 5]),
        ("held=true", vec![2]),
        ("held=true&webhook=b", vec![]),
        ("held=false&after=0000000000000004", vec![5, 6]),
        ("since=0000000000000005", vec![5, 6]),
        (&format!("since={cursor}"), vec![5, 6]),
        (&format!("since={past}&until={future}"), vec![1, 2, 3, 4, 5, 6]),
        (&format!("until={past}"), vec![]),
        (&format!("since={future}"), vec![]),
        ("key=nobody", vec![]),
    ] {
        assert_eq!(ids(&journal, query), expected, "{query}");
    }
}

#[tokio::test]
async fn a_list_goes_on_where_a_page_ended() {
    let directory = tempfile::tempdir().unwrap();
    let journal = filled(directory.path()).await;
    for (query, expected) in [("limit=2", vec!["1", "2", "3", "4", "5", "6"]), ("limit=1&held=true", vec!["2"])] {
        let mut query = Query::parse(query).unwrap();
        let mut found = vec![];
        loop {
            let page = list(&journal, &query).unwrap();
            assert!(page.events.len() <= query.limit);
            found.extend(page.events.iter().map(|event| event.id.trim_start_matches('0').to_owned()));
            let Some(next) = page.next else { break };
            query.after = Some(id(&next).unwrap());
        }
        assert_eq!(found, expected);
    }
    let held = Which::read(b"{\"webhook\":\"a\"}").unwrap().held();
    assert_eq!(choose(&journal, &held, None).unwrap(), (vec![EventId(2)], None));
    let these = Which::read(b"{\"ids\":[\"0000000000000009\"]}").unwrap().held();
    assert_eq!(choose(&journal, &these, None).unwrap(), (vec![EventId(9)], None));
}

#[tokio::test]
async fn of_each_event_it_is_told_what_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let journal = filled(directory.path()).await;
    let page = list(&journal, &Query::default()).unwrap();
    let states: Vec<_> = page.events.iter().map(|event| event.state).collect();
    use State::{Delivered, Dropped, Duplicate, Held, Pending};
    assert_eq!(states, [Delivered, Held, Dropped, Duplicate, Delivered, Pending]);
    assert_eq!((page.events[0].offset, page.events[0].count, page.events[4].offset), (Some(1), Some(1), Some(2)));
    assert_eq!(page.events[3].duplicate_of.as_deref(), Some("0000000000000001"));
    assert_eq!(page.events[0].body_sha256, page.events[0].body_sha256.to_lowercase());
    let json = serde_json::to_value(&page.events[1]).unwrap();
    assert_eq!(
        (&json["state"], &json["filter"], &json["reason"]),
        (&"held".into(), &"redact".into(), &"it trapped".into())
    );
    assert_eq!(json["keys"], serde_json::json!({"waba": "waba", "user": "u2"}));
    assert_eq!((&json["bytes"], json.get("offset")), (&5.into(), None));

    let shown = show(&journal, EventId(2)).unwrap().unwrap();
    assert_eq!(shown.delivery, Whole { first: "0000000000000001".into(), items: 2, bytes: 9 });
    assert_eq!((shown.trail[0].filter.as_str(), shown.content_type.as_deref()), ("redact", Some("application/json")));
    assert_eq!(shown.bytes().unwrap(), b"[22]\n");
    assert!(show(&journal, EventId(7)).unwrap().is_none());

    // As it is told by one postern to another.
    for id in 1..=6 {
        let shown = show(&journal, EventId(id)).unwrap().unwrap();
        let again: Shown = serde_json::from_str(&serde_json::to_string(&shown).unwrap()).unwrap();
        assert_eq!((again.bytes(), &again.summary), (shown.bytes(), &shown.summary), "{id}");
    }
}

#[test]
fn a_body_is_told_on_one_line_and_its_bytes_can_always_be_had() {
    for (bytes, json, more) in [
        (&b"{\"b\":1e999,\"a\":\"\\n\"}"[..], Some("{\"b\":1e999,\"a\":\"\\n\"}"), false),
        (b"{\r\n}\n", Some("{  }"), true),
        (b" null", Some("null"), true),
        (b"hello", None, true),
        (b"\xff", None, true),
        (b"", None, true),
    ] {
        let (body, base64) = told(bytes);
        assert_eq!((body.as_deref().map(RawValue::get), base64.is_some()), (json, more), "{bytes:?}");
        let decoded = base64.map(|text| BASE64.decode(text.as_bytes()).unwrap());
        assert_eq!(decoded.unwrap_or_else(|| body.unwrap().get().as_bytes().to_owned()), bytes);
    }
}

#[test]
fn a_query_is_read_as_it_is_written_and_nothing_else_is() {
    let query = Query {
        since: Some(Begin::Cursor(Cursor { epoch: 7, offset: Offset(42) })),
        until: Some(Timestamp(1_700_000_000_123)),
        webhook: Some("a b&c".into()),
        kind: Some("é".into()),
        key: Some("+1".into()),
        number: Digits::of("+1 555 0100"),
        held: true,
        newest: false,
        after: Some(EventId(255)),
        before: Some(EventId(256)),
        limit: 7,
    };
    assert_eq!(Query::parse(&query.text()), Ok(query.clone()));
    assert_eq!(Query::parse(&Query::default().text()), Ok(Query::default()));
    let newest = Query { newest: true, before: Some(EventId(3)), ..Query::default() };
    assert_eq!(Query::parse(&newest.text()), Ok(newest));
    for since in [Begin::Event(EventId(9)), Begin::Time(Timestamp(1_700_000_000_123))] {
        let query = Query { since: Some(since), ..Query::default() };
        assert_eq!(Query::parse(&query.text()), Ok(query));
    }
    for wrong in [
        "number=12-34",
        "before=1",
        "newest=true&held=true",
        "since=yesterday",
        "until=0000000000000001",
        "limit=0",
        "limit=1001",
        "after=1",
        "held=yes",
        "x=1",
        "since=",
    ] {
        let told = Query::parse(wrong).unwrap_err();
        assert!(told.contains('`') && told.ends_with('\n'), "{told}");
    }
    let which = Which::Matching(Query { after: None, before: None, limit: MOST, ..query });
    assert_eq!(Which::read(which.text().as_bytes()), Ok(which));
}

#[test]
fn what_is_judged_again_must_be_said_and_in_one_way() {
    for which in [Which::These(vec![EventId(1), EventId(2)]), Which::Matching(Query::default())] {
        assert_eq!(Which::read(which.text().as_bytes()), Ok(which));
    }
    for wrong in [
        "",
        "{}",
        "[]",
        "{\"all\":false}",
        "{\"ids\":[\"1\"]}",
        "{\"ids\":[\"0000000000000001\"],\"all\":true}",
        "{\"all\":true,\"webhook\":\"a\"}",
        "{\"webhook\":\"a\",\"limit\":1}",
        "{\"since\":\"yesterday\"}",
    ] {
        assert!(Which::read(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
