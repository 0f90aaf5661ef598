//! Which of the clients that an event is for get it, where a stream has filters that choose.
//!
//! A shard asks for what its clients come to next, and goes on; a client waits at the first event of which its answer is
//! not there, as one waits that reads from disk. The answers are kept with the client, for as long as it has not passed
//! those events and its card is the one they were given for.

use super::catch_up::{CatchUp, Walk};
use super::shard::Command;
use crate::hub::Frame;
use crate::message::{Card, ClientId, Offset};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use tokio::sync::mpsc;

/// How many events ahead a client asks for.
pub const AHEAD: usize = 64;

/// Asks filters. Blocks as long as their calls take.
pub trait Choose {
    /// Which of `clients`, in their order, get an event. `None` when that cannot be known now.
    fn choose(&self, frame: &Arc<Frame>, clients: &[Arc<Card>]) -> Option<Vec<bool>>;

    fn one(&self, frame: &Arc<Frame>, client: &Arc<Card>) -> Option<bool> {
        self.choose(frame, std::slice::from_ref(client))?.first().copied()
    }
}

/// No filters: everybody gets it.
pub struct Everybody;

impl Choose for Everybody {
    fn choose(&self, _: &Arc<Frame>, clients: &[Arc<Card>]) -> Option<Vec<bool>> {
        Some(vec![true; clients.len()])
    }
}

/// What somebody who asks filters has to do.
pub enum Task {
    /// For a shard: one event, and clients whom it is for.
    Choose { frame: Arc<Frame>, clients: Vec<Arc<Card>>, answer: mpsc::Sender<Command> },
    /// For somebody who connects.
    Walk { walk: Walk, catch_up: CatchUp },
}

/// Where it is asked: a bounded queue before a thread that runs [`serve`].
#[derive(Clone, Debug)]
pub struct Chooser {
    queue: SyncSender<Task>,
    /// Gone when nobody asks any more.
    _asking: Arc<()>,
}

/// What was answered of one event. `None`: it could not be known, and is to be asked again.
pub struct Chosen {
    pub offset: Offset,
    pub clients: Vec<(Arc<Card>, Option<bool>)>,
}

impl Chooser {
    pub fn new(queue: SyncSender<Task>, asking: Arc<()>) -> Self {
        Self { queue, _asking: asking }
    }

    /// False when there is no room: the shard asks again in a moment.
    fn ask(&self, task: Task) -> bool {
        self.queue.try_send(task).is_ok()
    }

    pub fn walk(&self, walk: Walk, catch_up: CatchUp) -> bool {
        self.ask(Task::Walk { walk, catch_up })
    }
}

/// Does a task, on the thread that asks filters.
pub fn serve(task: Task, choose: &dyn Choose) {
    match task {
        Task::Walk { walk, catch_up } => catch_up.walk(walk, choose),
        Task::Choose { frame, clients, answer } => {
            let chosen = choose.choose(&frame, &clients).unwrap_or_default().into_iter().map(Some);
            let clients = clients.into_iter().zip(chosen.chain(std::iter::repeat(None))).collect();
            // A shard that has stopped needs no answer.
            let _ = answer.blocking_send(Command::Chosen(Chosen { offset: frame.offset(), clients }));
        }
    }
}

/// What one client knows of the events before it.
#[derive(Default)]
pub struct Knowledge {
    known: VecDeque<(Offset, bool)>,
    /// What is older was asked for.
    asked: Option<Offset>,
}

impl Knowledge {
    /// `None`: the answer is not there yet.
    pub fn of(&self, offset: Offset) -> Option<bool> {
        self.known.binary_search_by_key(&offset, |(offset, _)| *offset).ok().map(|index| self.known[index].1)
    }

    pub fn learn(&mut self, offset: Offset, chosen: bool) {
        if let Err(index) = self.known.binary_search_by_key(&offset, |(offset, _)| *offset) {
            self.known.insert(index, (offset, chosen));
        }
    }

    /// What lies behind the client it need not know any more.
    pub fn pass(&mut self, cursor: Offset) {
        while self.known.front().is_some_and(|(offset, _)| *offset < cursor) {
            self.known.pop_front();
        }
    }

    /// It is to ask again for all it does not know.
    pub fn ask_again(&mut self) {
        self.asked = None;
    }

    pub fn has_asked(&self, offset: Offset) -> bool {
        self.asked.is_some_and(|asked| offset < asked)
    }

    pub fn note_asked(&mut self, offset: Offset) {
        self.asked = self.asked.max(Some(Offset(offset.0 + 1)));
    }
}

/// What the clients of one shard and one stream want to know, event by event.
#[derive(Default)]
pub struct Questions(BTreeMap<Offset, (Arc<Frame>, Vec<Arc<Card>>)>);

impl Questions {
    pub fn add(&mut self, frame: &Arc<Frame>, client: &Arc<Card>) {
        self.0.entry(frame.offset()).or_insert_with(|| (frame.clone(), Vec::new())).1.push(client.clone());
    }

    /// Asks, the oldest first. Gives back the clients for whom there was no room.
    pub fn ask(self, chooser: &Chooser, answer: &mpsc::Sender<Command>) -> Vec<ClientId> {
        let mut refused = Vec::new();
        for (frame, clients) in self.0.into_values() {
            let ids: Vec<ClientId> = clients.iter().map(|client| client.id).collect();
            if !refused.is_empty() || !chooser.ask(Task::Choose { frame, clients, answer: answer.clone() }) {
                refused.extend(ids);
            }
        }
        refused.sort_unstable();
        refused.dedup();
        refused
    }
}
