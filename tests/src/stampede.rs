//! Everybody dropped at once, and everybody back: how long until all are live again, and that nobody misses anything.

use crate::{Config, Door, Feed, Form, Home, News, Protocol, Sender, numbered_body, patience, spawn};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub struct Returned {
    /// To connect them all in the first place.
    pub connected: Duration,
    /// From when the second gateway was ready until the last client was live.
    pub live: Duration,
    pub memory: Option<(u64, u64)>,
}

/// Events before the drop, while nobody is there, and after.
const EACH: u64 = 20;

/// Connects so many `postern.v1` clients, kills the gateway under them, starts it again, and demands that each gets
/// every event once and in order, those that came while it was away too.
pub async fn stampede(binary: &str, clients: usize) -> Returned {
    rlimit::increase_nofile_limit(64 * 1024).expect("the limit of open files can be read and raised");
    let limits = format!("connections_per_address = {}", clients * 2 + 100);
    let home = Home::new(binary, &Config::basic().limits(&limits));
    let gateway = home.start().await;
    let door = Door::of(&gateway);
    let begin = Instant::now();
    // So many knock at once; the rest wait their turn, as with a client's own backoff.
    let doors = Arc::new(Semaphore::new(256));
    let feeds = crate::together((0..clients).map(|_| {
        let (door, doors) = (Arc::clone(&door), Arc::clone(&doors));
        async move {
            let _permit = doors.acquire().await.expect("nobody closes it");
            let mut feed = Feed::new(&door, "/ws", Form::V1).opened().await;
            assert_eq!(feed.live().await.len(), 0, "nothing was sent yet");
            feed
        }
    }))
    .await;
    let connected = begin.elapsed();
    send(&gateway, 0).await;
    let feeds = crate::together(feeds.into_iter().map(|mut feed| async move {
        for sequence in 0..EACH {
            feed.expect(&numbered_body(0, sequence, 300)).await;
        }
        feed
    }))
    .await;
    let home = gateway.kill().await;
    let gateway = home.start().await;
    send(&gateway, EACH).await;
    // Only what was decided before is what a client has missed: its 200 does not say so.
    let delivered = [("webhook", "whatsapp"), ("outcome", "delivered")];
    crate::Admin::of(&gateway).metric_becomes("postern_events_total", &delivered, EACH as f64).await;
    door.moved(&gateway);
    let ready = Instant::now();
    let back: Vec<JoinHandle<Feed>> =
        feeds.into_iter().map(|feed| spawn(come_back(feed, Arc::clone(&doors)))).collect();
    let mut feeds = Vec::with_capacity(clients);
    for feed in back {
        feeds.push(feed.await.expect("no client panics"));
    }
    let live = ready.elapsed();
    send(&gateway, EACH * 2).await;
    crate::together(feeds.into_iter().map(|mut feed| async move {
        for sequence in EACH * 2..EACH * 3 {
            feed.expect(&numbered_body(0, sequence, 300)).await;
        }
    }))
    .await;
    Returned { connected, live, memory: gateway.memory() }
}

async fn send(gateway: &crate::Gateway, first: u64) {
    let mut sender = Sender::connect(gateway, Protocol::Http1).await;
    for sequence in first..first + EACH {
        sender.deliver("/whatsapp", numbered_body(0, sequence, 300)).await;
    }
}

/// Back where it stood, and through what it missed until it is told it is live.
async fn come_back(mut feed: Feed, doors: Arc<Semaphore>) -> Feed {
    let permit = doors.acquire_owned().await.expect("nobody closes it");
    feed.drop_link();
    let begin = Instant::now();
    while feed.open().await.is_err() {
        assert!(begin.elapsed() < patience(), "no way back");
        tokio::task::yield_now().await;
    }
    let (mut next, mut live) = (EACH, false);
    while !live {
        match feed.next().await {
            Some(News::Hello { .. }) => {}
            Some(News::Event(got)) => {
                assert!(got.body == numbered_body(0, next, 300), "event {next} in its place");
                next += 1;
            }
            Some(News::Live) => live = true,
            other => panic!("a client that came back got {other:?}"),
        }
    }
    assert_eq!(next, EACH * 2, "everything it had missed");
    drop(permit);
    feed
}
