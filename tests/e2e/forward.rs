//! Events pushed to HTTP endpoints: as they are, signed, in order, at least once, and whatever becomes of the endpoint.

mod lasting;
mod trouble;

use crate::{home, start};
use postern_tests::{Admin, Config, Door, Feed, Form, Gateway, Protocol, Receiver, Sender, fixtures, guests};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const QUICK: &str = "backoff = { first = \"5ms\", longest = \"50ms\" }\nbreaker = 0";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs()
}

/// A gateway with one target; `more` is TOML added to it.
fn to(url: &str, more: &str) -> Config {
    Config::basic().section("forward.crm", &format!("url = \"{url}\"\nsecret = \"{SECRET}\"\n{more}"))
}

async fn send(gateway: &Gateway, path: &str, bodies: &[impl AsRef<[u8]>]) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for body in bodies {
        sender.deliver(path, body.as_ref().to_vec()).await;
    }
}

fn numbered(numbers: std::ops::Range<u64>) -> Vec<bytes::Bytes> {
    numbers.map(|number| postern_tests::numbered_body(0, number, 200)).collect()
}

#[tokio::test]
async fn each_event_arrives_byte_for_byte_in_order_and_signed_by_every_secret() {
    let home = home(&Config::basic());
    let receiver = Receiver::secure(&home.authority.issue()).await;
    home.write("ca.pem", home.authority.root());
    let url = receiver.secure_url("/hooks?key=hunter2");
    let target = format!("url = \"{url}\"\nsecret = [\"{SECRET}\", \"{OTHER}\"]\nca = \"ca.pem\"");
    home.configure(&Config::basic().section("forward.crm", &target));
    let gateway = home.start().await;
    let all: Vec<_> = fixtures::good().into_iter().chain(fixtures::bad()).map(|fixture| fixture.body).collect();
    // An empty body is no event.
    let all: Vec<_> = all.into_iter().filter(|body| !body.is_empty()).collect();
    send(&gateway, "/whatsapp", &all).await;
    let admin = Admin::of(&gateway);
    let events = admin.events("").await;
    let events: Vec<_> = events.iter().filter(|event| event["state"] == "delivered").collect();
    let got = receiver.becomes(events.len()).await;
    let told = admin.target_becomes("crm", "has all", |target| target["behind"] == 0).await;
    assert_eq!(receiver.got().len(), events.len());
    let sent: BTreeSet<_> = all.iter().collect();
    assert!(got.iter().all(|push| sent.contains(&push.body)), "as they were");
    let once: BTreeSet<_> = got.iter().map(|push| &push.body).collect();
    assert_eq!(once.len(), sent.len(), "all of them");
    for (push, event) in got.iter().zip(&events) {
        assert_eq!((push.path.as_str(), push.id()), ("/hooks?key=hunter2", event["id"].as_str().expect("an id")));
        assert!(push.is_signed(SECRET, now()) && push.is_signed(OTHER, now()), "{push:?}");
        assert!(!push.is_signed("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", now()));
        assert_eq!(push.header("postern-webhook"), "whatsapp");
        assert_eq!(push.header("postern-kind"), event["kind"]);
        assert_eq!((push.header("content-type"), push.header("postern-cursor").len()), ("application/json", 24));
    }
    assert_eq!(
        (&told["state"], &told["delivered"], &told["last_error"]),
        (&json!("working"), &json!(got.len()), &json!(null))
    );
    assert_eq!(told["url"], receiver.secure_url("/hooks"), "without what may be a key");
    assert!(!gateway.stderr().contains("hunter2"));
    let delivered = [("target", "crm"), ("outcome", "delivered")];
    assert_eq!(admin.metric("postern_forward_deliveries_total", &delivered).await, got.len() as f64);
    assert_eq!(admin.metric("postern_forward_seconds_count", &[("target", "crm")]).await, got.len() as f64);
    assert_eq!(admin.metric("postern_forward_behind", &[("target", "crm")]).await, 0.0);
}

#[tokio::test]
async fn a_target_gets_what_is_for_everyone_of_its_webhooks_and_nothing_else() {
    let receiver = Receiver::start().await;
    let config = to(&receiver.url("/"), "webhooks = [\"whatsapp\"]")
        .webhook("other", "/other", "")
        .webhook("few", "/few", "filters = [\"send\"]")
        .filter("send", &guests::wat("send"), "");
    let gateway = start(&config.stream("agents", "/ws", &["whatsapp", "other", "few"], "open = true")).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).opened().await;
    let [first, other, last] = ["1", "2", "3"].map(|id| fixtures::message(id, "1", "hello"));
    send(&gateway, "/whatsapp", &[&first]).await;
    feed.expect(&first).await;
    send(&gateway, "/other", &[&other]).await;
    feed.expect(&other).await;
    let headers = [("content-type", "text/plain")];
    let mut sender = Sender::plain(gateway.admin()).await;
    let reply = sender.send(http::Method::POST, "/v1/send", &headers, "from an operator").await;
    assert_eq!(reply.expect("an answer").status, 200);
    feed.expect(b"from an operator").await;
    send(&gateway, "/whatsapp", &[&last]).await;
    receiver.becomes(2).await;
    Admin::of(&gateway).target_becomes("crm", "has all", |target| target["behind"] == 0).await;
    assert_eq!(receiver.bodies(), [first, last]);
}

#[tokio::test]
async fn a_filter_leaves_out_rewrites_or_keeps_waiting_what_a_target_gets() {
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let until = (now() + 4) * 1000;
    let pointer = "pointer = \"/entry/0/changes/0/value/messages/0/text/body\", value = \"poison\"";
    let failing = |until: u64, on_error: &str| {
        format!(
            "config = {{ until = \"{until}\", {pointer} }}\ndeadline = \"1s\"\nbreaker = 0\non_error = \"{on_error}\""
        )
    };
    let mut config = Config::basic()
        .filter("leaves-out", &guests::wat("until"), &failing(9_999_999_999_999, "drop"))
        .filter("rewrites", &guests::wat("rewrite"), "deadline = \"1s\"")
        .filter("waits", &guests::wat("until"), &failing(until, "hold"));
    for (name, receiver) in ["leaves-out", "rewrites", "waits"].iter().zip(&receivers) {
        let url = receiver.url("/");
        let target = format!("url = \"{url}\"\nsecret = \"{SECRET}\"\nfilter = \"{name}\"\n{QUICK}");
        config = config.section(&format!("forward.{name}"), &target);
    }
    let gateway = start(&config).await;
    let bodies = ["before", "poison", "after"].map(|text| fixtures::message(text, "1", text));
    send(&gateway, "/whatsapp", &bodies).await;
    let [left_out, rewritten, waited] = &receivers;
    rewritten.becomes(3).await;
    assert!(rewritten.got().iter().all(|push| &*push.body == b"rewritten" && push.is_signed(SECRET, now())));
    left_out.becomes(2).await;
    let admin = Admin::of(&gateway);
    admin.target_becomes("leaves-out", "has all", |target| target["behind"] == 0).await;
    assert_eq!(left_out.bodies(), [&bodies[0], &bodies[2]]);
    let waiting = admin.target_becomes("waits", "has waited", |target| target["last_error"] != json!(null)).await;
    assert!(waiting["last_error"].as_str().is_some_and(|why| why.starts_with("filter `waits` trapped")), "{waiting}");
    assert_eq!((waited.bodies(), &waiting["failed"]), (vec![bodies[0].clone()], &json!(0)));
    waited.becomes(3).await;
    assert_eq!(waited.bodies(), bodies, "in order");
    admin.target_becomes("waits", "is well", |target| target["last_error"] == json!(null)).await;
    let dropped = [("target", "leaves-out"), ("outcome", "dropped")];
    assert_eq!(admin.metric("postern_forward_deliveries_total", &dropped).await, 1.0);
}

#[tokio::test]
async fn a_check_says_what_is_wrong_with_a_target_and_where() {
    let home = home(&Config::basic());
    for (target, told) in [
        ("secret = \"SECRET\"", "`forward.crm.url` is missing"),
        ("url = \"http://127.0.0.1:1\"", "`forward.crm.secret` is missing"),
        ("url = \"http://me:hunter2@127.0.0.1:1\"\nsecret = \"SECRET\"", "user name or password"),
        ("url = \"ftp://127.0.0.1\"\nsecret = \"SECRET\"", "must begin with `https://` or `http://`"),
        (
            "url = \"http://127.0.0.1:1\"\nsecret = \"hunter2\"",
            "`forward.crm.secret`: it is no secret of Standard Webhooks",
        ),
        ("url = \"http://127.0.0.1:1\"\nsecret = \"SECRET\"\nwebhooks = [\"watsapp\"]", "did you mean `whatsapp`?"),
        ("url = \"http://127.0.0.1:1\"\nsecret = \"SECRET\"\nfilter = \"allow\"", "does not export `message-handler`"),
        (
            "url = \"http://127.0.0.1:1\"\nsecret = \"SECRET\"\nbackoff = { first = \"2h\" }",
            "must not be longer than `longest`",
        ),
        ("url = \"https://127.0.0.1:1\"\nsecret = \"SECRET\"\nca = \"none.pem\"", "none.pem"),
    ] {
        let config = Config::basic().section("forward.crm", &target.replace("SECRET", SECRET));
        home.configure(&config.filter("allow", &guests::wat("allow-all"), ""));
        let ended = home.run(&["check", "-c", "postern.toml"]).await;
        assert_eq!(ended.code, Some(78), "{target}: {}", ended.stderr);
        assert!(ended.stderr.contains(told) && ended.stderr.contains("postern.toml:"), "{told}: {}", ended.stderr);
        assert!(ended.stderr.contains("hint: ") && !ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}
