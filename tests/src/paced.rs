//! Senders that keep a pace while something else goes on: numbered webhooks, each sender's in order.

use crate::{Gateway, Protocol, Sender, numbered_body, spawn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// At work until they are told to stop.
pub struct Paced {
    go_on: Arc<AtomicBool>,
    senders: Vec<JoinHandle<(u64, Duration)>>,
}

/// What they have sent, all of it answered with 200.
pub struct Sent {
    /// How many of each sender.
    pub each: Vec<u64>,
    /// How many a second, all together.
    pub rate: f64,
}

impl Paced {
    /// As many senders as there are `protocols`, each of so many events a second of 100 bytes.
    pub fn start(gateway: &Arc<Gateway>, path: &'static str, protocols: &[Protocol], rate: u64) -> Self {
        let go_on = Arc::new(AtomicBool::new(true));
        let senders = protocols.iter().enumerate().map(|(number, protocol)| {
            let (gateway, go_on, protocol) = (gateway.clone(), go_on.clone(), *protocol);
            spawn(async move {
                let mut sender = Sender::connect(&gateway, protocol).await;
                let (began, mut sent) = (Instant::now(), 0);
                while go_on.load(Ordering::Acquire) {
                    sender.deliver(path, numbered_body(number, sent, 100)).await;
                    sent += 1;
                    let due = began + Duration::from_micros(1_000_000 / rate * sent);
                    tokio::time::sleep_until(due.into()).await;
                }
                (sent, began.elapsed())
            })
        });
        let senders = senders.collect();
        Self { go_on, senders }
    }

    pub async fn stop(self) -> Sent {
        self.go_on.store(false, Ordering::Release);
        let (mut each, mut longest) = (Vec::new(), Duration::ZERO);
        for sender in self.senders {
            let (sent, took) = sender.await.expect("all was answered with 200");
            each.push(sent);
            longest = longest.max(took);
        }
        let rate = each.iter().sum::<u64>() as f64 / longest.as_secs_f64();
        Sent { each, rate }
    }
}
