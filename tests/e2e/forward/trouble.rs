//! Targets that fail, are slow, or want nothing more.

use super::{QUICK, SECRET, arrived, now, numbered, send, to};
use crate::{home, start};
use postern_tests::{Admin, Config, Door, Feed, Form, Receiver, fixtures, lasting_port};
use serde_json::{Value, json};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Milliseconds since 1970.
fn time(told: &Value) -> u128 {
    let told = told.as_str().and_then(|text| humantime::parse_rfc3339(text).ok()).expect("a time");
    told.duration_since(UNIX_EPOCH).expect("it is after 1970").as_millis()
}

#[tokio::test]
async fn a_target_that_is_down_gets_everything_in_order_once_it_is_there() {
    let port = lasting_port();
    let gateway = start(&to(&format!("http://127.0.0.1:{port}/"), &QUICK.replace("breaker = 0", "breaker = 3"))).await;
    let bodies = numbered(0..50);
    send(&gateway, "/whatsapp", &bodies).await;
    let admin = Admin::of(&gateway);
    let told = admin.target_becomes("crm", "has failed", |target| target["failed"].as_u64() > Some(5)).await;
    assert!(told["last_error"].as_str().is_some_and(|why| why.contains("failed to connect")), "{told}");
    gateway.says("it is asked now and then").await;
    let receiver = Receiver::at(port, None).await;
    // It is not well yet.
    let mut answers = [500, 503, 404, 302, 429].into_iter();
    receiver.now(move |_| Some((answers.next().unwrap_or(204), vec![("location", "/elsewhere".to_owned())])));
    arrived(&gateway, &receiver, &bodies).await;
    let got = receiver.got();
    assert!(got.iter().all(|push| push.path == "/" && push.is_signed(SECRET, now())), "redirects are not followed");
    assert!(got[..6].iter().all(|push| push.body == bodies[0] && push.id() == got[0].id()), "the same again");
    assert_eq!(receiver.bodies()[5..], bodies, "in order, each once");
    let told = admin.target("crm").await;
    assert_eq!((&told["state"], &told["delivered"], &told["retry_at"]), (&json!("working"), &json!(50), &json!(null)));
    gateway.says("takes what it is sent again").await;
}

#[tokio::test]
async fn a_target_that_fails_is_left_alone_for_a_while_and_as_long_as_it_asks() {
    let receiver = Receiver::start().await;
    receiver.now(|_| Some((500, vec![])));
    let backoff = "backoff = { first = \"4h\", longest = \"8h\" }";
    let gateway = start(&to(&receiver.url("/"), backoff)).await;
    let bodies = numbered(0..2);
    send(&gateway, "/whatsapp", &bodies).await;
    let admin = Admin::of(&gateway);
    let waiting = |failed: u64| move |target: &Value| target["state"] == "waiting" && target["failed"] == failed;
    let told = admin.target_becomes("crm", "waits", waiting(1)).await;
    let hours = 3_600_000;
    assert!(time(&told["retry_at"]) <= u128::from(now() + 1) * 1000 + 4 * hours, "{told}");
    assert_eq!(told["last_error"], "it answered 500 Internal Server Error: as the test wants");
    // It asks for more than chance may give it.
    receiver.now(|_| Some((503, vec![("retry-after", "3000".to_owned())])));
    admin.post("/v1/targets/crm/resume", &json!({})).await;
    let told = admin.target_becomes("crm", "waits", waiting(2)).await;
    let wait = time(&told["retry_at"]).saturating_sub(u128::from(now()) * 1000);
    assert!((2_990_000..=8 * hours + 1000).contains(&wait), "{wait}");
    receiver.now(|_| Some((200, vec![])));
    let ended = admin.post("/v1/targets/crm/resume", &json!({})).await;
    assert_eq!(ended, json!({ "resumed": false }), "it only waited");
    receiver.becomes(4).await;
    assert_eq!(receiver.bodies(), [&bodies[0], &bodies[0], &bodies[0], &bodies[1]]);
}

#[tokio::test]
async fn a_target_that_never_answers_costs_nobody_else_anything() {
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.now(|_| None);
    let quickly = format!("url = \"{}\"\nsecret = \"{SECRET}\"", quick.url("/"));
    let config = to(&slow.url("/"), "timeout = \"1s\"").section("forward.quick", &quickly);
    let gateway = start(&config).await;
    let mut feed = Feed::new(&Door::of(&gateway), "/ws", Form::Raw).opened().await;
    let begun = Instant::now();
    let bodies = numbered(0..200);
    send(&gateway, "/whatsapp", &bodies).await;
    for body in &bodies {
        feed.expect(body).await;
    }
    quick.becomes(200).await;
    assert_eq!(quick.bodies(), bodies);
    let told = Admin::of(&gateway).target_becomes("crm", "has failed", |target| target["failed"] != 0).await;
    assert!(told["last_error"].as_str().is_some_and(|why| why.contains("within 1s")), "{told}");
    assert_eq!((&told["delivered"], told["behind"].as_u64() >= Some(200)), (&json!(0), true), "{told}");
    // And a stop does not wait for it for long.
    let stopping = Instant::now();
    let (_, ended) = gateway.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(stopping.elapsed() < Duration::from_secs(15), "{:?} of {:?}", stopping.elapsed(), begun.elapsed());
}

#[tokio::test]
async fn who_answers_410_gets_nothing_until_an_operator_says_so_restarts_included() {
    let receiver = Receiver::start().await;
    receiver.now(|_| Some((410, vec![])));
    let admin = format!("listen = \"127.0.0.1:{}\"", lasting_port());
    let home = home(&to(&receiver.url("/"), QUICK).section("admin", &admin));
    let gateway = home.start().await;
    let bodies = numbered(0..3);
    send(&gateway, "/whatsapp", &bodies).await;
    let aside = |target: &Value| target["state"] == "set-aside";
    let told = Admin::of(&gateway).target_becomes("crm", "is set aside", aside).await;
    assert!(told["last_error"].as_str().is_some_and(|why| why.contains("410")), "{told}");
    drop(gateway.kill().await);
    receiver.now(|_| Some((200, vec![])));
    let gateway = home.start().await;
    let all = |target: &Value| aside(target) && target["behind"] == 3;
    Admin::of(&gateway).target_becomes("crm", "is set aside", all).await;
    let refused = home.run(&["targets", "retry", "crm", "--all"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("set aside"), "{}", refused.stderr);
    let ls = home.run(&["targets", "ls"]).await;
    assert!(ls.stdout.starts_with("crm  set-aside  3 behind"), "{}", ls.stdout);
    assert_eq!(receiver.got().len(), 1);
    let resumed = home.run(&["targets", "resume", "crm"]).await;
    assert_eq!((resumed.code, resumed.stdout.as_str()), (Some(0), "crm is resumed\n"), "{}", resumed.stderr);
    receiver.becomes(4).await;
    assert_eq!(receiver.bodies()[1..], bodies);
    let unknown = home.run(&["targets", "dead", "crn"]).await;
    assert!(
        unknown.code == Some(1) && unknown.stderr.contains("there is no target `crn`\nhint:"),
        "{}",
        unknown.stderr
    );
}

#[tokio::test]
async fn what_is_given_up_is_a_dead_letter_with_its_body_until_it_is_taken() {
    let receiver = Receiver::start().await;
    let is_poison = |body: &[u8]| body.windows(6).any(|window| window == b"poison");
    receiver.now(move |push| Some((if is_poison(&push.body) { 422 } else { 200 }, vec![])));
    let admin = format!("listen = \"127.0.0.1:{}\"", lasting_port());
    // What the outbox forgets, dead letters do not.
    let outbox = "retention = { age = \"1s\", size = \"1GiB\" }";
    let config: Config = to(&receiver.url("/"), &format!("attempts = 3\n{QUICK}"));
    let home = home(&config.section("admin", &admin).section("outbox", outbox));
    let gateway = home.start().await;
    let bodies = ["first", "poison", "poison too", "last"].map(|text| fixtures::message(text, "1", text));
    send(&gateway, "/whatsapp", &bodies).await;
    let told = arrived(&gateway, &receiver, &bodies).await;
    assert_eq!((&told["dead"], &told["delivered"], &told["failed"]), (&json!(2), &json!(2), &json!(6)), "{told}");
    let expected: Vec<_> = [0, 1, 1, 1, 2, 2, 2, 3].map(|index: usize| bodies[index].clone()).into();
    assert_eq!(receiver.bodies(), expected);
    let dead = Admin::of(&gateway).dead("crm").await;
    let id = receiver.got()[1].id().to_owned();
    assert_eq!(
        (&dead[0]["id"], &dead[0]["attempts"], &dead[0]["webhook"]),
        (&json!(id), &json!(3), &json!("whatsapp"))
    );
    assert!(dead[0]["last_error"].as_str().is_some_and(|why| why.contains("422")), "{dead:?}");
    assert_eq!(Admin::of(&gateway).metric("postern_forward_dead", &[("target", "crm")]).await, 2.0);

    drop(gateway.stop().await);
    let gateway = home.start().await;
    let admin = Admin::of(&gateway);
    admin.target_becomes("crm", "has its dead letters", |target| target["dead"] == 2).await;
    let [first, second] = [0, 1].map(|index: usize| dead[index]["cursor"].as_str().expect("a cursor"));
    // Once more in vain.
    let again = home.run(&["targets", "retry", "crm", first]).await;
    assert!(again.code == Some(0) && again.stdout.starts_with("1 tried once more"), "{again:?}");
    receiver.becomes(9).await;
    postern_tests::eventually("a fourth attempt", async || (admin.dead("crm").await[0]["attempts"] == 4).then_some(()))
        .await;
    receiver.now(|_| Some((200, vec![])));
    let queued = admin.post("/v1/targets/crm/retry", &json!({ "cursors": [second, second] })).await;
    assert_eq!(queued, json!({ "queued": 1 }));
    admin.target_becomes("crm", "has one dead letter", |target| target["dead"] == 1).await;
    let listed = home.run(&["targets", "dead", "crm", "--json"]).await;
    let left: Value = serde_json::from_str(&listed.stdout).expect("one line of JSON");
    assert_eq!((&left["cursor"], &left["attempts"]), (&json!(first), &json!(4)));
    assert_eq!(admin.post("/v1/targets/crm/retry", &json!({})).await, json!({ "queued": 1 }));
    admin.target_becomes("crm", "has none", |target| target["dead"] == 0).await;
    let got = receiver.got();
    assert_eq!(receiver.bodies()[8..], [&bodies[1], &bodies[2], &bodies[1]].map(Clone::clone));
    assert!(got[8..].iter().all(|push| push.is_signed(SECRET, now())) && got[10].id() == id);
    drop(gateway.kill().await);
    let gateway = home.start().await;
    Admin::of(&gateway).target_becomes("crm", "is known", |target| target["dead"] == 0).await;
}
