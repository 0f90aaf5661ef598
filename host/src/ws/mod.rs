//! Clients of a stream: over WebSocket (RFC 6455), raw or as `postern.v1`, and over server-sent events.
//!
//! A few shards, each a thread with a loop of its own, own all clients. An event wakes each shard once; clients who stand
//! alike are fed together, from one piece of memory, and everything a client has missed goes to it in one system call. No
//! task is woken for a message, nothing is allocated for a client's copy of it, and a full socket makes nobody wait but its
//! own client, which goes on from its cursor when there is room: from the ring, or when that has moved on, from the outbox.
//!
//! Whoever comes by way of HTTP/2, or for server-sent events, is on the other side of a pipe and is treated the same.
//!
//! | file | what |
//! | --- | --- |
//! | `handshake` | is this request a good upgrade, and the answer to it; permessage-deflate |
//! | `encode` | an outbox entry in each form, compressed or not; hello, gap, live, drain |
//! | `shard` | its clients; the loop (`turn`): events, commands, sockets that are ready (`poller`); what is done to one client (`one`) and to all (`fan`); who stands alike (`seats`), who has which label (`index`) |
//! | `arrivals` | clients on their way to a shard |
//! | `beat` | what a shard does by the clock: heartbeats, goodbyes |
//! | `client` | a cursor and a socket |
//! | `listening`, `session` | what clients say: pongs, closes, limits |
//! | `inbound` | whether a client's message is under way; compressed messages |
//! | `farewell` | pings and goodbyes, which tell the cursor |
//! | `said` | what clients say and what becomes of them, to whoever wants to hear it |
//! | `choose` | who is asked which clients get an event, where a stream has such filters |
//! | `catch_up` | reading the outbox for those that fell behind |
//! | `last` | where a client's last N events begin |
//! | `count` | how many of a client's events lie between two places |
//! | `presence` | who else is there, for those who want to know |
//! | `renew` | another configuration, for the clients that are there |
//! | `reach` | how many clients were given the newest events, and when |
//! | `behind` | how many clients are behind, and how far |
//! | `standing` | how far behind clients are, for operators |
//! | `socket` | TCP, TLS or a pipe, never waiting |

mod arrivals;
mod beat;
mod behind;
mod catch_up;
pub mod choose;
mod client;
mod count;
pub mod encode;
mod farewell;
pub mod handshake;
mod inbound;
mod last;
mod listening;
mod presence;
mod reach;
mod renew;
mod said;
mod session;
mod shard;
mod socket;
mod standing;

pub use catch_up::{Backlog, Piece};
pub use encode::{Form, Manner};
pub use renew::Renewal;
pub use said::{Answer, Hearing, Kinds, Said, What};

use crate::clients::Clients;
use crate::hub::{Frame, Hub, Source};
use crate::message::{Card, Change, Cursor, Gap, Offset, Payload, Timestamp};
use crate::metrics::Metrics;
use crate::pipe;
use crate::records::Records;
use crate::task::Tracker;
use arrivals::Arrivals;
use catch_up::{CatchUp, Request, Walk};
use count::Count;
use last::Last;
use shard::{Command, Touch};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// What holds for every client.
#[derive(Clone, Debug)]
pub struct Config {
    /// The largest message a client may send, in bytes.
    pub client_message: usize,
    /// How many messages, control frames included, a client may send in a second.
    pub client_messages_per_second: u32,
    /// How long a client may be silent, pings unanswered, before it is let go. One of server-sent events, which has
    /// nothing to say, is taken to be silent when it takes nothing.
    pub idle: Duration,
    /// How many bytes of frames each shard keeps in memory, see [`crate::hub::Frame::weight`].
    pub ring: usize,
    /// The most labels a client may have.
    pub labels: usize,
    /// Send to many clients at once by io_uring, where the kernel lets us. Looked at once, at the start.
    pub io_uring: bool,
}

/// What becomes of a client that falls out of the ring after it was live.
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
    /// Who wants to hear what clients say and what becomes of them.
    pub hearing: Option<Hearing>,
    /// Who is asked which clients get an event.
    pub chooser: Option<choose::Chooser>,
    /// A filter answers pings, and close frames, in the place of postern.
    pub manual_pong: bool,
    pub manual_close: bool,
    /// Those who speak `postern.v1` are told who else is there, with the labels that have these keys.
    pub presence: Option<Vec<String>>,
}

impl Stream {
    /// Whether an entry is for a client of this stream at all, but for what its chooser says.
    pub fn entitles(&self, frame: &Frame, client: &Card) -> bool {
        self.carries(frame) && frame.entry.audience.includes(client)
    }

    /// Whether an entry may be for clients of this stream.
    pub fn carries(&self, frame: &Frame) -> bool {
        match frame.source {
            Source::Webhook(webhook) => self.carries.get(webhook) == Some(&true),
            Source::Sent => true,
            Source::Gone => false,
        }
    }
}

/// Who a client is, and what it is to get.
pub struct Who {
    pub card: Arc<Card>,
    pub stream: Arc<Stream>,
    pub manner: Manner,
    /// Where it stands when it comes, and what hello tells it. With a gap, that is where the gap begins.
    pub cursor: Cursor,
    /// How many of the events it is entitled to it has already: they are left out.
    pub skip: u64,
    /// What it does not get, told first. In raw form there are no words for it: the answer to its handshake told it.
    pub gap: Option<Gap>,
    /// Something for it alone, before any event.
    pub greeting: Option<Payload>,
    /// When what it was let in by is good no longer.
    pub expires: Option<Timestamp>,
}

/// How a client is reached.
pub enum Transport {
    Tcp {
        tcp: std::net::TcpStream,
        tls: Option<Box<Records>>,
    },
    /// To a task that speaks HTTP for it. WebSocket frames go through it as over TCP.
    Pipe(pipe::Near),
}

/// A client whose handshake is done, on its way to a shard.
pub struct Joining {
    pub who: Who,
    pub transport: Transport,
    /// What it sent behind its handshake.
    pub early: Vec<u8>,
    /// Whatever must live as long as the connection: permits, counts.
    pub permit: Box<dyn Send>,
}

/// All shards. Clones are the same shards.
#[derive(Clone)]
pub struct Shards {
    commands: Arc<[mpsc::Sender<Command>]>,
    arrivals: Arc<[Arc<Arrivals>]>,
    next: Arc<AtomicUsize>,
    present: Tracker,
    catch_up: CatchUp,
    clients: Clients,
    /// The most labels a client may have.
    labels: Arc<AtomicUsize>,
}

impl Shards {
    /// Starts a shard for each inbox of `hub`. Live frames begin at `tail`; what is older comes from `backlog`.
    pub fn start(
        config: &Config,
        hub: &Hub,
        tail: Offset,
        backlog: Arc<dyn Backlog>,
        clients: &Clients,
        metrics: &Metrics,
    ) -> std::io::Result<Self> {
        let present = Tracker::default();
        let catch_up = CatchUp::start(backlog, metrics.catch_ups.clone())?;
        let started = hub.inboxes().iter().enumerate().map(|(number, inbox)| {
            let parts = shard::Parts {
                number,
                config: config.clone(),
                inbox: inbox.clone(),
                tail,
                catch_up: catch_up.clone(),
                metrics: metrics.clone(),
                present: present.clone(),
                clients: clients.clone(),
            };
            shard::start(number, parts)
        });
        let (commands, arrivals): (Vec<_>, Vec<_>) = started.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let labels = Arc::new(config.labels.into());
        let (commands, arrivals) = (commands.into(), arrivals.into());
        Ok(Self { commands, arrivals, next: Arc::default(), present, catch_up, clients: clients.clone(), labels })
    }

    /// Where the last `count` events before `before` begin that a client is entitled to, as far back as it is reasonable
    /// to look. `None` when that cannot be found out now.
    pub async fn last(&self, stream: &Arc<Stream>, client: &Arc<Card>, count: u32, before: Offset) -> Option<Offset> {
        let (answer, answered) = oneshot::channel();
        let count = usize::try_from(count).ok()?;
        let last = Last { stream: stream.clone(), client: client.clone(), count, before, walked: 0, answer };
        self.walk(stream, Walk::Last(Box::new(last)))?;
        answered.await.ok()?
    }

    /// How many events, up to `most`, a client is entitled to between two places. `None` when that cannot be found out now.
    pub async fn count(
        &self,
        stream: &Arc<Stream>,
        client: &Arc<Card>,
        between: Range<Offset>,
        most: u64,
    ) -> Option<u64> {
        let (answer, answered) = oneshot::channel();
        let Range { start: from, end: until } = between;
        let count =
            Count { stream: stream.clone(), client: client.clone(), from, until, found: 0, most, walked: 0, answer };
        self.walk(stream, Walk::Count(Box::new(count)))?;
        answered.await.ok()?
    }

    /// Has somebody walk through the outbox: where filters choose, the one who asks them, for whom nobody else is to
    /// wait.
    fn walk(&self, stream: &Stream, walk: Walk) -> Option<()> {
        let taken = match &stream.chooser {
            Some(chooser) => chooser.walk(walk, self.catch_up.clone()),
            None => self.catch_up.ask(Request::Walk(walk)),
        };
        taken.then_some(())
    }

    /// Does to clients what is to be done to them. What is published after this has returned finds it done; what was
    /// published before, up to `behind`, they are given before it is. Blocks while a shard is behind with its commands.
    pub fn apply(&self, changes: Vec<Change>, behind: Offset) {
        for change in changes {
            if let Some((shard, command)) = self.command(change, behind) {
                // A shard that has stopped has no clients.
                let _ = self.commands[shard].blocking_send(command);
            }
        }
    }

    /// As `apply`, for those that must not block. Cancel safe but for what was not reached.
    pub async fn applied(&self, changes: Vec<Change>, behind: Offset) {
        for change in changes {
            if let Some((shard, command)) = self.command(change, behind) {
                let _ = self.commands[shard].send(command).await;
            }
        }
    }

    /// What a client's shard is to do about a change; `None` when the client is gone, or the change changes nothing.
    fn command(&self, change: Change, behind: Offset) -> Option<(usize, Command)> {
        let client = change.client();
        let (shard, what) = match change {
            Change::AddLabel { client, label } => {
                let (card, shard) = self.clients.add_label(client, label, self.labels.load(Ordering::Relaxed))?;
                (shard, Touch::Relabel(card))
            }
            Change::RemoveLabel { client, label } => {
                let (card, shard) = self.clients.remove_label(client, &label)?;
                (shard, Touch::Relabel(card))
            }
            Change::Disconnect { code, reason, .. } => (self.clients.shard(client)?, Touch::Close { code, reason }),
            Change::Pong { data, .. } => (self.clients.shard(client)?, Touch::Pong(data)),
        };
        Some((shard, Command::Touch { client, behind, what }))
    }

    /// Has every shard work by another configuration from now on. Blocks while a shard is behind with its commands.
    pub fn renew(&self, renewal: Renewal) {
        self.labels.store(renewal.config.labels, Ordering::Relaxed);
        let renewal = Arc::new(renewal);
        for shard in self.commands.iter() {
            // A shard that has stopped has no clients.
            let _ = shard.blocking_send(Command::Renew(renewal.clone()));
        }
    }

    /// Hands a client over. False when its shard has stopped, which happens at the very end only.
    pub fn join(&self, joining: Joining) -> bool {
        let shard = self.next.fetch_add(1, Ordering::Relaxed) % self.commands.len();
        let is_there = !self.commands[shard].is_closed();
        if is_there {
            self.arrivals[shard].add(joining);
        }
        is_there
    }

    /// The number of a shard that has not answered by then, behind all that it was asked before; none when all have.
    /// Cancel safe.
    pub async fn silent(&self, until: Instant) -> Option<usize> {
        for (number, commands) in self.commands.iter().enumerate() {
            let (answer, answered) = oneshot::channel();
            let beat = async { commands.send(Command::Beat(answer)).await.is_ok() && answered.await.is_ok() };
            if !timeout_at(until, beat).await.unwrap_or(false) {
                return Some(number);
            }
        }
        None
    }

    /// Tells every client 1001, and where to go on, and returns when all are gone. Those that join later are told so too.
    pub async fn drain(&self) {
        for shard in self.commands.iter() {
            // A shard that has stopped has no clients.
            let _ = shard.send(Command::Drain).await;
        }
        self.present.idle().await;
    }
}

#[cfg(test)]
mod tests;
