//! What is JSON, agreed with `serde_json`.

use super::super::scan::Scanner;
use super::super::text;
use super::*;
use proptest::prelude::*;

fn passes(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let mut scanner = Scanner::new(text);
    scanner.skip().and_then(|_| scanner.end()).is_ok()
}

#[test]
fn every_fixture_is_json_here_when_it_is_json_there() {
    for (name, body) in all_fixtures() {
        assert_eq!(passes(&body), is_json(&body), "{name}");
        for cut in [body.len() / 3, body.len().saturating_sub(2)] {
            assert_eq!(passes(&body[..cut]), is_json(&body[..cut]), "{name} cut at {cut}");
        }
    }
}

#[test]
fn each_rule_of_the_grammar_is_kept() {
    let good = ["0", "-0", "1e9", "1E+9", "-1.5e-3", "\"\"", "\"\\ud800\"", "\"\u{7f}\"", " [ ] ", "{ }", "[[],{}]"];
    let good_too =
        ["{\"a\" : [1 , 2] , \"\\u0000\" : {}}", "\r\n\t true", "null", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\uaAfF\""];
    for text in good.into_iter().chain(good_too) {
        assert!(passes(text.as_bytes()), "{text}");
        assert!(is_json(text.as_bytes()), "{text}");
    }
    let bad = ["", " ", "00", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "tru", "nulll", "\"", "\"\\\""];
    let bad_too =
        ["[", "]", "[1,]", "[,1]", "[1 2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:1}", "{\"a\":1]", "[1}"];
    let worse =
        ["\"\n\"", "\"\\u12g4\"", "\"\\u123", "\"\\x\"", "1 1", "[]\0", "\u{feff}[]", "\u{a0}1", "//\n1", "{\"a\",1}"];
    for text in bad.into_iter().chain(bad_too).chain(worse) {
        assert!(!passes(text.as_bytes()), "{text}");
        assert!(!is_json(text.as_bytes()), "{text}");
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(1_000_000), close.repeat(1_000_000));
    assert!(passes(deep("[", "]").as_bytes()));
    assert!(passes(deep("{\"a\":[", "]}").as_bytes()));
    assert!(!passes(deep("{\"a\":[", "}]").as_bytes()));
}

fn token() -> impl Strategy<Value = &'static str> {
    let tokens = [
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "\\", "\\u00", "1", "-", "0", ".", "e", "true", "null", " ", "\n",
        "é", "\0", "{\"a\":", "[]", "{}",
    ];
    proptest::sample::select(tokens.to_vec())
}

proptest! {
    #[test]
    fn no_row_of_tokens_tells_them_apart(tokens in proptest::collection::vec(token(), 0..12)) {
        let text = tokens.concat();
        prop_assert_eq!(passes(text.as_bytes()), is_json(text.as_bytes()));
    }

    #[test]
    fn no_string_tells_them_apart(inside in proptest::collection::vec(any::<u8>(), 0..40)) {
        let body = [b"\"".as_slice(), &inside, b"\""].concat();
        prop_assert_eq!(passes(&body), is_json(&body));
    }

    #[test]
    fn a_plain_run_ends_where_it_must(bytes in proptest::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..40)) {
        let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
        let end = bytes.iter().position(special).unwrap_or(bytes.len());
        prop_assert_eq!(text::plain_until(&bytes, 0), end);
    }
}
