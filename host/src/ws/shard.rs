//! One shard: a thread, a loop (`turn`), the clients it owns. Single-threaded throughout, so nothing in it is locked.

mod fan;
mod index;
mod one;
pub mod poller;
mod seats;
mod turn;
#[cfg_attr(not(target_os = "linux"), path = "shard/no_uring.rs")]
mod uring;

pub use one::pump_one;
pub use turn::start;

use super::arrivals::{Arrival, Arrivals};
use super::beat::GOODBYE;
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
use fan::Joined;
use mio::Registry;
use mio::net::TcpStream;
use seats::{Place, Seats};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use uring::Uring;

/// What others ask of a shard.
pub enum Command {
    /// What a client missed, as it asked; `None` when it cannot be read.
    Missed { client: ClientId, piece: Option<Arc<Piece>> },
    /// What was answered of an event that some clients come to next.
    Chosen(Chosen),
    /// Something is done to a client, when it was given what was published before `behind`.
    Touch { client: ClientId, behind: Offset, what: Touch },
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
    /// Where their sockets are watched.
    registry: Registry,
    arrivals: Arc<Arrivals>,
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
    /// Its socket tells when it has room, since it had none once.
    watched: bool,
    /// Whoever wants to hear what becomes of it has heard of it.
    pub announced: bool,
    expires: Option<Timestamp>,
    permit: Box<dyn Send>,
    counted: Guard,
}

pub type Shared = Rc<RefCell<Shard>>;

/// Takes in those who have come.
fn welcome(shared: &Shared) {
    let arrivals = {
        let shard = shared.borrow();
        shard.arrivals.take(shard.seen(), shard.draining, shard.clients.is_empty())
    };
    arrivals.into_iter().for_each(|arrival| join(shared, arrival));
}

fn join(shared: &Shared, Arrival { joining, live_from, counted }: Arrival) {
    let Joining { who, transport, early, permit } = joining;
    let (line, tls) = match transport {
        Transport::Tcp { tcp, tls } => (Line::Tcp(TcpStream::from_std(tcp)), tls),
        Transport::Pipe(pipe) => (Line::Pipe(Rc::new(pipe)), None),
    };
    let mut guard = shared.borrow_mut();
    let shard = &mut *guard;
    let now = Instant::now();
    let (id, heartbeat) = (who.card.id, who.stream.heartbeat);
    let expires = who.expires;
    shard.expiries.extend(expires.map(|expires| (expires, id)));
    let said = (early, shard.parts.config.client_message);
    let live_from = live_from.unwrap_or_else(|| shard.published());
    let client = Client::new(who, Socket::new(line, tls), said, live_from, now);
    let (place, listener, waiter) = (Place::Stray { at: 0 }, None, None);
    let (watched, announced) = (false, false);
    shard.clients.insert(id, Seat { client, place, listener, waiter, watched, announced, expires, permit, counted });
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
    /// Behind what it has taken out of its inbox.
    fn seen(&self) -> Offset {
        self.coming.back().map_or(self.ring.end(), |frame| Offset(frame.offset().0 + 1))
    }

    /// Behind what was published, whether it has taken that out of its inbox or not.
    pub fn published(&self) -> Offset {
        self.parts.inbox.end().unwrap_or(self.seen())
    }

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
