use super::*;

fn with_token(token: &str) -> Written {
    written(format!("{LEAST}[admin]\ntoken = {token}\n"))
}

fn token(written: &Written) -> crate::secret::Secret {
    written.config().admin.token.expect("a token")
}

#[test]
fn a_secret_can_be_a_string_or_come_from_a_file_a_variable_or_a_command() {
    assert!(token(&with_token("\"t0k3n\"")).matches("t0k3n"));
    assert!(token(&with_token("{ env = \"TOKEN\" }").with(&[("TOKEN", " t0k3n\n")])).matches(" t0k3n\n"));
    assert!(token(&with_token("{ command = \"echo t0$((1+2))n\" }")).matches("t03n"));
    // Beside the file, whatever the current directory is.
    let written = with_token("{ command = \"cat token\" }");
    std::fs::write(written.path().join("token"), "t0k3n\r\n").unwrap();
    assert!(token(&written).matches("t0k3n"));
}

#[test]
fn one_end_of_line_is_not_part_of_a_secret() {
    for (content, secret) in [("t0k3n", "t0k3n"), ("t0k3n\n", "t0k3n"), ("t0k3n\r\n", "t0k3n"), ("t \n\n", "t \n")] {
        let written = with_token("{ file = \"token\" }");
        std::fs::write(written.path().join("token"), content).unwrap();
        assert!(token(&written).matches(secret), "{content:?}");
    }
}

#[test]
fn a_variable_replaces_a_secret_whatever_its_source_was() {
    let token_of =
        |name, value| token(&with_token("{ file = \"none\" }").with(&[(name, value), ("OTHER", "from other")]));
    assert!(token_of("POSTERN_ADMIN__TOKEN", "t0k3n").matches("t0k3n"));
    assert!(token_of("POSTERN_ADMIN__TOKEN__ENV", "OTHER").matches("from other"));
    assert!(token_of("POSTERN_ADMIN__TOKEN", "{ env = \"OTHER\" }").matches("from other"));
    assert!(token_of("POSTERN_ADMIN__TOKEN", "{not a table").matches("{not a table"));
}

#[test]
fn several_secrets_can_come_from_several_sources_and_hold_commas() {
    let toml = LEAST.replace("\"s3cr3t\"", "[\"a,b\", { env = \"OLD\" }]");
    let config = written(&toml).with(&[("OLD", "c")]).config();
    let secrets = &config.webhooks["whatsapp"].signing.secrets;
    assert!(secrets.len() == 2 && secrets[0].matches("a,b") && secrets[1].matches("c"));
    let given = |text| written(LEAST).with(&[("POSTERN_WEBHOOKS__WHATSAPP__APP_SECRET", text), ("OLD", "c")]).config();
    assert!(given("a,b").webhooks["whatsapp"].signing.secrets[0].matches("a,b"));
    assert!(given("[x").webhooks["whatsapp"].signing.secrets[0].matches("[x"));
    let several = given("[\"a\", { env = \"OLD\" }]");
    assert!(several.webhooks["whatsapp"].signing.secrets[1].matches("c"));
}

#[test]
fn a_secret_that_cannot_be_had_is_told_by_its_key_and_source() {
    let set = "\nhint: set it where postern is started: `export` it in the shell, \
         or name it in the service's or container's environment";
    let text = "\nhint: a secret must be text: check that this is the right one";
    let only = "\nhint: it must give the secret and nothing else";
    let by_hand = "\nhint: try it by hand in the directory of the configuration file, as the user that postern runs as: \
         it must print the secret";
    let path = "\nhint: check the path; a relative one begins where the configuration file is";
    let empty = format!("\n{EMPTY_SECRET}");
    let cases = [
        ("\"\"", "is empty", empty.as_str()),
        (
            "12345678",
            "must be a string, `{ file = \"…\" }`, `{ env = \"…\" }` or `{ command = \"…\" }`, not an integer",
            "",
        ),
        (
            "{}",
            "must be a string, `{ file = \"…\" }`, `{ env = \"…\" }` or `{ command = \"…\" }`, and only one of them",
            "",
        ),
        (
            "{ env = \"A\", file = \"b\" }",
            "must be a string, `{ file = \"…\" }`, `{ env = \"…\" }` or `{ command = \"…\" }`, and only one of them",
            "",
        ),
        ("{ env = \"NOT_SET\" }", "could not be had: its environment variable `NOT_SET` is not set", set),
        ("{ env = \"EMPTY\" }", "could not be had: its environment variable `EMPTY` is empty", set),
        (
            "{ file = \"none\" }",
            "could not be had: its file none cannot be read: No such file or directory (os error 2)",
            path,
        ),
        ("{ file = \"empty\" }", "could not be had: its file empty gives nothing", only),
        ("{ file = \"binary\" }", "could not be had: its file binary does not give UTF-8", text),
        ("{ file = \"/dev/zero\" }", "could not be had: its file /dev/zero gives more than 64 KiB", only),
        ("{ command = \"exit 3\" }", "could not be had: its command failed: exit status: 3", by_hand),
        ("{ command = \"echo s3cr3t; exit 3\" }", "could not be had: its command failed: exit status: 3", by_hand),
        ("{ command = \"true\" }", "could not be had: its command gives nothing", only),
        ("{ command = \"cat /dev/zero\" }", "could not be had: its command gives more than 64 KiB", only),
    ];
    for (token, message, hint) in cases {
        let written = with_token(token).with(&[("EMPTY", "")]);
        std::fs::write(written.path().join("empty"), "\n").unwrap();
        std::fs::write(written.path().join("binary"), b"\xff\xfe").unwrap();
        assert_eq!(written.problems(), format!("postern.toml:15: `admin.token` {message}{hint}"), "{token}");
    }
}

#[test]
fn a_misspelt_source_is_an_unknown_key() {
    let problems = with_token("{ fil = \"x\" }").problems();
    assert!(
        problems.starts_with("postern.toml:15: `admin.token.fil` is not a known key\nhint: did you mean `file`?"),
        "{problems}"
    );
}

#[cfg(unix)]
#[test]
fn a_command_that_does_not_end_is_ended() {
    let patience = Duration::from_millis(50);
    let directory = tempfile::tempdir().unwrap();
    for command in ["sleep 1000", "exec >&-; sleep 1000", "sleep 1000 & sleep 1000; echo x"] {
        let ran = secret_source::run(command, directory.path(), patience).unwrap();
        assert!(matches!(ran, secret_source::Ran::TooLong), "{command}");
    }
}

#[test]
fn nothing_prints_a_secret() {
    let toml = format!("{LEAST}config = {{ key = \"f1lt3r\" }}\n[admin]\ntoken = \"t0k3n\"");
    let config = written(toml).config();
    let printed = format!("{config:?}");
    for secret in ["t0k3n", "s3cr3t", "let me in", "f1lt3r"] {
        assert!(!printed.contains(secret));
    }
}
