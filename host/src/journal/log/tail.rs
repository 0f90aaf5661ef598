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

/// What a disk writes wholly or not at all.
const SECTOR: u64 = 512;

/// Fewer zeros than this may be a frame's own. Where they are not, to tell of a loss that was none is the lesser evil.
const LEAST_ZEROS: usize = 16;

pub(super) enum Tail {
    /// Nothing is there.
    Clean,
    /// A write that did not come to its end, so that it was not acknowledged: sectors that still are zeros, as they were
    /// before, or a frame whose end is missing.
    Unwritten,
    /// Anything else: it might have been synced. It ends at `to`; positions before `next` may have been in use.
    Damaged { next: u64, to: u64 },
}

/// Looks at bytes in which there is no valid frame, and behind which no later group begins.
pub(super) fn look(file: &dyn DiskFile, bounds: Bounds, lost: Lost) -> io::Result<Tail> {
    let is_end = lost.to == bounds.limit;
    // Zeros may have been written ahead there.
    let to = if is_end { written_to(file, lost.at, lost.to)? } else { lost.to };
    let (mut at, mut next, mut bytes) = (lost.at, lost.from_position, Vec::new());
    let mut is_damaged = false;
    while at < to {
        let unreadable = read(file, at, (lost.to - at).min(LEAST), &mut bytes)?;
        let header = Header::decode(&bytes, Place { segment: bounds.segment, at });
        match header.filter(|header| header.position >= next) {
            Some(header) if at + header.total() > lost.to => break,
            Some(header) if has_unwritten(file, at, at + header.total())? => break,
            // Wholly there, so only its payload is damaged; the header still tells its positions.
            Some(header) => (at, next) = (at + header.total(), header.next()),
            None if !unreadable && is_end && is_begun(&bytes, to - at) => break,
            None if has_unwritten(file, at, to)? => break,
            None => (at, next) = (to, next + ((to - at) / LEAST).max(1)),
        }
        is_damaged = true;
    }
    Ok(if is_damaged { Tail::Damaged { next, to: at.max(to) } } else { Tail::Unwritten })
}

/// Whether the last bytes that are no zeros are the first of a frame's header.
fn is_begun(bytes: &[u8], written: u64) -> bool {
    let magic = frame::MAGIC.len().min(written as usize);
    written < LEAST && bytes[..magic] == frame::MAGIC[..magic]
}

pub(super) fn is_zero(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<bool> {
    Ok(written_to(file, from, to)? == from)
}

/// The end of what is no zeros, or cannot be read.
fn written_to(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<u64> {
    let (mut at, mut end, mut bytes) = (from, from, Vec::new());
    while at < to {
        let unreadable = read(file, at, (to - at).min(CHUNK), &mut bytes)?;
        let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        let written = if unreadable { bytes.len() as u64 } else { written };
        end = if written > 0 { at + written } else { end };
        at += CHUNK;
    }
    Ok(end)
}

/// Whether a sector of these bytes, or the part of one that they have, is zeros. What cannot be read is not.
fn has_unwritten(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<bool> {
    let (mut at, mut bytes) = (from, Vec::new());
    while at < to {
        let chunk = (at / CHUNK + 1) * CHUNK - at;
        let unreadable = read(file, at, (to - at).min(chunk), &mut bytes)?;
        let first = (SECTOR - at % SECTOR).min(bytes.len() as u64) as usize;
        let (first, rest) = bytes.split_at(first);
        let mut sectors = std::iter::once(first).chain(rest.chunks(SECTOR as usize));
        let is_unwritten = |sector: &[u8]| sector.len() >= LEAST_ZEROS && sector.iter().all(|byte| *byte == 0);
        if !unreadable && sectors.any(is_unwritten) {
            return Ok(true);
        }
        at += chunk;
    }
    Ok(false)
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
