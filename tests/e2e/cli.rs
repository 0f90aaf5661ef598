//! The command line itself.

use crate::home;
use postern_tests::{Config, guests};

#[tokio::test]
async fn check_is_content_with_what_run_would_start_and_opens_no_socket() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = taken.local_addr().expect("it is bound");
    let config = Config::basic()
        .top("listen", &format!("[\"{address}\"]"))
        .filter("pass", &guests::wat("pass"), "")
        .webhook("whatsapp", "/whatsapp", "filters = [\"pass\"]");
    let ended = home(&config).run(&["check", "-c", "postern.toml"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// Demands that a check of this file tells something about every line that ends with `# here`.
async fn told_by_check(config: &str) {
    let home = home(&Config::basic());
    home.write("postern.toml", config);
    std::fs::copy(guests::wat("core-module"), home.path("core-module.wasm")).expect("the home is writable");
    let ended = home.run(&["check", "-c", "postern.toml"]).await;
    assert_eq!(ended.code, Some(78), "{}", ended.stderr);
    let printed = format!("{}{}", ended.stdout, ended.stderr);
    for (index, _) in config.lines().enumerate().filter(|(_, line)| line.ends_with("# here")) {
        let place = format!("postern.toml:{}:", index + 1);
        assert!(printed.contains(&place), "nothing about {place} in:\n{printed}");
    }
    assert!(!printed.contains("panicked") && !printed.contains("postern-test-app-secret"), "{printed}");
    assert!(!home.path("data").join("journal").exists(), "a check begins no journal");
}

#[tokio::test]
async fn check_tells_every_mistake_in_the_file_at_once_each_with_its_line() {
    told_by_check(
        r#"listen = ["127.0.0.1:0"]
data = "data"
[tls]
certificate = "cert.pem"
key = "key.pem"
[webhooks.whatsapp]
path = "/whatsapp"
verify_token = { env = "NO_SUCH_VARIABLE" }  # here
app_secret = "postern-test-app-secret-0123456789"
filters = ["redcat"]  # here
[webhooks.again]
path = "/whatsapp"
verify_token = "token"
app_secret = ""  # here
[streams.agents]
path = "/ws"
webhooks = ["whatsap"]  # here
open = true
heartbaet = "25s"  # here
[admin]
listen = "127.0.0.1:0"
[limits]
body = "big"  # here
"#,
    )
    .await;
}

#[tokio::test]
async fn check_tells_every_file_that_will_not_do_at_once_each_with_its_line() {
    told_by_check(
        r#"listen = ["127.0.0.1:0"]
data = "data"
[tls]
certificate = "missing.pem"  # here
key = "key.pem"
[webhooks.whatsapp]
path = "/whatsapp"
verify_token = "token"
app_secret = "postern-test-app-secret-0123456789"
filters = ["core", "gone"]
[streams.agents]
path = "/ws"
open = true
[filters.core]
file = "core-module.wasm"  # here
[filters.gone]
file = "gone.wasm"  # here
[admin]
listen = "127.0.0.1:0"
"#,
    )
    .await;
}

#[tokio::test]
async fn usage_errors_are_64_with_the_nearest_word_and_help_is_0() {
    let home = home(&Config::basic());
    for arguments in [&["--help"][..], &["run", "--help"], &["check", "--help"], &["--version"]] {
        let ended = home.run(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stdout.contains("postern"), "{arguments:?}: {}", ended.stdout);
    }
    for (arguments, word) in [(&["chek"][..], "check"), (&["run", "--confg", "x"], "--config"), (&[], "run")] {
        let ended = home.run(arguments).await;
        assert_eq!(ended.code, Some(64), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
    }
}
