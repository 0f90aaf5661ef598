//! `postern filter test`, as it is typed.

use crate::home;
use postern_tests::{Config, guests};
use serde_json::Value;
use std::process::Stdio;

const CASES: &str = r#"[[case]]
name = "a text is dropped"
message = { fixture = "text_message" }
expect.verdict = "drop"

[[case]]
name = "a text passes"
message = { fixture = "text_message" }
expect.verdict = "pass"
"#;

#[tokio::test]
async fn a_case_that_fails_is_told_with_what_was_expected_and_what_came() {
    let home = home(&Config::basic());
    let filter = guests::wat("drop");
    home.write("cases.toml", CASES);
    let ended = home.run(&["filter", "test", &filter.to_string_lossy(), "cases.toml"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("ok ") && lines[0].ends_with("cases.toml: a text is dropped"), "{}", ended.stdout);
    assert!(lines[1].starts_with("FAIL ") && lines[1].contains(" us "), "{}", ended.stdout);
    assert_eq!(lines[2].trim(), "verdict: expected \"pass\"");
    assert!(lines[3].trim().starts_with("got      {\"drop\":"), "{}", ended.stdout);
    assert!(lines[4].starts_with("2 cases: 1 right, 1 wrong; "), "{}", ended.stdout);
}

#[tokio::test]
async fn update_makes_what_comes_out_right() {
    let home = home(&Config::basic());
    let filter = guests::wat("drop");
    let filter = filter.to_string_lossy();
    std::fs::create_dir(home.path("cases")).expect("the home is writable");
    home.write("cases/one.toml", CASES);
    // The directory `cases` is where cases are, unless they are named.
    let ended = home.run(&["filter", "test", &filter, "--update"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let ended = home.run(&["filter", "test", &filter]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("2 cases: 2 right, 0 wrong"), "{}", ended.stdout);
}

#[tokio::test]
async fn other_programs_give_cases_on_standard_input_and_read_results_as_json() {
    let home = home(&Config::basic());
    let cases =
        home.write("given", "{\"case\": [{\"name\": \"x\", \"message\": \"\"}]}\n{\"case\": [{\"name\": \"y\"}]}");
    let given = std::fs::File::open(cases).expect("it was written");
    let ended = home.run_given(&["filter", "test", "builtin:redact", "-", "--json"], Stdio::from(given)).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let results: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(results.len(), 2, "{}", ended.stdout);
    // It cannot read what is not JSON, and nobody said that it should fail.
    assert_eq!((&results[0]["case"], &results[0]["ok"]), (&"x".into(), &false.into()));
    assert!(results[0]["got"]["verdict"]["error"].is_string(), "{}", ended.stdout);
    assert_eq!(results[0]["differences"][0]["at"], "verdict");
    assert_eq!((&results[1]["ok"], &results[1]["got"]["verdict"]), (&true.into(), &"ok".into()));
}

#[tokio::test]
async fn the_configuration_may_be_given_beside_the_cases() {
    let home = home(&Config::basic());
    home.write("cases.toml", "[[case]]\nname = 'it starts'\nexpect.verdict = 'ok'\n");
    let base = ["filter", "test", "builtin:by-label", "cases.toml"];
    assert_eq!(home.run(&base).await.code, Some(1), "it needs a configuration");
    let json = r#"{"pointer": "/to", "label": "number"}"#;
    let ended = home.run(&[&base[..], &["--config", json]].concat()).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    home.write("filter.toml", "pointer = '/to'\nlabel = 'number'\n");
    let ended = home.run(&[&base[..], &["--filter-config", "filter.toml"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[tokio::test]
async fn what_cannot_be_tried_is_told_with_what_to_do() {
    let home = home(&Config::basic());
    home.write("cases.toml", "[[case]]\nname = 'x'\nexpct = {}\n");
    let pass = guests::wat("pass");
    let pass = pass.to_string_lossy();
    for (arguments, code, words) in [
        (&["gone.wasm", "cases.toml"][..], 1, "hint: `postern filter build DIR`"),
        (&[&pass, "cases.toml"], 1, "hint: did you mean `expect`?"),
        (&[&pass, "gone.toml"], 1, "failed to read `gone.toml`"),
        (&[&pass], 64, "no cases are named"),
        (&["builtin:redcat", "cases.toml"], 1, "`redact`"),
        (&[], 64, "<FILE>"),
    ] {
        let ended = home.run(&[&["filter", "test"], arguments].concat()).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
    }
    let ended = home.run(&["filter", "test", "--fixtures"]).await;
    assert!(ended.code == Some(0) && ended.stdout.contains("text_message "), "{}", ended.stderr);
}
