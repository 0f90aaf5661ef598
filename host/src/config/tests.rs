//! What users meet first: what a configuration becomes, and the exact words for what is wrong with one.

mod agreement;
mod description;
mod events;
mod forward;
mod layers;
mod problems;
mod secrets;
mod signing;
mod telemetry;

use super::problem::Place;
use super::schema::{Admin, Filter, ForwardedBy, Limits, Log, Proxy, Retention, Retry, Rollback, Slow, Stream, Tls};
use super::*;
use crate::provider::Provider;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// A configuration with nothing in it that need not be.
const LEAST: &str = r#"
[tls]
plain = true
[webhooks.whatsapp]
path = "/whatsapp"
verify_token = "let me in"
app_secret = "s3cr3t"
filters = ["redact"]
[streams.agents]
path = "/ws"
open = true
[filters.redact]
file = "redact.wasm"
"#;

/// What is advised to whoever leaves a secret empty.
const EMPTY_SECRET: &str =
    "hint: an empty secret protects nothing: write a real one, or where to get it, such as `{ env = \"NAME\" }`";

/// A directory with a `postern.toml` in it.
struct Written {
    directory: tempfile::TempDir,
    source: Source,
}

fn written(toml: impl AsRef<[u8]>) -> Written {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("postern.toml");
    std::fs::write(&file, toml).expect("a file in it");
    Written { source: Source { file: Some(file), ..Source::default() }, directory }
}

impl Written {
    fn with(mut self, variables: &[(&str, &str)]) -> Self {
        self.source.environment.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn load(&self) -> Result<Config, Vec<Problem>> {
        load(&self.source)
    }

    fn config(&self) -> Config {
        self.load().unwrap_or_else(|problems| panic!("{}", told(&problems)))
    }

    /// The problems as they are printed, with `/` for where the file is.
    fn problems(&self) -> String {
        match self.load() {
            Ok(_) => "none".to_owned(),
            Err(problems) => told(&problems).replace(&format!("{}/", self.path().display()), ""),
        }
    }
}

/// The problems as they are printed. None may leave its reader without advice, or at least what the value must be.
#[track_caller]
fn told(problems: &[Problem]) -> String {
    for problem in problems {
        let advised = problem.hint.is_some() || problem.message.contains(" must ");
        assert!(advised && !problem.message.contains("hint:"), "no advice: {problem}");
    }
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// All that is said of the least configuration with a line more.
#[track_caller]
fn appended(toml: &str, expected: &str) {
    assert_eq!(written(format!("{LEAST}{toml}")).problems(), expected);
}

/// All that is said of the least configuration with a part of it replaced.
#[track_caller]
fn replaced(from: &str, to: &str, expected: &str) {
    assert!(LEAST.contains(from), "{from}");
    assert_eq!(written(LEAST.replace(from, to)).problems(), expected);
}

#[test]
fn the_least_configuration_has_every_default() {
    let written = written(LEAST);
    let config = written.config();
    let seconds = Duration::from_secs;
    assert_eq!(config.listen, ["127.0.0.1:8443".parse().unwrap()]);
    assert_eq!(config.data, written.path().join("postern-data"));
    assert_eq!(config.tls, Tls { identity: Identity::Plain, client_ca: vec![], handshake_timeout: seconds(10) });
    assert_eq!(config.proxy, Proxy { trusted: vec![], protocol: false, headers: ForwardedBy::None });
    assert_eq!(config.admin, Admin { listen: "127.0.0.1:9440".parse().unwrap(), token: None });
    assert_eq!(config.log, Log { level: "info".to_owned(), format: LogFormat::Auto });
    assert_eq!(
        config.limits,
        Limits {
            body: 3 << 20,
            headers: 32 << 10,
            header_count: 100,
            header_timeout: seconds(10),
            body_timeout: seconds(30),
            inflight: 1024,
            connections: 100_000,
            connections_per_address: 1000,
            client_message: 64 << 10,
            client_messages_per_second: 50,
            idle: seconds(60),
            filter_output: 4 << 20,
            labels: 32,
            kv: 64 << 20,
            ring: 64 << 20,
            drain_timeout: seconds(10),
            handover_timeout: seconds(30),
        }
    );
    let webhook = &config.webhooks["whatsapp"];
    assert_eq!(
        (webhook.signing.provider, webhook.filters.as_slice()),
        (Provider::Meta, ["redact".to_owned()].as_slice())
    );
    assert_eq!((webhook.signing.tolerance, webhook.kind.as_ref()), (seconds(300), None));
    assert_eq!((webhook.split, webhook.ordered, webhook.phone_number_ids.as_ref()), (true, false, None));
    assert!(webhook.dispatch);
    let hours = |hours: u64| seconds(hours * 60 * 60);
    assert_eq!((config.reuse_port, config.shards, config.io_uring), (false, None, false));
    assert_eq!(config.inbox, Retention { age: hours(7 * 24), size: 10 << 30 });
    assert_eq!(config.outbox, Retention { age: hours(24), size: 10 << 30 });
    assert_eq!(config.dedupe_window, hours(8 * 24));
    assert_eq!(config.retry, Retry { first: seconds(1), longest: seconds(600) });
    let stream = Stream {
        path: "/ws".to_owned(),
        webhooks: vec!["whatsapp".to_owned()],
        admission: vec![],
        jwt: None,
        callout: None,
        slow: Slow::CatchUp,
        origins: None,
        heartbeat: seconds(25),
        compression: false,
        audience: vec![],
        client: vec![],
        relay: Relay::Nobody,
        events: vec![],
        event_kinds: vec![EventKind::Connect, EventKind::Disconnect],
        manual_pong: false,
        manual_close: false,
        frame_size: None,
        presence: false,
        presence_labels: vec![],
        certificate: ClientAuth { demand: Demand::None, name: None },
    };
    assert!(config.http.is_empty());
    assert_eq!(config.streams["agents"], stream);
    let filter = Filter {
        file: Component::File(written.path().join("redact.wasm")),
        sha256: None,
        on_error: OnError::Hold,
        deadline: Duration::from_millis(50),
        memory: 64 << 20,
        config: serde_json::json!({}),
        secrets: BTreeMap::new(),
        keyspace: None,
        instances: Instances::Auto,
        shadow: false,
        breaker: 5,
        rollback: Some(Rollback { failures: 5, within: Duration::from_secs(60) }),
    };
    assert_eq!(config.filters["redact"], filter);
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let written = written(
        r#"
        listen = ["0.0.0.0:443", "[::1]:8443"]
        reuse_port = true
        shards = 3
        io_uring = true
        data = "/var/lib/postern"
        tls = { certificate = "tls/cert.pem", key = "/etc/key.pem", key_password = "pass", handshake_timeout = "1m 30s" }
        [webhooks.wa-1]
        path = "/a"
        provider = "meta"
        verify_token = "v"
        app_secret = ["new", "old"]
        filters = ["f_2", "f1"]
        split = false
        phone_number_ids = ["106540352242922", "1"]
        ordered = true
        dispatch = false
        [webhooks.b]
        path = "/b"
        verify_token = "v"
        app_secret = "s"
        [streams.s]
        path = "/a"
        webhooks = ["b"]
        admission = ["f1"]
        slow = "disconnect"
        origins = ["https://Desk.example.com", "http://localhost:3000"]
        heartbeat = "1500ms"
        compression = true
        [filters.f1]
        file = "f1.wasm"
        sha256 = "ABCDEF0000000000000000000000000000000000000000000000000000000123"
        on_error = "drop"
        deadline = "1s"
        memory = "128 MiB"
        config = { text = "0123", list = [1, 2.5, true], at = 2026-01-02T03:04:05Z, deep = { x = [{ y = -1 }] } }
        [filters.f_2]
        file = "../f2.wasm"
        on_error = "pass"
        [filters.f_2.config]
        a.b = "c"
        [inbox]
        retention = { age = "90d", size = "2TiB" }
        [outbox.retention]
        size = "64KiB"
        [dedupe]
        window = "0s"
        [retry]
        first = "5s"
        longest = "5s"
        [admin]
        listen = "0.0.0.0:9440"
        token = "t"
        [limits]
        body = 1000
        [log]
        level = "postern::ws=debug,info"
        format = "json"
        "#,
    );
    let config = written.config();
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.data, Path::new("/var/lib/postern"));
    let Identity::Files { certificate, key, key_password } = &config.tls.identity else { panic!("{:?}", config.tls) };
    assert_eq!(
        (certificate.as_path(), key.as_path()),
        (written.path().join("tls/cert.pem").as_path(), Path::new("/etc/key.pem"))
    );
    assert!(key_password.as_ref().is_some_and(|password| password.matches("pass")));
    assert_eq!(config.tls.handshake_timeout, Duration::from_secs(90));
    let webhook = &config.webhooks["wa-1"];
    assert_eq!(webhook.filters, ["f_2", "f1"]);
    assert!(webhook.signing.secrets[0].matches("new") && webhook.signing.secrets[1].matches("old"));
    assert_eq!((config.shards, config.io_uring), (Some(3), true));
    assert_eq!((config.reuse_port, webhook.split, webhook.ordered, webhook.dispatch), (true, false, true, false));
    assert_eq!(webhook.phone_number_ids.as_deref().unwrap(), ["106540352242922", "1"]);
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    assert_eq!(config.inbox, Retention { age: days(90), size: 2 << 40 });
    assert_eq!(config.outbox, Retention { age: days(1), size: 64 << 10 });
    assert_eq!(config.dedupe_window, Duration::ZERO);
    assert_eq!(config.retry, Retry { first: Duration::from_secs(5), longest: Duration::from_secs(5) });
    let stream = &config.streams["s"];
    assert!(stream.compression);
    assert_eq!((stream.slow, stream.heartbeat), (Slow::Disconnect, Duration::from_millis(1500)));
    assert_eq!(stream.origins.as_deref().unwrap(), ["https://desk.example.com", "http://localhost:3000"]);
    assert_eq!(
        (stream.webhooks.as_slice(), stream.admission.as_slice()),
        (["b".to_owned()].as_slice(), ["f1".to_owned()].as_slice())
    );
    let filter = &config.filters["f1"];
    assert_eq!(filter.sha256.as_deref().map(|hex| &hex[..6]), Some("abcdef"));
    assert_eq!((filter.on_error, filter.memory), (OnError::Drop, 128 << 20));
    let told = serde_json::json!({
        "text": "0123", "list": [1, 2.5, true], "at": "2026-01-02T03:04:05Z", "deep": { "x": [{ "y": -1 }] }
    });
    assert_eq!(filter.config, told);
    assert_eq!(config.filters["f_2"].config, serde_json::json!({ "a": { "b": "c" } }));
    assert!(config.admin.token.as_ref().is_some_and(|token| token.matches("t")));
    assert_eq!(config.limits.body, 1000);
    assert_eq!(config.log, Log { level: "postern::ws=debug,info".to_owned(), format: LogFormat::Json });
}

/// `default.toml` shows keys without a default as `#key = …`, and prose after `# `.
#[test]
fn the_commented_defaults_are_the_whole_schema_and_nothing_else() {
    let uncommented: Vec<&str> = DEFAULTS
        .lines()
        .map(|line| {
            let shown = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
            line.strip_prefix('#').filter(shown).unwrap_or(line)
        })
        .collect();
    let shown = uncommented.join("\n").replace("NAME", "name");
    // Of each pair of contraries one must go, and the examples name things of their own.
    let (before, rest) = shown.split_once("[tls.acme]").expect("it is shown");
    let (_, behind) = rest.split_once("[proxy]").expect("the next section");
    let toml = format!("{before}[proxy]{behind}")
        .replace("plain = true", "")
        .replace("headers = \"none\"", "headers = \"forwarded\"")
        .replace("client_auth = \"none\"", "client_auth = \"required\"")
        .replace("{ file = \"key.pass\" }", "\"p\"")
        .replace("[\"drop-statuses\", \"redact\"]", "[\"name\"]")
        .replace("[\"whatsapp\"]", "[\"name\"]")
        .replace("[\"token\"]", "[\"name\"]")
        .replace("[\"by-label\"]", "[\"name\"]")
        .replace("[\"chat\"]", "[\"name\"]")
        .replace("[\"log\"]", "[\"name\"]")
        .replace("filter = \"status-page\"", "filter = \"name\"")
        .replace("filter = \"only-orders\"", "filter = \"name\"")
        .replace("{ env = \"CRM_SECRET\" }", "\"p\"")
        .replace("webhook = \"whatsapp\"", "webhook = \"name\"")
        .replace("streams = [\"agents\"]", "streams = [\"name\"]")
        // Theirs who are not Meta.
        .replace("\nsecret = [{ env = \"WEBHOOK_SECRET\" }]", "")
        .replace("tolerance = \"5m\"", "")
        .replace("public_url = \"https://hooks.example.com/twilio\"", "")
        .replace("signature = { header", "#")
        .replace("kind = \"/event/type\"", "")
        .replace("{ env = \"PARTNER_SECRET\" }", "\"p\"")
        .replace("{ env = \"REGISTRY_PASSWORD\" }", "\"p\"")
        .replace("{ env = \"COLLECTOR_AUTHORIZATION\" }", "\"p\"");
    let written = written(&toml).with(&[("VERIFY_TOKEN", "v"), ("APP_SECRET", "s"), ("ADMIN_TOKEN", "t")]);
    let config = written.config();
    let commented =
        ["tls.key_password", "webhooks.name.phone_number_ids", "streams.name.origins", "filters.name.config"];
    for key in commented {
        assert!(matches!(config.place(key), Place::File { line: Some(_), .. }), "{key}");
    }

    // Every key that the reader knows is one that the file shows: it lists them when it is asked for one it has not.
    let probe = |section: &str| format!("{section}\nzzzzzzzz = 1\n");
    let top = ["", "[tls]", "[tls.acme]", "[proxy]", "[inbox]", "[outbox]", "[dedupe]", "[retry]", "[admin]"];
    let below = [
        "[limits]",
        "[log]",
        "[webhooks.n]",
        "[streams.n]",
        "[filters.n]",
        "[registries.n]",
        "[http.n]",
        "[forward.n]",
        "[telemetry.traces]",
    ];
    for section in top.into_iter().chain(below) {
        let problems = load(&self::written(probe(section)).source).expect_err("an unknown key");
        let unknown = problems.iter().find(|problem| problem.key.ends_with("zzzzzzzz")).expect("it is told");
        for key in unknown.hint.as_deref().expect("with the known ones").split('`').skip(1).step_by(2) {
            let is_shown = |line: &&str| {
                line.starts_with(&format!("{key} ="))
                    || line.starts_with(&format!("[{key}"))
                    || (section == "[tls]" && line.starts_with(&format!("[tls.{key}")))
            };
            assert!(uncommented.iter().any(is_shown), "{section} {key}");
        }
    }
}

#[test]
fn later_problems_have_the_place_of_their_key() {
    let written = written(LEAST);
    let config = written.config();
    let problem =
        |key: &str| config.problem(key, "is odd").to_string().replace(&format!("{}/", written.path().display()), "");
    assert_eq!(problem("filters.redact.file"), "postern.toml:13: is odd");
    assert_eq!(problem("filters.redact.deadline"), "is odd");
    assert_eq!(problem("filters.redact.nothing"), "postern.toml:12: is odd");
    assert_eq!(problem("tls"), "postern.toml:2: is odd");
    assert_eq!(problem("nothing"), "postern.toml: is odd");
}
