//! What is kept of a target, counted of it and told of it.

use super::{SAVING, Target};
use crate::forward::report::{Lost, State};
use crate::forward::store::Record;
use crate::message::{Gap, Offset, Timestamp};
use crate::metrics::{ForwardLabels, ForwardOutcome, PerTarget};
use std::time::Instant;

impl Target {
    pub(super) fn settle(&mut self, offset: Offset) {
        self.window.settle(offset);
        self.changed();
    }

    pub(super) fn lose(&mut self, gap: Gap) {
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

    pub(super) fn count(&self, outcome: ForwardOutcome) {
        let label = ForwardLabels { target: self.settings.name.clone(), outcome };
        self.metrics.forward_deliveries.get_or_create(&label).inc();
    }

    pub(super) fn changed(&mut self) {
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

    pub(super) fn tell_letters(&self) {
        self.status.lock().dead = self.letters.report().into();
    }
}
