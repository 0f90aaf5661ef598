use super::*;

#[test]
fn what_happens_is_held_against_what_was_expected() {
    assert_right(
        "probe",
        r#"
        config = { pointer = "/a" }
        [[case]]
        name = "what is there becomes the body"
        message.json = { a = "it" }
        expect.verdict = { rewrite = "it" }
        expect.logs = ["info: a line\\n", "the rest is left out"]
        [[case]]
        name = "a word for any such verdict"
        message.json = { a = "it" }
        expect.verdict = "rewrite"
        [[case]]
        name = "JSON is compared as JSON"
        message.body = '{"a":{"y":1,"x":[2.0]}}'
        expect.verdict = { rewrite = { json = { x = [2.0], y = 1 } } }
        [[case]]
        name = "a drop without a reason"
        message.json = { b = 1 }
        expect.verdict = { drop = false }
        [[case]]
        name = "a case may say otherwise than its file"
        config = { pointer = "/b" }
        message.json = { a = "it" }
        expect.verdict = "drop"
        [[case]]
        name = "what it refuses at its start, it refuses"
        config = { pointer = "/a", refuse = "not this" }
        expect.verdict = { error = "not th" }
        "#,
    );
    let wrong = r#"
        config = { pointer = "/a" }
        [[case]]
        name = "another body"
        message.json = { a = "it" }
        expect.verdict = { rewrite = "that" }
        [[case]]
        name = "another verdict, a send, a line and a key that are not there"
        message.json = { a = "it" }
        expect.verdict = "pass"
        expect.sends = [{ to = "everyone" }]
        expect.logs = ["the rest", "info: a line"]
        expect.kv = { a = "" }
        [[case]]
        name = "a failure that nobody expected"
        config = { pointer = "/a", refuse = "no" }
        message.json = {}
        "#;
    let unreasoned = "[[case]]\nname = 'x'\nmessage = ''\nexpect.verdict = { drop = false }";
    assert_eq!(tried("drop", unreasoned)[0].1.len(), 1, "it gives a reason");
    let at = |(_, differences): (String, Vec<Difference>)| {
        differences.into_iter().map(|difference| difference.at).collect::<Vec<_>>().join(" ")
    };
    let wrong: Vec<String> = tried("probe", wrong).into_iter().map(at).collect();
    assert_eq!(wrong, ["verdict", "verdict sends kv.a logs", "verdict"]);
}

#[test]
fn cases_run_within_the_gateways_limits_and_by_its_checks() {
    let case =
        |expect: &str| format!("deadline = '20ms'\n[[case]]\nname = 'x'\nmessage = ''\nexpect.verdict = {expect}");
    assert_right("loop", &case("{ failure = 'deadline' }"));
    assert_right("memory", &case("{ failure = 'memory' }"));
    assert_right("huge-output", &case("{ failure = 'output' }"));
    assert_right("invalid-text", &case("{ failure = 'invalid' }"));
    assert_right("error", &case("{ failure = 'refused' }"));
    assert_right("trap", &case("{ trap = 'unreachable' }"));
    assert_right("trap", &case("{ failure = 'trap' }"));
    assert_right("trap", &case("{ failure = 'any' }"));
    assert_right("deny", "[[case]]\nname = 'x'\nmessage = ''\nexpect.verdict = { failure = 'missing' }");
    assert_right("bad-subprotocol", "[[case]]\nname = 'x'\nconnect = {}\nexpect.verdict = { failure = 'invalid' }");
}

#[test]
fn a_component_that_is_no_filter_is_refused_as_a_whole() {
    let (component, cache) = (component("no-handler"), tempfile::tempdir().expect("a temporary directory"));
    let mut stage = Stage::new(component, cache.path()).expect("there is an engine");
    let cases = read("[[case]]\nname = 'x'").expect("it is right");
    let error = stage.run(&cases[0]).expect_err("it is refused");
    assert!(crate::error::Chain(&error).to_string().contains("exports no handler"));
}

#[test]
fn an_audience_is_narrowed_as_the_case_says() {
    assert_right(
        "send",
        r#"
        [[case]]
        name = "to some the message, to others a text"
        message = "x"
        expect.verdict = { send = [{ to = { any_label = ["desk=1"] }, except = [], payload = { unchanged = true } }, { to = "everyone", except = [7] }] }
        "#,
    );
    let wrong =
        "[[case]]\nname = 'x'\nmessage = ''\nexpect.verdict = { send = [{ to = 'everyone' }, { to = 'everyone' }] }";
    assert_eq!(tried("send", wrong)[0].1[0].at, "verdict");
}

#[test]
fn a_client_is_let_in_as_the_case_says() {
    assert_right(
        "allow-labelled",
        r#"
        [[case]]
        name = "some of it is named"
        connect = {}
        expect.verdict = { allow = { subject = "42" } }
        [[case]]
        name = "all of it is named"
        connect = {}
        expect.verdict = { allow = { subject = "42", labels = ["desk=1"] } }
        "#,
    );
    assert_right("deny-with-200", "[[case]]\nname = 'x'\nconnect = {}\nexpect.verdict = { deny = { status = 403 } }");
    let wrong = "[[case]]\nname = 'x'\nconnect = {}\nexpect.verdict = { allow = { labels = [] } }";
    assert_eq!(tried("allow-labelled", wrong)[0].1.len(), 1);
}
