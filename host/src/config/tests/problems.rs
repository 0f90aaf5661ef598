use super::*;

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let source = Source { file: Some("/none/postern.toml".into()), ..Source::default() };
    assert_eq!(
        told(&load(&source).unwrap_err()),
        "/none/postern.toml: failed to read the configuration: No such file or directory (os error 2)\n\
         hint: name a file with `-c FILE`, write `postern.toml`, or try `postern run --dev`, which needs none"
    );
    assert_eq!(
        written(b"data = \"\xff\"").problems(),
        "postern.toml: the configuration is not UTF-8\nhint: save it as UTF-8, in an editor"
    );
    let source = Source { file: Some("/".into()), ..Source::default() };
    let problems = told(&load(&source).unwrap_err());
    assert!(problems.ends_with("\nhint: it is a directory: name the file in it"), "{problems}");
}

#[test]
fn what_is_not_toml_is_told_with_its_line_and_without_its_text() {
    let line = "a line is `key = \"text\"`, with the text, times and sizes in double quotes; see https://toml.io";
    let list = "a list is written `[\"a\", \"b\"]`; see https://toml.io";
    let section = "a section begins with a line such as `[tls]` or `[webhooks.whatsapp]`; see https://toml.io";
    let twice = "remove one of the two";
    let cases = [
        ("listen = [\ndata = \"s3cr3t\"", "postern.toml:2: not TOML: invalid array: expected `]`", list),
        (
            "\n\n[admin\ntoken = \"s3cr3t\"",
            "postern.toml:3: not TOML: invalid table header: expected `.`, `]`",
            section,
        ),
        ("[admin]\ntoken = s3cr3t", "postern.toml:2: not TOML: invalid string: expected `\"`, `'`", line),
        ("[admin]\ntoken = \"s3cr3t", "postern.toml:2: not TOML: invalid basic string", line),
        (
            "[admin]\ntoken = 'a'\ntoken = 's3cr3t'",
            "postern.toml:3: not TOML: duplicate key `token` in table `admin`",
            twice,
        ),
        ("[admin]\ntoken = 12s3cr3t", "postern.toml:2: not TOML: expected newline, `#`", line),
        (
            "data = \"a\"\n[data]\nx = 1",
            "postern.toml:2: not TOML: invalid table header: duplicate key `data` in document root",
            twice,
        ),
    ];
    for (toml, expected, hint) in cases {
        assert_eq!(written(toml).problems(), format!("{expected}\nhint: {hint}"), "{toml}");
    }
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    let unknown = |toml: &str, key: &str, hint: &str| {
        appended(toml, &format!("postern.toml:15: `{key}` is not a known key\nhint: {hint}"));
    };
    unknown("\n[stream]\nx = 1", "stream", "did you mean `streams`?");
    unknown("[limits]\nbdy = 1", "limits.bdy", "did you mean `body`?");
    unknown("[admin]\n\"to\\nken\" = 1", "admin.to\\nken", "did you mean `token`?");
    unknown(
        "\n[tls.x]\n",
        "tls.x",
        "it can be `certificate`, `key`, `key_password`, `acme`, `plain`, `handshake_timeout` or `client_ca`",
    );
    unknown("[log]\ndata = 'x'", "log.data", "`data` belongs above the first section, not into `[log]`");
    unknown("[log]\nlevels = 'x'", "log.levels", "did you mean `level`?");
    replaced(
        "path = \"/whatsapp\"",
        "path = \"/whatsapp\"\npth = \"/x\"",
        "postern.toml:6: `webhooks.whatsapp.pth` is not a known key\nhint: did you mean `path`?",
    );
    replaced(
        "plain = true",
        "cert = \"cert.pem\"\nplain = true",
        "postern.toml:3: `tls.cert` is not a known key\nhint: did you mean `certificate`?",
    );
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    replaced(
        "path = \"/whatsapp\"",
        "pth = \"/whatsapp\"\ncolour = 1\nsplit = 1",
        "postern.toml:4: `webhooks.whatsapp.path` is missing\n\
         hint: write it in the file, or set `POSTERN_WEBHOOKS__WHATSAPP__PATH`\n\
         postern.toml:5: `webhooks.whatsapp.pth` is not a known key\n\
         hint: did you mean `path`?\n\
         postern.toml:6: `webhooks.whatsapp.colour` is not a known key\n\
         hint: it can be `path`, `provider`, `verify_token`, `app_secret`, `secret`, `public_url`, `signature`, `tolerance`, `kind`, \
         `filters`, `split`, `phone_number_ids`, `ordered`, `dispatch`, `client_auth` or `client_name`\n\
         postern.toml:7: `webhooks.whatsapp.split` must be `true` or `false`, not an integer",
    );
    assert_eq!(
        written("lisen = 1\n[tls]\n[streams.a]\nslow = 1").with(&[("POSTERN_DATA", "")]).problems(),
        "postern.toml:1: `lisen` is not a known key\n\
         hint: did you mean `listen`?\n\
         postern.toml:2: `tls` has no certificate\n\
         hint: set `tls.certificate` and `tls.key`, or say `tls.plain = true` if a load balancer in front has done TLS\n\
         postern.toml:3: `streams.a.path` is missing\n\
         hint: write it in the file, or set `POSTERN_STREAMS__A__PATH`\n\
         postern.toml:3: `streams.a` lets nobody in: it has no admission filter and is not open\n\
         hint: name a filter in `admission`, or say `open = true` if anyone may connect\n\
         postern.toml:4: `streams.a.slow` must be `catch-up` or `disconnect`, not an integer\n\
         environment variable POSTERN_DATA: `data` is empty: it must be a path\n\
         hint: unset the variable, if it is to say nothing"
    );
}

#[test]
fn what_a_later_version_will_support_is_told_as_such() {
    let later = "postern.toml:14: `cluster` is not supported by this version of postern\nhint: leave it out";
    appended("[cluster]", later);
}

#[test]
fn a_value_of_the_wrong_kind_is_told_without_the_value() {
    let size = "a size such as `64KiB` or `3MiB`";
    let duration = "a duration with its unit, such as `250ms` or `10s`";
    let cases = [
        ("body = \"s3cr3t\"", format!("body` must be {size}")),
        ("body = true", format!("body` must be {size}, not a boolean")),
        ("body = \"0\"", "body` must be between 1B and 32MiB".to_owned()),
        ("body = -1", format!("body` must be {size}, not an integer")),
        ("headers = \"1KiB\"", "headers` must be between 8KiB and 16MiB".to_owned()),
        ("ring = 0", "ring` must be between 64KiB and 1TiB".to_owned()),
        ("ring = \"99999999999999999999EiB\"", "ring` must be between 64KiB and 1TiB".to_owned()),
        ("idle = 60", format!("idle` must be {duration}, not an integer")),
        ("idle = \"60\"", format!("idle` must be {duration}")),
        ("idle = \"s3cr3t\"", format!("idle` must be {duration}")),
        ("drain_timeout = \"0s\"", "drain_timeout` must be between 1ms and 24h".to_owned()),
        ("drain_timeout = \"40000000000y\"", "drain_timeout` must be between 1ms and 24h".to_owned()),
        ("labels = 0", "labels` must be a whole number between 1 and 10000".to_owned()),
        ("labels = 3.5", "labels` must be a whole number between 1 and 10000, not a number with a fraction".to_owned()),
        ("labels = \"s3cr3t\"", "labels` must be a whole number between 1 and 10000".to_owned()),
        ("labels = [1]", "labels` must be a whole number between 1 and 10000, not a list".to_owned()),
        ("labels = 2026-01-01", "labels` must be a whole number between 1 and 10000, not a date".to_owned()),
    ];
    for (line, message) in cases {
        appended(&format!("[limits]\n{line}"), &format!("postern.toml:15: `limits.{message}"));
    }
}

#[test]
fn an_address_that_is_none_is_told_with_what_to_write() {
    let expected = "must be an address and a port, such as `127.0.0.1:8443` or `[::1]:8443`";
    let everywhere = "\nhint: every address of this machine is `0.0.0.0:PORT`, or `[::]:PORT`";
    let names = "\nhint: names are not looked up: for `localhost` write `127.0.0.1`";
    let cases = [
        ("\"8443\"", ""),
        ("8443", ", not an integer"),
        ("\":8443\"", everywhere),
        ("\"localhost:8443\"", names),
        ("\"::1:8443\"", ""),
        ("\"127.0.0.1:84433\"", ""),
        ("[\"127.0.0.1:1\",\n\"x\"]", ""),
    ];
    for (value, rest) in cases {
        let line = 1 + value.matches('\n').count();
        let problems = written(format!("listen = {value}\n{LEAST}")).problems();
        assert_eq!(problems, format!("postern.toml:{line}: `listen` {expected}{rest}"));
    }
    for (value, message) in [
        ("[]", "`listen` is empty: there must be at least one address"),
        (
            "[\"127.0.0.1:1\", \"127.0.0.1:1\"]",
            "`listen` has the same address twice: 127.0.0.1:1\nhint: remove one of the two",
        ),
    ] {
        assert_eq!(written(format!("listen = {value}\n{LEAST}")).problems(), format!("postern.toml:1: {message}"));
    }
}

#[test]
fn a_path_that_no_request_can_have_is_refused() {
    let cases = [
        ("whatsapp", "must be a path that begins with `/`"),
        ("/a?b=c", "must be a path without a query"),
        ("/a#b", "must be a path without a fragment"),
        ("/a/*", "must be one path: `*` matches nothing here"),
        ("/a b", "must be a path as a request has it: percent-encoded"),
        ("/é", "must be a path as a request has it: percent-encoded"),
    ];
    for (path, message) in cases {
        replaced("/whatsapp", path, &format!("postern.toml:5: `webhooks.whatsapp.path` {message}"));
    }
}

#[test]
fn a_name_must_be_defined_and_be_a_name() {
    replaced(
        "[\"redact\"]",
        "[\"redct\"]",
        "postern.toml:8: `webhooks.whatsapp.filters` names a filter that is not defined: `redct`\n\
         hint: did you mean `redact`?",
    );
    replaced(
        "open = true",
        "admission = [\"token\"]\nwebhooks = [\n\"whatsapp\",\n\"wa\"]",
        "postern.toml:11: `streams.agents.admission` names a filter that is not defined: `token`\n\
         hint: define it as `[filters.token]`\n\
         postern.toml:14: `streams.agents.webhooks` names a webhook that is not defined: `wa`\n\
         hint: define it as `[webhooks.wa]`",
    );
    replaced(
        "[\"redact\"]",
        "[\"redact\", \"redact\", 3]",
        "postern.toml:8: `webhooks.whatsapp.filters` names a filter twice: `redact`\n\
         hint: remove one of the two\n\
         postern.toml:8: `webhooks.whatsapp.filters` must be a list of names, not an integer",
    );
    appended(
        "[filters.\"A.b\"]\nfile = \"x\"",
        "postern.toml:14: `filters.A.b` must have a name of 1 to 64 lower-case letters, digits, `-` and `_`",
    );
    replaced(
        "[filters.redact]\n",
        "[filters]\n",
        "postern.toml:8: `webhooks.whatsapp.filters` names a filter that is not defined: `redact`\n\
         hint: define it as `[filters.redact]`\n\
         postern.toml:13: `filters.file` must be a table, not a string\n\
         hint: each has a section of its own: `[filters.NAME]`",
    );
}

#[test]
fn a_word_that_is_none_of_the_choices_is_told_with_the_nearest() {
    appended(
        "on_error = \"holt\"",
        "postern.toml:14: `filters.redact.on_error` must be `hold`, `pass` or `drop`\nhint: did you mean `hold`?",
    );
    appended("sha256 = \"abc\"", "postern.toml:14: `filters.redact.sha256` must be a SHA-256 of 64 hexadecimal digits");
    appended("memory = \"5GiB\"", "postern.toml:14: `filters.redact.memory` must be between 64KiB and 4GiB");
    appended("config = 3", "postern.toml:14: `filters.redact.config` must be a table, not an integer");
    appended(
        "config = { x = [nan] }",
        "postern.toml:14: `filters.redact.config` holds a number that JSON has no word for: `inf` or `nan`\n\
         hint: write it as a string, in quotes, if the filter takes that",
    );
    let level = "`log.level` must be a level such as `info`, or directives such as `postern=debug,info`";
    appended("[log]\nlevel = \"inof\"", &format!("postern.toml:15: {level}\nhint: did you mean `info`?"));
    appended("[log]\nlevel = \"postern=loud\"", &format!("postern.toml:15: {level}"));
}

#[test]
fn nothing_to_serve_is_a_problem() {
    let hint = "hint: write a section `[webhooks.NAME]` and one `[streams.NAME]`, or try `postern run --dev`";
    let nothing = "there is nothing to serve: no webhook and no stream is configured";
    assert_eq!(written("[tls]\nplain = true").problems(), format!("postern.toml: {nothing}\n{hint}"));
    assert_eq!(told(&load(&Source { dev: true, ..Source::default() }).unwrap_err()), format!("{nothing}\n{hint}"));
}

#[test]
fn no_problem_prints_what_was_written() {
    let values = [
        "\"s3cr3t-value\"",
        "77777777",
        "7777777.5",
        "[\"s3cr3t-value\"]",
        "{ s3 = \"s3cr3t-value\" }",
        "7777-07-07",
        "true",
    ];
    let keys = [
        "listen", "data", "tls", "webhooks", "streams", "filters", "inbox", "dedupe", "retry", "admin", "limits", "log",
    ];
    let sections = [
        "tls.plain",
        "tls.key_password",
        "webhooks.x.verify_token",
        "webhooks.x.app_secret",
        "webhooks.x.split",
        "webhooks.x.phone_number_ids",
    ]
    .into_iter()
    .chain([
        "streams.x.heartbeat",
        "streams.x.slow",
        "filters.x.sha256",
        "filters.x.deadline",
        "inbox.retention",
        "inbox.retention.age",
        "outbox.retention.size",
        "dedupe.window",
        "retry.longest",
        "admin.token",
        "log.level",
    ]);
    for key in keys.into_iter().chain(sections) {
        for value in values {
            let problems = written(format!("{key} = {value}")).problems();
            assert!(!problems.contains("s3cr3t") && !problems.contains("777"), "{key} = {value}: {problems}");
            let problems =
                written("").with(&[(&format!("POSTERN_{}", key.to_uppercase().replace('.', "__")), value)]).problems();
            assert!(!problems.contains("s3cr3t") && !problems.contains("777"), "{key} = {value}: {problems}");
        }
    }
}

#[test]
fn a_component_in_a_registry_is_named_wholly_and_a_registry_by_its_host() {
    let file = |file: &str| LEAST.replace("\"redact.wasm\"", &format!("\"{file}\""));
    let hint =
        "\nhint: it looks like `oci://ghcr.io/acme/redact@sha256:…`, or like `oci://ghcr.io/acme/redact:1.2`, by a tag";
    for (text, why) in [
        ("oci://ghcr.io/redact", "it has neither a digest nor a tag"),
        ("oci://ghcr.io", "it names no registry, or nothing in it"),
    ] {
        let told = format!("postern.toml:13: `filters.redact.file` names no component in a registry: {why}{hint}");
        assert_eq!(written(file(text)).problems(), told);
    }
    let config = written(file("oci://ghcr.io/acme/redact:1.2")).config();
    assert_eq!(config.filters["redact"].file, Component::Registry("oci://ghcr.io/acme/redact:1.2".parse().unwrap()));

    let section = "[registries.\"ghcr.io\"]\nusername = \"robot\"\npassword = { env = \"TOKEN\" }\nca = \"ca.pem\"\n";
    let written_whole = written(format!("{LEAST}{section}[registries.\"127.0.0.1:5000\"]\ntimeout = \"2s\"\n"));
    let config = written_whole.with(&[("TOKEN", "t"), ("POSTERN_REGISTRIES__GHCR_IO__TIMEOUT", "5s")]).config();
    let registry = &config.registries["ghcr.io"];
    let (username, password) = registry.account.as_ref().unwrap();
    assert!(username == "robot" && password.matches("t") && registry.ca.is_some());
    assert_eq!(
        (registry.timeout, config.registries["127.0.0.1:5000"].timeout),
        (Duration::from_secs(5), Duration::from_secs(2))
    );

    let named = "must be named by a host in lower case, with its port where it has one\n\
                 hint: write it as in the reference, in quotes: `[registries.\"ghcr.io\"]`";
    appended("[registries.\"GHCR.io\"]", &format!("postern.toml:14: `registries.GHCR.io` {named}"));
    appended("[registries.\"https://ghcr.io\"]", &format!("postern.toml:14: `registries.https://ghcr.io` {named}"));
    let both = "set both, or leave both out to ask as nobody in particular";
    appended(
        "[registries.h]\nusername = \"a\"",
        &format!("postern.toml:15: `registries.h.username` has no `password` beside it\nhint: {both}"),
    );
    let token = "set both: where only a token counts, as at ghcr.io, any name will do";
    appended(
        "[registries.h]\npassword = \"a\"",
        &format!("postern.toml:15: `registries.h.password` has no `username` beside it\nhint: {token}"),
    );
    appended(
        "[registries.h]\nusername = \"a:b\"\npassword = \"p\"",
        "postern.toml:15: `registries.h.username` must be a user name without `:`",
    );
    appended(
        "[registries]\nh = 1",
        "postern.toml:15: `registries.h` must be a table, not an integer\nhint: each has a section of its own: `[registries.NAME]`",
    );
}
