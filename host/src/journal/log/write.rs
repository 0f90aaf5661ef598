//! Appending.
//!
//! A group of frames is one write and one sync, and readers see it after that. Where a write makes the file longer, zeros
//! are written ahead of what comes next: to sync what stays within a file costs a third less than to sync one that grew.
//!
//! When the write fails the segment is cut back to where it was, and the cut is synced, so that nothing of the group can
//! come back behind what is appended next. When a sync fails, that segment is never written to again: what the disk has
//! of it is what was synced before, and the next append begins another one, whose header says where the log ended.
//!
//! What was refused can come back in one way only: the power fails before the cut is on disk, or before the next
//! segment is. It is then in the log as if it had been acknowledged, at positions that were given to nothing else.

use super::frame::{self, HEADER, MOST_PAYLOAD};
use super::index::Index;
use super::recover::new_epoch;
use super::segment::{self, BEGIN, Segment, write_all};
use super::state::{State, View, is_empty, remove};
use super::{AppendError, DiskFile, NewFrame, Place};
use crate::message::Timestamp;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A buffer that grew beyond this for one large group is given back.
const KEPT_BUFFER: usize = 4 << 20;

#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The last segment, when it can be written to. When not, the next append begins another.
    pub file: Option<Arc<dyn DiskFile>>,
    /// Where the zeros end that were written ahead in it.
    pub ahead: u64,
    /// The highest number that a segment ever had.
    pub number: u32,
    /// Files that retention failed to remove.
    pub doomed: Vec<PathBuf>,
    pub buffer: Vec<u8>,
}

impl Writer {
    pub(super) fn append(
        &mut self,
        state: &State,
        frames: &[NewFrame],
        now: Timestamp,
    ) -> Result<Vec<Place>, AppendError> {
        let length: usize = frames.iter().map(|frame| HEADER + frame.length()).sum();
        let view = state.view();
        let full = view.limit.saturating_add(length as u64) > state.config.segment_bytes;
        let file = match &self.file {
            Some(file) if is_empty(view.limit) || !(full || is_old(state, &view, now)) => file.clone(),
            _ => self.begin(state, now)?,
        };

        let mut view = state.view();
        let segment = view.segments.last().expect("a segment was begun").clone();
        let begin = view.limit;
        let mut position = view.end;
        let mut places = Vec::with_capacity(frames.len());
        self.buffer.clear();
        for frame in frames {
            let place = Place { segment: segment.number, at: begin + self.buffer.len() as u64 };
            frame::encode(&mut self.buffer, place, position, now, !places.is_empty(), frame);
            position += u64::from(frame.count);
            places.push(place);
        }
        let written = write_all(&*file, &self.buffer, begin);
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        if let Err(error) = written {
            if let Err(error) = file.truncate(begin).and_then(|()| file.sync()) {
                tracing::warn!(file = %segment.path.display(), %error, "failed to cut what was written in part");
                self.file = None;
            }
            self.ahead = begin;
            return Err(failed_write(error));
        }
        let end = begin + length as u64;
        if end > self.ahead {
            let room = state.config.segment_bytes.saturating_sub(end);
            self.ahead = end + write_zeros(&*file, end, room.min(state.config.ahead));
        }
        if let Err(error) = file.sync() {
            self.file = None;
            // For a kill that comes before the next segment; what the log promises does not depend on it.
            if let Err(error) = file.truncate(begin) {
                tracing::warn!(file = %segment.path.display(), %error, "failed to cut what was not synced");
            }
            return Err(AppendError::Sync(error));
        }

        let mut next = view.end;
        view.end = position;
        view.limit = end;
        segment.limit.store(view.limit, Ordering::Release);
        state.publish(view);
        let mut index = segment.index.lock().expect("no holder of this lock panics");
        let index = index.get_or_insert_with(|| Index::new(segment.first));
        for (frame, place) in frames.iter().zip(&places) {
            index.note(place.at, next, now);
            next += u64::from(frame.count);
        }
        Ok(places)
    }

    /// Begins a new segment, and with it a new epoch. Should that fail, the next append does it.
    pub(super) fn begin_epoch(&mut self, state: &State, now: Timestamp) -> Result<(), AppendError> {
        let mut view = state.view();
        view.epoch = new_epoch(&view.segments);
        state.publish(view);
        self.begin(state, now).map(|_| ()).inspect_err(|_| self.file = None)
    }

    /// Begins a new segment where the log ends.
    pub(super) fn begin(&mut self, state: &State, now: Timestamp) -> Result<Arc<dyn DiskFile>, AppendError> {
        let mut view = state.view();
        let mut segments = view.segments.to_vec();
        // One that was begun and never could be used gives way, so that a disk that keeps failing is not littered.
        // One that begins before the log's end stays, for it tells of the positions that are missing.
        let is_useless = |last: &mut Arc<Segment>| is_empty(view.limit) && last.first == view.end && !last.keep;
        let useless = segments.pop_if(is_useless);
        let ended = View { segments: Arc::new(segments), ..view.clone() };
        let before = ended.segments.last().and_then(|last| {
            let index = last.index.lock().expect("no holder of this lock panics");
            index.as_ref().map(|index| index.newest)
        });
        let behind = match (&useless, ended.segments.last()) {
            (None, _) => view.last_place(),
            (Some(_), Some(last)) => Place { segment: last.number, at: last.limit.load(Ordering::Acquire) },
            (Some(_), None) => Place { segment: 0, at: 0 },
        };
        let number = self.number.checked_add(1).ok_or_else(|| AppendError::Io(io::ErrorKind::StorageFull.into()))?;
        let (ended_at, is_current) = (view.limit, true);
        let header =
            segment::Header { is_current, number, epoch: view.epoch, first: view.end, created: now, behind, before };
        let path = state.directory.join(segment::name(number, view.end));
        let file = match create(state, &path, &header) {
            Ok(file) => file,
            Err(error) => {
                // It says that the log ended here. Unless it is gone for good, nothing may be written where it says so.
                if remove(&*state.disk, &state.directory, &path).is_err() {
                    self.file = None;
                }
                return Err(error);
            }
        };

        self.number = number;
        let mut segments = ended.segments.to_vec();
        segments.push(Arc::new(Segment::new(&header, path, BEGIN, Some(Index::new(view.end)), false)));
        view.segments = Arc::new(segments);
        view.limit = BEGIN;
        state.publish(view);
        if let Some(useless) = useless {
            state.handles.forget(useless.number);
            // It is void from now on, there or not.
            if let Err(error) = remove(&*state.disk, &state.directory, &useless.path) {
                tracing::debug!(file = %useless.path.display(), %error, "failed to remove a segment without frames");
            }
        }
        // The zeros ahead in the one before are no use any more. Should that fail, the new header says where it ends.
        if let Some(before) = self.file.replace(file.clone()) {
            _ = before.truncate(ended_at);
        }
        self.ahead = BEGIN;
        Ok(file)
    }
}

/// Makes a segment's file, durable with its name.
fn create(state: &State, path: &Path, header: &segment::Header) -> Result<Arc<dyn DiskFile>, AppendError> {
    let file = match state.disk.create(path) {
        // Left by an attempt that failed.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            state.disk.remove(path).and_then(|()| state.disk.create(path)).map_err(failed_write)?
        }
        created => created.map_err(failed_write)?,
    };
    write_all(&*file, &header.encode(), 0).map_err(failed_write)?;
    file.sync().and_then(|()| state.disk.sync_directory(&state.directory)).map_err(AppendError::Sync)?;
    Ok(file)
}

/// Writes zeros at a place, and answers how many: none where there is no room for them.
fn write_zeros(file: &dyn DiskFile, at: u64, length: u64) -> u64 {
    file.write_at(&vec![0; length as usize], at).map_or(0, |written| written as u64)
}

/// Whether the last segment is due to be followed by another.
pub(super) fn is_old(state: &State, view: &View, now: Timestamp) -> bool {
    let age = view.segments.last().map_or(0, |last| now.0.saturating_sub(last.created.0));
    u128::from(age) >= state.config.segment_age.as_millis()
}

/// The first of these frames that is longer than a frame may be.
pub(super) fn too_long(frames: &[NewFrame]) -> Option<usize> {
    frames.iter().map(NewFrame::length).find(|length| *length > MOST_PAYLOAD)
}

fn failed_write(error: io::Error) -> AppendError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AppendError::NoSpace(error),
        _ => AppendError::Io(error),
    }
}
