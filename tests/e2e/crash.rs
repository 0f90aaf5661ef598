//! Kill -9 at any instant: what was acknowledged is delivered, and nothing that was not sent.

use crate::{home, start};
use bytes::Bytes;
use postern_tests::{
    Admin, Client, Config, Door, Feed, Form, Gateway, Protocol, Sender, alone, eventually, guests, numbered_body,
    report, spawn,
};
use ring::digest;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const CONNECTIONS: usize = 16;
const EVENTS: u64 = 5_000;

/// What the senders did, across kills.
#[derive(Default)]
struct Burst {
    /// The next sequence number of each connection. One is never sent twice, so that a body seen twice is a fault.
    next: Mutex<[u64; CONNECTIONS]>,
    acknowledged: Mutex<HashSet<String>>,
    count: AtomicU64,
}

impl Burst {
    /// Sends from all connections until everything is sent or the gateway is gone.
    async fn send(self: &Arc<Self>, gateway: &Gateway) -> Vec<tokio::task::JoinHandle<()>> {
        let mut tasks = vec![];
        for number in 0..CONNECTIONS {
            let mut sender = Sender::connect(gateway, Protocol::Http1).await;
            let burst = Arc::clone(self);
            tasks.push(spawn(async move {
                while let Some(sequence) = burst.take(number) {
                    let body = numbered_body(number, sequence, 1_000);
                    let hash = sha256(&body);
                    match sender.try_post("/whatsapp", body).await {
                        Ok(reply) => assert_eq!(reply.status, 200, "{reply:?}"),
                        Err(_) => return,
                    }
                    burst.acknowledged.lock().expect("no panic in here").insert(hash);
                    burst.count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        tasks
    }

    fn take(&self, number: usize) -> Option<u64> {
        let next = &mut self.next.lock().expect("no panic in here")[number];
        let sequence = Some(*next).filter(|sequence| sequence * (CONNECTIONS as u64) + (number as u64) < EVENTS)?;
        *next += 1;
        Some(sequence)
    }

    async fn acknowledged(&self, count: u64) {
        let what = format!("{count} acknowledged webhooks");
        eventually(what, async || (self.count.load(Ordering::Relaxed) >= count).then_some(())).await;
    }

    /// The hashes of all bodies that were ever sent, acknowledged or not.
    fn sent(&self) -> HashSet<String> {
        let next = self.next.lock().expect("no panic in here");
        let bodies = next.iter().enumerate();
        bodies
            .flat_map(|(number, end)| (0..*end).map(move |sequence| sha256(&numbered_body(number, sequence, 1_000))))
            .collect()
    }
}

fn sha256(body: &[u8]) -> String {
    digest::digest(&digest::SHA256, body).as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

/// The outbox as a client reads it from its beginning: the hashes of what clients were given, in its order.
async fn outbox(gateway: &Gateway) -> Vec<String> {
    let mut feed = Feed::new(&Door::of(gateway), "/ws", Form::V1).since("earliest").opened().await;
    feed.live().await.iter().map(|got| sha256(&got.body)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_within_a_burst_of_5_000_webhooks_loses_nothing_acknowledged_and_invents_nothing() {
    let _machine = alone().await;
    let burst = Arc::new(Burst::default());
    let mut home = home(&Config::basic());
    let mut live: Vec<String> = vec![];
    for kill_at in [1_500, 3_000] {
        let gateway = home.start().await;
        let mut client = Client::connect(&gateway, "/ws").await;
        let received = spawn(async move {
            let mut hashes = vec![];
            while let Some(body) = client.try_body().await {
                hashes.push(sha256(&body));
            }
            hashes
        });
        let senders = burst.send(&gateway).await;
        burst.acknowledged(kill_at).await;
        home = gateway.kill().await;
        for sender in senders {
            sender.await.expect("no sender was refused");
        }
        live.extend(received.await.expect("no panic"));
    }
    // The third life: the rest of the burst, then a last event. Dispatch is in order, so once a client has that one,
    // everything acknowledged has been dispatched.
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    for sender in burst.send(&gateway).await {
        sender.await.expect("no sender was refused");
    }
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "last").await;
    client.until(b"last").await;

    let outbox = outbox(&gateway).await;
    let (sent, acknowledged) = (burst.sent(), burst.acknowledged.lock().expect("no panic in here"));
    let mut delivered: HashSet<_> = outbox.iter().cloned().collect();
    assert_eq!(delivered.len(), outbox.len(), "no event twice");
    assert!(delivered.remove(&sha256(b"last")));
    let lost = acknowledged.difference(&delivered).count();
    assert_eq!(lost, 0, "acknowledged and not delivered");
    assert_eq!(delivered.difference(&sent).count(), 0, "delivered and never sent");
    let unacknowledged = delivered.len() - acknowledged.len();
    assert!(unacknowledged <= 2 * CONNECTIONS, "no more than were in flight at the two kills: {unacknowledged}");
    // What clients saw before each kill is what the outbox says, in its order.
    let mut rest = outbox.iter();
    for (place, seen) in live.iter().enumerate() {
        assert!(rest.any(|listed| listed == seen), "frame {place} that a client got is not in the outbox in its order");
    }
    report(format_args!(
        "killed twice in {EVENTS} webhooks: {} acknowledged, {} seen live before the kills, {} delivered, {lost} lost",
        acknowledged.len(),
        live.len(),
        delivered.len()
    ));
}

#[tokio::test]
async fn what_had_no_verdict_at_the_kill_is_judged_after_the_restart_and_reaches_clients() {
    // The filter takes two seconds over each event and then lets it pass: time enough to kill, and to connect again.
    let config = Config::basic()
        .filter("loop", &guests::wat("loop"), "deadline = \"2s\"\non_error = \"pass\"")
        .webhook("whatsapp", "/whatsapp", "filters = [\"loop\"]");
    let gateway = start(&config).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let bodies = ["first", "second", "third"];
    for body in bodies {
        sender.deliver("/whatsapp", body).await;
    }
    let home = gateway.kill().await;
    let gateway = home.start().await;
    let mut client = Client::connect(&gateway, "/ws").await;
    for body in bodies {
        client.expect(body.as_bytes()).await;
    }
}

#[tokio::test]
async fn held_events_are_held_still_after_kill_9() {
    let config = Config::basic().filter("trap", &guests::wat("trap"), "").webhook(
        "whatsapp",
        "/whatsapp",
        "filters = [\"trap\"]",
    );
    let gateway = start(&config).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for body in ["one", "two", "three"] {
        sender.deliver("/whatsapp", body).await;
    }
    let before = Admin::of(&gateway).held_becomes(3).await;
    let home = gateway.kill().await;
    let gateway = home.start().await;
    assert_eq!(Admin::of(&gateway).held_becomes(3).await, before, "the same events, dates and reasons");
}

#[tokio::test]
async fn an_acknowledged_webhook_survives_a_kill_that_comes_with_the_200() {
    let mut home = home(&Config::basic());
    let mut expected = vec![];
    for round in 0..5 {
        let gateway = home.start().await;
        let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
        let body = Bytes::from(format!("round {round}"));
        sender.deliver("/whatsapp", body.clone()).await;
        home = gateway.kill().await;
        expected.push(sha256(&body));
    }
    let gateway = home.start().await;
    let dispatched = [("webhook", "whatsapp")];
    Admin::of(&gateway).metric_becomes("postern_inbox_lag", &dispatched, 0.0).await;
    assert_eq!(outbox(&gateway).await, expected, "each once, in the order they came");
}
