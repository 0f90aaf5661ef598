//! Where the last segment ends, and so where the log goes on.

use super::segment::{BEGIN, Candidate};
use super::tail::{self, Tail};
use super::walk::Bounds;
use super::{Config, Damage, Disk, DiskFile, index};
use std::io;
use std::sync::Arc;

/// Where and how the log goes on.
pub(super) struct Resumed {
    pub file: Option<Arc<dyn DiskFile>>,
    pub end: u64,
    pub epoch: Option<u32>,
    pub index: Option<index::Index>,
    pub limit: u64,
    /// Something that had been synced might be missing.
    pub is_damaged: bool,
    /// The file to cut at the limit, once the next segment says so.
    pub cut: Option<Arc<dyn DiskFile>>,
}

/// Reads the last segment and finds out where the log goes on.
pub(super) fn resume(
    disk: &dyn Disk,
    last: &Candidate,
    config: &Config,
    torn: usize,
    damage: &mut Vec<Damage>,
) -> io::Result<Resumed> {
    let header = &last.header;
    let Some(file) = &last.file else {
        // How many positions it held nobody knows: no more than these.
        let end = header.first + config.segment_bytes / tail::LEAST;
        return Ok(Resumed { file: None, end, epoch: None, index: None, limit: BEGIN, is_damaged: true, cut: None });
    };
    let bounds = Bounds { segment: header.number, limit: last.limit, below: u64::MAX };
    let (scanned, tail) = scan(&**file, bounds, header.first)?;
    damage.extend(scanned.lost.iter().map(|lost| Damage { file: last.path.clone(), what: lost.to_string() }));
    let (limit, end) = (scanned.end.at, scanned.end.position);
    let mut resumed = Resumed {
        file: None,
        end,
        epoch: Some(header.epoch),
        index: Some(scanned.index),
        limit,
        is_damaged: false,
        cut: None,
    };
    // What a killed process had written and not synced is about to be shown: it has to be there tomorrow. A damaged end is
    // cut later, when it is kept and the next segment says so.
    let is_damaged = matches!(tail, Tail::Damaged { .. });
    let cut = if limit < last.limit && !is_damaged { file.truncate(limit) } else { Ok(()) };
    match cut.and_then(|()| file.sync()) {
        Ok(()) => resumed.file = Some(file.clone()).filter(|_| header.is_current && !is_damaged),
        Err(error) => tracing::warn!(file = %last.path.display(), %error, "failed to cut or sync the log"),
    }
    if let Tail::Damaged { next, to } = tail {
        let kept = tail::copy(disk, file, &last.path, limit..to, torn);
        let bytes = to - limit;
        let copied = match &kept {
            Ok(copy) => format!("they are kept in `{}`", copy.display()),
            Err(error) => format!("no copy was made: {error}"),
        };
        let what =
            format!("its last {bytes} bytes are damaged, {copied}; the log goes on at position {next}, not {end}");
        damage.push(Damage { file: last.path.clone(), what });
        (resumed.end, resumed.epoch, resumed.is_damaged) = (next, None, true);
        resumed.cut = kept.ok().map(|_| file.clone());
    }
    if !last.intact {
        (resumed.epoch, resumed.file) = (None, None);
    }
    Ok(resumed)
}

/// Reads a segment up to where a group begins that was never written wholly, if there is one, and tells what the end is.
fn scan(file: &dyn DiskFile, bounds: Bounds, first: u64) -> io::Result<(index::Scanned, Tail)> {
    let mut scanned = index::scan(file, bounds, first)?;
    let mut end = Tail::Clean;
    for number in scanned.settled..scanned.lost.len() {
        let lost = scanned.lost[number];
        if lost.to == lost.at {
            continue;
        }
        let is_end = lost.to == bounds.limit;
        let found = tail::look(file, bounds, lost)?;
        if matches!(found, Tail::Unwritten) && !is_end {
            // Frames of the same group are behind it. None of them was acknowledged.
            let cut = index::scan(file, Bounds { limit: lost.at, ..bounds }, first)?;
            return Ok((cut, Tail::Unwritten));
        }
        if is_end {
            scanned.lost.truncate(number);
            end = found;
            break;
        }
    }
    Ok((scanned, end))
}
