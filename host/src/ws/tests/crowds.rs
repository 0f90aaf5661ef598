//! Clients on real sockets, who are fed together when they stand alike, against what each of them alone would be given: events
//! for all and for some, by label, subject and id; labels that come and go; sockets that are full; pings in between.

use super::*;
use crate::message::{Change, ClientId, Label, Narrowing, Selector};
use crate::random::cases;
use proptest::prelude::*;
use std::net::{TcpListener, TcpStream};

/// How many clients there are.
const CLIENTS: u64 = 6;

#[derive(Clone, Debug)]
enum Happening {
    /// An event for those whom a selector of this number chooses, less one client perhaps, with so much padding.
    Publish { to: u8, except: Option<u8>, pad: u16 },
    /// A client is given a label, or loses it.
    Label { client: u8, label: u8, gains: bool },
    /// A client reads all that there is until it was given what was published for it so far.
    Read(u8),
    /// A client says something, so that it is answered.
    Ping(u8),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        12 => (0..7_u8, proptest::option::of(0..6_u8), prop_oneof![9 => 0..200_u16, 1 => Just(60_000_u16)])
            .prop_map(|(to, except, pad)| Happening::Publish { to, except, pad }),
        3 => (0..6_u8, 0..3_u8, any::<bool>())
            .prop_map(|(client, label, gains)| Happening::Label { client, label, gains }),
        3 => (0..6_u8).prop_map(Happening::Read),
        1 => (0..6_u8).prop_map(Happening::Ping),
    ];
    proptest::collection::vec(one, 0..120)
}

fn room(number: u8) -> Label {
    Label { key: "room".into(), value: number.to_string() }
}

fn selector(to: u8) -> Selector {
    match to {
        0 | 1 => Selector::Everyone,
        2 => Selector::AnyLabel(vec![room(0), room(1)]),
        3 => Selector::AllLabels(vec![room(1), room(2)]),
        4 => Selector::Subjects(vec!["subject 1".into(), "subject 4".into()]),
        5 => Selector::Clients(vec![ClientId(2), ClientId(3), ClientId(99)]),
        _ => Selector::Streams(vec!["elsewhere".into()]),
    }
}

/// One client: its end of the socket, what it was sent and not understood yet, and what it is to get.
struct Guest {
    tcp: TcpStream,
    form: Form,
    bytes: Vec<u8>,
    labels: Vec<Label>,
    wanted: Vec<u64>,
    got: Vec<u64>,
    chain: String,
}

impl Guest {
    /// Reads until it has all that it is to get, and checks that this is all.
    fn read(&mut self) {
        while self.got.len() < self.wanted.len() {
            let mut space = [0; 16 << 10];
            let read = match std::io::Read::read(&mut self.tcp, &mut space) {
                // By io_uring, which is made on other threads meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.expect("what is on its way arrives"),
            };
            assert!(read > 0, "nobody is sent away");
            self.bytes.extend_from_slice(&space[..read]);
            while let Some(got) = understand(self.form, &mut self.bytes) {
                self.hear(got);
            }
        }
        assert_eq!(self.got, self.wanted, "in order, each once, and none of others");
    }

    fn hear(&mut self, got: Got) {
        let Got::Text(text) = got else { return };
        let said: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let body = match (self.form, said["type"].as_str()) {
            (Form::Raw, _) => &said,
            (_, Some("event")) => {
                assert_eq!(said["prev"].as_str(), Some(&*self.chain), "what it was given before");
                said["cursor"].as_str().expect("a cursor").clone_into(&mut self.chain);
                &said["body"]
            }
            (_, Some("hello")) => return said["cursor"].as_str().expect("a cursor").clone_into(&mut self.chain),
            _ => return,
        };
        self.got.push(body["n"].as_u64().expect("a number"));
    }
}

struct World {
    edge: Edge,
    guests: Vec<Guest>,
}

impl World {
    async fn new(ring: usize, io_uring: bool) -> Self {
        let edge = Edge::with(0, ring, io_uring);
        let door = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let stream = stream(Slow::CatchUp);
        let mut guests = Vec::new();
        for id in 1..=CLIENTS {
            let tcp = TcpStream::connect(door.local_addr().expect("it has one")).expect("it connects");
            tcp.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has timeouts");
            let (served, _) = door.accept().expect("it comes");
            served.set_nonblocking(true).expect("a socket can be so");
            // Little fits, so that some are full often.
            socket2::SockRef::from(&served).set_send_buffer_size(4 << 10).expect("a socket has a buffer");
            let form = if id % 2 == 0 { Form::Raw } else { Form::V1 };
            let card = Arc::new(Card { subject: Some(format!("subject {id}")), ..Card::test(id) });
            let deflate = id == 5;
            let manner = Manner { form, deflate, frame_size: None };
            let who = Who { card, manner, stream: stream.clone(), ..who(form, cursor(1)) };
            let transport = Transport::Tcp { tcp: served, tls: None };
            let joining = Joining { who, transport, early: Vec::new(), permit: Box::new(()) };
            assert!(edge.shards.join(joining));
            while edge.clients.card(ClientId(id)).is_none() {
                tokio::task::yield_now().await;
            }
            let (labels, wanted, got) = (Vec::new(), Vec::new(), Vec::new());
            guests.push(Guest { tcp, form, bytes: Vec::new(), labels, wanted, got, chain: String::new() });
        }
        Self { edge, guests }
    }

    async fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Publish { to, except, pad } => self.publish(selector(*to), *except, usize::from(*pad)),
            Happening::Label { client, label, gains } => {
                let guest = &mut self.guests[usize::from(*client)];
                // One that is behind is not waited for: what it has not got yet goes by what it is then.
                guest.read();
                let (client, label) = (ClientId(u64::from(*client) + 1), room(*label));
                while self.edge.shards.lags(Arc::new([client])).await[&client] > 0 {
                    tokio::task::yield_now().await;
                }
                guest.labels.retain(|other| *other != label);
                let change = if *gains {
                    guest.labels.push(label.clone());
                    Change::AddLabel { client, label }
                } else {
                    Change::RemoveLabel { client, label }
                };
                self.edge.shards.applied(vec![change], Offset(self.edge.memory.tail())).await;
            }
            Happening::Read(client) => self.guests[usize::from(*client)].read(),
            Happening::Ping(client) => {
                let ping = [0x89, 0x80, 0, 0, 0, 0];
                std::io::Write::write_all(&mut self.guests[usize::from(*client)].tcp, &ping).expect("it is taken");
            }
        }
    }

    fn publish(&mut self, to: Selector, except: Option<u8>, pad: usize) {
        let offset = self.edge.memory.tail();
        let except: Vec<_> = except.map(|client| ClientId(u64::from(client) + 1)).into_iter().collect();
        let mut audience = Audience::default();
        audience.narrow(Narrowing { to, except });
        for (id, guest) in (1..).zip(&mut self.guests) {
            let labels = guest.labels.clone();
            let card = Card { labels, subject: Some(format!("subject {id}")), ..Card::test(id) };
            if audience.includes(&card) {
                guest.wanted.push(offset);
            }
        }
        let body = format!(r#"{{"n":{offset},"pad":"{}"}}"#, "x".repeat(pad));
        let frame = encode::frame(Entry { audience, ..entry(offset, body) }, Source::Webhook(0));
        self.edge.memory.frames.lock().expect("no test panics here").push(frame.clone());
        self.edge.hub.publish(&[frame]);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn who_is_fed_together_gets_what_each_would_alone(
        ring in prop_oneof![Just(3_000_usize), Just(40_000), Just(1 << 20)],
        io_uring: bool,
        happenings in happenings(),
    ) {
        run(async move {
            let mut world = World::new(ring, io_uring).await;
            for happening in &happenings {
                world.happen(happening).await;
            }
            world.guests.iter_mut().for_each(Guest::read);
        });
    }
}

#[test]
fn a_client_that_hangs_up_leaves_its_crowd_and_the_others_go_on() {
    run(async {
        let mut world = World::new(1 << 20, true).await;
        world.publish(Selector::Everyone, None, 10);
        world.guests.iter_mut().for_each(Guest::read);
        world.guests.remove(2);
        while world.edge.clients.card(ClientId(3)).is_some() {
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            world.publish(Selector::Everyone, None, 10);
        }
        world.guests.iter_mut().for_each(Guest::read);
    });
}
