//! A log: frames of bytes, one behind the other, in segment files of a directory.
//!
//! What it promises:
//! - What an append has answered for is on disk, with its bytes, its place and its positions, until retention deletes
//!   it. If the disk damages it, the frames that were hit are missing, no others, and a hole names their positions.
//! - A position is given to one thing only. Where something that had been synced might be missing from the end, the log
//!   goes on behind the positions that may have been in use, in a new epoch.
//! - What an append has refused is not in the log. One case apart: the power fails, or the process is killed while the
//!   cut fails too, before the next append. Then it may be there after the start, as if it had been answered for.
//! - Damage is told, and keeps nothing from opening.
//! - Readers never wait for a sync, and see a group of frames wholly or not at all.
//!
//! What it does not see: where a sector of the last group is turned into zeros, or the file is cut short, it looks like a
//! write that never came to its end, and is cut from there without a word.
//!
//! `segment` and `frame` tell the format, `write` how an append fails, `recover`, `resume` and `tail` how a log is opened.

mod disk;
mod frame;
mod index;
mod read;
mod recover;
mod resume;
mod retain;
mod seek;
mod segment;
mod state;
mod tail;
#[cfg(test)]
mod tests;
mod walk;
mod write;

pub use disk::{Disk, DiskFile, RealDisk};

use crate::message::{Loss, Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use state::State;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// When a segment is full.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The size beyond which a new segment is begun.
    pub segment_bytes: u64,
    /// The age beyond which a new segment is begun, so that retention by age has whole segments to delete.
    pub segment_age: Duration,
    /// So many bytes of a segment are written ahead with zeros.
    pub ahead: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, segment_age: Duration::from_secs(3600), ahead: 256 << 10 }
    }
}

/// A place between two frames. Places order as the frames do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub segment: u32,
    pub at: u64,
}

/// What is appended.
#[derive(Clone, Debug)]
pub struct NewFrame {
    /// How many positions it takes: none is allowed.
    pub count: u32,
    pub payload: Bytes,
    /// The rest of the payload: apart, so that it need not be copied before it is written.
    pub body: Bytes,
}

impl NewFrame {
    /// The length of its payload, all of it.
    fn length(&self) -> usize {
        self.payload.len() + self.body.len()
    }
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first of its positions; the next one to be given, when it holds none.
    pub position: u64,
    pub count: u32,
    pub epoch: u32,
    pub written: Timestamp,
    /// Where it begins.
    pub place: Place,
    pub payload: Bytes,
}

/// What is met on the way through the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Frame(Frame),
    /// The positions from `from` to before `to` are lost by damage. When both are the same (only `frames` tells of
    /// that), nothing was lost but frames that held no position.
    Hole {
        from: u64,
        to: u64,
    },
}

/// A log, and what was found wrong with it.
#[derive(Debug)]
pub struct Opened {
    pub log: Log,
    pub damage: Vec<Damage>,
}

/// Something wrong with a segment, for an operator to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub file: PathBuf,
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.file.display(), self.what)
    }
}

/// Why an append was refused. None of its frames is in the log then, and the next append tries again by itself.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("no space is left to write to the log\nhint: free space on its disk; postern goes on by itself")]
    NoSpace(#[source] io::Error),
    #[error("failed to write to the log")]
    Io(#[source] io::Error),
    #[error("failed to sync the log to its disk")]
    Sync(#[source] io::Error),
    #[error("a frame of {0} bytes is longer than the log takes")]
    TooLong(usize),
}

/// A log. Clones are the same log.
#[derive(Clone, Debug)]
pub struct Log(Arc<State>);

impl Log {
    /// Opens or makes the log in a directory. Of the frames only those of the last segment are read.
    pub fn open(disk: Arc<dyn Disk>, directory: &Path, config: Config) -> io::Result<Opened> {
        recover::open(disk, directory, config)
    }

    /// Appends frames, all or none: one write and one sync, after which readers see them. Answers where each begins.
    pub fn append(&self, frames: &[NewFrame], now: Timestamp) -> Result<Vec<Place>, AppendError> {
        if let Some(length) = write::too_long(frames) {
            return Err(AppendError::TooLong(length));
        }
        if frames.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.0.writer().append(&self.0, frames, now);
        self.0.healthy.store(appended.is_ok(), Ordering::Release);
        appended
    }

    /// Begins a new epoch where the log ends, because it is known to have gone on: what comes at these positions now is
    /// not what an older cursor means by them.
    pub fn begin_epoch(&self, now: Timestamp) -> Result<(), AppendError> {
        let begun = self.0.writer().begin_epoch(&self.0, now);
        self.0.healthy.store(begun.is_ok(), Ordering::Release);
        begun
    }

    /// The position that will be given next. Of a new log: 1.
    pub fn end(&self) -> u64 {
        self.0.view().end
    }

    /// The first position that retention has left; [`Log::end`] when there is none.
    pub fn first(&self) -> u64 {
        self.0.view().first()
    }

    /// The epoch of what is appended next.
    pub fn epoch(&self) -> u32 {
        self.0.view().epoch
    }

    /// The place behind the last frame.
    pub fn last_place(&self) -> Place {
        self.0.view().last_place()
    }

    /// The size of all segments together.
    pub fn bytes(&self) -> u64 {
        self.0.view().bytes()
    }

    /// False after an append that failed, until one succeeds.
    pub fn healthy(&self) -> bool {
        self.0.healthy.load(Ordering::Acquire)
    }

    /// The frames that hold positions from `from` on, in order, those without positions left out: about `bytes` of
    /// them, and one at least if there is one. A `from` older than the first position begins there.
    pub fn read(&self, from: u64, bytes: usize) -> io::Result<Vec<Found>> {
        read::read(&self.0, from, bytes)
    }

    /// All frames from a place on, those without positions too, and the place to go on at, which is
    /// [`Log::last_place`] when there was no more. A place older than retention begins at the oldest.
    pub fn frames(&self, after: Place, bytes: usize) -> io::Result<(Vec<Found>, Place)> {
        read::frames(&self.0, after, bytes)
    }

    /// The frame that begins at a place. `None`: it is not there any more, or damaged.
    pub fn frame_at(&self, place: Place) -> io::Result<Option<Frame>> {
        read::frame_at(&self.0, place)
    }

    /// The position of the first frame written at `time` or later; [`Log::end`] when there is none.
    pub fn at(&self, time: Timestamp) -> u64 {
        seek::at(&self.0, time)
    }

    /// A position about 256 KiB before `from`. `None` when `from` is the first or before it.
    pub fn back(&self, from: u64) -> Option<u64> {
        seek::back(&self.0, from)
    }

    /// Where somebody goes on who stood at `position` in `epoch`, and the positions he does not get, with the reason.
    pub fn resume(&self, epoch: u32, position: u64) -> (u64, Option<(u64, u64, Loss)>) {
        seek::resume(&self.0, epoch, position)
    }

    /// Where an epoch ended and another followed. `None` of the present one, and of one that is not known.
    pub fn epoch_end(&self, epoch: u32) -> Option<u64> {
        let view = self.0.view();
        let last = view.segments.iter().rposition(|segment| segment.epoch == epoch).filter(|_| epoch != view.epoch)?;
        view.segments.get(last + 1).map(|next| next.first)
    }

    /// The epoch in which a position was given, or will be.
    #[cfg(test)]
    pub fn epoch_at(&self, position: u64) -> u32 {
        seek::epoch_at(&self.0, position)
    }

    /// Deletes the oldest segments whose frames are all older than `older_than`, and as many as it takes to have no more
    /// than `most_bytes`; never the last one, and none with a position from `keep_from` on. Answers the bytes freed.
    pub fn retain(&self, older_than: Option<Timestamp>, most_bytes: u64, keep_from: u64) -> io::Result<u64> {
        retain::retain(&self.0, older_than, most_bytes, keep_from)
    }
}
