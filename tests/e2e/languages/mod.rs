//! Filters in the languages that have an SDK, each as its users meet it: begun, built, tried, at work, and changed while at
//! work.

mod c;
mod gallery;
mod go;
mod javascript;
mod python;
mod rust;
mod zig;

use postern_tests::{Client, Config, Ended, Home, Protocol, Sender, eventually, fixtures};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Compilers take their time, and the first build of a machine more: no test waits longer than this for one.
const LONGEST_BUILD: Duration = Duration::from_secs(900);

/// What the story of a new filter differs in, from language to language.
struct Language {
    /// As `filter new --lang` takes it.
    name: &'static str,
    /// The file in which the template's filter is.
    source: &'static str,
    /// What is replaced in that file, so that the filter says `changed` of every message that it passed before.
    change: &'static [(&'static str, &'static str)],
}

/// Types a command, and waits for it as long as builds take.
async fn run(home: &Home, arguments: &[&str]) -> Ended {
    let mut process = home.launch(arguments);
    let ended = async {
        loop {
            if let Some(ended) = process.ended() {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let words = arguments.join(" ");
    tokio::time::timeout(LONGEST_BUILD, ended).await.unwrap_or_else(|_| panic!("`postern {words}` does not end"))
}

/// Types a command that has to work, and gives what it prints.
async fn typed(home: &Home, arguments: &[&str]) -> String {
    let ended = run(home, arguments).await;
    assert_eq!(ended.code, Some(0), "`postern {}`: {}{}", arguments.join(" "), ended.stdout, ended.stderr);
    ended.stdout
}

/// `postern filter build`, and where it says the component is.
async fn built(home: &Home, directory: &str) -> PathBuf {
    home.path(typed(home, &["filter", "build", directory]).await.trim())
}

/// `postern filter test`: all of these cases hold; how many they are.
async fn tried(home: &Home, component: &Path, cases: &Path) -> usize {
    let printed =
        typed(home, &["filter", "test", &component.display().to_string(), &cases.display().to_string()]).await;
    printed.lines().filter(|line| line.starts_with("ok ")).count()
}

/// The suite that every SDK must pass, on the reference filter in `guest-sdk/LANGUAGE/reference`.
async fn the_reference_filter_behaves(home: &Home, language: &str) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the repository");
    let reference = repository.join("guest-sdk").join(language).join("reference");
    let component = built(home, &reference.display().to_string()).await;
    let count = tried(home, &component, &repository.join("tests/behaviour")).await;
    assert!(count > 100, "the suite has lost cases: {count}");
}

/// One webhook with one filter, which may take its time: the tester's machine does much else.
fn with_filter(component: &Path, more: &str) -> Config {
    let config = Config::basic().without_dedupe().webhook("whatsapp", "/whatsapp", "filters = [\"it\"]");
    config.filter("it", component, &format!("deadline = \"10s\"\n{more}"))
}

/// All that a user does, from nothing to a filter that is changed while messages come in. `prepare` is what the language
/// wants done with a new project before it is built; where it says that it cannot be, the story ends there.
async fn a_new_filter_is_built_tried_run_and_changed(
    home: &Arc<Home>,
    language: &Language,
    prepare: impl FnOnce(&Path) -> bool,
) {
    let printed = typed(home, &["filter", "new", "--lang", language.name, "no-stops"]).await;
    assert!(printed.contains("postern filter build"), "it says what to type next: {printed}");
    let again = run(home, &["filter", "new", "--lang", language.name, "no-stops"]).await;
    assert_eq!(again.code, Some(1), "nothing is written over: {}", again.stdout);
    let project = home.path("no-stops");
    if !prepare(&project) {
        return;
    }
    let component = built(home, "no-stops").await;
    assert!(tried(home, &component, &project.join("cases")).await >= 3);

    home.configure(&with_filter(&component, "config = { word = \"stop\" }"));
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", fixtures::message("1", "15550100142", "please stop")).await;
    let passed = fixtures::message("2", "15550100142", "please go on");
    sender.deliver("/whatsapp", passed.clone()).await;
    client.expect(&passed).await;
    gateway.says("dropped").await;

    // Another filter in its place, and the gateway goes on with that one.
    let source = project.join(language.source);
    let code = std::fs::read_to_string(&source).expect("it is text");
    let changed = language.change.iter().fold(code, |code, (from, to)| {
        assert!(code.contains(from), "{from} in {code}");
        code.replace(from, to)
    });
    std::fs::write(&source, changed).expect("it is writable");
    assert_eq!(built(home, "no-stops").await, component, "it is the same file");
    // Builds take longer than a connection may idle.
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    eventually("what the changed filter makes of a message", async || {
        sender.deliver("/whatsapp", passed.clone()).await;
        (client.body().await == "changed").then_some(())
    })
    .await;
}
