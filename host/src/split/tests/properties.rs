//! All that is promised, of bodies nobody thought of.

use super::*;
use crate::random::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use std::sync::LazyLock;

static SMALL: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| all_fixtures().into_iter().map(|(_, body)| body).filter(|body| body.len() < 20_000).collect());

const SCRAPS: &[&str] = &[
    "[]",
    "{}",
    "null",
    ",",
    "\"",
    "\\",
    "}",
    "]",
    "\"messages\":[],",
    "\"statuses\":[{}],",
    "\"id\":\"x\",",
    "1,",
    "{},",
    "\"\\u0069d\":1,",
    " ",
    "\"entry\":[],",
    "\"messaging\":[{\"sender\":{\"id\":\"7\"}}],",
];

/// A fixture, with a few places overwritten, and scraps put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0..8_usize, select(SCRAPS), 0..4_u8);
    (any::<Index>(), vec(change, 0..4)).prop_map(|(which, changes)| {
        let mut body = which.get(SMALL.as_slice()).clone();
        for (place, length, scrap, way) in changes {
            // Where a value or member begins, things are more likely to stay JSON.
            let places = (0..body.len()).filter(|at| matches!(body[*at], b'[' | b'{' | b',')).collect::<Vec<_>>();
            let at = if places.is_empty() || way == 0 {
                place.index(body.len() + 1)
            } else {
                places[place.index(places.len())] + 1
            };
            let end = if way < 2 { (at + length).min(body.len()) } else { at };
            body.splice(at..end, scrap.bytes());
        }
        body
    })
}

fn scalar() -> impl Strategy<Value = String> {
    let texts = [
        "null",
        "1",
        "23",
        "-4",
        "1.5",
        "true",
        "\"x\"",
        "\"y\"",
        "\"\\u0078\"",
        "\"\"",
        "\"\\ud800\"",
        "\"a b\"",
        "\"\\n\"",
        "[]",
        "{}",
    ];
    select(texts.to_vec()).prop_map(str::to_owned)
}

/// An object that has some of these members, in any order, spaced in any way.
fn object(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let all = members.len();
    let space = select(vec!["", "", " ", "\n  "]);
    (subsequence(members, 0..=all).prop_shuffle(), space)
        .prop_flat_map(|(members, space)| {
            let texts = members.into_iter().map(move |(name, value)| {
                value.prop_map(move |value| format!("{space}\"{name}\"{space}:{space}{value}{space}")).boxed()
            });
            texts.collect::<Vec<_>>()
        })
        .prop_map(|members| format!("{{{}}}", members.join(",")))
        .boxed()
}

fn array(element: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let usual = vec(element, 0..4).prop_map(|elements| format!("[ {} ]", elements.join(" ,\n")));
    prop_oneof![9 => usual, 1 => scalar()].boxed()
}

fn odd(usual: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop_oneof![9 => usual, 1 => scalar()].boxed()
}

/// Bodies of the right shape for the most part.
fn shaped() -> impl Strategy<Value = String> {
    let word = || scalar().boxed();
    let item = || {
        let names =
            ["id", "from", "from_user_id", "recipient_id", "recipient_participant_id", "status", "timestamp", "text"];
        odd(object(names.into_iter().map(|name| (name, word())).collect()))
    };
    let contact = odd(object(vec![("wa_id", word()), ("user_id", word()), ("profile", word())]));
    let value = odd(object(vec![
        ("metadata", odd(object(vec![("phone_number_id", word()), ("other", word())]))),
        ("contacts", array(contact)),
        ("messages", array(item())),
        ("statuses", array(item())),
        ("user_id", word()),
        ("errors", word()),
    ]));
    let change = odd(object(vec![("field", word()), ("value", value)]));
    let person = || odd(object(vec![("id", word())]));
    let message = || odd(object(vec![("mid", word()), ("is_deleted", word()), ("text", word())]));
    let messaging = || {
        let members =
            vec![("sender", person()), ("recipient", person()), ("message", message()), ("postback", message())];
        array(odd(object(members)))
    };
    let entry = odd(object(vec![
        ("id", word()),
        ("time", word()),
        ("changes", array(change)),
        ("messaging", messaging()),
        ("standby", messaging()),
        ("uid", word()),
    ]));
    (vec(entry, 0..4), any::<bool>()).prop_map(|(entries, first)| {
        let object = "\"object\" : \"page\"";
        let entry = format!("\"entry\": [{}] ", entries.join(", "));
        if first { format!(" {{{object},{entry}}}\n") } else { format!("{{{entry} , \"more\":1,{object}}}") }
    })
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_mutated_fixture_keeps_every_promise(body in mutated()) {
        checked(&body);
    }

    #[test]
    fn a_body_of_about_the_right_shape_keeps_every_promise(body in shaped()) {
        prop_assert!(!checked(body.as_bytes()).unparsed);
    }

    #[test]
    fn an_item_with_its_own_contacts_only_is_the_same_item(body in shaped()) {
        let split = split_within(WEBHOOK, body.as_bytes(), true, 0);
        if split.items.len() > 1 {
            prop_assert_eq!(split.items.len(), oracle::paths(&body).len());
            for (item, part) in split.items.iter().zip(parts(body.as_bytes(), &split)) {
                let again = super::super::split(WEBHOOK, &part, true);
                let expected = Item { pieces: Vec::new(), ..item.clone() };
                prop_assert_eq!(again, Split { items: vec![expected], unparsed: false });
            }
        }
    }

    #[test]
    fn any_bytes_are_one_item_at_least(body in vec(any::<u8>(), 0..200)) {
        checked(&body);
    }
}
