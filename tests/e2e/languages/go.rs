//! Go, as its users meet it.

use super::{
    Language, a_new_filter_is_built_tried_run_and_changed, built, run, the_reference_filter_behaves, tried, typed,
};
use crate::home;
use postern_tests::tools::go;
use postern_tests::{Client, Config, Home, Protocol, Sender};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

const GO: Language = Language {
    name: "go",
    source: "filter.go",
    change: &[("return postern.Pass(), nil", "return postern.Rewrite(postern.Text(\"changed\")), nil")],
};

/// A home where there is a Go.
fn with_compiler() -> Option<Arc<Home>> {
    let home = home(&Config::basic());
    home.set("PATH", &go::path()?);
    Some(home)
}

/// What `go` says in a directory, natively; it has to succeed.
fn natively(directory: &Path, arguments: &[&str]) {
    let mut go = Command::new("go");
    go.args(arguments).current_dir(directory).env("PATH", go::path().expect("it was there")).stdin(Stdio::null());
    let output = go.output().unwrap_or_else(|error| panic!("{go:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "go {arguments:?} in {}: {words}", directory.display());
}

/// A project begun anew, with this in place of its filter.
async fn project(home: &Home, name: &str, filter: &str) {
    typed(home, &["filter", "new", "--lang", "go", name]).await;
    home.write(&format!("{name}/filter.go"), filter);
}

#[tokio::test]
async fn a_new_filter_in_go_is_built_tried_run_and_changed_while_it_runs() {
    let Some(home) = with_compiler() else { return };
    let prepare = |project: &Path| {
        natively(project, &["vet", "./..."]);
        natively(project, &["test", "./..."]);
        true
    };
    a_new_filter_is_built_tried_run_and_changed(&home, &GO, prepare).await;
}

#[tokio::test]
async fn the_reference_filter_in_go_behaves() {
    let Some(home) = with_compiler() else { return };
    the_reference_filter_behaves(&home, "go").await;
}

#[tokio::test]
async fn what_people_use_every_day_works_in_a_component_in_go() {
    let Some(home) = with_compiler() else { return };
    project(&home, "daily", include_str!("go/daily.go")).await;
    let component = built(&home, "daily").await;
    let cases = home.write("daily/cases/filter.toml", include_str!("go/daily.toml"));
    assert_eq!(tried(&home, &component, &cases).await, 12);
}

#[tokio::test]
async fn thousands_of_calls_in_one_instance_survive_the_collector_and_other_goroutines() {
    let Some(home) = with_compiler() else { return };
    project(&home, "collector", include_str!("go/collector.go")).await;
    let component = built(&home, "collector").await;
    let config = Config::basic().filter("it", &component, "deadline = \"60s\"");
    home.configure(&config.webhook("whatsapp", "/whatsapp", "filters = [\"it\"]"));
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let body = format!(r#"{{"word":"wörd","large":"{}"}}"#, "x".repeat(200_000));
    sender.deliver("/whatsapp", body).await;
    client.expect(b"as it went in").await;
}

#[tokio::test]
async fn the_compiler_says_where_the_manifest_and_a_filter_in_go_differ() {
    let Some(home) = with_compiler() else { return };
    typed(&home, &["filter", "new", "--lang", "go", "half"]).await;
    for (handlers, words) in [
        (r#"["message", "http"]"#, "`handlers` names \"http\", and the code does not call postern.OnRequest"),
        (r#"["event"]"#, "the code calls postern.OnMessage, and `handlers` does not name it"),
    ] {
        home.write("half/filter.toml", format!("language = \"go\"\nhandlers = {handlers}\n"));
        let ended = run(&home, &["filter", "build", "half"]).await;
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn the_sdk_in_go_passes_its_own_tests() {
    if with_compiler().is_none() {
        return;
    }
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/go/sdk");
    natively(&sdk, &["vet", "./..."]);
    natively(&sdk, &["test", "./..."]);
}
