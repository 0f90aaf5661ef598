use super::*;

/// Demands that a case with these lines is refused in these words.
fn refused(lines: &str, words: &str) {
    let error = read(&format!("[[case]]\nname = 'x'\n{lines}")).err().unwrap_or_else(|| panic!("taken: {lines}"));
    assert!(error.contains(words), "{lines}: {error}");
    assert!(error.starts_with("cases.toml: case 1, `x`: "), "{error}");
}

#[test]
fn a_key_that_is_not_known_is_refused_with_the_nearest_that_is() {
    for (lines, words) in [
        ("expct.verdict = 'pass'", "`expct` is not a known key\nhint: did you mean `expect`?"),
        ("expect.verdit = 'pass'", "`expect.verdit` is not a known key\nhint: did you mean `verdict`?"),
        ("message.jsn = {}", "hint: give `json`, `body`"),
        (
            "message = { body = '', recieved = 'x' }",
            "`message.recieved` is not a known key\nhint: did you mean `received`?",
        ),
        ("connect = { qery = '' }", "`connect.qery` is not a known key\nhint: did you mean `query`?"),
        ("connect = { body = '' }", "`connect.body` is not a known key"),
        ("expect.verdict = { alow = {} }", "did you mean `allow`?"),
        ("expect.verdict = { deny = { satus = 401 } }", "did you mean `status`?"),
        ("expect.sends = [{ too = 'everyone' }]", "`expect.sends[0].too` is not a known key\nhint: did you mean `to`?"),
        ("clients = [{ id = 1, lables = [] }]", "did you mean `labels`?"),
    ] {
        refused(lines, words);
    }
    let error = read("confg = {}\n[[case]]\nname = 'x'").err().expect("it is refused");
    assert_eq!(error, "cases.toml: `confg` is not a known key\nhint: did you mean `config`?");
}

#[test]
fn a_value_that_is_not_right_is_refused_with_what_it_must_be() {
    for (lines, words) in [
        ("expect.verdict = 'pas'", "hint: did you mean `pass`?"),
        ("expect.verdict = { failure = 'dedline' }", "hint: did you mean `deadline`?"),
        ("expect.verdict = { drop = 5 }", "`expect.verdict.drop` must be a string"),
        ("expect.verdict = 5", "`expect.verdict` must be a table"),
        ("expect.logs = 'x'", "`expect.logs` must be a list"),
        ("expect.metrics = { a = 'x' }", "`expect.metrics.a` must be a number"),
        ("now = 'noon'", "`now` must be a time such as"),
        ("clients = [{ subject = 'ann' }]", "needs an `id`"),
        ("clients = [{ id = 1, labels = ['x'] }]", "`clients[0].labels[0]` must be a label, `key=value`"),
        ("clients = [{ id = -1 }]", "`clients[0].id` must be a whole number, nought or more"),
        ("client = 5\nmessage = ''", "must be of those in `clients`, which has no `id = 5`"),
        ("message = { body = '', json = {} }", "says the body in more than one way"),
        ("message = { base64 = '?' }", "must be base64"),
        ("message = { base64 = '/w==', format = 'text' }", "is said to be text, and is not UTF-8"),
        (
            "message = { fixture = 'text_mesage' }",
            "there is no fixture `text_mesage`\nhint: did you mean `text_message`?",
        ),
        ("message = { file = 'no-such.json' }", "failed to read `./no-such.json`"),
        ("request = { path = '/a?b' }", "has a `path` that does not begin with `/`, or has a query in it"),
        ("event = 'connect'", "what is asked is not clear"),
        ("message = ''\nconnect = {}", "what is asked is not clear"),
        ("clients = [{ id = 1 }]\nclient = 1\nevent = { ping = '', pong = '' }", "must be one event"),
        ("memory = 'much'", "must be a size such as"),
    ] {
        refused(lines, words);
    }
    assert!(read("[[case]]\n").err().expect("it is refused").contains("has no `name`"));
    assert!(read("config = {}").err().expect("it is refused").contains("there are no cases"));
    let error = read("[[case]]\nname = ").err().expect("it is refused");
    assert!(error.starts_with("cases.toml: not TOML: TOML parse error at line 2"), "{error}");
    assert!(read("{\"case\": [").err().expect("it is refused").starts_with("cases.toml: not JSON: "));
}

#[test]
fn json_says_the_same_as_toml() {
    let cases = read(r#"{"config": {"a": 1}, "case": [{"name": "x", "expect": {"verdict": "ok"}}, {"name": "y"}]}"#);
    let cases = cases.expect("it is right");
    assert_eq!(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(cases[1].world.config, json!({ "a": 1 }));
    assert_eq!(cases[0].expect.verdict, Some(json!("ok")));
}

#[test]
fn every_fixture_is_json_and_small() {
    for (name, what, body) in fixtures::FIXTURES {
        serde_json::from_str::<Value>(body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(body.len() < 4096 && !what.is_empty(), "{name}");
    }
}
