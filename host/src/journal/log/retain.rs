//! Deleting what is old, by whole segments.

use super::state::{State, View, is_empty, remove};
use super::write::is_old;
use crate::message::Timestamp;
use std::io;
use std::sync::Arc;

/// See [`super::Log::retain`].
pub(super) fn retain(state: &State, older_than: Option<Timestamp>, most_bytes: u64, keep_from: u64) -> io::Result<u64> {
    let mut writer = state.writer();
    let now = Timestamp::now();
    let mut rolled = Ok(());
    let view = state.view();
    if !is_empty(view.limit) && is_old(state, &view, now) {
        rolled = writer.begin(state, now).map(|_| ());
    }

    let view = state.view();
    let mut total = view.bytes();
    let (mut freed, mut gone) = (0, 0);
    while gone + 1 < view.segments.len() && view.segments[gone + 1].first <= keep_from {
        let is_over = total > most_bytes;
        if !is_over && older_than.is_none_or(|time| state.newest(&view, gone) >= time) {
            break;
        }
        let bytes = view.bounds(gone).limit;
        total -= bytes;
        freed += bytes;
        gone += 1;
    }
    // First nobody finds them any more, then they are removed, the oldest first: whatever a crash leaves is a log that
    // begins a little earlier.
    if gone > 0 {
        state.publish(View { segments: Arc::new(view.segments[gone..].to_vec()), ..view.clone() });
    }
    for segment in &view.segments[..gone] {
        state.handles.forget(segment.number);
        writer.doomed.push(segment.path.clone());
    }
    // Appends need not wait while they are.
    let doomed = std::mem::take(&mut writer.doomed);
    drop(writer);
    for (done, path) in doomed.iter().enumerate() {
        if let Err(error) = remove(&*state.disk, &state.directory, path) {
            state.writer().doomed.splice(0..0, doomed[done..].iter().cloned());
            return Err(error);
        }
    }
    // On a disk without room for a new segment, room is made first.
    match rolled {
        Err(error) if freed == 0 => Err(io::Error::other(error)),
        _ => Ok(freed),
    }
}
