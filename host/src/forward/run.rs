//! A target's thread at work: requests under way, what operators ask, what is new, and the end.

use super::post::{Outcome, post};
use super::status::Status;
use super::store::{Loaded, Record, Store};
use super::target::{Load, Next, Target};
use super::{Command, Settings};
use crate::journal::Journal;
use crate::message::Cursor;
use crate::metrics::Metrics;
use crate::outward::Client;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// How long filters may be asked before somebody looks whether something else has happened.
const TURN: Duration = Duration::from_millis(20);

/// How long after a fault of ours, or of the disk, it is tried again.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the thread of a target has.
pub struct Work {
    pub settings: Arc<Settings>,
    pub store: Store,
    pub journal: Journal,
    pub metrics: Metrics,
    pub status: Status,
    pub commands: mpsc::Receiver<Command>,
    /// Until when requests under way may go on, once it is to end.
    pub stop: watch::Receiver<Option<Instant>>,
    /// Where it begins if nothing else is known.
    pub begin: Cursor,
}

/// How far a target is. One that is not known begins at `begin`, and is known from then on, however soon the process ends.
pub fn known(name: &str, store: &Store, journal: &Journal, begin: Cursor) -> io::Result<Record> {
    let record = match store.load()? {
        Loaded::Known(record) => return Ok(*record),
        Loaded::Absent => Record::new(begin),
        Loaded::Damaged => {
            tracing::error!(
                target = name,
                "how far a target was is damaged: it gets all that the outbox has, once more"
            );
            Record::new(journal.cursor(journal.earliest()))
        }
    };
    store.save(&record)?;
    Ok(record)
}

/// An attempt that is over.
struct Ended {
    load: Load,
    outcome: Outcome,
    took: Duration,
    client: Client,
}

impl Work {
    /// Works until it is told to stop; then all that is known is on disk.
    pub fn run(mut self, runtime: Runtime) {
        while self.stop.borrow().is_none() {
            let worked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.serve())));
            let target = &self.settings.name;
            match worked {
                Ok(Ok(())) => break,
                Ok(Err(error)) => {
                    let path = self.store.directory().display();
                    tracing::error!(%target, %path, %error, "what is kept of a target cannot be read: it gets nothing");
                    self.status.lock().last_error = Some(format!("what is kept of it cannot be read: {error}"));
                }
                Err(_) => tracing::error!(%target, "a target's thread panicked and goes on: this is a bug of postern"),
            }
            let mut stop = self.stop.clone();
            // An end that comes meanwhile is seen above.
            let _ = runtime.block_on(tokio::time::timeout(PATIENCE, stop.wait_for(Option::is_some)));
        }
        // A name being looked up cannot be called off, and is not worth waiting for.
        runtime.shutdown_background();
    }

    async fn serve(&mut self) -> io::Result<()> {
        let record = known(&self.settings.name, &self.store, &self.journal, self.begin)?;
        let shared = (self.journal.clone(), self.metrics.clone(), self.status.clone());
        let mut target = Target::new(self.settings.clone(), self.store.clone(), record, shared)?;
        let mut grown = self.journal.grown();
        let (mut under_way, mut clients) = (FuturesUnordered::new(), Vec::new());
        loop {
            let ending = *self.stop.borrow_and_update();
            let mut more = false;
            match ending {
                Some(_) if under_way.is_empty() => break,
                Some(_) => {}
                None => {
                    more = target.read();
                    let begun = Instant::now();
                    loop {
                        match target.next(under_way.len()) {
                            Next::Post(load) => under_way.push(self.attempt(load, clients.pop())),
                            Next::Again if begun.elapsed() < TURN => {}
                            Next::Again => more = true,
                            Next::Nothing => break,
                        }
                        if more {
                            break;
                        }
                    }
                }
            }
            target.save_when_due();
            target.tell(under_way.len());
            let wake = match (more, ending) {
                (true, _) => Some(Instant::now()),
                (false, None) => target.wake(under_way.len()),
                // Nothing is begun any more.
                (false, Some(_)) => None,
            };
            tokio::select! {
                Some(Ended { load, outcome, took, client }) = under_way.next() => {
                    target.ended(&load, outcome, took);
                    clients.push(client);
                }
                Some(command) = self.commands.recv() => obey(&mut target, command),
                changed = self.stop.changed() => if changed.is_err() { break },
                grown = grown.changed(), if target.wants_more() => if grown.is_err() { break },
                () = until(wake) => {}
                () = until(ending), if ending.is_some() => break,
            }
        }
        drop(under_way);
        target.save();
        target.tell(0);
        Ok(())
    }

    fn attempt(&self, load: Load, client: Option<Client>) -> impl Future<Output = Ended> + use<> {
        let settings = self.settings.clone();
        async move {
            let mut client = client.unwrap_or_else(|| Client::new(settings.destination.clone()));
            let begun = Instant::now();
            let outcome = post(&mut client, &settings.keys, &load.parcel, settings.timeout).await;
            Ended { load, outcome, took: begun.elapsed(), client }
        }
    }
}

/// Whoever asked may have gone.
fn obey(target: &mut Target, command: Command) {
    match command {
        Command::Retry(wanted, answer) => drop(answer.send(target.try_again(wanted))),
        Command::Resume(answer) => drop(answer.send(target.resume())),
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
