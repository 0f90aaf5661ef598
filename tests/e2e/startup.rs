//! Bad input at the start: each a message that names the thing and says what to do, a meaningful exit code, no panic.

use crate::{home, start};
use postern_tests::{APP_SECRET, Authority, Config, Ended, Home, VERIFY_TOKEN, encrypted, guests};
use std::sync::Arc;

const CONFIG: i32 = 78;
const CANNOT_START: i32 = 69;

/// What is wrong with how a gateway that must not start was refused. All of a test's are told at once, at its end.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    /// Demands that a start of this home ends with one of these codes, and that what is printed has all these words.
    async fn refused(&mut self, home: &Arc<Home>, what: &str, codes: &[i32], words: &[&str]) {
        match home.try_start(&["run", "-c", "postern.toml"]).await {
            Ok(_) => self.0.push(format!("{what}: it started")),
            Err(ended) => self.explained(what, &ended, codes, words),
        }
    }

    fn explained(&mut self, what: &str, ended: &Ended, codes: &[i32], words: &[&str]) {
        let Ended { code, stderr, .. } = ended;
        if !code.is_some_and(|code| codes.contains(&code)) {
            self.0.push(format!("{what}: exit {code:?}, not {codes:?}:\n{stderr}"));
        }
        // What to do: as advice, or as what must be there.
        if !["hint: ", " must "].iter().any(|word| stderr.contains(word)) {
            self.0.push(format!("{what}: no advice in:\n{stderr}"));
        }
        for word in words.iter().filter(|word| !stderr.contains(**word)) {
            self.0.push(format!("{what}: no {word:?} in:\n{stderr}"));
        }
        for word in
            ["panicked", APP_SECRET, VERIFY_TOKEN, "wrong password"].iter().filter(|word| stderr.contains(**word))
        {
            self.0.push(format!("{what}: {word:?} was printed:\n{stderr}"));
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

#[tokio::test]
async fn certificates_and_keys_that_do_not_do_are_named() {
    let mut faults = Faults::default();
    let files = "certificate = \"cert.pem\"\nkey = \"key.pem\"";
    let both = [CONFIG, CANNOT_START];

    let missing = home(&Config::basic().section("tls", "certificate = \"no-such.pem\"\nkey = \"key.pem\""));
    faults.refused(&missing, "a certificate that is not there", &both, &["no-such.pem"]).await;

    let directory = home(&Config::basic());
    std::fs::remove_file(directory.path("cert.pem"))
        .and_then(|()| std::fs::create_dir(directory.path("cert.pem")))
        .expect("its own");
    faults.refused(&directory, "a certificate that cannot be read", &both, &["cert.pem"]).await;

    let nonsense = home(&Config::basic());
    nonsense.write("cert.pem", "not a certificate");
    faults.refused(&nonsense, "a certificate that is none", &both, &["cert.pem"]).await;

    let no_key = home(&Config::basic());
    no_key.write("key.pem", "");
    faults.refused(&no_key, "a key file without a key", &both, &["key.pem"]).await;

    let mismatch = home(&Config::basic());
    mismatch.write("key.pem", mismatch.authority.issue().key);
    faults.refused(&mismatch, "a key of another certificate", &both, &["key.pem", "cert.pem"]).await;

    let password = home(&Config::basic().section("tls", &format!("{files}\nkey_password = \"wrong password\"")));
    let key = Authority::default().issue().key;
    password.write("key.pem", encrypted(&key, "right password"));
    faults.refused(&password, "a wrong password", &both, &["key.pem", "password"]).await;

    let locked = home(&Config::basic());
    locked.write("key.pem", encrypted(&key, "right password"));
    faults.refused(&locked, "an encrypted key without a password", &both, &["key.pem", "key_password"]).await;

    let nothing = home(&Config::basic().without("tls"));
    faults.refused(&nothing, "no TLS and no word about it", &[CONFIG], &["tls"]).await;
    faults.none();
}

#[tokio::test]
async fn filters_that_are_none_are_named_with_what_they_are() {
    let mut faults = Faults::default();
    let with = |file: &std::path::Path, more: &str| {
        home(&Config::basic().filter("odd", file, more).webhook("whatsapp", "/whatsapp", "filters = [\"odd\"]"))
    };
    let both = [CONFIG, CANNOT_START];
    let files = home(&Config::basic());
    let text = files.write("text.wasm", "this is not WebAssembly");
    let whole = std::fs::read(guests::wat("pass")).expect("it was just made");
    let half = files.write("half.wasm", &whole[..whole.len() / 2]);
    let missing = std::path::Path::new("no-such.wasm");
    let cases: [(&str, &std::path::Path, &str, &[&str]); 9] = [
        ("a filter that is not there", missing, "", &["no-such.wasm"]),
        ("a filter that is not wasm", &text, "", &["text.wasm"]),
        ("a filter cut in half", &half, "", &["half.wasm"]),
        ("a core module", &guests::wat("core-module"), "", &["core-module.wasm", "component"]),
        ("a component of another version", &guests::wat("wrong-version"), "", &["wrong-version.wasm", "0.1"]),
        ("an import nobody offers", &guests::wat("bad-import"), "", &["bad-import.wasm"]),
        ("a component without handlers", &guests::wat("no-handler"), "", &["no-handler.wasm", "handler"]),
        ("an admission filter in a message chain", &guests::wat("allow-all"), "", &["message-handler"]),
        (
            "a filter that is not the one pinned",
            &guests::wat("pass"),
            "sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"",
            &["pass.wasm", "sha256"],
        ),
    ];
    for (what, file, more, words) in cases {
        let home = with(file, more);
        let words: Vec<_> = words.iter().chain(&["`odd`"]).copied().collect();
        faults.refused(&home, what, &both, &words).await;
    }
    faults.none();
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_named_with_their_line() {
    let mut faults = Faults::default();
    let basic = Config::basic;
    let meta = "provider = \"meta\"\nsplit = false\n";
    let token = "verify_token = \"s3cret-verify-token\"\n";
    let secret = "app_secret = \"postern-test-app-secret-0123456789\"\n";
    let hook = |toml: &str| basic().section("webhooks.whatsapp", &format!("path = \"/whatsapp\"\n{meta}{toml}"));
    let stream = |more: &str| basic().stream("agents", "/ws", &["whatsapp"], more);
    let filter = |more: &str| basic().filter("pass", &guests::wat("pass"), more);
    let cases: [(&str, Config, &[&str]); 20] = [
        ("an unknown key", hook(&format!("{token}{secret}verfy_token = \"x\"")), &["verfy_token", "verify_token"]),
        ("an unknown section", basic().section("webhook.whatsapp", "path = \"/x\""), &["webhook", "webhooks"]),
        ("an unknown limit", basic().limits("bdoy = \"1MiB\""), &["limits.bdoy", "body"]),
        ("no app secret", hook(token), &["webhooks.whatsapp", "app_secret"]),
        ("no verify token", hook(secret), &["webhooks.whatsapp", "verify_token"]),
        ("an empty app secret", hook(&format!("{token}app_secret = \"\"")), &["app_secret"]),
        ("no app secrets", hook(&format!("{token}app_secret = []")), &["app_secret"]),
        (
            "a variable not set",
            hook(&format!("{token}app_secret = {{ env = \"NO_SUCH\" }}")),
            &["NO_SUCH", "app_secret"],
        ),
        ("a secret file not there", hook(&format!("{token}app_secret = {{ file = \"no-such\" }}")), &["no-such"]),
        ("a command that fails", hook(&format!("{token}app_secret = {{ command = \"false\" }}")), &["app_secret"]),
        ("two webhooks at one path", basic().webhook("again", "/whatsapp", ""), &["again", "whatsapp", "/whatsapp"]),
        (
            "two streams at one path",
            basic().stream("again", "/ws", &["whatsapp"], "open = true"),
            &["again", "agents", "/ws"],
        ),
        ("a filter nobody defined", basic().webhook("whatsapp", "/whatsapp", "filters = [\"redcat\"]"), &["redcat"]),
        (
            "a webhook nobody defined",
            basic().stream("agents", "/ws", &["whatsap"], "open = true"),
            &["whatsap", "`whatsapp`"],
        ),
        ("a stream open to nobody knows whom", stream(""), &["streams.agents", "admission", "open"]),
        ("a duration that is none", stream("open = true\nheartbeat = \"soon\""), &["streams.agents.heartbeat"]),
        ("a size that is none", basic().limits("body = \"much\""), &["limits.body"]),
        ("a policy that is none", filter("on_error = \"hodl\""), &["filters.pass.on_error", "`hold`"]),
        (
            "an admin listener for all without a token",
            basic().section("admin", "listen = \"0.0.0.0:0\""),
            &["admin", "token"],
        ),
        ("a path without a slash", basic().webhook("other", "other", ""), &["webhooks.other", "path"]),
    ];
    for (what, config, words) in cases {
        let words: Vec<_> = words.iter().chain(&["postern.toml:"]).copied().collect();
        faults.refused(&home(&config), what, &[CONFIG], &words).await;
    }
    let broken = home(&basic());
    broken.write("postern.toml", "listen = [\"127.0.0.1:0\"\n[tls\n");
    faults.refused(&broken, "a file that is not TOML", &[CONFIG], &["postern.toml:"]).await;
    std::fs::remove_file(broken.path("postern.toml")).expect("its own");
    faults.refused(&broken, "no file", &[CONFIG, CANNOT_START], &["postern.toml"]).await;
    faults.none();
}

#[tokio::test]
async fn a_port_in_use_and_data_that_cannot_be_kept_are_told() {
    let mut faults = Faults::default();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let edge = home(&Config::basic().top("listen", &format!("[\"{address}\"]")));
    faults.refused(&edge, "a port in use", &[CANNOT_START], &[&address]).await;
    let admin = home(&Config::basic().section("admin", &format!("listen = \"{address}\"")));
    faults.refused(&admin, "an admin port in use", &[CANNOT_START], &[&address]).await;

    // Root may write anywhere, and tests may run as root; but nobody makes a directory below a file, or in /proc.
    for data in ["postern.toml/data", "/proc/postern-data"] {
        let home = home(&Config::basic().top("data", &format!("{data:?}")));
        faults.refused(&home, "a data directory that cannot be", &[CANNOT_START, CONFIG], &[data]).await;
    }
    let gateway = start(&Config::basic()).await;
    faults.refused(&gateway.home, "a data directory in use", &[CANNOT_START], &["data"]).await;
    faults.none();
}
