use super::*;

/// What a file becomes when what comes out is taken for what is right.
fn updated(filter: &str, text: &str) -> Option<String> {
    let (component, cache) = (component(filter), tempfile::tempdir().expect("a temporary directory"));
    let origin = Origin { name: "cases.toml", directory: Path::new("."), component: &component };
    let cases = cases(text, &origin, &World::usual()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut stage = Stage::new(component.clone(), cache.path()).expect("there is an engine");
    let mut updates = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let told = told(&stage.run(case).expect("it is a filter"));
        let expect = expected(&case.expect, &differences(&case.expect, &told), &told);
        if !expect.is_empty() {
            updates.push(Update { index, expect });
        }
    }
    update(text, &updates)
}

const FILE: &str = r#"# What the probe does.
config = { pointer = "/a" } # a pointer

[[case]]
name = "it is right"   # and stays so
message.json = { a = "it" }
expect.verdict = { rewrite = "it" }

[[case]]
name = "it is wrong"
message.json = { a = "it" }
expect.verdict = "pass" # not so
expect.sends = []

# The last.
[[case]]
name = "nothing is expected yet"
message.json = { b = "it" }
"#;

#[test]
fn what_comes_out_is_written_into_the_file_and_all_else_stays() {
    let text = updated("probe", FILE).expect("it is a case file");
    let wrong = FILE.replace(r#"expect.verdict = "pass" # not so"#, r#"expect.verdict = { rewrite = "it" } # not so"#);
    assert!(text.starts_with(&wrong), "{text}");
    let added = &text[wrong.len()..];
    assert!(added.contains(r#"expect.verdict = "drop""#) && added.contains("expect.logs = ["), "{added}");
    assert_right("probe", &text);
    assert_eq!(updated("probe", &text).as_deref(), Some(text.as_str()), "there is nothing more to write");
}

#[test]
fn an_update_keeps_to_the_keys_that_were_named() {
    let told = json!({ "verdict": { "trap": "unreachable" }, "sends": [], "clients": [], "kv": { "a": "1", "b": "2" }, "metrics": {}, "logs": ["info: x"] });
    let told = told.as_object().expect("it is an object");
    let expect = Expect {
        verdict: Some(json!("pass")),
        kv: serde_json::Map::from_iter([("a".to_owned(), json!("0"))]),
        kv_absent: vec!["b".to_owned(), "c".to_owned()],
        ..Expect::default()
    };
    let update = expected(&expect, &differences(&expect, told), told);
    let right = json!({ "verdict": { "failure": "trap" }, "kv": { "a": "1" }, "kv_absent": ["c"] });
    assert_eq!(Value::Object(update), right);
}

#[test]
fn json_and_inline_tables_are_updated_too() {
    let json = r#"{"case": [{"name": "x", "message": "", "expect": {"verdict": "pass"}}]}"#;
    let text = updated("drop", json).expect("it is a case file");
    let written: Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(written["case"][0]["expect"]["verdict"]["drop"].is_string(), "{text}");
    let inline = "case = [{ name = 'x', message = '', expect = { verdict = 'pass' } }]\n";
    let text = updated("drop", inline).expect("it is a case file");
    assert!(text.starts_with("case = [{ name = 'x', message = '', expect = { verdict = { drop = "), "{text}");
}

fn event(body: &str, trail: &str) -> String {
    format!(
        r#"{{"id":"000000000000002a","webhook":"meta","kind":"messages","keys":{{}},"received":"2026-01-31T12:00:00.250Z","content_type":"application/json",{body},"verdict":{{"outcome":"delivered","trail":[{trail}]}}}}"#
    )
}

fn step(filter: &str, sha256: &str, verdict: &str) -> String {
    format!(r#"{{"filter":"{filter}","sha256":"{sha256}","verdict":"{verdict}","micros":5}}"#)
}

#[test]
fn an_exported_event_is_a_case_with_its_bytes_and_the_verdict_of_then() {
    let sha256 = component("pass").sha256;
    let lines = [
        event(r#""body":{"b":1e999, "a":1}"#, &step("x", &sha256, "drop")),
        event(r#""body":1,"base64":"/wo=""#, ""),
        event(r#""body":{}"#, &[step("y", "00", "pass"), step("x", &sha256, "pass")].join(",")),
        event(r#""body":{}"#, &[step("y", "00", "rewrite"), step("x", &sha256, "pass")].join(",")),
        event(r#""body":{}"#, &step("x", &sha256, "error: trapped")),
    ];
    let cases = read(&lines.join("\n")).expect("they are right");
    let message = |case: &Case| match &case.asked {
        Asked::Question(crate::filter::Question::Message(message)) => message.clone(),
        _ => panic!("it asks for no verdict"),
    };
    let first = message(&cases[0]);
    assert_eq!(&first.payload.data[..], br#"{"b":1e999, "a":1}"#);
    assert_eq!((first.id.0, &*first.webhook, first.received.0), (42, "meta", 1_769_860_800_250));
    assert_eq!(cases[0].world.now, first.received, "the clock stands where it stood");
    assert_eq!(&message(&cases[1]).payload.data[..], b"\xff\n");
    let expected: Vec<Option<Value>> = cases.into_iter().map(|case| case.expect.verdict).collect();
    // Of the last but one it had seen what another filter made of it; in the last it failed.
    assert_eq!(expected, [Some(json!("drop")), None, Some(json!("pass")), None, None]);
    assert!(update(&lines.join("\n"), &[Update { index: 0, expect: Default::default() }]).is_none());
}

#[test]
fn the_name_of_a_filter_finds_what_an_earlier_build_of_it_said() {
    let component = Component::new(Some("x".to_owned()), "y.wasm".to_owned(), vec![]);
    let origin = Origin { name: "events", directory: Path::new("."), component: &component };
    let line = event(r#""body":{}"#, &[step("y", "00", "pass"), step("x", "11", "drop")].join(","));
    let cases = cases(&line, &origin, &World::usual()).expect("it is right");
    assert_eq!(cases[0].expect.verdict, Some(json!("drop")));
}
