//! Kill -9 at any instant, under load, with clients that come back: nothing lost, nothing twice, nothing out of order.
//!
//! A few rounds by default. All of them: `KILL_ROUNDS=200 cargo test -p postern-tests --test e2e crash_resume`.

use crate::forms::WAYS;
use crate::home;
use bytes::Bytes;
use postern_tests::{
    Config, Door, Feed, Gateway, Home, Protocol, Sender, alone, eventually, fixtures, numbered_body, report, spawn,
};
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

const SENDERS: usize = 8;

/// What the senders have done and are to do.
#[derive(Default)]
struct Work {
    acknowledged: AtomicU64,
    enough: AtomicBool,
}

fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRandom::new().fill(&mut bytes).expect("the system has random bytes");
    u64::from_ne_bytes(bytes) % below
}

/// What a sender delivers as its next: a text that is no webhook, one message, or a batch of some.
fn delivery(sender: usize, sequence: u64) -> (Bytes, u64) {
    let id = |sequence: u64| format!("tag:{sender:04}:{sequence:010}:");
    match sequence % 3 {
        0 => (numbered_body(sender, sequence, 400), 1),
        1 => (fixtures::message(&id(sequence), "15550100142", "one"), 1),
        _ => (fixtures::batch(&(sequence..sequence + 4).map(id).collect::<Vec<_>>()), 4),
    }
}

/// Whose event this is, and its place among them.
fn place(body: &[u8]) -> (usize, u64) {
    let text = std::str::from_utf8(body).expect("all of these are text");
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("not a number: {text:?}"));
    let (sender, sequence) = match text.find("tag:") {
        Some(at) => (&text[at + 4..at + 8], &text[at + 9..at + 19]),
        None => (&text[11..15], &text[29..39]),
    };
    (number(sender) as usize, number(sequence))
}

/// Delivers in order, each until it is acknowledged, as Meta does; gives how many items there were.
async fn send(door: Arc<Door>, number: usize, work: Arc<Work>) -> u64 {
    let mut sequence = 0;
    let mut connection: Option<Sender> = None;
    while !work.enough.load(Ordering::Relaxed) {
        let (body, items) = delivery(number, sequence);
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed() < postern_tests::patience(), "sender {number} gets no answer");
            let protocol = if number.is_multiple_of(2) { Protocol::Http1 } else { Protocol::Http2 };
            let Some(sender) = &mut connection else {
                match door.open(protocol).await {
                    Ok(wire) => connection = Sender::try_over(wire, protocol).await,
                    Err(_) => tokio::task::yield_now().await,
                }
                continue;
            };
            match sender.try_post("/whatsapp", body.clone()).await {
                Ok(reply) if reply.status == 200 => break,
                Ok(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
                Err(_) => connection = None,
            }
        }
        work.acknowledged.fetch_add(items, Ordering::Relaxed);
        sequence += items;
    }
    sequence
}

/// Reads, through all kills, until it has what `ends` says; checks each event as it comes.
fn watch(mut feed: Feed, mut ends: tokio::sync::watch::Receiver<Option<Vec<u64>>>) -> JoinHandle<(u64, u32)> {
    spawn(async move {
        let mut next = vec![0_u64; SENDERS];
        let mut count = 0;
        loop {
            if ends.borrow().as_ref().is_some_and(|ends| *ends == next) {
                return (count, feed.connects);
            }
            let got = tokio::select! {
                got = feed.steady_event() => got,
                changed = ends.changed() => {
                    changed.expect("the test goes on");
                    continue;
                }
            };
            let (sender, sequence) = place(&got.body);
            let expected = next[sender];
            let what = match sequence.cmp(&expected) {
                std::cmp::Ordering::Less => "twice or out of order",
                std::cmp::Ordering::Greater => "lost or out of order",
                std::cmp::Ordering::Equal => {
                    next[sender] += 1;
                    count += 1;
                    continue;
                }
            };
            panic!(
                "a {:?} client, after {} connects: of sender {sender} {sequence} came when {expected} was next: {what}",
                feed.form, feed.connects
            );
        }
    })
}

/// Kills the gateway at some instant of its load, sometimes before it is even ready, and starts the next.
async fn kill_and_start(gateway: Gateway, door: &Door, work: &Work) -> Gateway {
    let before = work.acknowledged.load(Ordering::Relaxed);
    let more = random(400);
    eventually("more acknowledged webhooks", async || {
        (work.acknowledged.load(Ordering::Relaxed) >= before + more).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_micros(random(20_000))).await;
    let home: Arc<Home> = gateway.kill().await;
    if random(5) == 0 {
        let process = home.launch(&["run", "-c", "postern.toml"]);
        tokio::time::sleep(Duration::from_millis(random(300))).await;
        drop(process);
    }
    let gateway = home.start().await;
    door.moved(&gateway);
    gateway
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_instants_loses_doubles_and_disorders_nothing_for_any_form() {
    let _machine = alone().await;
    let rounds = std::env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6_u32);
    let config = Config::basic().webhook("whatsapp", "/whatsapp", "split = true").stream(
        "agents",
        "/ws",
        &["whatsapp"],
        "open = true\nheartbeat = \"200ms\"",
    );
    let mut gateway = home(&config).start().await;
    let door = Door::of(&gateway);
    let work = Arc::new(Work::default());
    let (tell, ends) = tokio::sync::watch::channel(None);
    let mut clients = vec![];
    // Two of each form and way.
    for (form, protocol) in WAYS.into_iter().chain(WAYS) {
        let feed = Feed::new(&door, "/ws", form).over(protocol).opened().await;
        clients.push(watch(feed, ends.clone()));
    }
    let senders: Vec<_> =
        (0..SENDERS).map(|number| spawn(send(Arc::clone(&door), number, Arc::clone(&work)))).collect();
    let begin = Instant::now();
    for round in 1..=rounds {
        gateway = kill_and_start(gateway, &door, &work).await;
        if let Some(gone) = clients.iter().position(JoinHandle::is_finished) {
            // It panicked: its words are the test's.
            clients.swap_remove(gone).await.expect("a client that was content with everything");
        }
        let acknowledged = work.acknowledged.load(Ordering::Relaxed);
        report(format_args!("kill {round} of {rounds}, {:.1?}: {acknowledged} acknowledged", begin.elapsed()));
    }
    work.enough.store(true, Ordering::Relaxed);
    let mut sent = vec![];
    for sender in senders {
        sent.push(sender.await.expect("no sender was refused"));
    }
    tell.send_replace(Some(sent.clone()));
    let mut connects = 0;
    for client in clients {
        let (count, connected) = client.await.expect("a client that was content with everything");
        assert_eq!(count, sent.iter().sum::<u64>());
        connects += connected;
    }
    report(format_args!(
        "{rounds} kills in {:.1?}: {} events acknowledged; each of 12 clients (raw, postern.v1, SSE; HTTP/1.1, HTTP/2) got \
         each once and in order, over {connects} connections: 0 lost, 0 twice, 0 out of order",
        begin.elapsed(),
        sent.iter().sum::<u64>(),
    ));
}
