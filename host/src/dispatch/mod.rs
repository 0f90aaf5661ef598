//! One webhook's events, from the inbox through the filter chain to the outbox and the hub.
//!
//! A thread a webhook, which judges its lane's events in order; several at once, with helpers, when many are pending and
//! their filters are well: what they decide is settled in order all the same. A filter that loops or fails so takes time from nobody
//! but its own webhook; nothing here stands between a webhook and its 200. What is decided is durable before it is
//! published, several events at once when several wait.
//!
//! What a filter could not judge is held, and judged again: by itself, later each time ([`retries`](Retries)), or because
//! an operator asks ([`Desk`]). With `ordered`, an event waits while an earlier one of its conversation is held.
//!
//! | file | what |
//! | --- | --- |
//! | `judge` | one event to one decision |
//! | `pending` | what is new: one event, or several at once |
//! | `team` | several events at once |
//! | `retries` | when which held event is due |
//! | `desk` | what operators ask for |
//! | `tell` | what operators who look on are told |

mod desk;
mod judge;
mod pending;
mod retries;
mod team;
mod tell;

pub use desk::{Counts, Desk, Unanswered, Work};
pub use retries::Backoff;

use crate::error::Chain;
use crate::filter::Filter;
use crate::hub::{Frame, Hub, Source};
use crate::journal::{Decision, Error, Journal, Judged, Lane};
use crate::message::{Changes, Entry, Event, EventId, Offset, Scope};
use crate::metrics::{EventLabels, EventOutcome, EventTally, Metrics, PerWebhook};
use crate::tap::Tap;
use crate::task;
use crate::ws::{Shards, encode};
use arc_swap::ArcSwap;
use desk::Asked;
use judge::Judgement;
use retries::Retries;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use team::Team;
use tokio::sync::watch;

/// How many events are judged before what was decided is written, and how long that may take: what is ready should
/// not wait for an event whose filter is slow.
const BATCH: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(5);
const BATCH_BYTES: usize = 8 << 20;

/// A lane is looked at this often even when nothing says that something arrived.
const PATIENCE: Duration = Duration::from_millis(500);

/// So many held events are judged again before what is new has its turn.
const RETRIES: usize = 16;

/// What the configuration says of one webhook's events.
pub struct Settings {
    pub chain: Arc<[Filter]>,
    /// The streams that carry it: whose clients its filters may see and reach.
    pub scope: Scope,
    /// `None`: any number's events are this webhook's.
    pub phone_number_ids: Option<Arc<[String]>>,
    /// An event waits while an earlier one of its conversation is held.
    pub ordered: bool,
    /// Events are judged; else they stay pending, but for what operators ask for.
    pub judges: bool,
    pub backoff: Backoff,
}

pub struct Dispatch {
    pub lane: Lane,
    /// What its entries come from, for the streams that carry it.
    pub source: Source,
    /// Changed from one event to the next.
    pub settings: Arc<ArcSwap<Settings>>,
    pub journal: Journal,
    pub hub: Hub,
    /// The youngest event that is decided, for those who wait for one.
    pub judged: watch::Sender<EventId>,
    pub shards: Shards,
    pub metrics: Metrics,
    pub tally: EventTally,
    /// Who looks on.
    pub tap: Tap,
}

/// When a dispatcher is to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

const WHEN_IDLE: u8 = 1;
const AT_ONCE: u8 = 2;

impl Stop {
    /// When nothing is pending any more.
    pub fn when_idle(&self) {
        self.0.fetch_max(WHEN_IDLE, Ordering::AcqRel);
    }

    /// After the event in hand. What is pending then is judged after the next start.
    pub fn at_once(&self) {
        self.0.fetch_max(AT_ONCE, Ordering::AcqRel);
    }

    pub fn is_asked(&self) -> bool {
        self.asked() > 0
    }

    fn is_at_once(&self) -> bool {
        self.asked() >= AT_ONCE
    }

    fn asked(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

/// A dispatcher at work.
struct Running {
    dispatch: Arc<Dispatch>,
    stop: Stop,
    asked: Receiver<Asked>,
    retries: Retries,
    /// Events that are pending and read already.
    ahead: VecDeque<Event>,
    /// How long an event took of late.
    pace: Duration,
    /// From when it is needed.
    team: Option<Team>,
}

impl Dispatch {
    /// Starts the thread. What operators ask of it goes over `desk`.
    pub fn start(self, stop: Stop, desk: &Desk) -> io::Result<JoinHandle<()>> {
        let asked = desk.seat(&self.lane);
        let retries = Retries::new(self.settings.load().backoff);
        let name = format!("judge-{}", self.lane.name());
        let mut running = Running {
            dispatch: Arc::new(self),
            stop,
            asked,
            retries,
            ahead: VecDeque::new(),
            pace: Duration::ZERO,
            team: None,
        };
        task::thread(&name, move || running.run())
    }
}

impl Running {
    fn run(&mut self) {
        while self.stop.asked() < AT_ONCE {
            // What is judged now could not be written, but for one batch at a time that finds out whether it can again.
            let before = self.dispatch.journal.healthy();
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn()));
            let wait = match turn {
                Ok(Ok(0)) if self.stop.asked() >= WHEN_IDLE => return,
                Ok(Ok(0)) => Some(self.idle()),
                Ok(Ok(_)) => None,
                Ok(Err(error)) => {
                    if before {
                        let webhook = self.dispatch.lane.name();
                        tracing::error!(%webhook, error = %Chain(&error), "dispatch stands still, and tries again");
                    }
                    if self.stop.asked() >= WHEN_IDLE {
                        return;
                    }
                    Some((EventId(u64::MAX), PATIENCE))
                }
                Err(_) => {
                    let webhook = self.dispatch.lane.name();
                    tracing::error!(%webhook, "a dispatcher panicked and goes on: this is a bug of postern");
                    Some((EventId(u64::MAX), PATIENCE))
                }
            };
            if let Some((than, patience)) = wait {
                self.dispatch.lane.wait(than, patience);
            }
        }
    }

    /// What to wait for when there is nothing to do: an event younger than this, and how long.
    fn idle(&self) -> (EventId, Duration) {
        let Dispatch { journal, lane, settings, .. } = &*self.dispatch;
        if settings.load().judges {
            return (journal.done(lane), self.retries.patience(PATIENCE));
        }
        // Nothing that arrives is of interest.
        (EventId(u64::MAX), PATIENCE)
    }

    /// What operators ask, what is due again, what is new, a batch of each; and how much that was.
    fn turn(&mut self) -> Result<usize, Error> {
        let settings = self.dispatch.settings.load_full();
        self.retries.set_backoff(settings.backoff);
        let asked = self.serve()?;
        if !settings.judges {
            self.stand_by()?;
            return Ok(asked);
        }
        // While it comes to an end, only what is new is judged: what is held can wait for the next start.
        let retried = if self.stop.asked() == 0 { self.retry()? } else { 0 };
        Ok(asked + retried + self.judge_pending()?)
    }

    /// Leaves what is pending as it is, and says for how long the oldest waits.
    fn stand_by(&mut self) -> Result<(), Error> {
        self.ahead.clear();
        let Dispatch { journal, lane, .. } = &*self.dispatch;
        if !lane.is_waited_for() {
            lane.note_oldest(journal.pending(lane, 1)?.first().map(|event| event.received));
        }
        Ok(())
    }

    /// Judges again what is due, until one of them is held once more: then the others are not likely to fare better now.
    fn retry(&mut self) -> Result<usize, Error> {
        self.retries.fill(&self.dispatch.journal, &self.dispatch.lane, Instant::now())?;
        let mut tried = 0;
        for event in self.retries.due(Instant::now(), RETRIES) {
            if self.stop.asked() > 0 {
                break;
            }
            tried += 1;
            match self.again(event, false)? {
                // One that waits for anything but a filter says nothing of the filters.
                Some(EventOutcome::Held) if self.retries.knows(event) => {
                    self.retries.failed(Instant::now());
                    break;
                }
                Some(EventOutcome::Held) | None => {}
                Some(_) => self.retries.succeeded(),
            }
        }
        Ok(tried)
    }

    /// Judges an event once more; one that stays held for the same reason is not written again. `None`: it is not there
    /// to be judged.
    fn again(&mut self, id: EventId, replay: bool) -> Result<Option<EventOutcome>, Error> {
        let Self { dispatch, retries, .. } = self;
        let before = dispatch.journal.held_as(&dispatch.lane, id)?;
        // One that is pending has its turn yet, and so have those before it.
        if before.is_none() && !(replay && dispatch.journal.is_passed(&dispatch.lane, id)?) {
            retries.settled(id);
            return Ok(None);
        }
        let event = dispatch.journal.event(id)?;
        let Some(event) = event.filter(|event| event.webhook == *dispatch.lane.name()) else {
            retries.settled(id);
            return match before {
                // What can never be judged would hold up its conversation, and the inbox, for ever.
                Some(held) => {
                    dispatch.settle(vec![judge::lost(held)], Vec::new()).map(|()| Some(EventOutcome::Dropped))
                }
                None => Ok(None),
            };
        };
        dispatch.metrics.journeys.again(id);
        let keys = event.keys.clone();
        if dispatch.first_held(&keys)?.is_some_and(|first| first < id) {
            retries.settled(id);
            return Ok(Some(EventOutcome::Held));
        }
        let is_sent = event.sending.is_some();
        let (decision, changes) = dispatch.judge(event);
        // What was done to clients once, with what was sent then, is not done again.
        let changes = if is_sent || changes.is_empty() { Vec::new() } else { vec![(id, changes)] };
        let outcome = Judgement::outcome(&decision);
        let label = EventLabels { webhook: dispatch.lane.name().clone(), outcome };
        dispatch.metrics.events_retried.get_or_create(&label).inc();
        if let Judged::Hold { filter, reason } = &decision.judged {
            if decision.retries() {
                retries.held(id, Instant::now());
            } else {
                retries.settled(id);
            }
            if before.is_some_and(|held| held.filter == *filter && held.reason == *reason) {
                return Ok(Some(outcome));
            }
        }
        dispatch.settle(vec![decision], changes)?;
        if outcome != EventOutcome::Held {
            retries.settled(id);
            // The next of the conversation waited for this one.
            match dispatch.first_held(&keys) {
                Ok(Some(next)) => retries.now(next, Instant::now()),
                Ok(None) => {}
                Err(error) => {
                    retries.look_again();
                    return Err(error);
                }
            }
        }
        Ok(Some(outcome))
    }

    /// Does what operators asked for.
    fn serve(&mut self) -> Result<usize, Error> {
        let mut served = 0;
        while let Ok(Asked { work, events, answer }) = self.asked.try_recv() {
            let mut counts = Counts::default();
            for event in events {
                if self.stop.asked() >= WHEN_IDLE {
                    break;
                }
                counts.add(self.again(event, work == Work::Replay)?);
                served += 1;
            }
            // Whoever asked may have gone.
            let _ = answer.send(counts);
        }
        Ok(served)
    }
}

impl Dispatch {
    /// Writes decisions, publishes what follows, and does to clients what is to be done to them around that.
    fn settle(&self, decisions: Vec<Decision>, changes: Vec<(EventId, Changes)>) -> Result<(), Error> {
        let newest = decisions.iter().map(|decision| decision.event).max();
        let tale = self.tale(&decisions);
        let judgements: Vec<Judgement> = decisions.iter().map(Judgement::of).collect();
        let mut published = Instant::now();
        self.journal.decide(&self.lane, decisions, |entries| {
            published = Instant::now();
            self.publish(entries, changes);
        })?;
        self.metrics.journeys.published(judgements.iter().map(|judgement| judgement.event), published);
        tale.into_iter().for_each(|told| self.tap.tell(told));
        if let Some(newest) = newest {
            self.judged.send_if_modified(|judged| std::mem::replace(judged, newest.max(*judged)) < newest);
        }
        let webhook = self.lane.name().clone();
        for Judgement { outcome, unparsed, foreign, .. } in judgements {
            self.tally.judged(outcome);
            if unparsed {
                self.metrics.events_unparsed.get_or_create(&PerWebhook { webhook: webhook.clone() }).inc();
            }
            if foreign {
                self.metrics.events_foreign.get_or_create(&PerWebhook { webhook: webhook.clone() }).inc();
            }
        }
        Ok(())
    }

    /// Publishes entries; where something is to be done to clients around those of an event, in pieces, with that between.
    fn publish(&self, entries: Vec<Entry>, changes: Vec<(EventId, Changes)>) {
        let mut frames: Vec<Arc<Frame>> = Vec::with_capacity(entries.len());
        let mut entries = entries.into_iter().peekable();
        let mut behind = entries.peek().map_or(Offset(0), |entry| entry.offset);
        for (event, Changes { before, after }) in changes {
            // Changes come in the order of the events, and so do entries.
            while let Some(entry) = entries.next_if(|entry| entry.event < event) {
                behind = Offset(entry.offset.0 + 1);
                frames.push(encode::frame(entry, self.source));
            }
            self.hub.publish(&frames);
            frames.clear();
            self.shards.apply(before, behind);
            while let Some(entry) = entries.next_if(|entry| entry.event == event) {
                behind = Offset(entry.offset.0 + 1);
                frames.push(encode::frame(entry, self.source));
            }
            self.hub.publish(&frames);
            frames.clear();
            self.shards.apply(after, behind);
        }
        frames.extend(entries.map(|entry| encode::frame(entry, self.source)));
        self.hub.publish(&frames);
    }
}
