//! A client against all that can happen to it: events come, the socket takes a few bytes or none, the ring moves on, the
//! outbox forgets, the connection breaks anywhere. Who comes back with what it was told misses nothing that it is not
//! told of, and gets nothing twice.

use super::*;
use crate::hub::{Ring, Source};
use crate::pipe::{self, Far};
use crate::random::cases;
use crate::ws::Backlog;
use crate::ws::encode::Form;
use crate::ws::farewell;
use crate::ws::socket::Line;
use crate::ws::tests::{Got, Memory, cursor, understand, who};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, ReadBuf};

#[derive(Clone, Debug)]
enum Happening {
    /// So many events, each for this client if the bit is set.
    Publish(u8, u8),
    /// The receiver takes at most so many bytes.
    Read(u16),
    Break,
    Ping,
    Drain,
    /// The outbox forgets so many of what it has.
    Expire(u8),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        6 => (1..5_u8, any::<u8>()).prop_map(|(count, bits)| Happening::Publish(count, bits)),
        8 => (1..600_u16).prop_map(Happening::Read),
        2 => Just(Happening::Break),
        1 => Just(Happening::Ping),
        1 => Just(Happening::Drain),
        1 => (0..6_u8).prop_map(Happening::Expire),
    ];
    proptest::collection::vec(one, 0..80)
}

/// A connection, both ends.
struct Connection {
    client: Client,
    far: Far,
    unread: Vec<u8>,
    /// What came before this was there when it began.
    live_from: u64,
    is_live: bool,
    /// What the next event of `postern.v1` must say was before it.
    chain: Option<String>,
}

struct World {
    manner: Manner,
    limit: usize,
    memory: Memory,
    ring: Ring,
    connection: Connection,
    /// What the receiver knows, and brings when it comes back: a cursor, and for raw form what it got since.
    knows: (Cursor, u64),
    got: Vec<u64>,
    gaps: Vec<(u64, u64)>,
    /// A gap hides how many events were counted in it: from here on one may come again.
    again_from: Option<usize>,
}

impl World {
    fn new(manner: Manner, limit: usize) -> Self {
        let memory = Memory::new(3);
        let connection = connect(manner, limit, &memory, (cursor(1), 0)).0;
        let ring = Ring::new(Offset(1), 4000);
        let (knows, got, gaps, again_from) = ((cursor(1), 0), Vec::new(), Vec::new(), None);
        Self { manner, limit, memory, ring, connection, knows, got, gaps, again_from }
    }

    fn happen(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        match happening {
            Happening::Publish(count, bits) => {
                for number in 0..*count {
                    let mine = bits >> number & 1 == 0;
                    let offset = self.memory.tail();
                    let frame = self.memory.add(usize::from(!mine), body(offset));
                    self.ring.push(frame);
                }
            }
            Happening::Read(most) => self.read(usize::from(*most))?,
            Happening::Break => self.come_back()?,
            Happening::Ping => farewell::ping(&mut self.connection.client),
            Happening::Drain => farewell::goodbye(&mut self.connection.client, CloseReason::Draining, false),
            Happening::Expire(count) => {
                let mut first = self.memory.first.lock().expect("no test panics here");
                *first = (*first + u64::from(*count)).min(self.memory.tail());
            }
        }
        self.feed();
        Ok(())
    }

    /// What a shard does with a client that is not blocked.
    fn feed(&mut self) {
        let client = &mut self.connection.client;
        let (mut scratch, mut sent) = (Vec::new(), Sent::default());
        loop {
            match client.pump(&self.ring, &mut scratch, &mut sent).expect("the far end is there") {
                Standing::Live | Standing::Full => return,
                Standing::Unknown => unreachable!("nobody chooses here"),
                Standing::Behind(from) => {
                    let piece = self.memory.read(from).expect("memory is read");
                    let standing = client.take(Some(&piece), &mut scratch, &mut sent).expect("the far end is there");
                    if standing == Standing::Full {
                        return;
                    }
                }
            }
        }
    }

    /// Takes bytes, understands what is whole, and comes back when it is sent away.
    fn read(&mut self, most: usize) -> Result<(), TestCaseError> {
        let mut left = most;
        while left > 0 {
            let mut space = vec![0; left];
            let mut buffer = ReadBuf::new(&mut space);
            let far = Pin::new(&mut self.connection.far);
            let Poll::Ready(read) = far.poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer) else { break };
            read.expect("a pipe is read");
            if buffer.filled().is_empty() {
                return self.come_back();
            }
            left -= buffer.filled().len();
            self.connection.unread.extend_from_slice(buffer.filled());
            self.feed();
        }
        while let Some(got) = understand(self.manner.form, &mut self.connection.unread) {
            if self.hear(got)? {
                return self.come_back();
            }
        }
        Ok(())
    }

    fn come_back(&mut self) -> Result<(), TestCaseError> {
        // What has arrived is not lost by a break.
        while let Some(got) = understand(self.manner.form, &mut self.connection.unread) {
            self.hear(got)?;
        }
        let (connection, gap) = connect(self.manner, self.limit, &self.memory, self.knows);
        self.connection = connection;
        if let Some(gap) = gap.filter(|_| self.manner.form == Form::Raw) {
            // The handshake says so.
            self.gap(gap.from.offset.0, gap.to.offset.0);
            if self.knows.1 > 0 {
                self.again_from = Some(self.got.len());
            }
            self.knows = (gap.to, 0);
        }
        Ok(())
    }

    fn gap(&mut self, from: u64, to: u64) {
        self.gaps.push((from, to));
    }

    /// True when it is the end.
    fn hear(&mut self, got: Got) -> Result<bool, TestCaseError> {
        match (self.manner.form, got) {
            (_, Got::Comment(_)) => {}
            (Form::Raw, Got::Text(body)) => {
                self.event(&body)?;
                self.knows.1 += 1;
            }
            (_, Got::Ping(told)) => self.told(&told)?,
            (_, Got::Close(code, told)) => {
                prop_assert!(code == 1001 || code == 1013, "{}", code);
                self.told(&told)?;
                return Ok(true);
            }
            (Form::V1, Got::Text(text)) => {
                let said: Value = serde_json::from_str(&text)?;
                self.say(&said, None)?;
            }
            (Form::Sse, Got::Block { id, event, data }) => {
                if event.starts_with("postern.") {
                    self.say(&serde_json::from_str(&data)?, id.as_deref())?;
                } else {
                    self.event(&data)?;
                    self.knows.0 = id.expect("an event has one").parse()?;
                }
            }
            (_, other) => prop_assert!(false, "nobody asked for {:?}", other),
        }
        Ok(false)
    }

    fn say(&mut self, said: &Value, id: Option<&str>) -> Result<(), TestCaseError> {
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let chain = match text("type").as_str() {
            "hello" => text("cursor"),
            "gap" => {
                let (from, to): (Cursor, Cursor) = (text("from").parse()?, text("to").parse()?);
                prop_assert!(from.offset < to.offset);
                self.gap(from.offset.0, to.offset.0);
                text("to")
            }
            "live" => {
                prop_assert!(!std::mem::replace(&mut self.connection.is_live, true), "it is said once");
                return Ok(());
            }
            "drain" => text("cursor"),
            "event" => {
                prop_assert_eq!(Some(text("prev")), self.connection.chain.clone());
                let body = said.get("body").map(Value::to_string);
                self.event(&body.unwrap_or_else(|| text("base64")))?;
                text("cursor")
            }
            other => return Err(TestCaseError::fail(other.to_owned())),
        };
        if let Some(id) = id {
            prop_assert_eq!(id, &chain);
        }
        self.knows.0 = chain.parse()?;
        self.connection.chain = Some(chain);
        Ok(())
    }

    fn event(&mut self, body: &str) -> Result<(), TestCaseError> {
        let body: Value = serde_json::from_str(body)?;
        let offset = body["n"].as_u64().expect("it has a number");
        if self.manner.form != Form::Raw {
            prop_assert_eq!(offset >= self.connection.live_from, self.connection.is_live, "live is said in between");
        }
        self.got.push(offset);
        Ok(())
    }

    fn told(&mut self, told: &str) -> Result<(), TestCaseError> {
        let (cursor, count) = told.split_once('~').unwrap_or((told, "0"));
        self.knows = (cursor.parse()?, count.parse()?);
        Ok(())
    }

    fn judge(&self) -> Result<(), TestCaseError> {
        let mut seen = self.got.clone();
        if self.again_from.is_some() {
            seen.sort_unstable();
            seen.dedup();
        }
        prop_assert!(seen.is_sorted_by(|one, next| one < next), "in order, and none twice: {:?}", seen);
        for frame in self.memory.frames.lock().expect("no test panics here").iter() {
            let offset = frame.offset().0;
            let got = seen.binary_search(&offset).is_ok();
            let lost = self.gaps.iter().any(|(from, to)| (*from..*to).contains(&offset));
            prop_assert_eq!(
                frame.source == Source::Webhook(0),
                got || (lost && frame.source == Source::Webhook(0)),
                "{} of {:?}",
                offset,
                seen
            );
        }
        Ok(())
    }
}

/// What `connect` does for who comes with `knows`.
fn connect(manner: Manner, limit: usize, memory: &Memory, knows: (Cursor, u64)) -> (Connection, Option<Gap>) {
    let (near, far) = pipe::pair(limit);
    let gap = memory.resume(knows.0).1;
    let who = Who { manner, skip: knows.1, gap, ..who(manner.form, knows.0) };
    let live_from = memory.tail();
    let socket = Socket::new(Line::Pipe(Rc::new(near)), None);
    let client = Client::new(who, socket, (Vec::new(), 1000), Offset(live_from), Instant::now());
    (Connection { client, far, unread: Vec::new(), live_from, is_live: false, chain: None }, gap)
}

fn body(offset: u64) -> String {
    let pad = "pad ".repeat(usize::try_from(offset * 7 % 50).expect("it is small"));
    let end = if offset.is_multiple_of(3) { "\n" } else { "" };
    format!(r#"{{"n":{offset},{end}"pad":"{pad}"}}"#)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn who_comes_back_with_its_cursor_misses_nothing_untold_and_gets_nothing_twice(
        form in prop_oneof![Just(Form::Raw), Just(Form::V1), Just(Form::Sse)],
        deflate: bool,
        limit in 1..300_usize,
        happenings in happenings(),
    ) {
        let mut world = World::new(Manner { form, deflate: deflate && form != Form::Sse, frame_size: None }, limit);
        for happening in &happenings {
            world.happen(happening)?;
        }
        // And then it has all the time it needs.
        for _ in 0..3 {
            world.happen(&Happening::Read(u16::MAX))?;
        }
        world.judge()?;
        prop_assert!(world.connection.client.is_live());
        prop_assert!(form == Form::Raw || world.connection.is_live);
    }
}

#[test]
fn what_cannot_be_read_ends_the_connection_and_leaves_nothing_out() {
    let memory = Memory::new(3);
    let mut connection =
        connect(Manner { form: Form::V1, deflate: false, frame_size: None }, 1000, &memory, (cursor(1), 0)).0;
    let (mut scratch, mut sent) = (Vec::new(), Sent::default());
    connection.client.take(None, &mut scratch, &mut sent).expect("the far end is there");
    assert_eq!(connection.client.closing.as_ref().map(|closing| closing.reason), Some(CloseReason::Fault));
    let mut connection =
        connect(Manner { form: Form::Raw, deflate: false, frame_size: None }, 1000, &memory, (cursor(1), 0)).0;
    let nothing = memory.read(Offset(1)).expect("memory is read");
    connection.client.take(Some(&nothing), &mut scratch, &mut sent).expect("the far end is there");
    assert_eq!(connection.client.closing.as_ref().map(|closing| closing.reason), Some(CloseReason::Fault));
}

#[test]
fn as_long_as_it_has_some_already_it_is_told_how_many() {
    let memory = Memory::new(10);
    for number in 0..4 {
        memory.add(number % 2, "1");
    }
    let raw = Manner { form: Form::Raw, deflate: false, frame_size: None };
    let mut leaving = connect(raw, 1000, &memory, (cursor(1), 3)).0.client;
    farewell::goodbye(&mut leaving, CloseReason::Draining, false);
    let close = Got::Close(1001, format!("{}~3", cursor(1)));
    assert_eq!(understand(Form::Raw, &mut leaving.control.to_vec()), Some(close));
    let mut connection = connect(raw, 1000, &memory, (cursor(1), 3)).0;
    let piece = memory.read(Offset(1)).expect("memory is read");
    connection.client.take(Some(&piece), &mut Vec::new(), &mut Sent::default()).expect("the far end is there");
    assert_eq!(connection.client.told(), format!("{}~1", cursor(5)));
}
