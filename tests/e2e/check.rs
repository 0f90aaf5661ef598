//! What `postern check` finds beyond what keeps a gateway from starting: the exact words, where they matter.

use crate::home;
use postern_tests::{Config, Home};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks for nothing that a machine may not have.
const MODEST: &str = "\
[limits]
connections = 100
[inbox]
retention = { age = \"1h\", size = \"64KiB\" }
[outbox]
retention = { age = \"1h\", size = \"64KiB\" }
";

fn only_for_its_owner(home: &Home, file: &str) {
    std::fs::set_permissions(home.path(file), PermissionsExt::from_mode(0o600)).expect("it is the test's own");
}

/// With nothing to be said of it but what is in it.
fn written(config: &str) -> Arc<Home> {
    let home = home(&Config::basic());
    home.write("postern.toml", config);
    only_for_its_owner(&home, "postern.toml");
    only_for_its_owner(&home, "key.pem");
    home
}

/// `Config::basic`, modestly, with more of it.
fn basic(more: &str) -> String {
    format!("{}\n{MODEST}{more}", Config::basic().text())
}

#[tokio::test]
async fn what_is_configured_to_no_effect_is_told_with_its_line_and_keeps_nothing_from_starting() {
    let home = written(&format!(
        r#"listen = ["127.0.0.1:8443"]
data = "data"
[tls]
certificate = "cert.pem"
key = "key.pem"
[webhooks.whatsapp]
path = "/whatsapp"
verify_token = "postern-test-verify-token"
app_secret = "postern-test-app-secret"
[webhooks.lost]
path = "/lost"
verify_token = "postern-test-verify-token"
app_secret = "postern-test-app-secret"
[streams.agents]
path = "/ws"
webhooks = ["whatsapp"]
open = true
[streams.empty]
path = "/empty"
webhooks = []
open = true
[filters.idle]
file = "builtin:redact"
[filters.page]
file = "builtin:status-page"
[http.a]
path = "/*"
filter = "page"
streams = ["agents"]
[http.b]
path = "/*"
filter = "page"
streams = ["agents"]
{MODEST}"#
    ));
    let ended = home.run(&["check"]).await;
    let before = |page: char, line: u32, webhook: &str| {
        format!(
            "warning: postern.toml:{line}: `http.{page}.path` covers the path of `webhooks.{webhook}`: filter `page` is asked \
             first, and only what it declines is taken as a webhook: /*\n\
             hint: give the two paths apart: then no filter stands between a webhook and its 200\n"
        )
    };
    let expected = [
        "warning: postern.toml:10: `webhooks.lost` is carried by no stream: its events are kept, and nobody gets them\n\
         hint: name `lost` in the `webhooks` of a stream or a target, or leave that out there to carry all\n"
            .to_owned(),
        "warning: postern.toml:20: `streams.empty` carries nothing: only what operators send gets there\n\
         hint: name webhooks in its `webhooks`, or leave the stream out\n"
            .to_owned(),
        "warning: postern.toml:22: `filters.idle` is used by nothing: it is loaded, and never asked\n\
         hint: name `idle` where it is to be asked, or leave the section out\n"
            .to_owned(),
        before('a', 27, "lost"),
        before('a', 27, "whatsapp"),
        before('b', 31, "lost"),
        before('b', 31, "whatsapp"),
        "warning: postern.toml:31: `http.b.path` is the path of `http.a` as well: /*\n\
         hint: the filter of `a` is asked first: give each a path of its own\n"
            .to_owned(),
    ];
    assert_eq!(ended.stderr, expected.concat());
    assert_eq!(ended.stdout, "ok, 8 warnings (webhooks: 2, streams: 2, filters: 2)\n");
    assert_eq!(ended.code, Some(0));

    let strict = home.run(&["check", "--strict"]).await;
    assert_eq!((strict.code, strict.stdout.as_str()), (Some(78), ""), "{}", strict.stderr);
    assert_eq!(strict.stderr, ended.stderr);

    let json = home.run(&["check", "--json"]).await;
    let told: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&told["ok"], &told["errors"], &told["warnings"]), (&true.into(), &0.into(), &8.into()));
    assert_eq!(told["problems"][0]["severity"], "warning");
    assert_eq!((&told["problems"][0]["line"], &told["problems"][0]["key"]), (&10.into(), &"webhooks.lost".into()));
}

#[tokio::test]
async fn a_configuration_with_nothing_to_be_said_is_ok_and_in_json_too() {
    let home = written(&basic(""));
    let ended = home.run(&["check", "--strict"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert_eq!(ended.stdout, "ok (webhooks: 1, streams: 1, filters: 0)\n");
    home.write("postern.toml", basic("[nonsense]\n"));
    let ended = home.run(&["check", "--json"]).await;
    let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((ended.code, &told["ok"], &told["errors"]), (Some(78), &false.into(), &1.into()), "{}", ended.stdout);
    assert_eq!(told["problems"][0]["key"], "nonsense");
}

#[tokio::test]
async fn a_certificate_that_has_expired_fails_the_check_and_is_served_with_an_error_in_the_log() {
    let home = written(&basic(""));
    let now = SystemTime::now();
    home.install(&home.authority.issue_for(now - 30 * DAY, now - 2 * DAY));
    only_for_its_owner(&home, "key.pem");
    let ended = home.run(&["check"]).await;
    assert_eq!(ended.code, Some(78), "{}", ended.stderr);
    let words = "cert.pem` has expired: it was valid until 20";
    assert!(ended.stderr.starts_with("postern.toml:") && ended.stderr.contains(words), "{}", ended.stderr);
    assert!(ended.stderr.contains("\nhint: renew it"), "{}", ended.stderr);
    let gateway = home.start().await;
    let told = gateway.stderr();
    let line = told.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("nothing of it in {told}"));
    assert!(line.contains("\"level\":\"ERROR\"") && line.contains("postern.toml:"), "{line}");
}

#[tokio::test]
async fn a_certificate_that_soon_expires_is_a_warning_and_one_that_is_not_valid_yet_an_error() {
    let home = written(&basic(""));
    let now = SystemTime::now();
    for (from, until, code, words) in [
        (now - DAY, now + 10 * DAY + DAY / 2, 0, "expires in 10 days, at 20"),
        (now - DAY, now + DAY / 2, 0, "expires in less than a day"),
        (now + DAY, now + 90 * DAY, 78, "is not valid yet: it will be from 20"),
        (now - DAY, now + 15 * DAY, 0, ""),
    ] {
        home.install(&home.authority.issue_for(from, until));
        only_for_its_owner(&home, "key.pem");
        let ended = home.run(&["check"]).await;
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(words) && ended.stderr.is_empty() == words.is_empty(), "{}", ended.stderr);
        assert_eq!(ended.stderr.starts_with("warning: "), code == 0 && !words.is_empty(), "{}", ended.stderr);
    }
    home.install(&home.authority.issue_client("only-a-common-name"));
    only_for_its_owner(&home, "key.pem");
    let ended = home.run(&["check"]).await;
    assert!(ended.code == Some(0) && ended.stderr.contains("cert.pem` is for no name"), "{}", ended.stderr);
}

#[tokio::test]
async fn secrets_that_everyone_can_read_are_told_by_their_keys_and_never_shown() {
    let secret = "verify_token = { file = \"token\" }\nsplit = false\npath = \"/other\"\napp_secret = \"postern-test-app-secret\"";
    let home = written(&basic(&format!("[webhooks.other]\n{secret}\n")));
    home.write("token", "postern-test-verify-token");
    for file in ["token", "key.pem", "postern.toml"] {
        std::fs::set_permissions(home.path(file), PermissionsExt::from_mode(0o644)).expect("it is the test's own");
    }
    let ended = home.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for words in [
        "`webhooks.other.verify_token`: every user of this machine can read its file `",
        "`tls.key`: every user of this machine can read its file `",
        "` and 2 more are in the clear in `postern.toml`, which every user of this machine can read\n",
        "hint: `chmod o-r postern.toml`, or keep secrets elsewhere: { file = \"…\" }, { env = \"…\" }\n",
    ] {
        assert!(ended.stderr.contains(words), "no `{words}` in {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("postern-test-app-secret"), "{}", ended.stderr);
}

#[tokio::test]
async fn what_the_machine_cannot_give_is_a_warning() {
    let greedy = MODEST.replace("100", "9000000").replace("64KiB", "500TiB");
    let home = written(&format!("{}\n{greedy}", Config::basic().text()));
    let ended = home.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for words in [
        "`limits.connections` is 9000000, and this process may open ",
        "allow 9000512 open files: `LimitNOFILE=9000512`",
        "`inbox.retention` and `outbox.retention` keep up to 1000.0 TiB in `",
    ] {
        assert!(ended.stderr.contains(words), "no `{words}` in {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_data_directory_that_a_gateway_has_is_told_and_left_alone() {
    let home = written(&basic(""));
    let gateway = home.start().await;
    let ended = home.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("another process has the data directory `"), "{}", ended.stderr);
    assert!(!gateway.stderr().contains("another process"), "it does not warn of itself");
    gateway.stop().await;
    let ended = home.run(&["check"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
