//! How a target is, as its thread tells it and operators read it.

use super::report::{Dead, Lost, Report, State, date};
use super::store::Totals;
use crate::message::{Cursor, Offset, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clones are the same.
#[derive(Clone, Default)]
pub struct Status(Arc<Mutex<Now>>);

#[derive(Clone, Default)]
pub struct Now {
    pub state: State,
    pub cursor: Option<Cursor>,
    pub totals: Totals,
    pub lost: Option<Lost>,
    pub last_error: Option<String>,
    pub retry_at: Option<Timestamp>,
    pub dead: Arc<[Dead]>,
}

impl Status {
    pub fn lock(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `tail` is the end of the outbox.
    pub fn report(&self, name: &str, url: &str, tail: Offset) -> Report {
        let Now { state, cursor, totals, lost, last_error, retry_at, dead } = self.lock().clone();
        Report {
            name: name.to_owned(),
            url: url.to_owned(),
            state,
            cursor: cursor.map(|cursor| cursor.to_string()),
            behind: cursor.map_or(0, |cursor| tail.0.saturating_sub(cursor.offset.0)),
            delivered: totals.delivered,
            failed: totals.failed,
            dead: dead.len() as u64,
            forgotten: totals.forgotten,
            missed: totals.missed,
            gap: lost,
            last_error,
            retry_at: retry_at.map(|time| date(time).to_string()),
        }
    }
}
