//! One target: what is to be posted next, and what follows from what became of it. It posts nothing itself, see `run`.
//!
//! **Failures in a row** open its breaker: then one request at a time finds out whether it is back, after longer and longer
//! pauses, and the events behind that one are not charged for it. The first that is taken closes it again.

mod ended;
mod told;

use super::Settings;
use super::judge::{Judged, is_for_everyone, judge};
use super::letters::Letters;
use super::parcel::Parcel;
use super::report::Lost;
use super::status::Status;
use super::store::{Record, Store, Totals};
use super::window::{Due, Job, Window};
use crate::error::Chain;
use crate::journal::Journal;
use crate::message::{Cursor, Entry, Offset};
use crate::metrics::{ForwardOutcome, Metrics};
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
        self.blind = self.blind.filter(|until| Instant::now() < *until);
        if self.blind.is_some() || !self.wants_more() || from >= self.journal.tail() {
            return false;
        }
        match self.journal.outbox(from, PIECE_ENTRIES, PIECE_BYTES) {
            Ok(piece) if piece.next > from => {
                if let Some(gap) = piece.gap {
                    self.lose(gap);
                }
                let webhooks = &self.settings.webhooks;
                let wanted = |entry: &Entry| is_for_everyone(&entry.audience) && webhooks.contains(&*entry.webhook);
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
    fn candidates(&self) -> impl Iterator<Item = &Job> {
        let many = if self.settings.concurrency == 1 { 1 } else { usize::MAX };
        self.window.jobs().take(many).filter(|job| !job.under_way)
    }

    /// Until when one of them is to wait.
    fn wait_of(&self, job: &Job) -> Option<Due> {
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
                Judged::Post(payload) => {
                    let is_new = payload.data.as_ptr() != job.entry.payload.data.as_ptr();
                    let weight = if is_new { payload.data.len() } else { 0 };
                    job.parcel = Some(Parcel::new(&job.entry, &job.id, payload));
                    self.window.add_weight(offset, weight);
                }
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
        let Some(job) = self.window.job(offset) else { return Next::Nothing };
        (job.under_way, job.due) = (true, None);
        match job.parcel.clone() {
            Some(parcel) => Next::Post(Load { which: Which::Entry(offset), parcel }),
            None => Next::Nothing,
        }
    }
}
