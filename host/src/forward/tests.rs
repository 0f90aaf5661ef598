//! Targets at work on a journal, against servers that answer as a test wants.

use super::*;
use crate::journal::{self, Decision, Judged, Retention};
use crate::message::{Audience, Delivery, Fingerprint, Item, Keys, Payload, Timestamp};
use crate::outward::testing::{answer, header, request, server};
use crate::outward::{Kind, Trust};
use crate::secret::Secret;
use std::sync::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const WEBHOOK: &str = "whatsapp";

fn open(directory: &Path) -> Journal {
    let retention = Retention { age: Duration::from_secs(3600), size: 1 << 30 };
    Journal::open(&journal::Config {
        directory: directory.join("journal"),
        webhooks: vec![WEBHOOK.to_owned()],
        waiting: 16,
        inbox: retention,
        outbox: retention,
        dedupe_window: Duration::ZERO,
    })
    .unwrap()
}

/// Receives and decides an event of these parts, all of them for everyone.
async fn publish(journal: &Journal, parts: &[&str]) {
    let lane = journal.lane(WEBHOOK).unwrap();
    let body: bytes::Bytes = parts.concat().into();
    let item =
        Item { kind: "messages".into(), keys: Keys::default(), pieces: vec![], fingerprint: Fingerprint::random() };
    let delivery = Delivery {
        webhook: WEBHOOK.into(),
        received: Timestamp::now(),
        content_type: None,
        unparsed: false,
        items: vec![item],
        body,
        orders: None,
    };
    let event = journal.append(&lane, delivery).await.unwrap().first;
    let payloads = parts.iter().map(|part| (Payload::of((*part).to_owned().into()), Audience::default()));
    let decision = Decision {
        event,
        received: Timestamp::now(),
        content_type: None,
        unparsed: false,
        kind: "messages".into(),
        keys: Arc::new(Keys::default()),
        trail: vec![],
        judged: Judged::Deliver(payloads.collect()),
    };
    journal.decide(&lane, vec![decision], |_| {}).unwrap();
}

fn settings(port: u16, concurrency: usize) -> Settings {
    let url = format!("http://127.0.0.1:{port}/hooks?key=hunter2");
    Settings {
        name: "crm".into(),
        destination: Destination::new(&url, Kind::Http, &Trust::default()).unwrap(),
        keys: vec![Key::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap()],
        webhooks: BTreeSet::from([WEBHOOK.to_owned()]),
        filter: None,
        from: Begin::Now,
        concurrency,
        timeout: Duration::from_secs(5),
        backoff: Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(5) },
        attempts: None,
        give_up: Duration::from_secs(3600),
        breaker: 5,
    }
}

/// What came, as `webhook-id` and body.
type Got = Arc<Mutex<Vec<(String, String)>>>;

/// Answers each request with a status of the caller's choice, by its body.
async fn receiver(status: impl Fn(&str) -> &'static str + Clone + Send + Sync + 'static) -> (u16, Got) {
    let got = Got::default();
    let heard = got.clone();
    let serve = move |_, tcp: TcpStream| {
        let (heard, status) = (heard.clone(), status.clone());
        async move {
            task::background(async move {
                let mut tcp = tcp;
                while let Some((head, body)) = request(&mut tcp).await {
                    let body = String::from_utf8(body).unwrap();
                    let status = status(&body);
                    heard.lock().unwrap().push((header(&head, "webhook-id").unwrap().to_owned(), body));
                    let _ = tcp.write_all(answer(status, "").as_bytes()).await;
                }
            });
        }
    };
    (server(serve).await.port(), got)
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what}: never"));
}

fn bodies(got: &Got) -> Vec<String> {
    got.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_takes_the_place_of_another_goes_on_where_that_was() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, metrics) = (open(directory.path()), Metrics::default());
    let start = |port, concurrency, before| {
        let place = directory.path().join("forward");
        Forwards::start(vec![settings(port, concurrency)], &place, (&journal, &metrics), before).unwrap()
    };
    let (first, got) = receiver(|_| "200 OK").await;
    let (second, more) = receiver(|_| "204 No Content").await;
    publish(&journal, &["before it is known"]).await;
    let mut forwards = start(first, 1, None);
    let mut expected = Vec::new();
    for round in 0..20 {
        // Whatever the first has not sent when it ends, the next sends, and nothing twice.
        let text = format!("event {round}");
        publish(&journal, &[&text]).await;
        expected.push(text);
        let port = if round % 2 == 0 { second } else { first };
        forwards = start(port, 1 + round % 3, Some(forwards));
    }
    eventually("all of them", || got.lock().unwrap().len() + more.lock().unwrap().len() >= expected.len()).await;
    forwards.stop(Duration::from_secs(5)).await;
    let mut all = [bodies(&got), bodies(&more)].concat();
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_one_event_are_messages_of_their_own_and_keep_their_ids_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, metrics) = (open(directory.path()), Metrics::default());
    let place = directory.path().join("forward");
    let start = |port| Forwards::start(vec![settings(port, 1)], &place, (&journal, &metrics), None).unwrap();
    let (port, got) = receiver(|body| if body == "b" { "500 No" } else { "200 OK" }).await;
    let forwards = start(port);
    publish(&journal, &["a", "b", "c"]).await;
    eventually("the second part", || got.lock().unwrap().len() > 2).await;
    drop(forwards);
    let (port, more) = receiver(|_| "200 OK").await;
    let forwards = start(port);
    eventually("the rest", || more.lock().unwrap().len() == 2).await;
    forwards.stop(Duration::from_secs(5)).await;
    let (got, more) = (got.lock().unwrap().clone(), more.lock().unwrap().clone());
    let id = got[0].0.clone();
    assert_eq!((got[0].1.as_str(), got[1].clone()), ("a", (format!("{id}-2"), "b".to_owned())));
    assert_eq!(more, [(format!("{id}-2"), "b".to_owned()), (format!("{id}-3"), "c".to_owned())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_several_at_once_one_that_fails_holds_up_no_other_and_is_alone_sent_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, metrics) = (open(directory.path()), Metrics::default());
    let place = directory.path().join("forward");
    let start = |port| {
        let settings = Settings { breaker: 0, ..settings(port, 4) };
        Forwards::start(vec![settings], &place, (&journal, &metrics), None).unwrap()
    };
    let (port, got) = receiver(|body| if body == "poison" { "500 No" } else { "200 OK" }).await;
    let forwards = start(port);
    publish(&journal, &["poison"]).await;
    for number in 0..50 {
        publish(&journal, &[&number.to_string()]).await;
    }
    let others = || bodies(&got).into_iter().filter(|body| body != "poison").count();
    eventually("the others", || others() == 50).await;
    let report = &forwards.targets().list(journal.tail())[0];
    assert_eq!((report.behind, report.url.as_str()), (51, format!("http://127.0.0.1:{port}/hooks").as_str()));
    forwards.stop(Duration::from_secs(5)).await;
    let (port, more) = receiver(|_| "200 OK").await;
    let forwards = start(port);
    eventually("what failed", || forwards.targets().list(journal.tail())[0].behind == 0).await;
    assert_eq!(bodies(&more), ["poison"]);
    assert_eq!(others(), 50);
    drop(forwards);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_down_is_asked_by_one_request_at_a_time_until_one_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, metrics) = (open(directory.path()), Metrics::default());
    let is_down = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let down = is_down.clone();
    let ask = move |_: &str| if down.load(std::sync::atomic::Ordering::Relaxed) { "503 Later" } else { "200 OK" };
    let (port, got) = receiver(ask).await;
    let place = directory.path().join("forward");
    // Each would be given up after 8 attempts of its own: but only the one that finds out is charged.
    let settings = Settings { attempts: Some(1000), ..settings(port, 4) };
    let forwards = Forwards::start(vec![settings], &place, (&journal, &metrics), None).unwrap();
    for number in 0..10 {
        publish(&journal, &[&number.to_string()]).await;
    }
    eventually("many failures", || got.lock().unwrap().len() > 60).await;
    let tried = bodies(&got);
    // Before it was open at most four went at once, a few times; all since are for the oldest.
    assert!(tried[20..].iter().all(|body| body == "0"), "{tried:?}");
    is_down.store(false, std::sync::atomic::Ordering::Relaxed);
    eventually("all of them", || forwards.targets().list(journal.tail())[0].behind == 0).await;
    assert_eq!(forwards.targets().list(journal.tail())[0].delivered, 10);
    drop(forwards);
}
