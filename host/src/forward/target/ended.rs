//! What follows from what became of a request, and from what an operator wants.

use super::{Load, Target, Which};
use crate::forward::post::Outcome;
use crate::forward::window::{Due, Tries};
use crate::message::{Cursor, Offset, Timestamp};
use crate::metrics::{ForwardOutcome, PerTarget};
use std::time::Duration;

impl Target {
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
            Which::Letter => self.free(load),
        }
        let cursor = load.parcel.cursor;
        // After a crash an entry may be tried once more that is a dead letter already.
        if self.letters.has(cursor) {
            if let Err(error) = self.letters.remove(cursor) {
                let target = &self.settings.name;
                tracing::error!(%target, %cursor, %error, "a dead letter that was delivered cannot be taken away");
            }
            self.tell_letters();
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
                self.save();
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
}
