//! Finding positions: by time, by distance, by cursor.

use super::read::walk_on;
use super::state::{State, View};
use super::walk::{Stand, Step};
use crate::message::{Loss, Timestamp};
use std::ops::ControlFlow::{Break, Continue};

/// How far [`back`] goes, in bytes.
const BACK: u64 = 256 << 10;

/// See [`super::Log::at`]. The clock may have gone back: it is the first frame in the order of the log.
pub(super) fn at(state: &State, time: Timestamp) -> u64 {
    let view = state.view();
    for number in 0..view.segments.len() {
        if state.newest(&view, number) < time {
            continue;
        }
        let start = state.rough_index(&view, number, |index| index.for_time(time).stand());
        if let Some(position) = written_since(state, &view, number, start, time) {
            return position;
        }
    }
    view.end
}

/// The first frame of a segment that was written at a time or later.
fn written_since(state: &State, view: &View, number: usize, start: Stand, time: Timestamp) -> Option<u64> {
    let segment = view.segments[number].number;
    let mut found = None;
    let walked = walk_on(state, view, number, start, |met, step| match step {
        _ if met.number != segment => Break(()),
        Step::Frame { header, .. } if header.written >= time => {
            found = Some(header.position);
            Break(())
        }
        _ => Continue(()),
    });
    if let Err(error) = walked {
        // Too early is better than too late: from there on everything is found.
        tracing::warn!(%error, "failed to search the log for a time");
        found = found.or(Some(start.position));
    }
    found
}

/// See [`super::Log::back`].
pub(super) fn back(state: &State, from: u64) -> Option<u64> {
    let view = state.view();
    let (from, first) = (from.min(view.end), view.first());
    if from <= first {
        return None;
    }
    let mut distance = 0;
    let mut number = view.of_position(from);
    loop {
        let marks = state.marks(&view, number);
        // Of the segment that holds `from`, only what comes before it counts.
        let before = marks.partition_point(|mark| mark.position < from);
        let mut until = match marks.get(before) {
            Some(mark) => mark.at,
            None => view.bounds(number).limit,
        };
        for mark in marks[..before].iter().rev() {
            distance += until.saturating_sub(mark.at);
            until = mark.at;
            if distance >= BACK {
                return Some(mark.position.max(first));
            }
        }
        if number == 0 {
            return Some(first);
        }
        number -= 1;
    }
}

/// See [`super::Log::resume`].
pub(super) fn resume(state: &State, epoch: u32, position: u64) -> (u64, Option<(u64, u64, Loss)>) {
    let view = state.view();
    let first = view.first();
    let last = view.segments.iter().rposition(|segment| segment.epoch == epoch);
    // Up to here the positions of that epoch are those of the log.
    let bound = match last {
        Some(last) => view.segments.get(last + 1).map_or(view.end, |next| next.first),
        None if epoch == view.epoch => view.end,
        None => return (first, Some((position, first, Loss::Reset))),
    };
    if position > bound {
        (bound, Some((position, bound, Loss::Reset)))
    } else if position < first && position > 0 {
        (first, Some((position, first, Loss::Expired)))
    } else {
        (position.max(first), None)
    }
}

/// See [`super::Log::epoch_at`].
#[cfg(test)]
pub(super) fn epoch_at(state: &State, position: u64) -> u32 {
    let view = state.view();
    match view.segments.get(view.of_position(position)) {
        Some(segment) if position < view.end => segment.epoch,
        _ => view.epoch,
    }
}
