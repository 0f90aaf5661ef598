//! Senders: a thread and a connection each, that take the next event when the one before is acknowledged and the window
//! has room.

use super::body::{body, signature};
use super::{Door, Post, Window};
use postern_tests::APP_SECRET;
use ring::hmac;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is to be sent, and how.
#[derive(Clone)]
pub struct Order {
    pub events: usize,
    pub size: usize,
    pub connections: usize,
    pub streams: usize,
    pub window: Option<Arc<Window>>,
    /// From one event to the next.
    pub pace: Option<Duration>,
}

/// One event on its way.
pub struct Sent {
    pub event: usize,
    pub at: Instant,
    pub acknowledged: Duration,
}

pub struct Publishers {
    order: Order,
    posts: Vec<Post>,
}

pub struct AtWork {
    threads: Vec<JoinHandle<Result<Vec<Sent>, String>>>,
    failed: Arc<AtomicBool>,
}

impl Publishers {
    /// Connects, and sends nothing yet.
    pub fn connect(door: &Door, order: Order) -> Result<Self, String> {
        let posts = (0..order.connections).map(|_| Post::connect(door)).collect::<Result<_, _>>();
        Ok(Self { order, posts: posts.map_err(|error| format!("a sender cannot connect: {error}"))? })
    }

    pub fn start(self) -> AtWork {
        let (next, failed, start) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)), Instant::now());
        let work = |post| {
            let (order, next, failed) = (self.order.clone(), Arc::clone(&next), Arc::clone(&failed));
            thread(move || {
                let outcome = publish(&order, post, &next, start);
                failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
                outcome
            })
        };
        AtWork { threads: self.posts.into_iter().map(work).collect(), failed }
    }
}

impl AtWork {
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// What each sent, once all have.
    pub fn finish(self) -> Result<Vec<Sent>, String> {
        let mut all = vec![];
        for thread in self.threads {
            all.extend(thread.join().map_err(|_| "a sender panicked".to_owned())??);
        }
        Ok(all)
    }
}

fn publish(order: &Order, mut post: Post, next: &AtomicUsize, start: Instant) -> Result<Vec<Sent>, String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, APP_SECRET.as_bytes());
    let mut all = vec![];
    loop {
        if let Some(window) = &order.window {
            window.take()?;
        }
        let event = next.fetch_add(1, Ordering::Relaxed);
        if event >= order.events {
            // Another may wait for the place.
            order.window.iter().for_each(|window| window.give());
            return Ok(all);
        }
        let body = body(event as u64, order.size);
        let signature = signature(&key, &body);
        let path = format!("/hook/{}", event % order.streams);
        if let Some(pace) = order.pace {
            std::thread::sleep((start + pace * event as u32).saturating_duration_since(Instant::now()));
        }
        let at = Instant::now();
        post.send(&path, &body, &signature).map_err(|error| format!("event {event}: {error}"))?;
        all.push(Sent { event, at, acknowledged: at.elapsed() });
    }
}

#[expect(clippy::disallowed_methods, reason = "the gateway's task.rs is for the gateway")]
fn thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(work)
}
