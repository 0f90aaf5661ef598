//! What once went wrong, each by a name that says what holds now.

use crate::{home, start};
use postern_tests::{
    Admin, Client, Config, Crowd, Frame, Gateway, Protocol, Raw, Sender, Socket, alone, eventually, guests,
    numbered_body, patiently, spawn,
};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// So large and so many are more than the kernel takes ahead of a client that does not read, and than a small ring.
const BULK: usize = 100_000;
const BULKS: u64 = 80;

/// What somebody does beside the test, until dropped.
struct Beside(JoinHandle<()>);

impl Beside {
    fn start(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(spawn(work))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Posts as fast as it is acknowledged, over one connection.
async fn storm(gateway: Arc<Gateway>, number: usize) {
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let mut sequence = 0;
    // An error is the end of the test.
    while sender.try_post("/whatsapp", numbered_body(number, sequence, 100)).await.is_ok() {
        sequence += 1;
    }
}

/// The next frame that is no ping; pings are answered, and counted.
async fn next_event(socket: &mut Socket, pings: &mut u32) -> Frame {
    loop {
        let frame = socket.read().await.expect("it is kept");
        match frame.opcode {
            Frame::PING => {
                *pings += 1;
                socket.write(0x80 | Frame::PONG, &frame.payload).await.expect("the gateway reads");
            }
            Frame::CLOSE => panic!("closed with {:?}", frame.close_code()),
            _ => return frame,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_webhooks_never_cease_clients_are_let_in_caught_up_and_pinged() {
    const CLIENTS: usize = 200;
    let _machine = alone().await;
    let config = Config::basic()
        .webhook("bulk", "/bulk", "")
        .stream("agents", "/ws", &["whatsapp"], "open = true\nheartbeat = \"500ms\"")
        .stream("bulk", "/bulk-ws", &["bulk"], "open = true\nheartbeat = \"2900ms\"")
        .limits("idle = \"3s\"\nring = \"1MiB\"");
    let gateway = Arc::new(start(&config).await);
    let admin = Admin::of(&gateway);
    let _crowd = Crowd::connect(&gateway, "/ws", CLIENTS, u64::MAX).await;
    let mut behind = Socket::connect(&gateway, "/bulk-ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for sequence in 0..BULKS {
        sender.deliver("/bulk", numbered_body(0, sequence, BULK)).await;
    }
    let mut old = Socket::connect(&gateway, "/ws").await;
    let _storm: Vec<_> = (0..4).map(|number| Beside::start(storm(Arc::clone(&gateway), number))).collect();
    let (begin, mut pings) = (Instant::now(), 0);
    next_event(&mut old, &mut pings).await;

    let mut new = Socket::connect(&gateway, "/ws").await;
    next_event(&mut new, &mut pings).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "the first event of who came late: {:?}", begin.elapsed());
    let _stays = Beside::start(async move {
        loop {
            next_event(&mut new, &mut 0).await;
        }
    });
    for sequence in 0..BULKS {
        let frame = next_event(&mut behind, &mut 0).await;
        assert!(frame.payload == numbered_body(0, sequence, BULK), "event {sequence} in its place, whole");
    }
    assert!(begin.elapsed() < Duration::from_secs(4), "who fell behind has caught up: {:?}", begin.elapsed());
    assert!(admin.metric("postern_catch_ups_total", &[]).await >= 1.0, "from the outbox");
    let _stays_too = Beside::start(async move {
        loop {
            next_event(&mut behind, &mut 0).await;
        }
    });
    // Longer than `idle`, so that only pings and their answers keep it.
    let mut pings = 0;
    while pings < 7 {
        next_event(&mut old, &mut pings).await;
    }
    assert_eq!(admin.metric("postern_closes_total", &[("reason", "silent")]).await, 0.0, "all have answered");
}

#[tokio::test]
async fn a_client_is_asked_before_it_is_given_up_however_late_the_gateway_comes_to_ask() {
    // As good as none between the two: when it comes to ask, the time to be silent is over.
    let stream = "open = true\nheartbeat = \"1s\"";
    let config = Config::basic().stream("agents", "/ws", &["whatsapp"], stream).limits("idle = \"1001ms\"");
    let gateway = start(&config).await;
    let mut socket = Socket::connect(&gateway, "/ws").await;
    for _ in 0..2 {
        let frame = socket.read().await.expect("it is kept as long as it answers");
        assert_eq!(frame.opcode, Frame::PING);
        socket.write(0x80 | Frame::PONG, &frame.payload).await.expect("the gateway reads");
    }
}

/// As many as the gateway has shards.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The beginning of a message, and a great many empty pieces that go on with it.
fn empty_fragments() -> Vec<u8> {
    const MASKED: [u8; 5] = [0x80, 1, 2, 3, 4];
    let mut frames = [&[Frame::TEXT][..], &MASKED].concat();
    (0..10_000).for_each(|_| frames.extend([&[0][..], &MASKED].concat()));
    frames
}

#[tokio::test]
async fn a_client_that_sends_empty_fragments_freezes_nobody() {
    let limits = "client_message = \"64MiB\"\nclient_messages_per_second = 1000000";
    let gateway = start(&Config::basic().limits(limits)).await;
    // Clients go to the shards in turn, so that each shard has of both kinds.
    let mut healthy = vec![];
    let mut hostile = vec![];
    for _ in 0..cores() {
        healthy.push(Client::connect(&gateway, "/ws").await);
    }
    for _ in 0..cores() {
        let mut socket = Socket::connect(&gateway, "/ws").await;
        socket.write_raw(&empty_fragments()).await.expect("it reads");
        hostile.push(Beside::start(async move {
            let more = empty_fragments().split_off(6);
            while socket.write_raw(&more).await.is_ok() {}
        }));
    }
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for sequence in 0..20 {
        let body = numbered_body(0, sequence, 100);
        sender.deliver("/whatsapp", body.clone()).await;
        let begin = Instant::now();
        for client in &mut healthy {
            client.expect(&body).await;
        }
        assert!(begin.elapsed() < Duration::from_secs(2), "event {sequence} took {:?}", begin.elapsed());
    }
    assert!(hostile.iter().all(|client| !client.0.is_finished()), "they were at it all the time");
}

#[tokio::test]
async fn a_client_that_sends_empty_fragments_is_1008_once_they_are_more_bytes_than_its_messages_could_be() {
    let limits = "client_message = \"1KiB\"\nclient_messages_per_second = 10";
    let gateway = start(&Config::basic().limits(limits)).await;
    let mut hostile = Socket::connect(&gateway, "/ws").await;
    hostile.write_raw(&empty_fragments()).await.expect("it reads");
    assert_eq!(hostile.close_code().await, Some(1008));
    Admin::of(&gateway).metric_becomes("postern_closes_total", &[("reason", "too_many_messages")], 1.0).await;
}

/// How many sockets a gateway has open.
#[cfg(target_os = "linux")]
fn sockets(gateway: &Gateway) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", gateway.process_id())).expect("it runs");
    // One may be closed while they are listed.
    let targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_is_let_go_while_its_socket_is_full_leaves_no_file_open() {
    let config = Config::basic()
        .stream("agents", "/ws", &["whatsapp"], "open = true\nheartbeat = \"500ms\"")
        .limits("idle = \"1s\"\nring = \"1MiB\"");
    let gateway = start(&config).await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    sender.deliver("/whatsapp", "before").await;
    let before = sockets(&gateway);
    let stalled = Socket::connect(&gateway, "/ws").await;
    eventually("one more", async || (sockets(&gateway) == before + 1).then_some(())).await;
    for sequence in 0..BULKS {
        sender.deliver("/whatsapp", numbered_body(0, sequence, BULK)).await;
    }
    let silent = [("reason", "silent")];
    Admin::of(&gateway).metric_becomes("postern_closes_total", &silent, 1.0).await;
    eventually("as many as before", async || (sockets(&gateway) == before).then_some(())).await;
    // Its own end was open all the while.
    drop(stalled);
}

#[tokio::test]
async fn a_client_that_speaks_before_its_large_greeting_is_read_gets_it_whole_and_then_events() {
    let more = "memory = \"64MiB\"\ndeadline = \"2s\"";
    let config = Config::basic()
        .filter("greet", &guests::wat("large-greeting"), more)
        .stream("agents", "/ws", &["whatsapp"], "admission = [\"greet\"]")
        .stream("others", "/others", &["whatsapp"], "open = true")
        .limits("filter_output = \"16MiB\"");
    let gateway = start(&config).await;
    let mut greeted = Socket::connect(&gateway, "/ws").await;
    greeted.write(0x80 | Frame::TEXT, b"hello?").await.expect("it reads");
    let mut others = vec![];
    for _ in 0..cores() {
        others.push(Client::connect(&gateway, "/others").await);
    }
    // By the time they have come to every shard's clients, what was said is heard.
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    for body in ["first", "second"] {
        sender.deliver("/whatsapp", body).await;
        for other in &mut others {
            other.expect(body.as_bytes()).await;
        }
    }
    let greeting = greeted.read().await.expect("it is kept");
    let edges = (greeting.payload.first().copied(), greeting.payload.last().copied());
    assert_eq!((greeting.opcode, greeting.payload.len(), edges), (Frame::BINARY, 8_000_000, (Some(b'<'), Some(b'>'))));
    for body in ["first", "second"] {
        assert_eq!(greeted.read().await.expect("it is kept").payload, body);
    }
}

#[tokio::test]
async fn bodies_that_nobody_claims_to_have_signed_take_no_place_in_flight() {
    let gateway = start(&Config::basic().limits("inflight = 2")).await;
    let mut endless = vec![];
    for _ in 0..8 {
        let mut raw = Raw::connect(&gateway).await;
        raw.write("POST /whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            .await
            .expect("it reads");
        endless.push(raw);
    }
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    // More than one, so that the eight have surely been looked at.
    for _ in 0..20 {
        sender.deliver("/whatsapp", "{}").await;
    }
    for mut raw in endless {
        assert_eq!(raw.reply().await.expect("an answer, for all that").status, 401);
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_after_the_goodbye_harms_nothing() {
    let mut gateway = start(&Config::basic().limits("client_message = \"1KiB\"")).await;
    let mut rude = Socket::connect(&gateway, "/ws").await;
    gateway.terminate();
    let mut goodbye = rude.read().await.expect("a goodbye");
    while goodbye.opcode != Frame::CLOSE {
        goodbye = rude.read().await.expect("a goodbye");
    }
    assert_eq!(goodbye.close_code(), Some(1001));
    for _ in 0..3 {
        // It may have closed already.
        let _ = rude.write(0x80 | Frame::TEXT, &[b'x'; 2000]).await;
    }
    // Neither another close frame nor anything else.
    assert_eq!(rude.read().await, None);
    let ended = gateway.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[tokio::test]
async fn listing_events_where_there_are_none_fails_with_a_hint_and_creates_nothing() {
    let home = home(&Config::basic());
    for arguments in [&["events", "ls"][..], &["events", "ls", "--held"]] {
        let ended = home.run(&[arguments, &["-c", "postern.toml"]].concat()).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("there is no journal") && ended.stderr.contains("hint: "), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert!(!home.path("data").exists(), "{arguments:?} made a directory");
    }
}

#[tokio::test]
async fn listing_events_to_somebody_who_has_had_enough_ends_quietly() {
    let gateway = start(&Config::basic()).await;
    Sender::connect(&gateway, Protocol::Http1).await.deliver("/whatsapp", "{}").await;
    let (home, _) = gateway.stop().await;
    for format in [&[][..], &["--json"]] {
        // As `postern events ls | head -0`: its reader is gone before it writes.
        let (reader, writer) = std::io::pipe().expect("the system gives a pipe");
        drop(reader);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_postern-under-test"));
        command.args(["events", "ls", "-c", "postern.toml"]).args(format).current_dir(home.directory());
        let ended = command.stdout(writer).stderr(Stdio::piped()).output().expect("it starts");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), stderr.as_ref()), (Some(0), ""), "{format:?}");
    }
}

#[tokio::test]
async fn an_admin_listener_without_a_token_answers_to_no_name_but_localhost() {
    let gateway = start(&Config::basic()).await;
    let address = gateway.admin();
    for (host, status) in [
        (address.to_string(), 200),
        (format!("localhost:{}", address.port()), 200),
        (format!("[::1]:{}", address.port()), 200),
        (format!("evil.example:{}", address.port()), 401),
        ("localhost.evil.example".to_owned(), 401),
        ("127.0.0.1.evil.example".to_owned(), 401),
    ] {
        for path in ["/metrics", "/v1/events?held=true"] {
            let mut stream = TcpStream::connect(address).await.expect("it accepts");
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("it reads");
            let mut answer = String::new();
            patiently("an answer", stream.read_to_string(&mut answer)).await.expect("it answers in text");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} of {host}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_replay_while_events_are_pending_takes_nobody_else_s_turn() {
    // A replay of an event that had not been judged yet once moved its lane on past those before it, for ever.
    let config = Config::basic()
        .filter("loop", &guests::wat("loop"), "deadline = \"250ms\"\non_error = \"pass\"")
        .webhook("whatsapp", "/whatsapp", "filters = [\"loop\"]");
    let gateway = start(&config).await;
    let mut client = Client::connect(&gateway, "/ws").await;
    let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
    let bodies: Vec<_> = (0..6).map(|sequence| numbered_body(0, sequence, 100)).collect();
    for body in &bodies {
        sender.deliver("/whatsapp", body.clone()).await;
    }
    let replayed = Admin::of(&gateway).post("/v1/events/replay", &serde_json::json!({ "all": true })).await;
    let replayed = replayed["replayed"].as_u64().expect("a number");
    let mut seen = Vec::new();
    for _ in 0..bodies.len() as u64 + replayed {
        seen.push(client.body().await);
    }
    for body in &bodies {
        assert!(seen.contains(body), "each was judged in its turn");
    }
}
