//! What clients say, and what becomes of them, through the filters of their stream to the inbox:
//!
//! ```text
//! client ─ shard ─ client filters (WASM) ─ inbox, durable ─ (dispatch) ─ the clients it is for
//! ```
//!
//! Threads of the stream's own, so that a filter that loops takes time from nobody else. One client is always heard by
//! the same thread, and what follows from what it said is in the inbox in the order in which it was heard. What a call
//! sends and what it does to clients is one delivery, so it happens whole, or after a crash not at all.

use crate::filter::{self, Effects, Filter, Heard, Lifecycle};
use crate::journal::{Journal, Lane};
use crate::message::{
    Audience, Card, Changes, Delivery, EventId, Message, Narrowing, Payload, Scope, Selector, Timestamp,
};
use crate::metrics::{ClientMessageLabels, ClientMessageOutcome, Metrics};
use crate::task::{self, Handle};
use crate::ws::{Answer, Said, Shards, What};
use std::io;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What becomes of what clients say and every filter lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// Nothing: nobody gets it.
    Nobody,
    /// All others of the stream get it.
    Others,
    /// All of the stream get it, the sender too.
    Everyone,
}

/// How many clients may wait to be heard by one thread: each has said one thing, and the others wait where they are.
const WAITING: usize = 256;

#[derive(Clone)]
pub struct Converse {
    pub stream: Arc<str>,
    /// Judge what clients say.
    pub chain: Arc<[Filter]>,
    /// Are told what becomes of them.
    pub events: Arc<[Filter]>,
    pub relay: Relay,
    /// What is sent goes here.
    pub lane: Lane,
    pub journal: Journal,
    /// The youngest event of that lane that was dispatched.
    pub judged: watch::Receiver<EventId>,
    pub shards: Shards,
    pub metrics: Metrics,
    /// Where answers are waited for.
    pub tasks: Handle,
}

/// The two ends of a way to be heard, one for each thread.
pub fn ways(threads: usize) -> (Vec<mpsc::Sender<Said>>, Vec<mpsc::Receiver<Said>>) {
    (0..threads.max(1)).map(|_| mpsc::channel(WAITING)).unzip()
}

impl Converse {
    /// Starts a thread for each way. They end when nobody can speak to them any more.
    pub fn start(&self, ways: Vec<mpsc::Receiver<Said>>) -> io::Result<()> {
        for mut way in ways {
            let converse = self.clone();
            task::thread(&format!("hear-{}", self.stream), move || {
                while let Some(Said { client, what, answer }) = way.blocking_recv() {
                    converse.hear(&client, what, answer);
                }
            })?;
        }
        Ok(())
    }

    fn hear(&self, client: &Arc<Card>, what: What, answer: oneshot::Sender<Answer>) {
        let scope = Scope::of([self.stream.clone()]);
        match what {
            What::Message(payload) => {
                let heard = self.judge(client, payload, &scope);
                let outcome = match &heard {
                    Heard { lost: true, .. } => ClientMessageOutcome::Lost,
                    Heard { sent, effects, .. } if sent.is_empty() && effects.is_empty() => {
                        ClientMessageOutcome::Ignored
                    }
                    Heard { .. } => ClientMessageOutcome::Heard,
                };
                let labels = ClientMessageLabels { stream: self.stream.clone(), outcome };
                self.metrics.client_messages.get_or_create(&labels).inc();
                self.follow("client", heard, answer);
            }
            What::Connect => self.tell(client, &Lifecycle::Connect, &scope, answer),
            What::Close(said) => self.tell(client, &Lifecycle::Close(said), &scope, answer),
            What::Disconnect(why) => self.tell(client, &Lifecycle::Disconnect(why), &scope, answer),
            What::Ping(data) => self.tell(client, &Lifecycle::Ping(data.to_vec()), &scope, answer),
            What::Pong(data) => self.tell(client, &Lifecycle::Pong(data.to_vec()), &scope, answer),
        }
    }

    fn judge(&self, client: &Arc<Card>, payload: Payload, scope: &Scope) -> Heard {
        let message = Message {
            id: EventId(0),
            webhook: self.stream.clone(),
            received: Timestamp::now(),
            content_type: None,
            payload,
            audience: Audience::default(),
        };
        let mut heard = filter::judge(&self.chain, client, message, scope);
        let except = match self.relay {
            Relay::Nobody => return Heard { passed: Vec::new(), ..heard },
            Relay::Others => vec![client.id],
            Relay::Everyone => Vec::new(),
        };
        for mut message in std::mem::take(&mut heard.passed) {
            message.audience.narrow(Narrowing { to: Selector::Everyone, except: except.clone() });
            heard.sent.push(message);
        }
        heard
    }

    fn tell(&self, client: &Arc<Card>, what: &Lifecycle, scope: &Scope, answer: oneshot::Sender<Answer>) {
        let heard = filter::hear(&self.events, client, what, scope);
        self.follow("send", heard, answer);
    }

    /// Does what follows, and answers when that is done.
    fn follow(&self, kind: &str, heard: Heard, answer: oneshot::Sender<Answer>) {
        // Whoever waits for an answer may have gone, here and below.
        if heard.lost {
            let _ = answer.send(Answer::Lost);
            return;
        }
        let Effects { mut sends, changes } = heard.effects;
        sends.extend(heard.sent.into_iter().map(|message| (message.payload, message.audience)));
        let Some(delivery) = delivery(kind, sends, changes.clone(), &Scope::of([self.stream.clone()])) else {
            self.shards.apply(changes.all(), self.journal.tail());
            let _ = answer.send(Answer::Heard);
            return;
        };
        let mut judged = self.judged.clone();
        match self.journal.submit(&self.lane, delivery) {
            Ok(kept) => task::background_on(&self.tasks, async move {
                let Ok(Ok(kept)) = kept.await else {
                    let _ = answer.send(Answer::Lost);
                    return;
                };
                // What is said next finds it published, and what it asked for done.
                let last = kept.first.0 + u64::from(kept.new.saturating_sub(1));
                let _ = judged.wait_for(|judged| judged.0 >= last).await;
                let _ = answer.send(Answer::Heard);
            }),
            Err(_) => {
                let _ = answer.send(Answer::Lost);
            }
        }
    }
}

/// What is sent to clients of some streams, as a delivery; `None` when nothing is sent.
pub fn delivery(kind: &str, sends: Vec<(Payload, Audience)>, changes: Changes, scope: &Scope) -> Option<Delivery> {
    let sends = to_streams(sends, scope);
    (!sends.is_empty()).then(|| Delivery::sent(kind, sends, changes))
}

/// Sends, for clients of some streams only.
pub fn to_streams(sends: Vec<(Payload, Audience)>, scope: &Scope) -> Vec<(Payload, Audience)> {
    let names: Vec<String> = scope.0.iter().map(ToString::to_string).collect();
    let narrowed = sends.into_iter().map(|(payload, mut audience)| {
        // First: most clients are of another stream, and need not be looked at any closer.
        audience.0.insert(0, Narrowing { to: Selector::Streams(names.clone()), except: Vec::new() });
        (payload, audience)
    });
    narrowed.collect()
}
