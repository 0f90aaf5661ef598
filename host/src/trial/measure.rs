//! What calls of a filter cost, one after the other on one thread.

use super::case::World;
use super::stage::Stage;
use super::told::told_of;
use super::{Component, update};
use crate::filter::{self, Filter, HttpRequest, Lifecycle, Question};
use crate::message::{Audience, Card, ClientId, EventId, Message, Payload};
use bytes::Bytes;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls made before any is measured.
const WARM: usize = 20;
/// Calls measured at most.
const MOST: usize = 5_000_000;

/// A filter, ready to be measured.
pub struct Track {
    stage: Stage,
    filter: Filter,
    /// The same, on instances that are used again.
    kept: Filter,
    world: World,
    question: Question,
    handler: &'static str,
}

pub struct Measured {
    /// Which handler was asked.
    pub handler: &'static str,
    /// What it said, in a word.
    pub answer: String,
    /// Each way to give calls an instance, and what a call costs then.
    pub calls: Vec<(&'static str, Spread)>,
    /// To make an instance and configure it, and ask it nothing.
    pub start: Spread,
    /// Bytes, at the end of a call.
    pub memory: u64,
}

/// How times are spread, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    pub count: u64,
    pub mean: u64,
    pub p50: u64,
    pub p99: u64,
    pub most: u64,
}

impl Track {
    pub fn new(component: Component, cache: &Path, world: &World, payload: Bytes) -> Result<Self, filter::Error> {
        let mut stage = Stage::new(component, cache)?;
        let (filter, kept) = (stage.filter(world)?, stage.kept(world)?);
        let (question, handler) = question(&filter, payload, world);
        let (world, question) = (world.clone(), question);
        Ok(Self { stage, filter, kept, world, question, handler })
    }

    pub fn measure(&self, time: Duration) -> Measured {
        self.stage.arrange(&self.world);
        let (answer, cost) = filter::ask(&self.filter, &self.question, &self.world.scope);
        let answer = update::short(&told_of(&answer.map(|(answer, effects)| (Some(answer), effects))));
        let calls = |filter: &Filter| {
            spread(time, || {
                let started = Instant::now();
                let _ = std::hint::black_box(filter::ask(filter, &self.question, &self.world.scope));
                let took = started.elapsed();
                // What filters log and count is not let grow.
                self.stage.hush();
                took
            })
        };
        let start = spread(time / 4, || {
            let started = Instant::now();
            let _ = std::hint::black_box(self.filter.start());
            let took = started.elapsed();
            self.stage.hush();
            took
        });
        Measured {
            handler: self.handler,
            answer,
            calls: vec![("fresh", calls(&self.filter)), ("reuse", calls(&self.kept))],
            start,
            memory: cost.memory,
        }
    }
}

/// Does something again and again for so long, and says how the times are spread that each says it took.
pub fn spread(time: Duration, mut once: impl FnMut() -> Duration) -> Spread {
    for _ in 0..WARM {
        once();
    }
    let (started, mut times) = (Instant::now(), Vec::new());
    while times.is_empty() || (started.elapsed() < time && times.len() < MOST) {
        times.push(u64::try_from(once().as_nanos()).unwrap_or(u64::MAX));
    }
    times.sort_unstable();
    let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
    let count = times.len() as u64;
    Spread { count, mean: times.iter().sum::<u64>() / count, p50: at(50), p99: at(99), most: at(100) }
}

/// The first of these that it answers.
fn question(filter: &Filter, payload: Bytes, world: &World) -> (Question, &'static str) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
    let stream: Arc<str> = super::read::STREAM.into();
    let card = Card { id: ClientId(1), stream, subject: None, labels: vec![], address, since: world.now };
    let client = Arc::new(card);
    let message = Message {
        id: EventId(1),
        webhook: "whatsapp".into(),
        received: world.now,
        content_type: None,
        payload: Payload::of(payload.clone()),
        audience: Audience::default(),
    };
    let request = |method: &str, path: &str, body| {
        let (method, path) = (method.to_owned(), path.to_owned());
        Arc::new(HttpRequest { method, path, query: None, headers: vec![], address, body })
    };
    if filter.handles("message-handler") {
        (Question::Message(message), "message")
    } else if filter.handles("client-handler") {
        (Question::Client { sender: client, message }, "client")
    } else if filter.handles("audience-handler") {
        (Question::Audience { message, among: vec![client] }, "audience")
    } else if filter.handles("admission-handler") {
        (Question::Connect(request("GET", "/ws", Bytes::new())), "admission")
    } else if filter.handles("http-handler") {
        (Question::Http(request("POST", "/", payload)), "http")
    } else {
        (Question::Event { client, what: Lifecycle::Connect }, "event")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_times_are_below_the_middle_and_all_below_the_most() {
        let mut next = 0;
        let found = spread(Duration::from_millis(20), || {
            next = (next + 1) % 101;
            Duration::from_nanos(next)
        });
        assert!(
            found.count >= 1 && found.p50 <= found.p99 && found.p99 <= found.most && found.most <= 100,
            "{found:?}"
        );
        let same = spread(Duration::ZERO, || Duration::from_nanos(7));
        assert_eq!(same, Spread { count: 1, mean: 7, p50: 7, p99: 7, most: 7 });
    }
}
