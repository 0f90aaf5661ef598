//! Single words in a JSON text of any shape.

use super::envelope::Envelope;
use super::read::Reader;
use super::scan::{Refusal, Scanner};
use super::text::{self, Text};

/// The word at a place; none: there is no such place, or no word. All of the text is checked, and no member on the way there
/// may be given twice.
pub fn word<'a>(body: &'a [u8], steps: &[&str]) -> Result<Option<Text<'a>>, Refusal> {
    let mut reader = begin(body)?;
    let word = walk(&mut reader, steps)?;
    end(reader)?;
    Ok(word)
}

/// The name of the first member that is an object, of those in the outermost one.
pub fn first_object(body: &[u8]) -> Result<Option<Text<'_>>, Refusal> {
    let mut reader = begin(body)?;
    let mut first = None;
    match reader.scanner.open(b'{', &[]) {
        None => _ = reader.scanner.skip()?,
        Some(mut level) => {
            while let Some(member) = reader.scanner.member(&mut level)? {
                if first.is_none() && reader.scanner.peek() == Some(b'{') {
                    first = text::decode(reader.scanner.text(member.raw));
                }
                reader.scanner.skip()?;
            }
        }
    }
    end(reader)?;
    Ok(first)
}

/// That it is a JSON object.
pub fn is_object(body: &[u8]) -> bool {
    let looked = begin(body).and_then(|mut reader| {
        let is_object = reader.scanner.peek() == Some(b'{');
        reader.scanner.skip()?;
        end(reader)?;
        Ok(is_object)
    });
    looked == Ok(true)
}

fn begin(body: &[u8]) -> Result<Reader<'_>, Refusal> {
    let body = std::str::from_utf8(body).map_err(|_| Refusal::Malformed)?;
    Ok(Reader { scanner: Scanner::new(body), found: Envelope::default() })
}

fn end(mut reader: Reader<'_>) -> Result<(), Refusal> {
    reader.scanner.end()?;
    if reader.scanner.is_ambiguous() { Err(Refusal::Ambiguous) } else { Ok(()) }
}

/// As deep as there are steps, which are few: they are written here or in the configuration.
fn walk<'a>(reader: &mut Reader<'a>, steps: &[&str]) -> Result<Option<Text<'a>>, Refusal> {
    let Some((step, deeper)) = steps.split_first() else { return reader.word() };
    let mut found = None;
    if let Some(mut level) = reader.scanner.open(b'{', std::slice::from_ref(step)) {
        while let Some(member) = reader.scanner.member(&mut level)? {
            match member.name {
                Some(_) => found = walk(reader, deeper)?,
                None => _ = reader.scanner.skip()?,
            }
        }
    } else if let Some(mut level) = reader.scanner.open(b'[', &[]) {
        let wanted = step.parse::<usize>().ok();
        let mut index = 0;
        while reader.scanner.element(&mut level)? {
            if wanted == Some(index) {
                found = walk(reader, deeper)?;
            } else {
                reader.scanner.skip()?;
            }
            index += 1;
        }
    } else {
        reader.scanner.skip()?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn found(body: &str, steps: &[&str]) -> Option<String> {
        word(body.as_bytes(), steps).unwrap().and_then(|text| text.key().map(str::to_owned))
    }

    #[test]
    fn a_word_is_found_through_members_and_elements() {
        let body = r#" {"a": [1, {"b\u0062": "x y", "c": 2}], "d": {"a": "z"}, "": 7, "e": -1, "f": null} "#;
        assert_eq!(found(body, &["a", "1", "bb"]).as_deref(), Some("x y"));
        assert_eq!(found(body, &["a", "0"]).as_deref(), Some("1"));
        assert_eq!(found(body, &["d", "a"]).as_deref(), Some("z"));
        assert_eq!(found(body, &[""]).as_deref(), Some("7"));
        for none in
            [&["a"][..], &["a", "2"], &["a", "x"], &["d", "b"], &["e"], &["f"], &["f", "g"], &["g"], &["a", "1"]]
        {
            assert_eq!(found(body, none), None, "{none:?}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        assert_eq!(word(br#"{"a":1,"\u0061":2}"#, &["a"]), Err(Refusal::Ambiguous));
        assert!(word(br#"{"a":1,"b":2,"b":3}"#, &["a"]).is_ok());
        for broken in [&b"{\"a\":1"[..], b"{\"a\":1}}", b"\xff", b"", b"a=1"] {
            assert_eq!(word(broken, &["a"]), Err(Refusal::Malformed));
            assert!(!is_object(broken) && first_object(broken).is_err());
        }
    }

    #[test]
    fn the_first_object_is_the_first_that_is_one() {
        let first = |body: &str| first_object(body.as_bytes()).unwrap().and_then(|text| text.key().map(str::to_owned));
        assert_eq!(first(r#"{"update_id":1,"message":{"message":{}},"other":{}}"#).as_deref(), Some("message"));
        assert_eq!(first(r#"{"update_id":1}"#), None);
        assert_eq!(first("[{}]"), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<u32>().prop_map(Value::from), "[a-c]{0,2}".prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-c]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_word_is_what_serde_json_finds_there(value in json(), steps in prop::collection::vec("[a-c0-3]", 1..4)) {
            let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
            let expected = match value.pointer(&format!("/{}", steps.join("/"))) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            let body = value.to_string();
            let word = word(body.as_bytes(), &steps).unwrap();
            let word = word.map(|text| match text { Text::Short(text) => text.into_owned(), Text::Long(_) => String::new() });
            prop_assert_eq!(word, expected);
        }
    }
}
