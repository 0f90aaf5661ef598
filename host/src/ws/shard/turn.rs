//! The loop of a shard: a thread that waits for events, commands, sockets and the clock, and does what each asks for, a turn at a
//! time.

use super::fan::{Joined, pump_all};
use super::one::{learn, missed, touch, unblock};
use super::poller::{Poller, Ready};
use super::seats::Seats;
use super::uring::Uring;
use super::{Command, Parts, Shard, Shared, drain, welcome};
use crate::hub::{Inbox, Ring};
use crate::task;
use crate::ws::arrivals::Arrivals;
use crate::ws::beat::{TICK, beat};
use crate::ws::client::Sent;
use crate::ws::{listening, renew};
use mio::Registry;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// Starts a shard's thread. It ends when every sender of its commands is gone.
pub fn start(number: usize, parts: Parts) -> io::Result<(mpsc::Sender<Command>, Arc<Arrivals>)> {
    let (sender, receiver) = mpsc::channel(1024);
    let commands = sender.downgrade();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let poller = {
        let _guard = runtime.enter();
        Poller::new()?
    };
    let registry = poller.registry()?;
    let of = (number, poller.registry()?);
    let arrivals =
        Arc::new(Arrivals::new(of, (&parts.inbox, parts.tail), &parts.clients, &parts.metrics, &parts.present));
    let comers = arrivals.clone();
    let uring = if parts.config.io_uring { uring(number) } else { None };
    task::thread(&format!("shard-{number}"), move || {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, run(parts, (commands, registry, uring), (receiver, comers), poller));
    })?;
    Ok((sender, arrivals))
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
    (mut receiver, arrivals): (mpsc::Receiver<Command>, Arc<Arrivals>),
    mut poller: Poller,
) {
    let inbox = parts.inbox.clone();
    let shard: Shared = Rc::new(RefCell::new(Shard {
        ring: Ring::new(parts.tail, parts.config.ring),
        parts,
        commands,
        clients: Seats::default(),
        registry,
        arrivals: arrivals.clone(),
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
        // Those who come from here on know what was seen.
        welcome(&shard);
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
                    // They are given these with the others.
                    welcome(&shard);
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
            // Welcome, above.
            () = arrivals.pressing() => {}
            looked = poller.ready(&mut ready) => {
                if let Err(error) = looked {
                    tracing::error!(%error, "failed to look at the sockets of clients, trying again");
                    tokio::time::sleep(TICK).await;
                }
                // Those who have come say something already.
                welcome(&shard);
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
fn attend(shared: &Shared, Ready { client: id, readable, writable }: Ready) {
    if writable {
        unblock(shared, id);
    }
    if readable {
        listening::read(shared, id);
    }
}

fn obey(shared: &Shared, inbox: &Inbox, command: Command) {
    // It may be about those who have come.
    welcome(shared);
    match command {
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
