//! Clients of real shards, each on the far side of a pipe, with an outbox in memory. And what the tests of this module's
//! parts have in common: entries, and receivers that understand each form.

mod audience;
mod crowds;
mod hearing;
mod understand;

pub use understand::{Got, inflate, understand};

use super::*;
use crate::hub::Frame;
use crate::message::{Audience, Entry, EventId, Keys, Loss, Payload, Timestamp};
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub const EPOCH: u32 = 7;

pub fn entry(offset: u64, body: impl Into<bytes::Bytes>) -> Entry {
    Entry {
        offset: Offset(offset),
        epoch: EPOCH,
        event: EventId(offset + 0x100),
        webhook: "whats\"app".into(),
        received: Timestamp(1_000),
        content_type: None,
        unparsed: false,
        kind: "messages".into(),
        keys: Arc::new(Keys { waba: Some("1".into()), phone_number_id: None, user: Some("a\nb".into()) }),
        payload: Payload::of(body.into()),
        audience: Audience::default(),
    }
}

pub fn cursor(offset: u64) -> Cursor {
    Cursor { epoch: EPOCH, offset: Offset(offset) }
}

/// An outbox in memory. What is older than `first` has expired.
pub struct Memory {
    pub frames: Mutex<Vec<Arc<Frame>>>,
    pub first: Mutex<u64>,
    pub piece: usize,
}

impl Memory {
    pub fn new(piece: usize) -> Self {
        Self { frames: Mutex::default(), first: Mutex::new(1), piece }
    }

    pub fn tail(&self) -> u64 {
        self.frames.lock().expect("no test panics here").len() as u64 + 1
    }

    pub fn add(&self, webhook: usize, body: impl Into<bytes::Bytes>) -> Arc<Frame> {
        let frame = encode::frame(entry(self.tail(), body), Source::Webhook(webhook));
        self.frames.lock().expect("no test panics here").push(frame.clone());
        frame
    }

    /// The gap before `from`, if there is one, and where what is there begins.
    pub fn resume(&self, from: Cursor) -> (Cursor, Option<Gap>) {
        let first = *self.first.lock().expect("no test panics here");
        if from.offset.0 >= first {
            return (from, None);
        }
        (cursor(first), Some(Gap { from, to: cursor(first), loss: Loss::Expired }))
    }
}

impl Backlog for Memory {
    fn read(&self, from: Offset) -> Option<Piece> {
        let (at, gap) = self.resume(Cursor { epoch: EPOCH, offset: from });
        let frames = self.frames.lock().expect("no test panics here");
        let frames: Vec<_> =
            frames.iter().filter(|frame| frame.offset() >= at.offset).take(self.piece).cloned().collect();
        let next = frames.last().map_or(at.offset, |frame| frame.entry.cursor().offset);
        Some(Piece { frames, gap, next })
    }

    fn back(&self, from: Offset) -> Option<Offset> {
        let first = *self.first.lock().expect("no test panics here");
        (from.0 > first).then(|| Offset(from.0.saturating_sub(self.piece as u64).max(first)))
    }
}

pub fn stream(slow: Slow) -> Arc<Stream> {
    Arc::new(shape(slow))
}

fn shape(slow: Slow) -> Stream {
    Stream {
        name: "s".into(),
        carries: vec![true, false],
        slow,
        heartbeat: Duration::from_secs(1000),
        hearing: None,
        chooser: None,
        manual_pong: false,
        manual_close: false,
        presence: None,
    }
}

pub fn who(form: Form, cursor: Cursor) -> Who {
    Who {
        card: Arc::new(Card::test(1)),
        stream: stream(Slow::CatchUp),
        manner: Manner { form, deflate: false, frame_size: None },
        cursor,
        skip: 0,
        gap: None,
        greeting: None,
        expires: None,
    }
}

struct Edge {
    memory: Arc<Memory>,
    hub: Hub,
    shards: Shards,
    clients: Clients,
}

impl Edge {
    /// One shard, whose ring has room for a frame or two.
    fn start(before: usize) -> Self {
        Self::with(before, 3000, false)
    }

    fn with(before: usize, ring: usize, io_uring: bool) -> Self {
        let memory = Arc::new(Memory::new(3));
        for number in 0..before {
            memory.add(number % 2, number.to_string());
        }
        let config = Config {
            client_message: 1000,
            client_messages_per_second: 50,
            idle: Duration::from_secs(60),
            ring,
            labels: 32,
            io_uring,
        };
        let (hub, clients) = (Hub::new(1, 1 << 20), Clients::default());
        let tail = Offset(memory.tail());
        let shards =
            Shards::start(&config, &hub, tail, memory.clone(), &clients, &Metrics::default()).expect("shards start");
        Self { memory, hub, shards, clients }
    }

    fn publish(&self, body: &str) {
        let frame = self.memory.add(0, body.to_owned());
        self.hub.publish(&[frame]);
    }

    async fn join(&self, who: Who, limit: usize) -> Receiver {
        let (form, id) = (who.manner.form, who.card.id);
        let (near, far) = pipe::pair(limit);
        let transport = Transport::Pipe(near);
        assert!(self.shards.join(Joining { who, transport, early: Vec::new(), permit: Box::new(()) }));
        // Nothing is done to a client that is not there yet.
        while self.clients.card(id).is_none() {
            tokio::task::yield_now().await;
        }
        Receiver { form, far, bytes: Vec::new() }
    }
}

struct Receiver {
    form: Form,
    far: pipe::Far,
    bytes: Vec<u8>,
}

impl Receiver {
    /// `None` at the end.
    async fn next(&mut self) -> Option<Got> {
        loop {
            if let Some(got) = understand(self.form, &mut self.bytes) {
                return Some(got);
            }
            if self.far.read_buf(&mut self.bytes).await.expect("a pipe is read") == 0 {
                assert!(self.bytes.is_empty(), "nothing is cut");
                return None;
            }
        }
    }

    async fn text(&mut self) -> String {
        match self.next().await {
            Some(Got::Text(text)) => text,
            Some(Got::Block { event, data, .. }) => format!("{event} {data}"),
            other => panic!("no text but {other:?}"),
        }
    }
}

fn run(test: impl Future<Output = ()> + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    let done = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await });
    done.expect("it does not hang");
}

#[test]
fn each_form_is_fed_what_it_missed_then_what_comes_and_told_where_to_go_on() {
    run(async {
        let edge = Edge::start(20);
        let mut raw = edge.join(who(Form::Raw, cursor(15)), 10).await;
        let mut v1 = edge.join(Who { card: Arc::new(Card::test(2)), ..who(Form::V1, cursor(15)) }, 10).await;
        let mut sse = edge.join(Who { card: Arc::new(Card::test(3)), ..who(Form::Sse, cursor(15)) }, 10).await;
        let hello = format!(r#"{{"type":"hello","cursor":"{}","client":"0000000000000002"}}"#, cursor(15));
        assert_eq!(v1.text().await, hello);
        assert!(sse.next().await.is_some_and(|got| got == Got::Comment("postern".into())));
        assert_eq!(sse.text().await, format!("postern.hello {}", hello.replace("02\"", "03\"")));
        for body in ["14", "16", "18"] {
            assert_eq!(raw.text().await, body);
            assert!(v1.text().await.contains(&format!(r#""body":{body}}}"#)));
            assert_eq!(sse.text().await, format!("messages {body}"));
        }
        assert_eq!(v1.text().await, r#"{"type":"live"}"#);
        assert_eq!(sse.text().await, r#"postern.live {"type":"live"}"#);
        edge.publish("[21]");
        assert_eq!(raw.text().await, "[21]");
        assert!(v1.text().await.ends_with(r#""body":[21]}"#));
        assert_eq!(sse.text().await, "messages [21]");
        let shards = edge.shards.clone();
        let told = cursor(22).to_string();
        let end = async {
            assert_eq!(raw.next().await, Some(Got::Close(1001, told.clone())));
            assert!(v1.text().await.starts_with(&format!(r#"{{"type":"drain","cursor":"{told}","retry_after_ms":"#)));
            assert_eq!(v1.next().await, Some(Got::Close(1001, told.clone())));
            assert!(sse.text().await.starts_with("postern.drain"));
            assert_eq!(sse.next().await, Some(Got::Comment(String::new())), "and a time to wait");
            assert_eq!(sse.next().await, None);
            // Closed as RFC 6455 wants it, and dropped, which is all that the third can do.
            for one in [&mut raw, &mut v1] {
                one.far.write_all(&[0x88, 0x80, 1, 2, 3, 4]).await.expect("a pipe is written");
                assert_eq!(one.next().await, None);
            }
            drop((raw, v1, sse));
        };
        tokio::join!(shards.drain(), end);
    });
}

#[test]
fn a_client_that_takes_nothing_costs_the_others_nothing() {
    run(async {
        let edge = Edge::start(0);
        let _stuck = edge.join(who(Form::Raw, cursor(1)), 4).await;
        let mut other = edge.join(Who { card: Arc::new(Card::test(2)), ..who(Form::Raw, cursor(1)) }, 100_000).await;
        for number in 0..500 {
            let body = format!("number {number}");
            edge.publish(&body);
            assert_eq!(other.text().await, body);
        }
    });
}

#[test]
fn a_stream_that_disconnects_the_slow_feeds_those_who_come_back() {
    run(async {
        let edge = Edge::start(20);
        let strict = || Who { stream: stream(Slow::Disconnect), ..who(Form::V1, cursor(3)) };
        let mut client = edge.join(strict(), 30).await;
        let _hello = client.text().await;
        let mut last = cursor(3).to_string();
        loop {
            let text = client.text().await;
            if text == r#"{"type":"live"}"# {
                break;
            }
            assert!(text.contains(&format!(r#""prev":"{last}""#)), "{text}");
            text[r#"{"type":"event","cursor":""#.len()..][..Cursor::LENGTH].clone_into(&mut last);
        }
        assert_eq!(last, cursor(20).to_string());
        for number in 0..20 {
            edge.publish(&format!("{number}"));
        }
        let mut got = 0;
        loop {
            match client.next().await.expect("it is told why") {
                Got::Text(event) => {
                    event[r#"{"type":"event","cursor":""#.len()..][..Cursor::LENGTH].clone_into(&mut last)
                }
                // What it is not entitled to, the twentieth, it may have passed or not.
                end if got == 0 && end == Got::Close(1013, cursor(21).to_string()) => break,
                end => break assert_eq!(end, Got::Close(1013, last)),
            }
            got += 1;
        }
        assert!(got < 20, "it could not have had all");
    });
}

#[test]
fn the_last_n_are_counted_by_what_the_client_is_entitled_to() {
    run(async {
        let edge = Edge::start(20);
        let stream = stream(Slow::CatchUp);
        // Odd offsets are carried.
        for (count, wanted) in [(0, 21), (1, 19), (2, 17), (9, 3), (10, 1), (11, 1), (10_000, 1)] {
            let found = edge.shards.last(&stream, &Arc::new(Card::test(1)), count, Offset(21)).await;
            assert_eq!(found, Some(Offset(wanted)), "{count}");
        }
        *edge.memory.first.lock().expect("no test panics here") = 12;
        assert_eq!(edge.shards.last(&stream, &Arc::new(Card::test(1)), 10, Offset(21)).await, Some(Offset(12)));
    });
}

#[test]
fn a_client_of_server_sent_events_that_leaves_is_let_go() {
    run(async {
        let edge = Edge::start(0);
        let sse = edge.join(who(Form::Sse, cursor(1)), 1000).await;
        drop(sse);
        edge.shards.present.idle().await;
    });
}

#[test]
fn compressed_messages_of_clients_are_understood_when_agreed_and_a_breach_when_not() {
    run(async {
        let edge = Edge::start(0);
        // A text of one byte that is no UTF-8, compressed so it is said; then a ping.
        let said = [0xc1, 0x81, 0, 0, 0, 0, 0xff, 0x89, 0x80, 0, 0, 0, 0];
        let manner = Manner { form: Form::Raw, deflate: true, frame_size: None };
        let mut agreed = edge.join(Who { manner, ..who(Form::Raw, cursor(1)) }, 1000).await;
        agreed.far.write_all(&said).await.expect("a pipe is written");
        let mut pong = [0; 2];
        agreed.far.read_exact(&mut pong).await.expect("a pipe is read");
        assert_eq!(pong, [0x8a, 0]);
        let mut not = edge.join(Who { card: Arc::new(Card::test(2)), ..who(Form::Raw, cursor(1)) }, 1000).await;
        not.far.write_all(&said).await.expect("a pipe is written");
        assert_eq!(not.next().await, Some(Got::Close(1002, "protocol error".into())));
    });
}
