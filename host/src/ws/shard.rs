//! One shard: a thread, a loop, the clients it owns. Single-threaded throughout, so nothing in it is locked.

use super::beat::{GOODBYE, TICK, beat};
use super::catch_up::{CatchUp, Piece, Request};
use super::client::{Client, Sent, Standing};
use super::farewell;
use super::session::{self, Ears, Heard};
use super::socket::{Line, Socket};
use super::{Config, Joining, Slow, Transport};
use crate::hub::{Frame, Inbox, Ring};
use crate::message::{ClientId, Offset};
use crate::metrics::{CloseLabels, CloseReason, Metrics, PerStream};
use crate::task::{self, Guard, Tracker};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What others ask of a shard.
pub enum Command {
    Join(Box<Joining>),
    /// What a client missed, as it asked; `None` when it cannot be read.
    Missed {
        client: ClientId,
        piece: Option<Arc<Piece>>,
    },
    /// Say goodbye to everybody, and to everybody who comes.
    Drain,
}

pub struct Parts {
    pub config: Config,
    pub inbox: Arc<Inbox>,
    pub tail: Offset,
    pub catch_up: CatchUp,
    pub metrics: Metrics,
    pub clients: Tracker,
}

pub struct Shard {
    pub parts: Parts,
    /// To be answered through.
    commands: mpsc::WeakSender<Command>,
    pub ring: Ring,
    pub clients: HashMap<ClientId, Seat>,
    /// Who is due for a ping when; each queue holds one interval, so each is in order.
    pub heartbeats: BTreeMap<Duration, VecDeque<(Instant, ClientId)>>,
    pub goodbyes: VecDeque<(Instant, ClientId)>,
    draining: bool,
    scratch: Vec<u8>,
    sent: Sent,
}

/// A client and what goes when it goes.
pub struct Seat {
    pub client: Client,
    listener: AbortHandle,
    /// Waits for the socket to take more. It holds the socket too.
    waiter: Option<AbortHandle>,
    _permit: Box<dyn Send>,
    _counted: Guard,
}

pub type Shared = Rc<RefCell<Shard>>;

/// Starts a shard's thread. It ends when every sender of its commands is gone.
pub fn start(number: usize, parts: Parts) -> io::Result<mpsc::Sender<Command>> {
    let (sender, receiver) = mpsc::channel(1024);
    let commands = sender.downgrade();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    task::thread(&format!("shard-{number}"), move || {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, run(parts, commands, receiver));
    })?;
    Ok(sender)
}

async fn run(parts: Parts, commands: mpsc::WeakSender<Command>, mut receiver: mpsc::Receiver<Command>) {
    let inbox = parts.inbox.clone();
    let shard: Shared = Rc::new(RefCell::new(Shard {
        ring: Ring::new(parts.tail, parts.config.ring),
        parts,
        commands,
        clients: HashMap::new(),
        heartbeats: BTreeMap::new(),
        goodbyes: VecDeque::new(),
        draining: false,
        scratch: Vec::new(),
        sent: Sent::default(),
    }));
    let mut taken = VecDeque::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = inbox.arrived() => {
                // What arrives while the clients are walked is taken by the next turn of this loop, all at once; in
                // between the others have theirs.
                if inbox.take(&mut taken) {
                    pump_all(&shard, &mut taken);
                    tokio::task::yield_now().await;
                }
            }
            command = receiver.recv() => match command {
                Some(Command::Join(joining)) => join(&shard, *joining),
                Some(Command::Missed { client, piece }) => missed(&shard, client, piece.as_deref()),
                Some(Command::Drain) => {
                    // What was decided before goes out before.
                    inbox.take(&mut taken);
                    pump_all(&shard, &mut taken);
                    drain(&shard);
                }
                None => break,
            },
            _ = tick.tick() => beat(&shard, Instant::now()),
        }
    }
}

/// Takes new frames into the ring and gives every client what it lacks.
fn pump_all(shared: &Shared, taken: &mut VecDeque<Arc<Frame>>) {
    let mut shard = shared.borrow_mut();
    for frame in taken.drain(..) {
        shard.ring.push(frame);
    }
    let Shard { ring, clients, scratch, sent, .. } = &mut *shard;
    let mut notable = Vec::new();
    for (id, seat) in clients {
        let client = &mut seat.client;
        // One that waits is looked at when what it waits for has come.
        if client.blocked || client.fetching {
            continue;
        }
        match client.pump(ring, scratch, sent) {
            Ok(Standing::Live) => {}
            standing => notable.push((*id, standing)),
        }
    }
    shard.count();
    for (id, standing) in notable {
        settle(shared, &mut shard, id, standing);
    }
}

/// Gives one client what it lacks.
pub fn pump_one(shared: &Shared, shard: &mut Shard, id: ClientId) {
    let Shard { ring, clients, scratch, sent, .. } = &mut *shard;
    let Some(seat) = clients.get_mut(&id) else { return };
    let client = &mut seat.client;
    if client.blocked {
        return;
    }
    let standing = if client.fetching && client.closing.is_none() {
        // Only what is for it alone; the rest is on its way from the disk.
        client.flush(scratch, sent).map(|all| if all { Standing::Live } else { Standing::Full })
    } else {
        client.pump(ring, scratch, sent)
    };
    shard.count();
    settle(shared, shard, id, standing);
}

/// What follows from how a client stands.
fn settle(shared: &Shared, shard: &mut Shard, id: ClientId, standing: io::Result<Standing>) {
    let Some(seat) = shard.clients.get_mut(&id) else { return };
    match standing {
        Ok(Standing::Live) => {}
        Ok(Standing::Full) => {
            seat.client.blocked = true;
            let (shared, line) = (shared.clone(), seat.client.socket.line().clone());
            // The only task that waits for a socket to take more, and only while one does not.
            seat.waiter = Some(task::local(async move {
                let writable = line.writable().await;
                let mut shard = shared.borrow_mut();
                if let Some(seat) = shard.clients.get_mut(&id) {
                    seat.waiter = None;
                    seat.client.blocked = false;
                    match writable {
                        Ok(()) => pump_one(&shared, &mut shard, id),
                        Err(_) => shard.remove(id, CloseReason::Broken),
                    }
                }
            }));
        }
        Ok(Standing::Behind(from)) => match seat.client.stream.slow {
            // One that comes back is fed what it missed all the same, and one that took all it was given is not slow.
            Slow::Disconnect if seat.client.is_live() && seat.client.stuck => {
                shard.goodbye(id, CloseReason::TooSlow);
                pump_one(shared, shard, id);
            }
            Slow::Disconnect | Slow::CatchUp => {
                let Some(answer) = shard.commands.upgrade() else { return };
                let request = Request::Piece { client: id, from, answer };
                seat.client.fetching = shard.parts.catch_up.ask(request);
            }
        },
        Err(_) => shard.remove(id, CloseReason::Broken),
    }
}

/// Gives a client what it asked of the outbox.
fn missed(shared: &Shared, id: ClientId, piece: Option<&Piece>) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let Some(seat) = shard.clients.get_mut(&id) else { return };
    seat.client.fetching = false;
    if seat.client.blocked {
        // It asks again when it can take something.
        return;
    }
    let was_closing = seat.client.closing.is_some();
    let standing = seat.client.take(piece, &mut shard.scratch, &mut shard.sent);
    if !was_closing && seat.client.closing.is_some() {
        shard.goodbyes.push_back((Instant::now() + GOODBYE, id));
    }
    shard.count();
    if matches!(standing, Ok(Standing::Live)) {
        pump_one(shared, shard, id);
    } else {
        settle(shared, shard, id, standing);
    }
}

fn join(shared: &Shared, joining: Joining) {
    let Joining { who, transport, early, permit } = joining;
    let (line, tls) = match transport {
        Transport::Tcp { tcp, tls } => {
            let Ok(tcp) = TcpStream::from_std(tcp) else { return };
            (Line::Tcp(Rc::new(tcp)), tls)
        }
        Transport::Pipe(pipe) => (Line::Pipe(Rc::new(pipe)), None),
    };
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let (id, heartbeat, now) = (who.id, who.stream.heartbeat, Instant::now());
    let ears = Ears::new(who.manner, early, shard.parts.config.client_message);
    // What waits was there before it too.
    let live_from = shard.parts.inbox.end().unwrap_or(shard.ring.end());
    let client = Client::new(who, Socket::new(line.clone(), tls), ears, live_from, now);
    shard.parts.metrics.clients.get_or_create(&PerStream { stream: client.stream.name.clone() }).inc();
    let listener = task::local(listen(shared.clone(), line, id));
    let counted = shard.parts.clients.begin();
    shard.clients.insert(id, Seat { client, listener, waiter: None, _permit: permit, _counted: counted });
    shard.heartbeats.entry(heartbeat).or_default().push_back((now + heartbeat, id));
    if shard.draining {
        shard.goodbye(id, CloseReason::Draining);
    }
    pump_one(shared, shard, id);
}

/// Waits for what a client says, and nothing else.
async fn listen(shared: Shared, line: Line, id: ClientId) {
    loop {
        // First of all what came with its handshake, then whenever there is more. What TLS has already read is not seen
        // by a wait for the socket.
        match hear(&shared, id) {
            Heard::Gone(_) => return,
            Heard::More => tokio::task::yield_now().await,
            Heard::All => {
                if line.readable().await.is_err() {
                    return shared.borrow_mut().remove(id, CloseReason::Broken);
                }
            }
        }
    }
}

/// Reads one client.
fn hear(shared: &Shared, id: ClientId) -> Heard {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let Some(seat) = shard.clients.get_mut(&id) else { return Heard::Gone(CloseReason::Broken) };
    let was_closing = seat.client.closing.is_some();
    let heard = session::read(&mut seat.client, &shard.parts.config, Instant::now());
    if let Heard::Gone(reason) = heard {
        shard.remove(id, reason);
        return heard;
    }
    if !was_closing && seat.client.closing.is_some() {
        shard.goodbyes.push_back((Instant::now() + GOODBYE, id));
    }
    if !seat.client.control.is_empty() || seat.client.closing.is_some() {
        pump_one(shared, shard, id);
    }
    if shard.clients.contains_key(&id) { heard } else { Heard::Gone(CloseReason::Broken) }
}

fn drain(shared: &Shared) {
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    shard.draining = true;
    let all: Vec<ClientId> = shard.clients.keys().copied().collect();
    for id in all {
        shard.goodbye(id, CloseReason::Draining);
        pump_one(shared, shard, id);
    }
}

impl Shard {
    pub fn goodbye(&mut self, id: ClientId, reason: CloseReason) {
        if let Some(seat) = self.clients.get_mut(&id) {
            farewell::goodbye(&mut seat.client, reason, false);
            self.goodbyes.push_back((Instant::now() + GOODBYE, id));
        }
    }

    pub fn remove(&mut self, id: ClientId, reason: CloseReason) {
        let Some(seat) = self.clients.remove(&id) else { return };
        seat.listener.abort();
        if let Some(waiter) = seat.waiter {
            waiter.abort();
        }
        let stream = seat.client.stream.name.clone();
        self.parts.metrics.clients.get_or_create(&PerStream { stream: stream.clone() }).dec();
        self.parts.metrics.closes.get_or_create(&CloseLabels { stream, reason }).inc();
    }

    /// Adds up what was sent since the last time.
    fn count(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        if sent.bytes > 0 {
            self.parts.metrics.frames_sent.inc_by(sent.frames);
            self.parts.metrics.bytes_sent.inc_by(sent.bytes);
        }
    }
}
