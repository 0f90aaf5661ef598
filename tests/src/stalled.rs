//! Clients of which some stop reading while events flow: what it costs the others, and whether the stalled ones get
//! everything once they read again.
//!
//! Each event is for one group of clients, as messages are for the desk of one number, by the gallery's `token` and
//! `route-by-number`. A fixed rate is kept by the clock, so a gateway that falls behind shows in the latencies.

use crate::{Admin, Config, Frame, Gateway, Home, Protocol, Sender, Socket, spawn};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub clients: usize,
    pub stalled: usize,
    /// Every event goes to one of so many groups, in turn.
    pub groups: usize,
    /// Events a second.
    pub rate: u64,
    pub size: usize,
    pub seconds: u64,
    pub ring: &'static str,
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub events: u64,
    /// From just before the POST to the whole frame, for the clients that read.
    pub p50: Duration,
    pub p99: Duration,
    pub most: Duration,
    /// MiB when all were connected, and at most until the last event was sent.
    pub memory: Option<(u64, u64)>,
    /// From when the stalled began to read until they had everything.
    pub caught_up: Duration,
    /// How often a client was fed from disk.
    pub catch_ups: f64,
}

const SENDERS: u64 = 8;

fn number(group: usize) -> String {
    format!("7711553{group:08}")
}

/// A message to the number of this group, as long as `size`; `sent` microseconds after the beginning.
fn body(group: usize, sequence: u64, sent: u64, size: usize) -> String {
    let mut text = format!(
        "{{\"object\":\"whatsapp_business_account\",\"entry\":[{{\"id\":\"9\",\"changes\":[{{\"field\":\"messages\",\
         \"value\":{{\"messaging_product\":\"whatsapp\",\"metadata\":{{\"phone_number_id\":\"{}\"}},\"messages\":[{{\
         \"id\":\"wamid.{group}.{sequence}\",\"from\":\"15550100142\",\"type\":\"text\",\"text\":{{\"body\":\
         \"at:{sent:016} number:{sequence:012} ",
        number(group)
    );
    text.extend(std::iter::repeat_n('x', size.saturating_sub(text.len() + 11)));
    text.push_str("\"}}]}}]}]}");
    text
}

/// What [`body`] put in: when it was sent, and its number in its group.
fn read(body: &[u8]) -> (u64, u64) {
    let text = std::str::from_utf8(body).expect("the bodies are text");
    let after = |mark: &str, length: usize| {
        let begin = text.find(mark).unwrap_or_else(|| panic!("no {mark} in {text}")) + mark.len();
        text[begin..begin + length].parse::<u64>().expect("digits")
    };
    (after("at:", 16), after("number:", 12))
}

fn config(load: &Load) -> Config {
    let mut tokens = "config = { tokens = [".to_owned();
    for group in 0..load.groups {
        let token = format!("{{ token = \"t{group}\", labels = {{ phone_number_id = \"{}\" }} }}, ", number(group));
        tokens.write_str(&token).expect("a string takes all");
    }
    // Who reads nothing answers no ping either; here that is not what is looked at.
    let limits = format!("connections_per_address = {}\nring = \"{}\"\nidle = \"30m\"", load.clients + 100, load.ring);
    Config::basic()
        .filter("route", "builtin:route-by-number".as_ref(), "deadline = \"2s\"")
        .filter("token", "builtin:token".as_ref(), &(tokens + "] }\ndeadline = \"2s\""))
        .webhook("whatsapp", "/whatsapp", "split = true\nfilters = [\"route\"]")
        .stream("agents", "/ws", &["whatsapp"], "admission = [\"token\"]")
        .limits(&limits)
}

/// Runs it, and demands that every client got every event of its group, in order and once.
pub async fn stalled(binary: &str, load: Load) -> Outcome {
    rlimit::increase_nofile_limit(64 * 1024).expect("the limit of open files can be read and raised");
    let home = Home::new(binary, &config(&load));
    let gateway = Arc::new(home.start().await);
    let each = load.rate * load.seconds / load.groups as u64;
    let events = each * load.groups as u64;
    let begin = Instant::now();
    let (wake, awake) = watch::channel(false);
    let doors = Arc::new(Semaphore::new(64));
    // Those that stall are spread over the groups.
    let every = load.clients.checked_div(load.stalled).unwrap_or(usize::MAX);
    let stalls = move |client: usize| client % every == every - 1;
    let sockets = crate::together((0..load.clients).map(|client| {
        let (gateway, doors) = (Arc::clone(&gateway), Arc::clone(&doors));
        async move {
            let _permit = doors.acquire().await.expect("nobody closes it");
            let path = format!("/ws?token=t{}", client % load.groups);
            if stalls(client) { Socket::narrow(&gateway, &path).await } else { Socket::connect(&gateway, &path).await }
        }
    }));
    let (mut reading, mut sleeping) = (vec![], vec![]);
    for (client, socket) in sockets.await.into_iter().enumerate() {
        if stalls(client) {
            sleeping.push(spawn(sleep_then_read(socket, each, awake.clone())));
        } else {
            reading.push(spawn(read_all(socket, each, begin)));
        }
    }
    let connected = gateway.memory();
    send_all(&gateway, load, each, begin).await;
    let after = gateway.memory();
    let mut latencies = vec![];
    for client in reading {
        latencies.extend(client.await.expect("no client panics"));
    }
    let woken = Instant::now();
    wake.send_replace(true);
    for client in sleeping {
        client.await.expect("no client panics");
    }
    let caught_up = woken.elapsed();
    latencies.sort_unstable();
    let at = |part: f64| Duration::from_micros(latencies[((latencies.len() - 1) as f64 * part) as usize]);
    let memory = connected.zip(after).map(|((connected, _), (_, most))| (connected, most));
    let catch_ups = Admin::of(&gateway).metric("postern_catch_ups_total", &[]).await;
    Outcome { events, p50: at(0.5), p99: at(0.99), most: at(1.0), memory, caught_up, catch_ups }
}

/// Each sender keeps its share of the rate; a group's events all go over one connection, which keeps their order.
async fn send_all(gateway: &Arc<Gateway>, load: Load, each: u64, begin: Instant) {
    let start = begin.elapsed();
    crate::together((0..SENDERS).map(|number| {
        let gateway = Arc::clone(gateway);
        async move {
            let mut sender = Sender::connect(&gateway, Protocol::Http1).await;
            let mine: Vec<usize> = (0..load.groups).filter(|group| *group as u64 % SENDERS == number).collect();
            for sequence in 0..each {
                for group in &mine {
                    let due = (sequence * load.groups as u64 + *group as u64) as f64 / load.rate as f64;
                    tokio::time::sleep_until((begin + start + Duration::from_secs_f64(due)).into()).await;
                    let sent = u64::try_from(begin.elapsed().as_micros()).expect("not in this age");
                    sender.deliver("/whatsapp", body(*group, sequence, sent, load.size)).await;
                }
            }
        }
    }))
    .await;
}

async fn read_all(mut socket: Socket, each: u64, begin: Instant) -> Vec<u64> {
    let mut latencies = vec![];
    for expected in 0..each {
        let frame = socket.read_event().await.expect("it is kept");
        let (sent, sequence) = read(&frame.payload);
        assert_eq!(sequence, expected, "in order, each once");
        let now = u64::try_from(begin.elapsed().as_micros()).expect("not in this age");
        latencies.push(now.saturating_sub(sent));
    }
    // It stays until the end, as a client does.
    spawn(async move { while socket.read_event().await.is_some_and(|frame| frame.opcode != Frame::CLOSE) {} });
    latencies
}

async fn sleep_then_read(mut socket: Socket, each: u64, mut awake: watch::Receiver<bool>) {
    awake.wait_for(|awake| *awake).await.expect("the run goes on");
    for expected in 0..each {
        let frame = socket.read_event().await.expect("it was kept");
        assert_eq!(read(&frame.payload).1, expected, "what it had not read, in order, each once");
    }
}
