//! What is known of keys without reading a configuration: to editors, and to whoever asks what is in force.

use super::super::seen::Shape;
use super::super::{documented, layers, learn};
use super::*;
use crate::config::tree::Node;

fn shown() -> Node {
    let source = Source { embedded: Some(("default.toml", documented::with_all_keys())), ..Source::default() };
    layers::merge(&source).unwrap_or_else(|problem| panic!("{problem}")).0
}

#[test]
fn it_is_known_of_each_key_what_it_takes() {
    let seen = learn::learn().expect("the defaults are TOML");
    let unknown = seen.keys().filter(|(_, asked)| asked.shapes.is_empty() && !asked.table).map(|(key, _)| key);
    let unknown: Vec<&str> = unknown.collect();
    assert!(unknown.is_empty(), "the reader never got to see what these are; show them in default.toml: {unknown:?}");
    for (key, shape) in [
        ("tls.certificate", Shape::Text),
        ("tls.plain", Shape::Boolean),
        ("webhooks.NAME.app_secret", Shape::Secret),
        ("streams.NAME.jwt.secret", Shape::Secret),
        ("streams.NAME.slow", Shape::Choice(vec!["catch-up", "disconnect"])),
        ("filters.NAME.rollback.within", Shape::Duration),
        ("filters.NAME.config", Shape::Foreign),
        ("limits.inflight", Shape::Count { least: 1, most: 10_000_000 }),
    ] {
        assert_eq!(seen.get(key).map(|asked| asked.shapes.clone()), Some(vec![shape]), "{key}");
    }
}

#[test]
fn every_key_the_reader_asks_for_is_in_the_defaults() {
    let (seen, shown) = (learn::learn().expect("the defaults are TOML"), shown());
    // In a table that is written in one line, not every key need be shown: its comment names them.
    let in_one_line = |key: &str| ["jwt", "callout"].iter().any(|table| key.contains(&format!(".{table}.")));
    let stands_for_names = |key: &str| {
        let (table, name) = key.rsplit_once('.').unwrap_or_default();
        name == "NAME" && seen.get(table).is_some_and(|table| table.names.is_some())
    };
    let keys = seen.keys().map(|(key, _)| key).filter(|key| !key.is_empty());
    let silent: Vec<&str> =
        keys.filter(|key| !in_one_line(key) && !stands_for_names(key) && shown.at(key).is_none()).collect();
    assert!(silent.is_empty(), "not in default.toml: {silent:?}");
}

#[test]
fn every_key_in_the_defaults_has_a_comment_and_a_place_in_the_schema() {
    let (schema, comments) = (json_schema().expect("the defaults are TOML"), documented::comments());
    fn walk(node: &Node, key: &str, schema: &serde_json::Value, comments: &BTreeMap<String, String>) {
        for (name, child) in node.children().into_iter().flatten() {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let known = &schema["properties"][name];
            let below = if known.is_null() { &schema["additionalProperties"] } else { known };
            assert!(below.is_object(), "`{key}` is not in the schema");
            if below["type"] == "object" && below["properties"].is_object() && !key.ends_with("rollback") {
                walk(child, &key, below, comments);
            } else if child.children().is_none() && !key.contains("retention") && !key.contains("rollback") {
                assert!(comments.contains_key(&key), "`{key}` has no comment");
                assert_eq!(below["description"], comments[&key].as_str(), "{key}");
            }
        }
    }
    walk(&shown(), "", &schema, &comments);
    assert_eq!(schema["properties"]["limits"]["properties"]["body"]["default"], "3MiB");
    let path = &schema["properties"]["webhooks"]["additionalProperties"]["properties"]["path"];
    assert_eq!(path["examples"], serde_json::json!(["/whatsapp"]));
}

fn lines(settings: &[Setting]) -> Vec<String> {
    let line = |setting: &Setting| match &setting.value {
        Shown::Value { toml, .. } => format!("{} = {toml} ({})", setting.key, setting.place),
        Shown::Secret(origin) => format!("{} secret {origin:?} ({})", setting.key, setting.place),
    };
    settings.iter().map(line).collect()
}

#[test]
fn each_value_in_force_is_told_with_the_place_it_came_from() {
    let mut written = written(LEAST).with(&[
        ("POSTERN_LIMITS__INFLIGHT", "12"),
        ("POSTERN_WEBHOOKS__WHATSAPP__SPLIT", "false"),
        ("POSTERN_WEBHOOKS__WHATSAPP__FILTERS", "redact"),
    ]);
    written.source.overrides.push(Override {
        flag: "--listen",
        key: "listen",
        value: "127.0.0.1:1,[::1]:1".to_owned(),
    });
    let settings = explain(&written.source).unwrap_or_else(|problems| panic!("{problems:?}"));
    let lines = lines(&settings);
    for line in [
        "listen = [\"127.0.0.1:1\", \"[::1]:1\"] (flag --listen)".to_owned(),
        "limits.inflight = 12 (environment variable POSTERN_LIMITS__INFLIGHT)".to_owned(),
        "limits.body = \"3MiB\" (default)".to_owned(),
        "webhooks.whatsapp.split = false (environment variable POSTERN_WEBHOOKS__WHATSAPP__SPLIT)".to_owned(),
        "webhooks.whatsapp.filters = [\"redact\"] (environment variable POSTERN_WEBHOOKS__WHATSAPP__FILTERS)"
            .to_owned(),
        format!("streams.agents.open = true ({}:11)", written.path().join("postern.toml").display()),
    ] {
        assert!(lines.contains(&line), "no `{line}` in {lines:#?}");
    }
    assert!(lines[0].starts_with("data = "), "{lines:#?}");
}

#[test]
fn no_secret_is_told_or_fetched_and_nothing_a_filter_is_told() {
    let text = LEAST
        .replace("\"s3cr3t\"", "[\"s3cr3t\", { env = \"NOT_SET\" }, { command = \"echo s3cr3t; exit 1\" }]")
        .replace("\"let me in\"", "{ file = \"no-such-file\" }")
        + "config = { tokens = [\"t0ken\"], level = 3 }\nsecrets = { partner = \"s3cr3t\" }\n";
    let settings = explain(&written(text).source).unwrap_or_else(|problems| panic!("{problems:?}"));
    let lines = lines(&settings).join("\n");
    assert!(!lines.contains("s3cr3t") && !lines.contains("t0ken") && !lines.contains("let me in"), "{lines}");
    for part in [
        "webhooks.whatsapp.app_secret secret Some(\"here, environment variable NOT_SET, a command\")",
        "webhooks.whatsapp.verify_token secret Some(\"file no-such-file\")",
        "filters.redact.config.level secret None",
        "filters.redact.secrets.partner secret None",
    ] {
        assert!(lines.contains(part), "no `{part}` in {lines}");
    }
}

#[test]
fn where_something_is_wrong_nothing_is_shown() {
    let text = LEAST.replace("app_secret", "app_secert");
    let problems = explain(&written(text).source).map(|_| ()).expect_err("a key is unknown");
    let text = format!("{problems:?}");
    assert!(text.contains("did you mean `app_secret`?") && !text.contains("s3cr3t"), "{text}");
}

#[test]
fn it_is_known_where_secrets_are_kept() {
    let with_file = LEAST.replace("\"let me in\"", "{ file = \"token\" }");
    let written = written(with_file);
    std::fs::write(written.path().join("token"), "let me in").expect("a file");
    let secrets = written.config().secrets;
    assert_eq!(secrets.files, [("webhooks.whatsapp.verify_token".to_owned(), written.path().join("token"))]);
    assert_eq!(secrets.written, ["webhooks.whatsapp.app_secret"]);
}
