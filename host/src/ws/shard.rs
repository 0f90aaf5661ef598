//! One shard: a thread, a loop, the clients it owns. Single-threaded throughout, so nothing in it is locked.

mod fan;
mod index;
mod one;
mod poller;
mod seats;
#[cfg_attr(not(target_os = "linux"), path = "shard/no_uring.rs")]
mod uring;

pub use one::pump_one;

use super::beat::{GOODBYE, TICK, beat};
use super::catch_up::{CatchUp, Piece};
use super::choose::{Chosen, Questions};
use super::client::{Client, Sent};
use super::farewell;
use super::listening;
use super::renew::{self, Renewal};
use super::said::{self, What};
use super::socket::{Line, Socket};
use super::standing::Look;
use super::{Config, Joining, Stream, Transport};
use crate::clients::Clients;
use crate::hub::{Frame, Inbox, Ring};
use crate::message::{Card, ClientId, Offset, Timestamp};
use crate::metrics::{CloseLabels, CloseReason, Metrics, PerStream};
use crate::task::{self, Guard, Tracker};
use fan::{Joined, pump_all};
use mio::Registry;
use mio::net::TcpStream;
use one::{learn, missed, touch, unblock};
use poller::{Poller, Ready};
use seats::{Place, Seats};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use uring::Uring;

/// What others ask of a shard.
pub enum Command {
    Join(Box<Joining>),
    /// What a client missed, as it asked; `None` when it cannot be read.
    Missed {
        client: ClientId,
        piece: Option<Arc<Piece>>,
    },
    /// What was answered of an event that some clients come to next.
    Chosen(Chosen),
    /// Something is done to a client, when it was given what was published before `behind`.
    Touch {
        client: ClientId,
        behind: Offset,
        what: Touch,
    },
    /// Work by this from now on.
    Renew(Arc<Renewal>),
    /// An operator asks how clients stand.
    Look(Look),
    /// Say goodbye to everybody, and to everybody who comes.
    Drain,
    /// Somebody wants to know whether the loop still turns.
    Beat(oneshot::Sender<()>),
}

/// What a filter or an operator does to a client.
pub enum Touch {
    /// Its labels have changed.
    Relabel(Arc<Card>),
    Close {
        code: u16,
        reason: String,
    },
    /// The answer to its ping.
    Pong(Vec<u8>),
}

pub struct Parts {
    pub config: Config,
    /// Which shard it is.
    pub number: usize,
    pub inbox: Arc<Inbox>,
    pub tail: Offset,
    pub catch_up: CatchUp,
    pub metrics: Metrics,
    pub present: Tracker,
    pub clients: Clients,
}

pub struct Shard {
    pub parts: Parts,
    /// To be answered through.
    commands: mpsc::WeakSender<Command>,
    pub ring: Ring,
    pub clients: Seats,
    /// Where their sockets are registered.
    registry: Registry,
    /// Who is due for a ping when; each queue holds one interval, so each is in order.
    pub heartbeats: BTreeMap<Duration, VecDeque<(Instant, ClientId)>>,
    pub goodbyes: VecDeque<(Instant, ClientId)>,
    /// When whose token expires.
    pub expiries: BTreeSet<(Timestamp, ClientId)>,
    /// Frames that are taken out of the inbox and not in the ring yet.
    coming: VecDeque<Arc<Frame>>,
    /// Frames were taken out of the inbox for one client, and the others are still to be given them.
    ahead: bool,
    /// Who may have said more than was read in a turn.
    pub unread: Vec<ClientId>,
    /// For whom there was no room before a chooser: they ask again at the next beat.
    pub unasked: Vec<ClientId>,
    /// What it works by, if that is not what it began with.
    pub renewal: Option<Arc<Renewal>>,
    /// How often the clock was looked at.
    pub beats: u32,
    draining: bool,
    scratch: Vec<u8>,
    joined: Joined,
    uring: Option<Uring>,
    sent: Sent,
}

/// A client and what goes when it goes.
pub struct Seat {
    pub client: Client,
    place: Place,
    /// Has heard what the client says, or for a pipe waits for that too.
    pub listener: Option<AbortHandle>,
    /// Waits for a pipe to take more. It holds the pipe too.
    waiter: Option<AbortHandle>,
    /// Whoever wants to hear what becomes of it has heard of it.
    pub announced: bool,
    expires: Option<Timestamp>,
    permit: Box<dyn Send>,
    counted: Guard,
}

pub type Shared = Rc<RefCell<Shard>>;

/// Starts a shard's thread. It ends when every sender of its commands is gone.
pub fn start(number: usize, parts: Parts) -> io::Result<mpsc::Sender<Command>> {
    let (sender, receiver) = mpsc::channel(1024);
    let commands = sender.downgrade();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let poller = {
        let _guard = runtime.enter();
        Poller::new()?
    };
    let registry = poller.registry()?;
    let uring = if parts.config.io_uring { uring(number) } else { None };
    task::thread(&format!("shard-{number}"), move || {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, run(parts, (commands, registry, uring), receiver, poller));
    })?;
    Ok(sender)
}

fn uring(shard: usize) -> Option<Uring> {
    let uring = Uring::new();
    if let (0, Err(error)) = (shard, &uring) {
        tracing::warn!(%error, "the kernel does not let this process have io_uring: clients are fed without it");
    }
    uring.ok()
}

async fn run(
    parts: Parts,
    (commands, registry, uring): (mpsc::WeakSender<Command>, Registry, Option<Uring>),
    mut receiver: mpsc::Receiver<Command>,
    mut poller: Poller,
) {
    let inbox = parts.inbox.clone();
    let shard: Shared = Rc::new(RefCell::new(Shard {
        ring: Ring::new(parts.tail, parts.config.ring),
        parts,
        commands,
        clients: Seats::default(),
        registry,
        heartbeats: BTreeMap::new(),
        goodbyes: VecDeque::new(),
        expiries: BTreeSet::new(),
        coming: VecDeque::new(),
        ahead: false,
        unread: Vec::new(),
        unasked: Vec::new(),
        renewal: None,
        beats: 0,
        draining: false,
        scratch: Vec::new(),
        joined: Joined::default(),
        uring,
        sent: Sent::default(),
    }));
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut ready = Vec::new();
    loop {
        let unread = !shard.borrow().unread.is_empty();
        tokio::select! {
            () = inbox.arrived() => {
                // What arrives while the clients are walked is taken by the next turn of this loop, all at once; in
                // between the others have theirs.
                let any = inbox.take(&mut shard.borrow_mut().coming);
                if any {
                    // What was done to clients before these were published is done before any of them is given these.
                    for _ in 0..receiver.len() {
                        if let Ok(command) = receiver.try_recv() {
                            obey(&shard, &inbox, command);
                        }
                    }
                    pump_all(&shard);
                    tokio::task::yield_now().await;
                }
            }
            command = receiver.recv() => match command {
                Some(command) => {
                    obey(&shard, &inbox, command);
                    // What was taken out of the inbox for one client is for all.
                    let any = std::mem::take(&mut shard.borrow_mut().ahead);
                    if any {
                        pump_all(&shard);
                    }
                }
                None => break,
            },
            looked = poller.ready(&mut ready) => {
                if let Err(error) = looked {
                    tracing::error!(%error, "failed to look at the sockets of clients, trying again");
                    tokio::time::sleep(TICK).await;
                }
                ready.drain(..).for_each(|ready| attend(&shard, ready));
            }
            () = tokio::task::yield_now(), if unread => {
                let unread = std::mem::take(&mut shard.borrow_mut().unread);
                unread.into_iter().for_each(|id| listening::read(&shard, id));
            }
            _ = tick.tick() => beat(&shard, Instant::now()),
        }
    }
}

/// Does what can be done with a socket.
fn attend(shared: &Shared, Ready { slot, readable, writable }: Ready) {
    // One that is gone since may have been followed by another, which has nothing to read: no harm is done.
    let Some(id) = shared.borrow().clients.id(slot) else { return };
    if writable {
        unblock(shared, id);
    }
    if readable {
        listening::read(shared, id);
    }
}

fn obey(shared: &Shared, inbox: &Inbox, command: Command) {
    match command {
        Command::Join(joining) => join(shared, *joining),
        Command::Missed { client, piece } => missed(shared, client, piece.as_deref()),
        Command::Chosen(chosen) => learn(shared, &chosen),
        Command::Touch { client, behind, what } => touch(shared, inbox, client, behind, what),
        Command::Renew(renewal) => renew::renew(shared, &renewal),
        Command::Look(look) => look.at(&shared.borrow()),
        Command::Drain => {
            // What was decided before goes out before.
            pump_all(shared);
            inbox.take(&mut shared.borrow_mut().coming);
            pump_all(shared);
            drain(shared);
        }
        // Whoever asked may have had enough.
        Command::Beat(answer) => drop(answer.send(())),
    }
}

fn join(shared: &Shared, joining: Joining) {
    let Joining { who, transport, early, permit } = joining;
    let slot = shared.borrow().clients.next();
    let (line, tls) = match transport {
        Transport::Tcp { tcp, tls } => {
            let mut tcp = TcpStream::from_std(tcp);
            if let Err(error) = poller::register(&shared.borrow().registry, &mut tcp, slot) {
                tracing::error!(%error, "failed to watch the socket of a client, it is closed");
                return;
            }
            (Line::Tcp(Rc::new(tcp)), tls)
        }
        Transport::Pipe(pipe) => (Line::Pipe(Rc::new(pipe)), None),
    };
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let (card, now) = (who.card.clone(), Instant::now());
    let (id, heartbeat) = (card.id, who.stream.heartbeat);
    let expires = who.expires;
    shard.expiries.extend(expires.map(|expires| (expires, id)));
    let said = (early, shard.parts.config.client_message);
    // What waits was there before it too.
    let coming = shard.coming.back().map(|frame| Offset(frame.offset().0 + 1));
    let live_from = shard.parts.inbox.end().or(coming).unwrap_or(shard.ring.end());
    let client = Client::new(who, Socket::new(line, tls), said, live_from, now);
    shard.parts.metrics.clients.get_or_create(&PerStream { stream: client.stream.name.clone() }).inc();
    shard.parts.clients.join(card, shard.parts.number);
    let counted = shard.parts.present.begin();
    let (place, listener, waiter) = (Place::Stray { at: 0 }, None, None);
    shard.clients.insert(id, Seat { client, place, listener, waiter, announced: false, expires, permit, counted });
    shard.heartbeats.entry(heartbeat).or_default().push_back((now + heartbeat, id));
    // It was let in by what was so then.
    renew::take_up(shard, id);
    if shard.draining {
        shard.goodbye(id, CloseReason::Draining);
    }
    pump_one(shared, shard, id);
    drop(guard);
    listening::begin(shared, id);
}

fn drain(shared: &Shared) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    shard.draining = true;
    for id in shard.clients.ids() {
        shard.goodbye(id, CloseReason::Draining);
        pump_one(shared, shard, id);
    }
}

impl Shard {
    pub fn goodbye(&mut self, id: ClientId, reason: CloseReason) {
        if let Some(seat) = self.clients.reach(id) {
            farewell::goodbye(&mut seat.client, reason, false);
            self.goodbyes.push_back((Instant::now() + GOODBYE, id));
        }
    }

    /// Closes a client with a code and words of somebody's own.
    fn close(&mut self, id: ClientId, code: u16, reason: &str) {
        if let Some(seat) = self.clients.reach(id) {
            let code = CloseCode::from(code);
            farewell::goodbye_with(&mut seat.client, CloseReason::Disconnected, code, Some(reason), false);
            self.goodbyes.push_back((Instant::now() + GOODBYE, id));
        }
    }

    /// Asks what clients want to know of what they come to next in the ring, all of one stream together.
    pub fn ask(&mut self, ids: Vec<ClientId>) {
        let mut questions: Vec<(Arc<Stream>, Questions)> = Vec::new();
        for id in ids {
            let Some(client) = self.clients.reach(id).map(|seat| &mut seat.client) else { continue };
            let Some(frames) = self.ring.since(client.cursor().offset) else { continue };
            let known = questions.iter().position(|(stream, _)| Arc::ptr_eq(stream, &client.stream));
            let index = known.unwrap_or_else(|| {
                questions.push((client.stream.clone(), Questions::default()));
                questions.len() - 1
            });
            client.question(frames, &mut questions[index].1);
        }
        questions.into_iter().for_each(|(stream, questions)| self.put(&stream, questions));
    }

    /// Asks what one client wants to know of what was read for it.
    fn ask_of<'a>(&mut self, id: ClientId, frames: impl Iterator<Item = &'a Arc<Frame>>) {
        let Some(client) = self.clients.reach(id).map(|seat| &mut seat.client) else { return };
        let mut questions = Questions::default();
        client.question(frames, &mut questions);
        let stream = client.stream.clone();
        self.put(&stream, questions);
    }

    fn put(&mut self, stream: &Stream, questions: Questions) {
        if let (Some(chooser), Some(answer)) = (&stream.chooser, self.commands.upgrade()) {
            self.unasked.extend(questions.ask(chooser, &answer));
        }
    }

    pub fn remove(&mut self, id: ClientId, reason: CloseReason) {
        let Some(seat) = self.clients.remove(id) else { return };
        self.parts.clients.leave(id);
        seat.listener.iter().chain(&seat.waiter).for_each(AbortHandle::abort);
        if let Some(expires) = seat.expires {
            self.expiries.remove(&(expires, id));
        }
        let stream = seat.client.stream.name.clone();
        self.parts.metrics.clients.get_or_create(&PerStream { stream: stream.clone() }).dec();
        self.parts.metrics.closes.get_or_create(&CloseLabels { stream, reason }).inc();
        let Seat { client, announced, permit, counted, .. } = *seat;
        let hearing = client.stream.hearing.as_ref().filter(|hearing| announced && hearing.kinds.disconnect);
        if let Some(hearing) = hearing {
            let (listener, card) = (hearing.listener(id), client.card);
            let why = (reason != CloseReason::ByClient).then(|| reason.name().to_owned());
            // The connection is gone, and counts until that was heard.
            task::local(async move {
                said::tell(&listener, card, What::Disconnect(why)).await;
                drop((permit, counted));
            });
        }
    }

    /// Adds up what was sent since the last time.
    fn count(&mut self) {
        let (frames, bytes) = (std::mem::take(&mut self.sent.frames), std::mem::take(&mut self.sent.bytes));
        if bytes > 0 {
            self.parts.metrics.frames_sent.inc_by(frames);
            self.parts.metrics.bytes_sent.inc_by(bytes);
        }
        self.sent.reach.report(&self.parts.metrics.journeys);
    }
}
