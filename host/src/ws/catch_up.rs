//! Reading the outbox for clients that fell out of the ring: two threads for all of them, one bounded piece at a time,
//! each in turn. A client asks again when it has taken its piece, so one that takes nothing costs nothing.

use super::choose::{Choose, Everybody};
use super::client::{Client, Sent, Standing};
use super::count::Count;
use super::encode::Form;
use super::farewell::goodbye;
use super::last::{Last, Step};
use super::shard::Command;
use crate::hub::Frame;
use crate::message::{ClientId, Gap, Offset};
use crate::metrics::CloseReason;
use crate::task;
use prometheus_client::metrics::counter::Counter;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use tokio::sync::mpsc;

/// The outbox, as far as clients need it.
pub trait Backlog: Send + Sync {
    /// What is there from an offset on: a bounded piece. `None` when it cannot be read.
    fn read(&self, from: Offset) -> Option<Piece>;
    /// An offset some hundred kilobytes before `from`; `None` when there is nothing before it.
    fn back(&self, from: Offset) -> Option<Offset>;
}

/// A piece of the outbox.
pub struct Piece {
    pub frames: Vec<Arc<Frame>>,
    /// What is missing before `frames`, or before `next` if there are none.
    pub gap: Option<Gap>,
    /// Where to read on.
    pub next: Offset,
}

/// How many read at once: one that waits for the disk does not hold up those whose piece is in memory.
const READERS: usize = 2;

/// A client asks once at a time. One that finds no room asks again when it is next looked at.
const WAITING: usize = 100_000;

/// Clones are the same. The threads end with the last of them.
#[derive(Clone)]
pub struct CatchUp(Arc<Handle>);

struct Handle(Arc<Queue>);

pub enum Request {
    /// What `client` lacks from `from` on.
    Piece {
        client: ClientId,
        from: Offset,
        answer: mpsc::Sender<Command>,
    },
    Walk(Walk),
}

/// A walk through the outbox on behalf of somebody who is about to connect, a piece at a time.
pub enum Walk {
    /// To where the last events begin that are for him.
    Last(Box<Last>),
    /// Between two places, counting the events that are for him.
    Count(Box<Count>),
}

struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// What was read last, and from where: those who fell behind together ask for the same.
    last: Mutex<Option<Read>>,
    backlog: Arc<dyn Backlog>,
    reads: Counter,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    ended: bool,
}

#[derive(Clone)]
struct Read {
    from: Offset,
    piece: Arc<Piece>,
}

impl CatchUp {
    pub fn start(backlog: Arc<dyn Backlog>, reads: Counter) -> io::Result<Self> {
        let queue =
            Queue { waiting: Mutex::default(), arrived: Condvar::new(), last: Mutex::default(), backlog, reads };
        let handle = Self(Arc::new(Handle(Arc::new(queue))));
        for number in 0..READERS {
            let queue = handle.0.0.clone();
            task::thread(&format!("catch-up-{number}"), move || queue.serve())?;
        }
        Ok(handle)
    }

    /// False when too many wait already.
    pub fn ask(&self, request: Request) -> bool {
        self.0.0.put(request, WAITING)
    }

    /// Walks through the outbox on the caller's thread, asking `choose`, to the end of what was asked.
    pub fn walk(&self, mut walk: Walk, choose: &dyn Choose) {
        while let Some(further) = self.0.0.step(walk, choose) {
            walk = further;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.waiting.lock().expect("no holder of this lock panics").ended = true;
        self.0.arrived.notify_all();
    }
}

impl Queue {
    fn put(&self, request: Request, room: usize) -> bool {
        let mut waiting = self.waiting.lock().expect("no holder of this lock panics");
        if waiting.requests.len() >= room {
            return false;
        }
        waiting.requests.push_back(request);
        drop(waiting);
        self.arrived.notify_one();
        true
    }

    /// The next request; `None` at the end.
    fn take(&self) -> Option<Request> {
        let waiting = self.waiting.lock().expect("no holder of this lock panics");
        let idle = |waiting: &mut Waiting| waiting.requests.is_empty() && !waiting.ended;
        let mut waiting = self.arrived.wait_while(waiting, idle).expect("no holder of this lock panics");
        if waiting.ended { None } else { waiting.requests.pop_front() }
    }

    fn serve(&self) {
        while let Some(request) = self.take() {
            match request {
                Request::Piece { client, from, answer } => {
                    let piece = self.piece(from);
                    // A shard that has stopped needs no answer.
                    let _ = answer.blocking_send(Command::Missed { client, piece });
                }
                // Behind the others; its place among those that wait it has had all along.
                Request::Walk(walk) => {
                    if let Some(further) = self.step(walk, &Everybody) {
                        self.put(Request::Walk(further), usize::MAX);
                    }
                }
            }
        }
    }

    /// One step of a walk through the outbox; gives it back when there is more to walk.
    fn step(&self, walk: Walk, choose: &dyn Choose) -> Option<Walk> {
        match walk {
            Walk::Last(last) => match last.step(|from| self.piece(from), |from| self.backlog.back(from), choose) {
                Step::Done => None,
                Step::Further(last) => Some(Walk::Last(last)),
            },
            Walk::Count(count) => count.step(|from| self.piece(from), choose).map(Walk::Count),
        }
    }

    fn piece(&self, from: Offset) -> Option<Arc<Piece>> {
        let known = self.last.lock().expect("no holder of this lock panics").clone();
        if let Some(read) = known.filter(|read| read.has(from)) {
            return Some(read.piece);
        }
        self.reads.inc();
        let piece = Arc::new(self.backlog.read(from)?);
        *self.last.lock().expect("no holder of this lock panics") = Some(Read { from, piece: piece.clone() });
        Some(piece)
    }
}

impl Read {
    /// Whether there is something in it for one that stands at `from`, and nothing missing before it.
    fn has(&self, from: Offset) -> bool {
        self.from <= from && from < self.piece.next
    }
}

impl Client {
    /// Takes as much as it can of the piece it asked for. What cannot be read, or cannot be told, ends the connection:
    /// to go on would be to leave something out without a word.
    pub fn take(&mut self, piece: Option<&Piece>, scratch: &mut Vec<u8>, sent: &mut Sent) -> io::Result<Standing> {
        if self.closing.is_some() {
            // Behind a goodbye nothing is said.
            return Ok(Standing::Live);
        }
        let Some(piece) = piece else {
            goodbye(self, CloseReason::Fault, false);
            return Ok(Standing::Live);
        };
        let from = self.cursor();
        // One that is behind the gap already has it from a piece that was read for another.
        if let Some(gap) = piece.gap.filter(|gap| from.offset < gap.to.offset) {
            if self.manner.form == Form::Raw {
                goodbye(self, CloseReason::TooSlow, false);
                return Ok(Standing::Live);
            }
            self.tell_gap(Gap { from, ..gap });
        }
        let end = piece.frames.last().map(|frame| frame.entry.cursor());
        let standing = self.give(piece.frames.iter(), end, scratch, sent)?;
        if standing == Standing::Live && self.closing.is_none() {
            self.skip_to(piece.next);
            if self.cursor() == from {
                goodbye(self, CloseReason::Fault, false);
            }
        }
        Ok(standing)
    }
}
