//! `postern filter inspect`, `bench` and `diff`, as they are typed.

use crate::home;
use postern_tests::{Config, Protocol, Sender, fixtures, guests};
use serde_json::Value;

#[tokio::test]
async fn inspect_says_what_a_component_is_and_that_it_would_do() {
    let home = home(&Config::basic());
    let ended = home.run(&["filter", "inspect", "builtin:chat"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for words in [
        "client-handler     judges what clients say: on-client-message",
        "core instances",
        "package  0.1.0",
        "would have it",
    ] {
        assert!(ended.stdout.contains(words), "{words} in:\n{}", ended.stdout);
    }
    let ended = home.run(&["filter", "inspect", &guests::wat("pass").to_string_lossy(), "--json"]).await;
    let told: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    assert_eq!(told["exports"]["postern:filter/message-handler@0.1.0"][0], "on-message");
    assert_eq!((&told["modules"], &told["refused"]), (&1.into(), &Value::Null), "{told}");
    assert_eq!(told["sha256"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn inspect_says_why_a_component_would_be_refused() {
    let home = home(&Config::basic());
    home.write("text.wasm", "hello");
    let path = |name| guests::wat(name).to_string_lossy().into_owned();
    for (file, words) in [
        (path("wasi"), "hint: filters have no WASI"),
        (path("core-module"), "it is a core module, not a component"),
        (path("wrong-version"), "it is built against another version of the package"),
        (path("big"), "it begins with 134217728 bytes of memory, of the 67108864 it may have"),
        ("text.wasm".to_owned(), "it is not WebAssembly"),
        // Without the configuration that it needs.
        ("builtin:by-label".to_owned(), "hint: those are the filter's own words about its `config`"),
    ] {
        let ended = home.run(&["filter", "inspect", &file]).await;
        assert_eq!(ended.code, Some(1), "{file}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("postern would refuse it: it "), "{file}: {}", ended.stdout);
        assert!(ended.stdout.contains(words), "{file}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn bench_puts_filters_side_by_side_with_the_same_work_done_natively() {
    let home = home(&Config::basic());
    let arguments = ["filter", "bench", "builtin:redact", "builtin:drop-statuses", "--time", "20ms"];
    let ended = home.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let row = |begin: &str| {
        let line =
            ended.stdout.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{}", ended.stdout));
        line[begin.len()..].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("answered"), ["rewrite", "pass"]);
    for begin in ["fresh: p50", "fresh: p99", "start alone: p50", "natively: parse, read one value"] {
        let cells = row(begin);
        assert!(cells.len() == 4 && cells[1] == "us" && cells[3] == "us", "{begin}: {cells:?}");
        assert!(cells[0].parse::<f64>().expect("a number") > 0.0, "{begin}: {cells:?}");
    }
    home.write("payload", "{}");
    let ended = home.run(&["filter", "bench", "builtin:redact", "payload", "--time", "5ms", "--json"]).await;
    let told: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    assert_eq!((&told["filter"], &told["answered"]), (&"redact".into(), &"pass".into()));
    let calls = &told["calls"]["fresh"];
    assert!(calls["p50_ns"].as_u64() <= calls["most_ns"].as_u64() && calls["count"].as_u64() > Some(0), "{told}");
}

#[tokio::test]
async fn diff_shows_which_of_the_events_received_two_builds_judge_differently() {
    let config = Config::basic().filter("hide", &guests::gallery("redact"), "config = { replacement = \"?\" }");
    let gateway = home(&config).start().await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for name in ["whatsapp/text_simple.json", "whatsapp/status_delivered.json", "whatsapp/text_simple.json"] {
        sender.deliver("/whatsapp", fixtures::body(name)).await;
    }
    let (drop, pass) = (guests::wat("drop"), guests::wat("pass"));
    let (drop, pass) = (drop.to_string_lossy(), pass.to_string_lossy());
    // The gateway has an admin port that the system chose: it is asked once it has ended, by its data directory.
    let (home, _) = gateway.stop().await;
    let place = ["-c", "postern.toml"];
    let run = async |arguments: &[&str]| home.run(&[&["filter", "diff"], arguments, &place].concat()).await;

    let ended = run(&[&pass, &pass]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    // The third was a duplicate of the first, which no filter is asked about.
    assert!(ended.stdout.starts_with("2 events, 0 judged differently; "), "{}", ended.stdout);

    let ended = run(&[&pass, &drop]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("  whatsapp  pass → drop\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("2 events, 2 judged differently; 2 pass → drop; "), "{}", ended.stdout);

    let ended = run(&[&pass, "builtin:redact", "--limit", "1", "--name", "hide"]).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let line = |words: &str| ended.stdout.lines().any(|line| line.trim_start().starts_with(words));
    assert!(line("- ") && line("+ ") && ended.stdout.contains("\"?\""), "{}", ended.stdout);

    let ended = run(&[&pass, &drop, "--json"]).await;
    let told: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(told.len(), 3, "{}", ended.stdout);
    assert_eq!((&told[0]["old"]["verdict"], &told[2]["differ"]), (&"pass".into(), &2.into()));

    let ended = run(&["builtin:by-label", &pass]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("failed to load filter `by-label`"), "{}", ended.stderr);
}

#[tokio::test]
async fn diff_asks_a_gateway_that_runs() {
    let gateway = home(&Config::basic()).start().await;
    Sender::connect(&gateway, Protocol::Http1)
        .await
        .deliver("/whatsapp", fixtures::body("whatsapp/text_simple.json"))
        .await;
    let (drop, pass) = (guests::wat("drop"), guests::wat("pass"));
    let admin = format!("http://{}", gateway.admin());
    let arguments = ["filter", "diff", &pass.to_string_lossy(), &drop.to_string_lossy(), "--admin", &admin];
    let ended = gateway.home.run(&arguments).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("1 event, 1 judged differently"), "{}", ended.stdout);
}
