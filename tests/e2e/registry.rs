//! Filters from a registry: a real one, on this machine.

use crate::home;
use postern_tests::tools::registry::{Guard, Registry, Tokens};
use postern_tests::{Client, Config, Ended, Home, Protocol, Sender, guests};
use std::path::Path;
use std::sync::Arc;

/// A gateway whose one filter is this.
fn with(reference: &str, more: &str) -> Config {
    let webhook = "filters = [\"judge\"]";
    let config = Config::basic().without_dedupe();
    config.filter("judge", Path::new(reference), more).webhook("whatsapp", "/whatsapp", webhook)
}

async fn push(home: &Home, filter: &str, to: &str, more: &[&str]) -> Ended {
    let file = guests::wat(filter).display().to_string();
    home.run(&[&["filter", "push", file.as_str(), to], more].concat()).await
}

/// Pushes, and gives what names it for good.
async fn pushed(home: &Home, filter: &str, to: &str, more: &[&str]) -> String {
    let ended = push(home, filter, to, more).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let pinned = ended.stdout.trim().to_owned();
    let (place, _) = to.rsplit_once(':').expect("a tag");
    assert!(pinned.starts_with(&format!("{place}@sha256:")), "{pinned}");
    pinned
}

async fn check(home: &Home, config: &Config) -> Ended {
    home.configure(config);
    home.run(&["check", "-c", "postern.toml"]).await
}

/// Demands that a check fails, and says all this.
async fn refused(home: &Home, config: &Config, parts: &[&str]) {
    let ended = check(home, config).await;
    assert_eq!(ended.code, Some(78), "{}", ended.stdout);
    for part in parts.iter().chain(&["postern.toml:", "failed to load filter `judge`", "\nhint: "]) {
        assert!(ended.stderr.contains(part), "`{part}` is not in:\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

async fn passes(home: &Arc<Home>) {
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "a word").await;
    client.expect(b"a word").await;
    let (_, ended) = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_filter_comes_from_a_registry_by_its_digest_and_a_restart_needs_no_registry() {
    let Some(registry) = Registry::start(Guard::Anyone, None).await else { return };
    let home = home(&Config::basic());
    let place = format!("oci://{}/acme/pass", registry.host);
    let pinned = pushed(&home, "pass", &format!("{place}:1.0"), &[]).await;
    assert_eq!(pushed(&home, "pass", &format!("{place}:again"), &[]).await, pinned, "the same is the same");
    home.configure(&with(&pinned, "deadline = \"5s\""));
    passes(&home).await;

    let wrong = format!("sha256 = \"{}\"", "0".repeat(64));
    refused(&home, &with(&pinned, &wrong), &["its SHA-256 is not the one", &pinned]).await;
    let unknown = format!("{place}@sha256:{}", "0".repeat(64));
    refused(&home, &with(&unknown, ""), &["has no such manifest: 404", &registry.host, &unknown]).await;

    drop(registry);
    home.configure(&with(&pinned, "deadline = \"5s\""));
    passes(&home).await;
    std::fs::remove_dir_all(home.path("data/registry")).expect("it was kept there");
    refused(&home, &with(&pinned, ""), &["could not be asked", "failed to connect", &pinned]).await;
}

#[tokio::test]
async fn a_tag_is_asked_at_each_start_and_warned_of_and_when_it_cannot_be_asked_it_is_what_it_was() {
    let Some(registry) = Registry::start(Guard::Anyone, None).await else { return };
    let home = home(&Config::basic());
    let tagged = format!("oci://{}/acme/filter:stable", registry.host);
    let first = pushed(&home, "drop", &tagged, &[]).await;
    let config = with(&tagged, "deadline = \"5s\"");
    home.configure(&config);
    let (_, ended) = home.start().await.stop().await;
    assert!(ended.stderr.contains("a tag may be other code tomorrow"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&first), "{}", ended.stderr);

    let second = pushed(&home, "pass", &tagged, &[]).await;
    assert_ne!(first, second);
    passes(&home).await;
    drop(registry);
    passes(&home).await;

    // With the digest of its content beside it, a tag is no more than a name.
    let bytes = std::fs::read(guests::wat("pass")).expect("it was just made");
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let pin = data_encoding::HEXLOWER.encode(digest.as_ref());
    home.configure(&with(&tagged, &format!("deadline = \"5s\"\nsha256 = \"{pin}\"")));
    let (_, ended) = home.start().await.stop().await;
    assert!(!ended.stderr.contains("a tag may be"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_layer_that_the_registry_has_changed_is_not_used() {
    let Some(registry) = Registry::start(Guard::Anyone, None).await else { return };
    let home = home(&Config::basic());
    let pinned = pushed(&home, "pass", &format!("oci://{}/acme/pass:1", registry.host), &[]).await;
    let bytes = std::fs::read(guests::wat("pass")).expect("it was just made");
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let blob = registry.blob(&data_encoding::HEXLOWER.encode(digest.as_ref()));
    let mut changed = std::fs::read(&blob).expect("it is kept there");
    assert_eq!(changed, bytes);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    std::fs::write(&blob, &changed).expect("it is ours");
    refused(&home, &with(&pinned, ""), &["gave another layer than was asked", "it is not used"]).await;
    std::fs::write(&blob, &bytes).expect("it is ours");
    let ended = check(&home, &with(&pinned, "")).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn an_account_and_an_authority_of_ones_own_are_what_the_configuration_says() {
    let home = home(&Config::basic());
    let Some(registry) = Registry::start(Guard::Password, Some(&home.authority.issue())).await else { return };
    home.write("ca.pem", home.authority.root());
    home.write("password", "hunter2\n");
    home.write("other", "*******\n");
    let tagged = format!("oci://{}/acme/pass:1", registry.host);
    let account = |file: &'static str| ["--ca", "ca.pem", "--username", "robot", "--password-file", file];
    let pinned = pushed(&home, "pass", &tagged, &account("password")).await;
    for (more, told) in [
        (&account("other")[..], "may be wrong, expired"),
        (&["--ca", "ca.pem"], "it may need an account"),
        (&account("password")[2..], "no TLS"),
    ] {
        let ended = push(&home, "pass", &tagged, more).await;
        let is_told = ended.stderr.contains(told) || told == "no TLS";
        assert!(
            ended.code == Some(1) && is_told && ended.stderr.contains("failed to push"),
            "{told}: {}",
            ended.stderr
        );
    }
    let section = |toml: &str| with(&pinned, "").section(&format!("registries.\"{}\"", registry.host), toml);
    let by = |password: &str| section(&format!("ca = \"ca.pem\"\nusername = \"robot\"\npassword = {password}"));
    refused(&home, &section("ca = \"ca.pem\""), &["said no: 401", "may need an account", &registry.host]).await;
    refused(&home, &by("{ file = \"other\" }"), &["said no: 401", "may be wrong, expired"]).await;
    refused(&home, &with(&pinned, ""), &["answered 400", &registry.host]).await;
    let (strange, issued) = (postern_tests::Authority::default(), home.path("strange.pem"));
    std::fs::write(issued, strange.root()).expect("the home is writable");
    refused(&home, &section("ca = \"strange.pem\""), &["failed to open TLS", "name the authority to trust"]).await;
    let ended = check(&home, &by("{ file = \"password\" }")).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_server_of_tokens_is_asked_for_the_right_to_pull_or_to_push() {
    let home = home(&Config::basic());
    let tokens = Tokens::start().await;
    let Some(registry) = Registry::start(Guard::Tokens(&tokens), None).await else { return };
    home.write("password", "hunter2");
    home.write("other", "*******");
    let tagged = format!("oci://{}/acme/pass:1", registry.host);
    let account = |file: &'static str| ["--username", "robot", "--password-file", file];
    let ended = push(&home, "pass", &tagged, &[]).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("it may need an account"), "{}", ended.stderr);
    let ended = push(&home, "pass", &tagged, &account("other")).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("wrong password"), "{}", ended.stderr);
    let pinned = pushed(&home, "pass", &tagged, &account("password")).await;
    let asked = tokens.asked.lock().expect("no test panics in here").split_off(0);
    let rights = |right: &str| format!("service=test&scope=repository%3Aacme%2Fpass%3A{right}");
    // The registry names both in the order that pleases it.
    let both = [rights("pull%2Cpush"), rights("push%2Cpull")];
    assert!(asked.iter().any(|(query, _)| both.contains(query)), "{asked:?}");

    // To pull it takes no account here, and none is shown.
    let ended = check(&home, &with(&pinned, "")).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let asked = tokens.asked.lock().expect("no test panics in here").split_off(0);
    assert!(asked.iter().all(|asked| *asked == (rights("pull"), None)) && !asked.is_empty(), "{asked:?}");
}

#[tokio::test]
async fn only_a_component_is_pushed_and_only_to_a_tag() {
    let home = home(&Config::basic());
    home.write("text.wasm", "(component)");
    let ended = home.run(&["filter", "push", "text.wasm", "oci://localhost:1/a:1"]).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("`text.wasm` is not a component"), "{}", ended.stderr);
    let ended = push(&home, "core-module", "oci://localhost:1/a:1", &[]).await;
    assert!(ended.code == Some(1) && ended.stderr.contains("is not a component"), "{}", ended.stderr);
    let digest = format!("oci://localhost:1/a@sha256:{}", "0".repeat(64));
    for (to, told) in
        [(digest.as_str(), "a digest cannot be chosen"), ("localhost:1/a:1", "oci://"), ("oci://h/a", "tag")]
    {
        let ended = push(&home, "pass", to, &[]).await;
        assert!(ended.code == Some(64) && ended.stderr.contains(told), "{to}: {}", ended.stderr);
    }
}
