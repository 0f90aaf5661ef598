//! The end of the last segment, behind its last valid frame: what it tells of how the log was left.

use super::frame::{self, HEADER, Header};
use super::walk::{Bounds, Lost, read};
use super::{Disk, DiskFile, Place};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The copies of damaged ends are named so.
pub(super) const SUFFIX: &str = ".torn";

/// The most that is copied of one, and how many copies there may be: they are for people to look at.
const MOST_COPIED: u64 = 8 << 20;
const MOST_COPIES: usize = 8;

/// Fewer bytes than this are not spent on a position. So a damaged end of many bytes, whose positions nobody can read
/// any more, held no more positions than this says, and none of them is given again.
pub(super) const LEAST: u64 = HEADER as u64;

const CHUNK: u64 = 64 << 10;

pub(super) enum Tail {
    /// Nothing is there.
    Clean,
    /// A write that did not come to its end, so that it was not acknowledged: zeros, or a frame whose end is missing.
    Unwritten,
    /// Anything else: it might have been synced. Positions before `next` may have been in use.
    Damaged { next: u64 },
}

/// Looks at bytes in which there is no valid frame.
pub(super) fn look(file: &dyn DiskFile, bounds: Bounds, lost: Lost) -> io::Result<Tail> {
    let (mut at, mut next, mut bytes) = (lost.at, lost.from_position, Vec::new());
    let mut is_damaged = false;
    while at < lost.to {
        let left = lost.to - at;
        let unreadable = read(file, at, left.min(LEAST), &mut bytes)?;
        let header = Header::decode(&bytes, Place { segment: bounds.segment, at });
        match header.filter(|header| header.position >= next) {
            // Wholly there, so only its payload is damaged; the header still tells its positions.
            Some(header) if header.total() <= left => (at, next) = (at + header.total(), header.next()),
            Some(_) => break,
            None if !unreadable && (is_begun(&bytes) || is_zero(file, at, lost.to)?) => break,
            None => (at, next) = (lost.to, next + (left / LEAST).max(1)),
        }
        is_damaged = true;
    }
    Ok(if is_damaged { Tail::Damaged { next } } else { Tail::Unwritten })
}

/// Whether these few last bytes are the first of a frame's header.
fn is_begun(bytes: &[u8]) -> bool {
    let magic = bytes.len().min(frame::MAGIC.len());
    bytes.len() < HEADER && bytes[..magic] == frame::MAGIC[..magic]
}

pub(super) fn is_zero(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<bool> {
    let (mut at, mut bytes) = (from, Vec::new());
    while at < to {
        let unreadable = read(file, at, (to - at).min(CHUNK), &mut bytes)?;
        if unreadable || bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += CHUNK;
    }
    Ok(true)
}

/// Copies a damaged end beside its segment, the first of it when it is long.
pub(super) fn copy(
    disk: &dyn Disk,
    file: &Arc<dyn DiskFile>,
    path: &Path,
    range: Range<u64>,
    copies: usize,
) -> io::Result<PathBuf> {
    if copies >= MOST_COPIES {
        return Err(io::Error::other(format!("there are {copies} such copies already")));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    let (name, mut bytes) = (PathBuf::from(name), Vec::new());
    read(&**file, range.start, (range.end - range.start).min(MOST_COPIED), &mut bytes)?;
    let copy = disk.create(&name)?;
    super::segment::write_all(&*copy, &bytes, 0)?;
    copy.sync()?;
    Ok(name)
}
