//! What is new of a lane, judged and settled a batch at a time.

use super::judge;
use super::team::Team;
use super::{BATCH, BATCH_BYTES, BATCH_TIME, Running, Settings};
use crate::journal::{Decision, Error};
use crate::message::{Changes, Event, EventId};
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// Less work than this is not worth waking anybody for.
const WORTH_HELP: Duration = Duration::from_micros(500);

impl Running {
    pub(super) fn judge_pending(&mut self) -> Result<usize, Error> {
        // What was read and is not judged when this turn ends is the next one's; when it fails it is read again.
        let mut ahead = std::mem::take(&mut self.ahead);
        if ahead.is_empty() {
            ahead = self.dispatch.journal.pending(&self.dispatch.lane, BATCH)?.into();
        }
        self.dispatch.lane.note_oldest(ahead.front().map(|event| event.received));
        let began = Instant::now();
        let (mut decisions, mut changes, mut bytes) = (Vec::with_capacity(ahead.len()), Vec::new(), 0);
        while !ahead.is_empty() {
            for (decision, wanted) in self.judge_some(&mut ahead, &decisions, began + BATCH_TIME)? {
                if !wanted.is_empty() {
                    changes.push((decision.event, wanted));
                }
                bytes += decision.bytes();
                decisions.push(decision);
            }
            if began.elapsed() >= BATCH_TIME || bytes >= BATCH_BYTES || self.stop.is_at_once() {
                break;
            }
        }
        let judged = decisions.len();
        let held: Vec<EventId> = decisions.iter().filter(|decision| decision.retries()).map(|d| d.event).collect();
        self.dispatch.settle(decisions, changes)?;
        self.ahead = ahead;
        let now = Instant::now();
        held.into_iter().for_each(|event| self.retries.held(event, now));
        Ok(judged)
    }

    /// Judges the first of those ahead, or the first few at once where that may be and is worth it.
    fn judge_some(
        &mut self,
        ahead: &mut VecDeque<Event>,
        before: &[Decision],
        until: Instant,
    ) -> Result<Vec<(Decision, Changes)>, Error> {
        let began = Instant::now();
        let settings = self.dispatch.settings.load_full();
        let mut few = Vec::new();
        if settings.are_steady() && self.pace * u32::try_from(ahead.len()).unwrap_or(u32::MAX) >= WORTH_HELP {
            few = self.take_apart(&settings, ahead, before)?;
        }
        let judged = if few.len() > 1 {
            let name = || format!("judge-{}", self.dispatch.lane.name());
            let team = self.team.get_or_insert_with(|| Team::start(&name()));
            let (judged, left) = team.judge(&self.dispatch, &self.stop, few, until);
            left.into_iter().rev().for_each(|event| ahead.push_front(event));
            judged
        } else {
            let Some(event) = few.pop().or_else(|| ahead.pop_front()) else { return Ok(Vec::new()) };
            match self.dispatch.blocked(&event, before)? {
                Some(reason) => vec![(judge::wait(event, reason), Changes::default())],
                None => vec![self.dispatch.judge_noted(event)],
            }
        };
        let each = began.elapsed() / u32::try_from(judged.len()).unwrap_or(1).max(1);
        self.pace = (self.pace * 7 + each) / 8;
        Ok(judged)
    }

    /// Takes the first of those ahead of which none can hold up another: where conversations are kept in order, one of each.
    fn take_apart(
        &self,
        settings: &Settings,
        ahead: &mut VecDeque<Event>,
        before: &[Decision],
    ) -> Result<Vec<Event>, Error> {
        let mut conversations = HashSet::new();
        let mut apart = Vec::with_capacity(ahead.len());
        while let Some(event) = ahead.pop_front() {
            let follows = settings.ordered && event.keys.user.is_some() && !conversations.insert(event.keys.clone());
            if follows || self.dispatch.blocked(&event, before)?.is_some() {
                ahead.push_front(event);
                break;
            }
            apart.push(event);
        }
        Ok(apart)
    }
}
