//! What editors, shells and `man` are given, tried by the programs that take it; and the example configurations.

use crate::home;
use postern_tests::tools::schema::validate;
use postern_tests::{Config, Home};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

fn configuration(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/config").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn examples() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/config/examples");
    let files = std::fs::read_dir(directory).expect("there are examples");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("it can be read").path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    files
}

/// `default.toml` with the keys that it shows as comments in force, one for each name.
fn everything() -> String {
    let uncommented = |line: &str| {
        let is_key = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase()) && rest.contains(" = ");
        let shown = line.strip_prefix('#').filter(|rest| is_key(rest) || rest.starts_with('['));
        shown.unwrap_or(line).to_owned()
    };
    let lines: Vec<String> = configuration("default.toml").lines().map(uncommented).collect();
    lines.join("\n").replace("registries.NAME", "registries.\"ghcr.io\"").replace("NAME]", "name]")
}

async fn schema(home: &Home) -> Value {
    let ended = home.run(&["config", "--schema"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).expect("JSON")
}

#[tokio::test]
async fn the_json_schema_takes_every_key_there_is_and_all_examples_by_a_validator_of_others() {
    let mut documents = vec![
        ("everything".to_owned(), everything()),
        ("dev.toml".to_owned(), configuration("dev.toml")),
        ("nothing".to_owned(), String::new()),
        ("several".to_owned(), "listen = \"127.0.0.1:1\"\n[limits]\nbody = 4096\n".to_owned()),
    ];
    for file in examples() {
        let text = std::fs::read_to_string(&file).expect("an example");
        documents.push((file.display().to_string(), text));
    }
    let schema = schema(&home(&Config::basic())).await;
    let Some(faults) = validate(&schema, &documents) else { return };
    for (name, _) in &documents {
        assert_eq!(faults[name], serde_json::json!([]), "{name}");
    }
}

#[tokio::test]
async fn the_json_schema_refuses_what_postern_refuses() {
    let webhook = "[webhooks.a]\npath = \"/a\"\nverify_token = \"v\"\napp_secret = \"s\"\n";
    let wrong = [
        ("unknown key", "lisen = \"127.0.0.1:1\"\n".to_owned()),
        ("unknown key in a section", format!("{webhook}spilt = true\n")),
        ("a number for a boolean", format!("{webhook}split = 1\n")),
        ("no such word", "[streams.a]\npath = \"/\"\nopen = true\nslow = \"wait\"\n".to_owned()),
        ("no duration", "[limits]\nidle = \"long\"\n".to_owned()),
        ("no size", "[limits]\nbody = \"big\"\n".to_owned()),
        ("a count that is too large", "[limits]\nlabels = 10001\n".to_owned()),
        ("a secret of two sources", webhook.replace("\"v\"", "{ env = \"A\", file = \"b\" }")),
        ("a secret that is a number", webhook.replace("\"v\"", "7")),
        ("a name in capitals", webhook.replace("webhooks.a", "webhooks.A")),
        ("a table for a text", "[data]\n".to_owned()),
        (
            "an unknown key in a table of one line",
            "[inbox]\nretention = { age = \"1d\", sise = \"1GiB\" }\n".to_owned(),
        ),
    ]
    .map(|(name, text)| (name.to_owned(), text));
    let home = home(&Config::basic());
    let told = validate(&schema(&home).await, &wrong);
    for (name, text) in &wrong {
        if let Some(faults) = &told {
            assert!(faults[name].as_array().is_some_and(|faults| !faults.is_empty()), "the schema takes {name}");
        }
        home.write("wrong.toml", text);
        let ended = home.run(&["config", "-c", "wrong.toml"]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "postern takes {name}");
    }
}

/// The example, where all that it names is there.
async fn checked(file: &Path) -> (Arc<Home>, Value) {
    let home = home(&Config::basic());
    home.write("example.toml", std::fs::read(file).expect("an example"));
    std::fs::create_dir(home.path("secrets")).expect("it is not there yet");
    for secret in ["secrets/verify-token", "secrets/app-secret"] {
        home.write(secret, "postern-test-secret");
    }
    for variable in ["VERIFY_TOKEN", "APP_SECRET", "GITHUB_SECRET"] {
        home.set(variable, "postern-test-secret");
    }
    for variable in ["AGENTS_SECRET", "BUILDS_SECRET"] {
        home.set(variable, "postern-test-secret-0123456789-0123456789");
    }
    home.set("CI_SECRET", "whsec_cG9zdGVybi10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5");
    if !std::fs::read_to_string(home.path("example.toml")).expect("it was written").contains("plain = true") {
        home.set("POSTERN_TLS__CERTIFICATE", "cert.pem");
        home.set("POSTERN_TLS__KEY", "key.pem");
    }
    let ended = home.run(&["check", "-c", "example.toml", "--data", "data", "--json"]).await;
    let told = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (home, told)
}

#[tokio::test]
async fn every_example_configuration_is_one_that_starts() {
    for file in examples() {
        let (_home, told) = checked(&file).await;
        assert_eq!(told["ok"], true, "{}: {told:#}", file.display());
        // What this machine lacks, and that the test's files can be read, is not the example's fault.
        let ours = |problem: &&Value| {
            let message = problem["message"].as_str().expect("it has one");
            !message.contains("every user of this machine")
                && !message.contains("this process may open")
                && !message.contains("its disk has room")
        };
        let problems: Vec<&Value> = told["problems"].as_array().expect("a list").iter().filter(ours).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", file.display());
    }
}

fn ran(program: &str, arguments: &[&str], directory: &Path) -> Option<(bool, String, String)> {
    let output = Command::new(program).args(arguments).current_dir(directory).stdin(Stdio::null()).output();
    match output {
        Ok(output) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Some((output.status.success(), text(&output.stdout), text(&output.stderr)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            postern_tests::report(format_args!("NOT RUN: a part of a test needs `{program}`"));
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[tokio::test]
async fn a_shell_completes_commands_and_options_by_the_script_that_is_printed() {
    let home = home(&Config::basic());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = home.run(&["completions", shell]).await;
        assert!(ended.code == Some(0) && ended.stdout.contains("postern"), "{shell}: {}", ended.stderr);
        home.write(&format!("completions.{shell}"), &ended.stdout);
    }
    for (typed, expected) in [
        (&["postern", "ev"][..], "events"),
        (&["postern", "events", "re"], "replay retry"),
        (&["postern", "check", "--str"], "--strict"),
        (&["postern", "filter", "ins"], "inspect"),
    ] {
        let last = typed.len() - 1;
        let script = format!(
            "source completions.bash; COMP_WORDS=({}); COMP_CWORD={last}; _postern postern {} {}; echo \"${{COMPREPLY[@]}}\"",
            typed.join(" "),
            typed[last],
            typed[last - 1],
        );
        if let Some((_, completions, complaints)) = ran("bash", &["-c", &script], home.directory()) {
            assert_eq!(completions.trim(), expected, "{typed:?}: {complaints}");
        }
    }
}

#[tokio::test]
async fn man_shows_the_pages_without_a_complaint() {
    let home = home(&Config::basic());
    let ended = home.run(&["man", "pages"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for page in ["postern.1", "postern-run.1", "postern-events-ls.1", "postern-filter-push.1"] {
        assert!(home.path("pages").join(page).exists(), "{page}");
        let path = format!("pages/{page}");
        if let Some((done, text, complaints)) = ran("man", &["--warnings", "-l", &path], home.directory()) {
            assert!(done && complaints.is_empty(), "{page}: {complaints}");
            let name = page.trim_end_matches(".1");
            assert!(text.contains("SYNOPSIS") && text.contains(name) && text.contains("EXAMPLES"), "{page}: {text}");
        }
        if let Some((_, complaints, _)) = ran("mandoc", &["-T", "lint", "-W", "error", &path], home.directory()) {
            assert_eq!(complaints, "", "{page}");
        }
    }
    if let Some((_, text, _)) = ran("man", &["-l", "pages/postern-check.1"], home.directory()) {
        let line = "  postern check --strict                         in a pipeline: warnings fail too";
        assert!(text.contains(line), "examples stand as they were written: {text}");
    }
    let ended = home.run(&["man"]).await;
    assert!(ended.code == Some(0) && ended.stdout.contains(".TH postern 1"), "{}", ended.stdout);
}
