//! Another configuration, read while the gateway serves: all of it is taken, or nothing, and nobody is disconnected.

use crate::start;
use http::Method;
use http::header::AUTHORIZATION;
use postern_tests::{
    Admin, Client, Config, Crowd, Gateway, Paced, Protocol, Reply, Sender, Sent, alone, eventually, guests,
    numbered_body, report,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// How often the configuration is read again under load. `RELOADS=10000` reads it more often.
fn reloads() -> usize {
    std::env::var("RELOADS").ok().and_then(|count| count.parse().ok()).unwrap_or(1000)
}

/// How many events of each of four senders there are meanwhile, a second.
const RATE: u64 = 200;

async fn ask(gateway: &Gateway) -> Reply {
    let mut sender = Sender::plain(gateway.admin()).await;
    sender.send(Method::POST, "/v1/reload", &[], "").await.expect("the admin listener answers")
}

async fn reload(gateway: &Gateway, config: &Config) -> Value {
    gateway.home.configure(config);
    let reply = ask(gateway).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).expect("JSON")
}

async fn refused(gateway: &Gateway, config: &Config) -> String {
    gateway.home.configure(config);
    let reply = ask(gateway).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    reply.text()
}

async fn status(gateway: &Gateway, path: &str, body: &'static str) -> u16 {
    Sender::connect(gateway, Protocol::Http1).await.post(path, body).await.status
}

#[tokio::test]
async fn what_is_added_serves_at_once_and_what_is_taken_away_is_gone() {
    let config = Config::basic();
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    assert_eq!(status(&gateway, "/orders", "early").await, 404);
    let more = config
        .clone()
        .webhook("orders", "/orders", "filters = [\"stamp\"]")
        .filter("stamp", &guests::wat("stamp-a"), "")
        .stream("agents", "/ws", &["whatsapp", "orders"], "open = true")
        .stream("desk", "/desk", &["orders"], "open = true");
    reload(&gateway, &more).await;
    let mut desk = Client::connect(&gateway, "/desk").await;
    // A body that the stamp has room in.
    let order = numbered_body(0, 0, 100);
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/orders", order).await;
    for client in [&mut client, &mut desk] {
        let body = client.body().await;
        assert_eq!(&body[body.len() - 4..], b"AA\"}", "who was there carries it, and the filter was asked");
    }
    // Kept alive over the reload.
    sender.deliver("/whatsapp", "to those of before").await;
    client.expect(b"to those of before").await;
    reload(&gateway, &config).await;
    assert_eq!(status(&gateway, "/orders", "late").await, 404, "no longer");
    assert_eq!(desk.close_code().await, Some(1008), "its stream is no more");
    sender.deliver("/whatsapp", "still here").await;
    client.expect(b"still here").await;
    // And back: its events go on where they were.
    reload(&gateway, &more).await;
    sender.deliver("/orders", numbered_body(0, 1, 100)).await;
    assert_eq!(client.body().await.len(), 100);
}

#[tokio::test]
async fn a_broken_configuration_is_refused_with_its_line_and_the_old_one_serves() {
    let config = Config::basic();
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let broken = [
        (config.clone().section("limits", "bdoy = \"1MiB\""), "postern.toml:"),
        (config.clone().top("listen", "[\"127.0.0.1:1\"]"), "`listen` cannot change while postern runs"),
        (config.clone().top("data", "\"elsewhere\""), "`data` cannot change"),
        (config.clone().section("admin", "listen = \"127.0.0.1:1\""), "`admin.listen` cannot change"),
        (config.clone().filter("judge", &guests::wat("core-module"), ""), "`judge`"),
        (config.clone().stream("agents", "/ws", &["whatsapp"], "admission = [\"nobody\"]"), "nobody"),
        (config.clone().section("tls", "certificate = \"none.pem\"\nkey = \"key.pem\""), "none.pem"),
    ];
    for (broken, why) in broken {
        let told = refused(&gateway, &broken).await;
        assert!(told.contains(why), "{told}");
        let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
        sender.deliver("/whatsapp", why).await;
        client.expect(why.as_bytes()).await;
    }
    gateway.says("`judge`").await;
    gateway.home.configure(&config);
    assert_eq!(ask(&gateway).await.status, 200);
}

#[tokio::test]
async fn secrets_limits_tokens_and_certificates_are_those_of_the_new_one() {
    let config = Config::basic();
    let gateway = start(&config).await;
    let mut held = Sender::connect(&gateway, Protocol::Http1).await;
    held.deliver("/whatsapp", "the old secret").await;
    let issued = gateway.home.authority.issue();
    gateway.home.write("other-key.pem", &issued.key);
    gateway.home.write("other.pem", &issued.chain);
    let webhook = format!(
        "path = \"/whatsapp\"\nverify_token = \"other\"\napp_secret = [\"rotated\", \"{}\"]\nsplit = false",
        held.secret
    );
    let next = config
        .section("webhooks.whatsapp", &webhook)
        .section("tls", "certificate = \"other.pem\"\nkey = \"other-key.pem\"")
        .section("admin", "listen = \"127.0.0.1:0\"\ntoken = \"secret of operators\"")
        .limits("body = \"64B\"\nconnections_per_address = 3");
    let told = reload(&gateway, &next).await.to_string();
    assert!(!told.contains("rotated") && !told.contains("secret of operators"), "{told}");
    assert!(!gateway.stderr().contains("rotated"), "no secret is logged");
    held.deliver("/whatsapp", "of both").await;
    held.secret = "rotated".to_owned();
    held.deliver("/whatsapp", "with the new one").await;
    assert_eq!(held.post("/whatsapp", "x".repeat(65)).await.status, 413);
    assert_eq!(held.get("/whatsapp?hub.mode=subscribe&hub.challenge=4&hub.verify_token=other").await.text(), "4");
    let mut operator = Sender::plain(gateway.admin()).await;
    assert_eq!(operator.get("/v1/clients").await.status, 401);
    let token = [(AUTHORIZATION.as_str(), "Bearer secret of operators")];
    assert_eq!(operator.send(Method::GET, "/v1/clients", &token, "").await.expect("an answer").status, 200);
    // New connections have the new certificate, which is of the same authority; and an address may have three.
    let mut second = Sender::connect(&gateway, Protocol::Http2).await;
    second.secret = "rotated".to_owned();
    second.deliver("/whatsapp", "a new connection").await;
}

#[tokio::test]
async fn what_clients_say_is_heard_by_the_filters_of_the_new_one() {
    let config = Config::basic().filter("echo", &guests::gallery("chat"), "").stream(
        "agents",
        "/ws",
        &["whatsapp"],
        "open = true\nrelay = \"everyone\"",
    );
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    client.send("to all".into()).await.expect("it is connected");
    client.expect(b"to all").await;
    let quiet = config.clone().stream("agents", "/ws", &["whatsapp"], "open = true\nheartbeat = \"1s\"");
    reload(&gateway, &quiet).await;
    client.send("to nobody".into()).await.expect("it is connected");
    reload(&gateway, &config).await;
    client.send("to all again".into()).await.expect("it is connected");
    client.expect(b"to all again").await;
}

#[tokio::test]
async fn a_hangup_reads_the_configuration_again() {
    let config = Config::basic();
    let gateway = start(&config).await;
    gateway.home.configure(&config.webhook("orders", "/orders", ""));
    let hangup = std::process::Command::new("kill").args(["-HUP", &gateway.process_id().to_string()]).status();
    assert!(hangup.expect("kill is there").success());
    eventually("the webhook that was added", async || {
        (status(&gateway, "/orders", "an order").await == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn tls_and_proxies_are_those_of_the_new_one_for_whoever_comes_and_who_is_there_stays() {
    let config = Config::basic();
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let proxied = config.clone().section("proxy", "trusted = [\"127.0.0.0/8\"]\nheaders = \"x-forwarded-for\"");
    reload(&gateway, &proxied).await;
    let _proxied = Client::connect_with(&gateway, "/ws", &[("x-forwarded-for", "192.0.2.7")]).await;
    eventually("both, by their own addresses", async || {
        let seen = Admin::of(&gateway).get("/v1/clients").await.text();
        (seen.contains("\"192.0.2.7:") && seen.contains("\"127.0.0.1:")).then_some(())
    })
    .await;
    reload(&gateway, &config.section("tls", "plain = true")).await;
    Sender::plain(gateway.edge()).await.deliver("/whatsapp", "in the clear").await;
    client.expect(b"in the clear").await;
}

#[tokio::test]
async fn what_is_logged_changes_with_it() {
    let config = Config::basic().section("log", "level = \"info\"");
    let gateway = start(&config).await;
    let _one = Client::connect(&gateway, "/ws").await;
    reload(&gateway, &config.section("log", "level = \"debug\"")).await;
    let _other = Client::connect(&gateway, "/ws").await;
    let log = gateway.says("client admitted").await;
    assert_eq!(log.matches("client admitted").count(), 1, "of the one that came after");
}

#[tokio::test]
async fn settings_of_a_filter_change_with_what_an_operator_has_put_in_its_place() {
    let config =
        |word: &str| {
            Config::basic()
                .filter("judge", &guests::wat("stamp-a"), &format!("config = {{ word = \"{word}\" }}"))
                .webhook("whatsapp", "/whatsapp", "filters = [\"judge\"]")
        };
    let gateway = start(&config("one")).await;
    let mut operator = Sender::plain(gateway.admin()).await;
    let component = std::fs::read(guests::wat("stamp-b")).expect("it was compiled");
    let put = operator.send(Method::PUT, "/v1/filters/judge", &[], component).await.expect("an answer");
    assert_eq!(put.status, 200);
    reload(&gateway, &config("two")).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", numbered_body(0, 0, 100)).await;
    let body = client.body().await;
    assert_eq!(&body[body.len() - 4..], b"BB\"}");
}

#[tokio::test]
async fn a_thousand_reloads_under_load_drop_no_connection_and_lose_no_event() {
    let config = |round: usize| {
        let stamp = guests::wat(["stamp-a", "stamp-b"][round % 2]);
        let config = Config::basic()
            .filter("judge", &stamp, &format!("config = {{ round = {round} }}"))
            .webhook("whatsapp", "/whatsapp", "filters = [\"judge\"]")
            .stream("agents", "/ws", &["whatsapp"], &format!("open = true\nheartbeat = \"{}s\"", 20 + round % 2))
            .limits(&format!("ring = \"256KiB\"\nbody = \"{}MiB\"", 1 + round % 3));
        if round.is_multiple_of(2) { config } else { config.webhook("orders", "/orders", "") }
    };
    let gateway = Arc::new(start(&config(0)).await);
    let _machine = alone().await;
    for round in 0..10 {
        reload(&gateway, &config(round)).await;
    }
    let crowd = Crowd::connect(&gateway, "/ws", 100, u64::MAX).await;
    let senders = Paced::start(
        &gateway,
        "/whatsapp",
        &[Protocol::Http1, Protocol::Http2, Protocol::Http1, Protocol::Http2],
        RATE,
    );
    let admin = Admin::of(&gateway);
    let (before, began, rounds) = (gateway.memory(), Instant::now(), reloads());
    for round in 0..rounds {
        reload(&gateway, &config(round)).await;
    }
    let took = began.elapsed();
    let Sent { each, rate } = senders.stop().await;
    let sent: u64 = each.iter().sum();
    admin.metric_becomes("postern_events_total", &[("outcome", "delivered")], sent as f64).await;
    assert_eq!(admin.metric("postern_closes_total", &[]).await, 0.0, "no connection was dropped");
    let after = gateway.memory();
    let gateway = Arc::try_unwrap(gateway).unwrap_or_else(|_| panic!("nobody else has it"));
    gateway.stop().await;
    for witness in crowd.witnesses().await {
        // Each once, and those of one sender in their order.
        assert_eq!((witness.frames, &witness.next, witness.wrong), (sent, &each, None));
    }
    report(format_args!(
        "{rounds} reloads in {took:?} under {rate:.0} events/s to 100 clients; memory in MiB before {before:?}, after {after:?}"
    ));
    if let (Some((before, _)), Some((after, _))) = (before, after) {
        assert!(after <= before + 24, "memory is back where it was: {before} MiB, then {after}");
    }
}
