//! Clients over WebSocket (RFC 6455), in raw form: each event one message, its body untouched.
//!
//! A few shards, each a thread with a loop of its own, own all clients. An event wakes each shard once; the shard walks
//! its clients and writes to their sockets, everything a client has missed in one system call. No task is woken for a
//! message, nothing is allocated for a client's copy of it, and a full socket makes nobody wait but its own client,
//! which goes on from its cursor when there is room: from the ring, or when that has moved on, from the outbox.
//!
//! | file | what |
//! | --- | --- |
//! | `handshake` | is this request a good upgrade, and the answer to it |
//! | `encode` | an outbox entry as a frame |
//! | `shard` | the loop: events, commands, heartbeats |
//! | `client` | a cursor and a socket |
//! | `session` | what clients say: pongs, closes, limits |
//! | `catch_up` | reading the outbox for those that fell behind |
//! | `socket` | plain or TLS, never waiting |

mod catch_up;
mod client;
pub mod encode;
pub mod handshake;
mod session;
mod shard;
mod socket;

pub use catch_up::Fetch;

use crate::hub::{Frame, Hub};
use crate::message::{ClientId, Label, Offset};
use crate::metrics::Metrics;
use crate::task::Tracker;
use catch_up::CatchUp;
use rustls::ServerConnection;
use shard::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// What holds for every client.
#[derive(Clone)]
pub struct Config {
    /// The largest message a client may send, in bytes.
    pub client_message: usize,
    /// How many messages, control frames included, a client may send in a second.
    pub client_messages_per_second: u32,
    /// How long a client may be silent, pings unanswered, before it is let go.
    pub idle: Duration,
    /// How many bytes of frames each shard keeps in memory.
    pub ring: usize,
}

/// What becomes of a client that falls out of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It is fed from the outbox at its own pace.
    CatchUp,
    /// It is closed with 1013.
    Disconnect,
}

/// One stream of the configuration, as the shards need it.
#[derive(Debug)]
pub struct Stream {
    pub name: Arc<str>,
    /// Which webhooks it carries, by their index.
    pub carries: Vec<bool>,
    pub slow: Slow,
    pub heartbeat: Duration,
}

/// Who a client is, and what it is to get.
pub struct Who {
    pub id: ClientId,
    pub stream: Arc<Stream>,
    pub labels: Box<[Label]>,
    /// The first event it gets.
    pub cursor: Offset,
    /// A frame for it alone that goes first.
    pub greeting: Option<Arc<Frame>>,
}

/// A client whose upgrade is done, on its way to a shard.
pub struct Joining {
    pub who: Who,
    pub tcp: std::net::TcpStream,
    pub tls: Option<Box<ServerConnection>>,
    /// What it sent behind its handshake.
    pub early: Vec<u8>,
    /// Whatever must live as long as the connection: permits, counts.
    pub permit: Box<dyn Send>,
}

/// All shards. Clones are the same shards.
#[derive(Clone)]
pub struct Shards {
    commands: Arc<[mpsc::Sender<Command>]>,
    next: Arc<AtomicUsize>,
    clients: Tracker,
}

impl Shards {
    /// Starts a shard for each inbox of `hub`. Live frames begin at `tail`; what is older comes through `fetch`.
    pub fn start(config: &Config, hub: &Hub, tail: Offset, fetch: Fetch, metrics: &Metrics) -> std::io::Result<Self> {
        let clients = Tracker::default();
        let catch_up = CatchUp::start(fetch, metrics.catch_ups.clone())?;
        let commands = hub.inboxes().iter().enumerate().map(|(number, inbox)| {
            let parts = shard::Parts {
                config: config.clone(),
                inbox: inbox.clone(),
                tail,
                catch_up: catch_up.clone(),
                metrics: metrics.clone(),
                clients: clients.clone(),
            };
            shard::start(number, parts)
        });
        let commands = commands.collect::<Result<Vec<_>, _>>()?.into();
        Ok(Self { commands, next: Arc::default(), clients })
    }

    /// Hands a client over. False when its shard has stopped, which happens at the very end only.
    pub async fn join(&self, joining: Joining) -> bool {
        let shard = self.next.fetch_add(1, Ordering::Relaxed) % self.commands.len();
        self.commands[shard].send(Command::Join(Box::new(joining))).await.is_ok()
    }

    /// Tells every client 1001 and returns when all are gone. Those that join later are told so too.
    pub async fn drain(&self) {
        for shard in self.commands.iter() {
            // A shard that has stopped has no clients.
            let _ = shard.send(Command::Drain).await;
        }
        self.clients.idle().await;
    }
}
