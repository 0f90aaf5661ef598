//! Forwarding: each event POSTed to a server nearby, byte for byte, one after the other, so in order. What it answers
//! is shown; one it refuses, or does not get because it is down, is not sent again.
//!
//! Events wait in a bounded queue, so that a short pause of that server does not hold up the answers to pings. When the
//! queue is full the next event is not read before there is room, and the gateway sees a slow client.

use super::event::Event;
use crate::cli::outward::{self, Client, Destination};
use crate::error::Chain;
use crate::task::{self, Guard, Tracker};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Events that may wait.
const QUEUE: usize = 256;

/// After the user has asked to stop, those under way get this long.
const GRACE: Duration = Duration::from_secs(2);

pub struct Forward {
    queue: mpsc::Sender<(Event, Guard)>,
    waiting: Tracker,
}

impl Forward {
    pub fn start(to: Destination) -> Self {
        let (queue, mut events) = mpsc::channel::<(Event, Guard)>(QUEUE);
        task::background(async move {
            let mut client = Client::new(to);
            while let Some((event, guard)) = events.recv().await {
                post(&mut client, event).await;
                drop(guard);
            }
        });
        Self { queue, waiting: Tracker::default() }
    }

    /// Takes an event, when there is room. Cancel safe: not taken then.
    pub async fn push(&self, event: Event) {
        // The task that receives lives as long as this sender.
        let _ = self.queue.send((event, self.waiting.begin())).await;
    }

    /// Returns when all that was taken is forwarded, or soon after `stop`.
    pub async fn finish(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.waiting.idle() => return,
            () = stop => {}
        }
        if timeout(GRACE, self.waiting.idle()).await.is_err() {
            outward::note(&format!("not forwarded: {} events", self.waiting.count()));
        }
    }
}

async fn post(client: &mut Client, event: Event) {
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(event.content_type())),
        (USER_AGENT, HeaderValue::from_static("postern-listen")),
    ]);
    let (began, length) = (Instant::now(), event.bytes.len());
    let result = client.post(&headers, event.bytes).await;
    let milliseconds = began.elapsed().as_secs_f64() * 1e3;
    match result {
        Ok(answer) => outward::note(&format!("forwarded {length} bytes: {} in {milliseconds:.1} ms", answer.status)),
        Err(error) => outward::note(&format!("not forwarded, {length} bytes: {}", Chain(&error))),
    }
}
