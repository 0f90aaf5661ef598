use super::*;

fn loaded(variables: &[(&str, &str)]) -> Config {
    written(LEAST).with(variables).config()
}

#[test]
fn each_layer_replaces_the_one_below() {
    let mut given =
        written(format!("listen = \"127.0.0.1:1\"\ndata = \"file\"\n{LEAST}[limits]\nlabels = 1\ninflight = 1\n"));
    given.source.embedded =
        Some(("dev.toml", "[limits]\nlabels = 7\nheader_count = 7\n[admin]\ntoken = \"e\"".to_owned()));
    given.source.environment =
        vec![("POSTERN_LISTEN".into(), "127.0.0.1:2".into()), ("POSTERN_LIMITS__INFLIGHT".into(), "2".into())];
    given.source.overrides = vec![Override { flag: "--listen", key: "listen", value: "127.0.0.1:3".to_owned() }];
    let config = given.config();
    assert_eq!(config.listen, ["127.0.0.1:3".parse().unwrap()]);
    assert_eq!((config.limits.labels, config.limits.inflight, config.limits.header_count), (1, 2, 7));
    assert_eq!(config.limits.connections, 100_000);
    assert_eq!(config.place("listen"), Place::Flag { flag: "--listen" });
    assert_eq!(config.place("limits.inflight"), Place::Environment { variable: "POSTERN_LIMITS__INFLIGHT".to_owned() });
    assert_eq!(config.place("limits.header_count"), Place::Embedded { name: "dev.toml", line: Some(3) });
    assert_eq!(config.place("data").line(), Some(2));
    assert_eq!(config.place("limits.connections"), Place::Default);
}

#[test]
fn an_environment_variable_can_set_every_kind_of_value() {
    let config = loaded(&[
        ("POSTERN_LISTEN", "127.0.0.1:1, [::1]:2"),
        ("POSTERN_WEBHOOKS__WHATSAPP__APP_SECRET", "0123"),
        ("POSTERN_WEBHOOKS__WHATSAPP__VERIFY_TOKEN", "1e3"),
        ("POSTERN_WEBHOOKS__WHATSAPP__FILTERS", "[]"),
        ("POSTERN_WEBHOOKS__WHATSAPP__SPLIT", "false"),
        ("POSTERN_STREAMS__AGENTS__ORIGINS", "[\"https://a\", \"https://b\"]"),
        ("POSTERN_LIMITS__BODY", "1048576"),
        ("POSTERN_LIMITS__RING", "1MiB"),
        ("POSTERN_LIMITS__LABELS", "5"),
        ("POSTERN_LIMITS__IDLE", "2m"),
        ("POSTERN_DATA", "12"),
    ]);
    assert_eq!(config.listen.len(), 2);
    let webhook = &config.webhooks["whatsapp"];
    let verify_token = webhook.verify_token.as_ref().unwrap();
    assert!(webhook.signing.secrets[0].matches("0123") && verify_token.matches("1e3") && webhook.filters.is_empty());
    assert_eq!(config.streams["agents"].origins.as_deref().unwrap(), ["https://a", "https://b"]);
    assert_eq!((config.limits.body, config.limits.ring, config.limits.labels), (1 << 20, 1 << 20, 5));
    assert_eq!(config.limits.idle, Duration::from_secs(120));
    assert_eq!(config.data.file_name().unwrap(), "12");
}

#[test]
fn the_text_of_an_environment_variable_loses_nothing() {
    let config = loaded(&[
        ("POSTERN_FILTERS__REDACT__CONFIG__COUNT", "5"),
        ("POSTERN_FILTERS__REDACT__CONFIG__CODE", "0123"),
        ("POSTERN_FILTERS__REDACT__CONFIG__EXPONENT", "1e3"),
        ("POSTERN_FILTERS__REDACT__CONFIG__LONG", "123456789012345678901234567890"),
        ("POSTERN_FILTERS__REDACT__CONFIG__ON", "true"),
        ("POSTERN_FILTERS__REDACT__CONFIG__LIST", "[\"a\", 1]"),
        ("POSTERN_FILTERS__REDACT__CONFIG__QUOTED", "\"5\""),
        ("POSTERN_FILTERS__REDACT__CONFIG__NOTHING", ""),
    ]);
    let told = serde_json::json!({
        "count": 5, "code": "0123", "exponent": "1e3", "long": "123456789012345678901234567890", "on": true,
        "list": ["a", 1], "quoted": "\"5\"", "nothing": ""
    });
    assert_eq!(config.filters["redact"].config, told);
    for table in ["{\"a\": {\"b\": 1}}", "{ a = { b = 1 } }", "{ a.b = 1 }"] {
        let config = loaded(&[("POSTERN_FILTERS__REDACT__CONFIG", table)]);
        assert_eq!(config.filters["redact"].config, serde_json::json!({ "a": { "b": 1 } }), "{table}");
    }
}

#[test]
fn a_whole_configuration_can_come_from_the_environment() {
    let variables = [
        ("POSTERN_TLS__PLAIN", "true"),
        ("POSTERN_WEBHOOKS__WA__PATH", "/wa"),
        ("POSTERN_WEBHOOKS__WA__VERIFY_TOKEN", "v"),
        ("POSTERN_WEBHOOKS__WA__APP_SECRET", "s"),
    ];
    let environment = variables.map(|(name, value)| (name.into(), value.into())).to_vec();
    let source = Source { environment, directory: "/srv".into(), ..Source::default() };
    let config = load(&source).unwrap_or_else(|problems| panic!("{}", told(&problems)));
    assert_eq!(
        (config.webhooks["wa"].signing.provider, config.data.as_path()),
        (Provider::Meta, Path::new("/srv/postern-data"))
    );
}

#[test]
fn an_underscore_in_a_variable_means_the_hyphen_of_a_defined_name() {
    let toml = LEAST.replace("filters.redact]", "filters.drop-statuses]").replace("\"redact\"", "\"drop-statuses\"");
    let config = written(toml).with(&[("POSTERN_FILTERS__DROP_STATUSES__DEADLINE", "9ms")]).config();
    assert_eq!(config.filters["drop-statuses"].deadline, Duration::from_millis(9));
}

#[test]
fn variables_of_others_are_left_alone() {
    loaded(&[
        ("POSTERN_GUEST_TARGET", "x"),
        ("POSTERN_TEST_PATIENCE", "x"),
        ("POSTERN_NO_RUSTUP", "1"),
        ("POSTERN_ALLOW_APT", "1"),
        ("POSTERN_PORT", "tcp://10.0.0.1:8443"),
        ("POSTERN_PORT_8443_TCP_ADDR", "10.0.0.1"),
        ("POSTERN_SERVICE_HOST", "10.0.0.1"),
        ("POSTERNS", "x"),
        ("OTHER", "x"),
    ]);
}

#[test]
fn a_wrong_variable_is_named() {
    let cases = [
        ("POSTERN_LISTN", "x", "`listn` is not a known key\nhint: did you mean `listen`?"),
        (
            "POSTERN_PORT",
            "8443",
            "`port` is not a known key\nhint: it can be `listen`, `reuse_port`, `data`, `shards`, `io_uring`, `tls`, `proxy`, `webhooks`, `streams`, `filters`, `registries`, `http`, `forward`, `inbox`, `outbox`, `dedupe`, `retry`, `admin`, `limits`, `log` or `telemetry`",
        ),
        ("POSTERN_LIMITS__LABELS", "many", "`limits.labels` must be a whole number between 1 and 10000"),
        ("POSTERN_LIMITS__IDLE", "60", "`limits.idle` must be a duration with its unit, such as `250ms` or `10s`"),
        ("POSTERN_STREAMS__AGENTS__OPEN", "yes", "`streams.agents.open` must be `true` or `false`"),
        ("POSTERN_ADMIN__TOKEN", "", &format!("`admin.token` is empty\n{EMPTY_SECRET}")),
        ("POSTERN_DATA", "", "`data` is empty: it must be a path\nhint: unset the variable, if it is to say nothing"),
        ("POSTERN_LIMITS", "x", "`limits` must be a table, not a string"),
    ];
    for (variable, value, message) in cases {
        let problems = written(LEAST).with(&[(variable, value)]).problems();
        assert_eq!(problems, format!("environment variable {variable}: {message}"));
    }
    let both = written(LEAST).with(&[("POSTERN_LIMITS", "x"), ("POSTERN_LIMITS__BODY", "1MiB")]).load();
    assert!(told(&both.unwrap_err()).contains("`limits.body` is given here as a whole and elsewhere in parts"));
}

#[test]
fn a_missing_key_is_told_with_the_variable_that_sets_it() {
    let webhook = |name: &str| format!("[tls]\nplain = true\n[webhooks.{name}]\npath = \"/a\"\nverify_token = \"v\"\n");
    let missing = |name: &str, hint: &str| {
        format!("postern.toml:3: `webhooks.{name}.app_secret` is missing\nhint: write it in the file{hint}")
    };
    for (name, hint) in [
        ("wa", ", or set `POSTERN_WEBHOOKS__WA__APP_SECRET`"),
        ("wa-1", ", or set `POSTERN_WEBHOOKS__WA_1__APP_SECRET`"),
        ("wa_1", ", or set `POSTERN_WEBHOOKS__WA_1__APP_SECRET`"),
        // Two underscores are where a variable's names end.
        ("wa__1", ""),
    ] {
        assert_eq!(written(webhook(name)).problems(), missing(name, hint));
        if let Some(variable) = hint.split('`').nth(1) {
            assert!(written(webhook(name)).with(&[(variable, "s")]).load().is_ok(), "{variable}");
        }
    }
    // Of two names that one variable could mean, it means the one with the underscore.
    let both = written(format!("{}[webhooks.wa_1]", webhook("wa-1"))).problems();
    assert!(both.contains(&format!("{}\n", missing("wa-1", ""))), "{both}");
    assert!(both.contains("or set `POSTERN_WEBHOOKS__WA_1__APP_SECRET`"), "{both}");

    let alone = Source {
        environment: vec![
            ("POSTERN_TLS__PLAIN".into(), "true".into()),
            ("POSTERN_FILTERS__X__MEMORY".into(), "1MiB".into()),
        ],
        ..Source::default()
    };
    let problems = told(&load(&alone).unwrap_err());
    assert!(problems.contains("`filters.x.file` is missing\nhint: set `POSTERN_FILTERS__X__FILE`"), "{problems}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_named_and_not_printed() {
    use std::os::unix::ffi::OsStringExt;
    let mut written = written(LEAST);
    let value = std::ffi::OsString::from_vec(b"s3\xffcr3t".to_vec());
    written.source.environment.push(("POSTERN_ADMIN__TOKEN".into(), value));
    assert_eq!(written.problems(), "environment variable POSTERN_ADMIN__TOKEN: `admin.token` must be UTF-8");
}

#[test]
fn a_development_start_needs_no_file_and_no_certificate() {
    let toml = LEAST.replace("plain = true", "");
    let source =
        Source { embedded: Some(("dev.toml", toml)), directory: "/srv".into(), dev: true, ..Source::default() };
    let config = load(&source).unwrap_or_else(|problems| panic!("{}", told(&problems)));
    assert_eq!(config.tls.identity, Identity::Development);
    assert_eq!(config.filters["redact"].file, Component::File("/srv/redact.wasm".into()));
    let problems = load(&Source { dev: false, ..source }).unwrap_err();
    assert!(
        told(&problems).starts_with("built-in dev.toml:2: `tls` has no certificate\nhint: "),
        "{}",
        told(&problems)
    );
}
