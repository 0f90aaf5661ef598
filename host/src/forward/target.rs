//! One target: what is to be posted next, and what follows from what became of it. It posts nothing itself, see `run`.
//!
//! **Failures in a row** open its breaker: then one request at a time finds out whether it is back, after longer and longer
//! pauses, and the events behind that one are not charged for it. The first that is taken closes it again.

use super::Settings;
use super::judge::{Judged, is_for_everyone, judge};
use super::letters::Letters;
use super::parcel::Parcel;
use super::post::Outcome;
use super::report::{Lost, State};
use super::status::Status;
use super::store::{Record, Store, Totals};
use super::window::{Due, Tries, Window};
use crate::error::Chain;
use crate::journal::Journal;
use crate::message::{Cursor, Gap, Offset, Timestamp};
use crate::metrics::{ForwardLabels, ForwardOutcome, Metrics, PerTarget};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A piece of the outbox is at most this.
const PIECE_ENTRIES: usize = 256;
const PIECE_BYTES: usize = 1 << 20;

/// How often what has changed is written, at most. What is delivered in between is delivered again after a crash.
const SAVING: Duration = Duration::from_millis(500);

/// How long something that cannot be read or written is left alone.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Target {
    pub settings: Arc<Settings>,
    pub journal: Journal,
    pub metrics: Metrics,
    store: Store,
    letters: Letters,
    window: Window,
    set_aside: Option<String>,
    totals: Totals,
    lost: Option<Lost>,
    /// Failures in a row, and until when it is left alone when there were too many.
    row: u32,
    until: Option<Due>,
    last_error: Option<String>,
    /// Dead letters that an operator wants tried once more, and those that are.
    again: VecDeque<Cursor>,
    trying: BTreeSet<Cursor>,
    /// Since when something is not on disk.
    unsaved: Option<Instant>,
    is_unwritable: bool,
    /// The outbox could not be read: not before then.
    blind: Option<Instant>,
    status: Status,
}

/// What is to be posted.
pub struct Load {
    pub which: Which,
    pub parcel: Parcel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The entry of the outbox at this place.
    Entry(Offset),
    /// A dead letter.
    Letter,
}

/// What there is to do.
pub enum Next {
    Post(Load),
    /// Something was done without: there may be more.
    Again,
    Nothing,
}

impl Target {
    pub fn new(
        settings: Arc<Settings>,
        store: Store,
        record: Record,
        (journal, metrics, status): (Journal, Metrics, Status),
    ) -> io::Result<Self> {
        let (offset, gap) = journal.resume(record.cursor);
        let window = Window::new(record.kept(offset.0, gap.is_some()));
        let letters = Letters::open(store.directory())?;
        let Record { set_aside, totals, lost, .. } = record;
        let mut target = Self {
            settings,
            journal,
            metrics,
            store,
            letters,
            window,
            last_error: set_aside.clone(),
            set_aside,
            totals,
            lost,
            row: 0,
            until: None,
            again: VecDeque::new(),
            trying: BTreeSet::new(),
            unsaved: None,
            is_unwritable: false,
            blind: None,
            status,
        };
        if let Some(gap) = gap {
            target.lose(gap);
        }
        target.tell_letters();
        Ok(target)
    }

    /// Reads on; true when there is more to be read at once. Blocks.
    pub fn read(&mut self) -> bool {
        let from = self.window.next();
        let blind = self.blind.is_some_and(|until| Instant::now() < until);
        if blind || !self.wants_more() || from >= self.journal.tail() {
            return false;
        }
        self.blind = None;
        match self.journal.outbox(from, PIECE_ENTRIES, PIECE_BYTES) {
            Ok(piece) if piece.next > from => {
                if let Some(gap) = piece.gap {
                    self.lose(gap);
                }
                let webhooks = &self.settings.webhooks;
                let wanted = |entry: &crate::message::Entry| {
                    is_for_everyone(&entry.audience) && webhooks.contains(&*entry.webhook)
                };
                self.window.take(piece.entries, piece.next, wanted);
                self.changed();
                return self.wants_more() && piece.next < self.journal.tail();
            }
            // It is on its way to the disk.
            Ok(_) => {}
            Err(error) => {
                let target = &self.settings.name;
                tracing::error!(%target, error = %Chain(&error), "the outbox cannot be read for a target");
            }
        }
        self.blind = Some(Instant::now() + PATIENCE);
        false
    }

    /// Whether it is of use to read on.
    pub fn wants_more(&self) -> bool {
        self.set_aside.is_none() && self.window.has_room()
    }

    /// What is to be done while so many requests are under way. Blocks as long as its filter takes for one entry.
    pub fn next(&mut self, under_way: usize) -> Next {
        if self.set_aside.is_some() || under_way >= self.settings.concurrency {
            return Next::Nothing;
        }
        if let Some(cursor) = self.again.pop_front() {
            return self.letter(cursor);
        }
        match self.ready(under_way) {
            Some(offset) => self.prepare(offset),
            None => Next::Nothing,
        }
    }

    fn letter(&mut self, cursor: Cursor) -> Next {
        match self.letters.parcel(cursor) {
            Ok(Some(parcel)) => {
                self.trying.insert(cursor);
                return Next::Post(Load { which: Which::Letter, parcel });
            }
            Ok(None) => {}
            Err(error) => {
                let target = &self.settings.name;
                tracing::error!(%target, %cursor, %error, "a dead letter cannot be read");
            }
        }
        Next::Again
    }

    fn is_open(&self) -> bool {
        self.settings.breaker > 0 && self.row >= self.settings.breaker
    }

    /// Those that may go next: in order only the first.
    fn candidates(&self) -> impl Iterator<Item = &super::window::Job> {
        let many = if self.settings.concurrency == 1 { 1 } else { usize::MAX };
        self.window.jobs().take(many).filter(|job| !job.under_way)
    }

    /// Until when one of them is to wait.
    fn wait_of(&self, job: &super::window::Job) -> Option<Due> {
        let is_open = self.is_open();
        // While the breaker is open its pauses count, and not those of one event; a filter's are its own affair.
        let own = job.due.filter(|_| !is_open || job.parcel.is_none());
        let both = [own, self.until.filter(|_| is_open)];
        both.into_iter().flatten().max_by_key(|due| due.at)
    }

    fn may_ask(&self, under_way: usize) -> bool {
        under_way < if self.is_open() { 1 } else { self.settings.concurrency }
    }

    fn ready(&self, under_way: usize) -> Option<Offset> {
        let now = Instant::now();
        let mut free = self.candidates().filter(|job| self.wait_of(job).is_none_or(|due| due.at <= now));
        self.may_ask(under_way).then(|| free.next().map(|job| job.entry.offset))?
    }

    /// When the next of them is to be tried, if all that can be done before is to wait.
    fn retry(&self, under_way: usize) -> Option<Due> {
        if self.set_aside.is_some() || !self.may_ask(under_way) {
            return None;
        }
        self.candidates().filter_map(|job| self.wait_of(job)).min_by_key(|due| due.at)
    }

    /// When it is to be looked at again, whatever happens.
    pub fn wake(&self, under_way: usize) -> Option<Instant> {
        let retry = self.retry(under_way).map(|due| due.at);
        [retry, self.unsaved.map(|since| since + SAVING), self.blind].into_iter().flatten().min()
    }

    fn prepare(&mut self, offset: Offset) -> Next {
        let settings = self.settings.clone();
        let Some(job) = self.window.job(offset) else { return Next::Nothing };
        if job.parcel.is_none() {
            match judge(settings.filter.as_ref(), &job.entry) {
                Judged::Post(payload) => job.parcel = Some(Parcel::new(&job.entry, &job.id, payload)),
                Judged::Drop => {
                    if job.holds > 0 {
                        self.last_error = None;
                    }
                    self.settle(offset);
                    self.count(ForwardOutcome::Dropped);
                    return Next::Again;
                }
                Judged::Hold(why) => {
                    job.holds = job.holds.saturating_add(1);
                    job.due = Some(Due::after(settings.backoff.wait(job.holds, None)));
                    let (target, event, first) = (&settings.name, job.entry.event, job.holds == 1);
                    if first {
                        tracing::warn!(%target, %event, why, "the filter of a target failed: its event waits");
                    }
                    self.last_error = Some(why);
                    self.count(ForwardOutcome::Held);
                    return Next::Again;
                }
            }
        }
        (job.under_way, job.due) = (true, None);
        match job.parcel.clone() {
            Some(parcel) => Next::Post(Load { which: Which::Entry(offset), parcel }),
            None => Next::Nothing,
        }
    }

    /// What became of a request.
    pub fn ended(&mut self, load: &Load, outcome: Outcome, took: Duration) {
        let label = PerTarget { target: self.settings.name.clone() };
        self.metrics.forward_seconds.get_or_create(&label).observe(took.as_secs_f64());
        self.count(if outcome == Outcome::Delivered { ForwardOutcome::Delivered } else { ForwardOutcome::Failed });
        self.changed();
        match outcome {
            Outcome::Delivered => {
                self.totals.delivered += 1;
                self.delivered(load);
                self.recovered();
            }
            Outcome::Gone => {
                self.totals.failed += 1;
                self.free(load);
                self.put_aside("it answered 410 Gone: it wants nothing more".to_owned());
            }
            Outcome::Failed { why, asked } => {
                self.totals.failed += 1;
                match load.which {
                    Which::Letter => self.failed_again(load, &why),
                    Which::Entry(offset) => self.failed(offset, why, asked),
                }
            }
        }
    }

    fn delivered(&mut self, load: &Load) {
        match load.which {
            Which::Entry(offset) => self.settle(offset),
            Which::Letter => {
                self.free(load);
                let cursor = load.parcel.cursor;
                if let Err(error) = self.letters.remove(cursor) {
                    let target = &self.settings.name;
                    tracing::error!(%target, %cursor, %error, "a dead letter that was delivered cannot be taken away");
                }
                self.tell_letters();
            }
        }
    }

    /// It is no longer under way.
    fn free(&mut self, load: &Load) {
        match load.which {
            Which::Letter => drop(self.trying.remove(&load.parcel.cursor)),
            Which::Entry(offset) => {
                if let Some(job) = self.window.job(offset) {
                    job.under_way = false;
                }
            }
        }
    }

    fn failed_again(&mut self, load: &Load, why: &str) {
        self.free(load);
        if let Err(error) = self.letters.failed(&load.parcel, why) {
            let (target, cursor) = (&self.settings.name, load.parcel.cursor);
            tracing::error!(%target, %cursor, %error, "it cannot be noted that a dead letter was tried again");
        }
        self.tell_letters();
    }

    fn failed(&mut self, offset: Offset, why: String, asked: Option<Duration>) {
        let (settings, now) = (self.settings.clone(), Timestamp::now());
        let was_open = self.is_open();
        self.row = self.row.saturating_add(1);
        let (is_open, row) = (self.is_open(), self.row);
        let Some(job) = self.window.job(offset) else { return };
        job.under_way = false;
        let since = *job.tries.since.get_or_insert(now);
        let attempts = job.tries.attempts.saturating_add(1);
        job.tries.attempts = attempts;
        let target = &settings.name;
        if is_open && !was_open {
            tracing::warn!(%target, failures = row, why, "a target does not take what it is sent: it is asked now and then");
        } else {
            tracing::debug!(%target, failures = row, why, "a target did not take what it was sent");
        }
        let is_over = settings.attempts.is_some_and(|most| attempts >= most)
            || Duration::from_millis(now.0.saturating_sub(since.0)) >= settings.give_up;
        let due = Due::after(settings.backoff.wait(if is_open { row } else { attempts }, asked));
        job.due = Some(due);
        self.until = is_open.then_some(due);
        if is_over {
            self.bury(offset, &why);
        }
        self.last_error = Some(why);
    }

    /// Gives an event up. One that cannot be kept as a dead letter is not: it is tried again.
    fn bury(&mut self, offset: Offset, why: &str) {
        let Some(job) = self.window.job(offset) else { return };
        let (Some(parcel), Tries { attempts, .. }) = (job.parcel.clone(), job.tries) else { return };
        let (target, event) = (&self.settings.name, &parcel.id);
        match self.letters.add(&parcel, attempts, why) {
            Ok(forgotten) => {
                tracing::error!(%target, event, attempts, why, "an event is given up: it is among the target's dead letters");
                if forgotten > 0 {
                    tracing::error!(%target, forgotten, "there are too many dead letters: the oldest are forgotten");
                }
                self.totals.forgotten += forgotten;
                self.count(ForwardOutcome::Dead);
                self.settle(offset);
                self.tell_letters();
            }
            Err(error) => {
                tracing::error!(%target, event, %error, "a dead letter cannot be written: its event is tried again");
            }
        }
    }

    fn recovered(&mut self) {
        if self.is_open() {
            tracing::info!(target = %self.settings.name, failures = self.row, "a target takes what it is sent again");
            // What else failed meanwhile need not wait for a time that was meant for one that is down.
            self.window.jobs_mut().filter(|job| job.parcel.is_some()).for_each(|job| job.due = None);
        }
        (self.row, self.until, self.last_error) = (0, None, None);
    }

    fn put_aside(&mut self, why: String) {
        if self.set_aside.is_none() {
            tracing::error!(target = %self.settings.name, why, "a target is set aside until an operator resumes it");
        }
        self.last_error = Some(why.clone());
        self.set_aside = Some(why);
        self.save();
    }

    /// Has it tried again now, set aside or waiting; true when it was set aside.
    pub fn resume(&mut self) -> bool {
        let was_aside = self.set_aside.take().is_some();
        self.window.jobs_mut().for_each(|job| job.due = None);
        (self.row, self.until) = (0, None);
        if was_aside {
            tracing::info!(target = %self.settings.name, "an operator has resumed a target");
            self.last_error = None;
            self.save();
        }
        was_aside
    }

    /// Has dead letters tried once more, `None` all of them; how many. `Err`: it is set aside.
    pub fn try_again(&mut self, wanted: Option<Vec<Cursor>>) -> Result<usize, ()> {
        if self.set_aside.is_some() {
            return Err(());
        }
        let before = self.again.len();
        for cursor in wanted.unwrap_or_else(|| self.letters.cursors()) {
            if self.letters.has(cursor) && !self.trying.contains(&cursor) && !self.again.contains(&cursor) {
                self.again.push_back(cursor);
            }
        }
        Ok(self.again.len() - before)
    }

    fn settle(&mut self, offset: Offset) {
        self.window.settle(offset);
        self.changed();
    }

    fn lose(&mut self, gap: Gap) {
        let missed = match gap.from.epoch == gap.to.epoch {
            true => gap.to.offset.0.saturating_sub(gap.from.offset.0),
            // What the offsets of another history stand for is not known.
            false => 0,
        };
        let (target, from, to, reason) = (&self.settings.name, gap.from, gap.to, gap.loss.name());
        tracing::error!(%target, %from, %to, reason, missed, "a target does not get what the outbox has no longer");
        self.totals.missed += missed;
        let label = PerTarget { target: target.clone() };
        self.metrics.forward_missed.get_or_create(&label).inc_by(missed);
        self.lost = Some(Lost::of(gap, Timestamp::now()));
        self.changed();
    }

    fn count(&self, outcome: ForwardOutcome) {
        let label = ForwardLabels { target: self.settings.name.clone(), outcome };
        self.metrics.forward_deliveries.get_or_create(&label).inc();
    }

    fn changed(&mut self) {
        self.unsaved.get_or_insert_with(Instant::now);
    }

    pub fn save_when_due(&mut self) {
        if self.unsaved.is_some_and(|since| since.elapsed() >= SAVING) {
            self.save();
        }
    }

    /// Writes how far it is. What cannot be written is tried again; until it is, a crash costs repetitions, not events.
    pub fn save(&mut self) {
        let kept = self.window.kept();
        let record = Record {
            cursor: self.journal.cursor(Offset(kept.cursor)),
            last: kept.last,
            ahead: kept.ahead,
            tries: kept.tries,
            set_aside: self.set_aside.clone(),
            totals: self.totals,
            lost: self.lost.clone(),
        };
        match self.store.save(&record) {
            Ok(()) => (self.unsaved, self.is_unwritable) = (None, false),
            Err(error) => {
                if !self.is_unwritable {
                    let (target, path) = (&self.settings.name, self.store.directory().display());
                    tracing::error!(%target, %path, %error, "how far a target is cannot be written: it is tried again");
                }
                (self.unsaved, self.is_unwritable) = (Some(Instant::now()), true);
            }
        }
    }

    /// Tells operators how it is.
    pub fn tell(&self, under_way: usize) {
        let retry = self.retry(under_way).filter(|due| under_way == 0 && due.at > Instant::now());
        let state = match (&self.set_aside, retry) {
            (Some(_), _) => State::SetAside,
            (None, Some(_)) => State::Waiting,
            (None, None) => State::Working,
        };
        let mut status = self.status.lock();
        status.state = state;
        status.cursor = Some(self.journal.cursor(self.window.cursor()));
        status.totals = self.totals;
        status.lost.clone_from(&self.lost);
        status.last_error.clone_from(&self.last_error);
        status.retry_at = retry.map(|due| due.told);
    }

    fn tell_letters(&self) {
        self.status.lock().dead = self.letters.report().into();
    }
}

impl Due {
    fn after(wait: Duration) -> Self {
        let told = Timestamp(Timestamp::now().0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        Self { at: Instant::now() + wait, told }
    }
}
