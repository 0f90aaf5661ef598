//! What an open log is made of, and who may touch what.
//!
//! Readers take a [`View`], a snapshot that costs a few words, and never wait for the writer but for the moment in which
//! it exchanges the view, after its sync. Everything that changes the log holds the lock of the [`Writer`].

use super::index::{Index, Mark, scan};
use super::segment::{BEGIN, Segment};
use super::walk::Bounds;
use super::write::Writer;
use super::{Config, Disk, DiskFile, Place};
use crate::message::Timestamp;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

/// How many segments are kept open for reading.
const MOST_OPEN: usize = 16;

#[derive(Debug)]
pub(super) struct State {
    pub disk: Arc<dyn Disk>,
    pub directory: PathBuf,
    pub config: Config,
    pub view: RwLock<View>,
    pub writer: Mutex<Writer>,
    pub handles: Handles,
    pub healthy: AtomicBool,
}

/// The log as it stood at one moment.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// In order. Their numbers grow, their first positions do not shrink.
    pub segments: Arc<Vec<Arc<Segment>>>,
    /// The byte at which the last segment ends.
    pub limit: u64,
    /// The position that is given next.
    pub end: u64,
    /// The epoch in which it is given.
    pub epoch: u32,
}

impl View {
    pub(super) fn bounds(&self, index: usize) -> Bounds {
        let segment = &self.segments[index];
        let (limit, below) = match self.segments.get(index + 1) {
            Some(next) => (segment.limit.load(Ordering::Acquire), next.first),
            None => (self.limit, self.end),
        };
        Bounds { segment: segment.number, limit, below }
    }

    pub(super) fn first(&self) -> u64 {
        self.segments.first().map_or(self.end, |segment| segment.first)
    }

    pub(super) fn last_place(&self) -> Place {
        let last = self.segments.last();
        last.map_or(Place { segment: 0, at: 0 }, |last| Place { segment: last.number, at: self.limit })
    }

    pub(super) fn bytes(&self) -> u64 {
        (0..self.segments.len()).map(|index| self.bounds(index).limit).sum()
    }

    /// The segment that holds a position. Of several that begin with it all but the last hold none.
    pub(super) fn of_position(&self, position: u64) -> usize {
        self.segments.partition_point(|segment| segment.first <= position).saturating_sub(1)
    }

    pub(super) fn of_number(&self, number: u32) -> Result<usize, usize> {
        self.segments.binary_search_by_key(&number, |segment| segment.number)
    }
}

impl State {
    pub(super) fn view(&self) -> View {
        self.view.read().expect("no holder of this lock panics").clone()
    }

    pub(super) fn publish(&self, view: View) {
        *self.view.write().expect("no holder of this lock panics") = view;
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().expect("no holder of this lock panics")
    }

    /// Asks a segment's index, which is made now if it never was. Only those who ask for the same wait meanwhile.
    pub(super) fn index<T>(&self, view: &View, number: usize, ask: impl FnOnce(&Index) -> T) -> io::Result<T> {
        let segment = &view.segments[number];
        let mut index = segment.index.lock().expect("no holder of this lock panics");
        if index.is_none() {
            let file = self.handles.get(&*self.disk, segment)?;
            let scanned = scan(&*file, view.bounds(number), segment.first)?;
            for lost in scanned.lost.iter().filter(|lost| lost.to > lost.at) {
                tracing::warn!(file = %segment.path.display(), "{lost}");
            }
            *index = Some(scanned.index);
        }
        Ok(ask(index.as_ref().expect("it was made above")))
    }

    /// As [`State::index`], for answers that may be rough: a segment that cannot be read has but its beginning.
    pub(super) fn rough_index<T>(&self, view: &View, number: usize, ask: impl Fn(&Index) -> T) -> T {
        self.index(view, number, &ask).unwrap_or_else(|error| {
            let segment = &view.segments[number];
            tracing::warn!(file = %segment.path.display(), %error, "failed to read a segment of the log");
            ask(&Index::new(segment.first))
        })
    }

    /// The latest time at which a frame of a segment was written.
    pub(super) fn newest(&self, view: &View, number: usize) -> Timestamp {
        let told = view.segments.get(number + 1).and_then(|next| next.before);
        told.unwrap_or_else(|| self.rough_index(view, number, |index| index.newest))
    }

    /// All marks of a segment.
    pub(super) fn marks(&self, view: &View, number: usize) -> Vec<Mark> {
        self.rough_index(view, number, |index| index.marks.clone())
    }
}

/// The segments that are open for reading, the latest used first.
#[derive(Debug, Default)]
pub(super) struct Handles(Mutex<VecDeque<(u32, Arc<dyn DiskFile>)>>);

impl Handles {
    pub(super) fn get(&self, disk: &dyn Disk, segment: &Segment) -> io::Result<Arc<dyn DiskFile>> {
        let mut open = self.0.lock().expect("no holder of this lock panics");
        let found = open.iter().position(|(number, _)| *number == segment.number).and_then(|at| open.remove(at));
        let found = match found {
            Some(found) => found,
            None => (segment.number, disk.open(&segment.path)?),
        };
        let file = found.1.clone();
        open.push_front(found);
        open.truncate(MOST_OPEN);
        Ok(file)
    }

    /// Lets go of what retention has deleted: an open file keeps its space.
    pub(super) fn forget(&self, number: u32) {
        self.0.lock().expect("no holder of this lock panics").retain(|(open, _)| *open != number);
    }
}

/// Whether a segment that ends at a byte has no frames.
pub(super) fn is_empty(limit: u64) -> bool {
    limit <= BEGIN
}

/// Removes a file and makes that durable. One that is gone already is removed.
pub(super) fn remove(disk: &dyn Disk, directory: &Path, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => disk.sync_directory(directory),
    }
}
