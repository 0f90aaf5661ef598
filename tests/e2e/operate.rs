//! A gateway told what to do, and asked how it is, from the command line; and `postern config`.

use crate::{home, start};
use postern_tests::{Client, Config, Gateway, Home, Protocol, Sender, guests};
use serde_json::Value;

/// Runs a command against a gateway, as one who only knows its address.
async fn told(gateway: &Gateway, command: &[&str]) -> postern_tests::Ended {
    let admin = format!("http://{}", gateway.admin());
    gateway.home.run(&[command, &["--admin", &admin]].concat()).await
}

#[tokio::test]
async fn a_gateway_is_paused_and_resumed_and_its_status_tells() {
    let config = Config::basic().filter("pass", &guests::wat("pass"), "").webhook(
        "whatsapp",
        "/whatsapp",
        "filters = [\"pass\"]",
    );
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "{}").await;
    client.expect(b"{}").await;

    let status = told(&gateway, &["status"]).await;
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    for line in [
        "phase        ready".to_owned(),
        "clients      agents 1".to_owned(),
        "waiting      whatsapp 0".to_owned(),
        "held         0".to_owned(),
        "filters      1".to_owned(),
        "             pass: 1 answered, 0 failed".to_owned(),
        format!("gateway      http://{}", gateway.admin()),
    ] {
        assert!(status.stdout.lines().any(|told| told.starts_with(&line)), "no `{line}` in {}", status.stdout);
    }

    let paused = told(&gateway, &["pause"]).await;
    assert!(paused.code == Some(0) && paused.stdout.starts_with("paused: "), "{paused:?}");
    assert_eq!(sender.post("/whatsapp", "{\"b\":1}").await.status, 503);
    let status = told(&gateway, &["status", "--json"]).await;
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    assert_eq!((&status["phase"], &status["clients"]["agents"]), (&"paused".into(), &1.into()));
    assert_eq!(told(&gateway, &["resume"]).await.stdout, "resumed: webhooks are taken\n");
    sender.deliver("/whatsapp", "{\"c\":1}").await;
    client.expect(b"{\"c\":1}").await;
}

#[tokio::test]
async fn a_reload_from_the_command_line_tells_what_it_changed_or_all_that_is_wrong() {
    let config = Config::basic().filter("pass", std::path::Path::new("pass.wasm"), "").webhook(
        "whatsapp",
        "/whatsapp",
        "filters = [\"pass\"]",
    );
    let home = home(&config);
    let install = |home: &Home, guest: &str| {
        home.write("pass.wasm", std::fs::read(guests::wat(guest)).expect("it was compiled"));
    };
    install(&home, "pass");
    let gateway = home.start().await;
    let nothing = told(&gateway, &["reload"]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), "read again: nothing has changed\n"), "{nothing:?}");
    home.write("cert.pem", "no certificate");
    let refused = told(&gateway, &["reload"]).await;
    assert_eq!(refused.code, Some(78), "{refused:?}");
    for words in ["cert.pem` holds no certificate", "nothing was changed: the gateway serves as before"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn a_gateway_is_drained_from_the_command_line_and_ends_as_on_sigterm() {
    let gateway = start(&Config::basic()).await;
    let drained = told(&gateway, &["drain"]).await;
    assert!(drained.code == Some(0) && drained.stdout.starts_with("draining: "), "{drained:?}");
    let mut gateway = gateway;
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let none = told(&gateway, &["status"]).await;
    assert!(none.code == Some(1) && none.stderr.contains("hint: "), "{none:?}");
}

#[tokio::test]
async fn every_value_in_force_is_printed_with_its_origin_and_no_secret() {
    let home = home(&Config::basic());
    home.set("POSTERN_LIMITS__BODY", "1MiB");
    let ended = home.run(&["config", "--listen", "127.0.0.1:1"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let words: Vec<Vec<&str>> = ended
        .stdout
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect())
        .collect();
    for expected in [
        ["listen", "[\"127.0.0.1:1\"]", "flag --listen"],
        ["limits.body", "\"1MiB\"", "environment variable POSTERN_LIMITS__BODY"],
        ["limits.headers", "\"32KiB\"", "default"],
        ["webhooks.whatsapp.app_secret", "(secret)", "postern.toml:"],
        ["streams.agents.open", "true", "postern.toml:"],
    ] {
        let [key, value, place] = expected;
        let found = words.iter().any(|line| {
            matches!(line.as_slice(), [told, is, from] if *told == key && *is == value && from.starts_with(place))
        });
        assert!(found, "no {expected:?} in\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains(postern_tests::APP_SECRET), "{}", ended.stdout);
    let json = home.run(&["config", "--changed", "--json"]).await;
    let told: Vec<Value> = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(told.iter().all(|one| one["layer"] != "default"), "{}", json.stdout);
    let secret = told.iter().find(|one| one["key"] == "webhooks.whatsapp.app_secret").expect("it is told");
    assert_eq!((&secret["secret"], &secret["value"], &secret["layer"]), (&true.into(), &Value::Null, &"file".into()));
}

#[tokio::test]
async fn postern_alone_says_what_to_type_first() {
    let ended = home(&Config::basic()).run(&[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""));
    for words in ["postern run --dev", "postern check", "--help"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    assert!(ended.stderr.lines().count() < 12, "it is short: {}", ended.stderr);
}
