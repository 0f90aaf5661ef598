//! Opening a log, whatever state it was left in.
//!
//! Of all segments the headers are read, of the last one the frames too. What is wrong is told and set aside; nothing of
//! it keeps the log from opening. Only what cannot be looked at at all does: a directory or file that may not be read, or
//! a format of a later version. To go on then would be to give positions anew that are taken.

use super::resume::{Resumed, resume};
use super::segment::{self, BEGIN, Candidate, Read, Segment};
use super::state::{Handles, State, View};
use super::tail;
use super::walk::{self, Bounds, is_lost};
use super::write::Writer;
use super::{Config, Damage, Disk, DiskFile, Log, Opened, Place, index};
use crate::message::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

/// See [`super::Log::open`].
pub(super) fn open(disk: Arc<dyn Disk>, directory: &Path, config: Config) -> io::Result<Opened> {
    let telling = |error: io::Error| {
        io::Error::new(error.kind(), format!("failed to open the log in `{}`: {error}", directory.display()))
    };
    disk.make_directory(directory).map_err(telling)?;
    let names = disk.list(directory).map_err(telling)?;
    let mut damage = Vec::new();
    let mut candidates = find(&*disk, directory, &names, &mut damage)?;
    let number = candidates.iter().map(|candidate| candidate.header.number).max().unwrap_or(0);
    leave_void(&*disk, &mut candidates);
    let floor = remove_torn(&*disk, &mut candidates)?;
    infer_epochs(&mut candidates);
    tell(&candidates, &mut damage);
    if let Err(error) = disk.sync_directory(directory) {
        tracing::warn!(directory = %directory.display(), %error, "failed to sync the directory of the log");
    }

    let torn = names.iter().filter(|name| name.ends_with(tail::SUFFIX)).count();
    let mut resumed = match candidates.last() {
        Some(last) => resume(&*disk, last, &config, torn, &mut damage)?,
        None => Resumed { file: None, end: 1, epoch: None, index: None, limit: 0, is_damaged: false, cut: None },
    };
    if resumed.end < floor {
        (resumed.end, resumed.epoch, resumed.file) = (floor, None, None);
    }
    let is_kept = |one: &Candidate| !one.intact || one.file.is_none() || resumed.is_damaged;
    let segment = |one: Candidate| Segment::new(&one.header, one.path.clone(), one.limit, None, is_kept(&one));
    let segments: Vec<_> = candidates.into_iter().map(segment).map(Arc::new).collect();
    if let Some(last) = segments.last() {
        last.limit.store(resumed.limit, Ordering::Release);
        *last.index.lock().expect("no holder of this lock panics") = resumed.index;
    }
    let epoch = resumed.epoch.unwrap_or_else(|| new_epoch(&segments));
    let view = View { segments: Arc::new(segments), limit: resumed.limit, end: resumed.end, epoch };
    let is_begun = resumed.file.is_some() || resumed.epoch.is_some();
    let state = State {
        disk,
        directory: directory.to_owned(),
        config,
        view: RwLock::new(view),
        writer: Mutex::new(Writer { file: resumed.file, ahead: resumed.limit, number, ..Writer::default() }),
        handles: Handles::default(),
        healthy: AtomicBool::new(true),
    };
    if !is_begun {
        // Should there be no room for it now, the next append tries again; until then nothing is cut, so that another
        // start finds what this one found.
        match state.writer().begin(&state, Timestamp::now()) {
            Ok(_) => _ = resumed.cut.map(|file| file.truncate(resumed.limit.max(BEGIN))),
            Err(error) => {
                tracing::warn!(directory = %directory.display(), %error, "failed to begin a segment of the log");
                state.healthy.store(false, Ordering::Release);
            }
        }
    }
    for one in &damage {
        tracing::warn!("the log is damaged: {one}");
    }
    Ok(Opened { log: Log(Arc::new(state)), damage })
}

/// All segments by their names, and their headers.
fn find(disk: &dyn Disk, directory: &Path, names: &[String], damage: &mut Vec<Damage>) -> io::Result<Vec<Candidate>> {
    let mut ours: Vec<_> = names.iter().filter_map(|name| segment::parse(name)).collect();
    ours.sort_unstable();
    let mut candidates: Vec<Candidate> = Vec::with_capacity(ours.len());
    for ours in ours {
        let path = directory.join(segment::name(ours.0, ours.1));
        let telling =
            |error: io::Error| io::Error::new(error.kind(), format!("failed to read `{}`: {error}", path.display()));
        let file = match disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if is_lost(&error) => None,
            file => Some(file.map_err(telling)?),
        };
        let (mut bytes, mut limit) = (Vec::new(), BEGIN);
        if let Some(file) = &file {
            walk::read(&**file, 0, BEGIN, &mut bytes).map_err(telling)?;
            limit = file.length().map_err(telling)?.max(BEGIN);
        }
        let (header, intact) = match segment::Header::decode(&bytes, ours) {
            Read::Header(header) => (header, true),
            Read::Newer(version) => {
                let text = format!("`{}` has the format {version} of a later version of postern", path.display());
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
            Read::Damaged => (segment::Header::unknown(ours), false),
        };
        let candidate = Candidate { path, header, intact, file, limit };
        // Positions never shrink: of two that do not fit, the one with a good header is believed.
        let clashes = |before: &Candidate| before.header.first > ours.1 || before.header.number == ours.0;
        let mut aside = |one: Candidate| {
            damage.push(Damage { file: one.path, what: "its name does not fit the others; it is left aside".into() });
        };
        while let Some(before) = candidates.pop_if(|before| clashes(before) && !before.intact && intact) {
            aside(before);
        }
        match candidates.last() {
            Some(before) if clashes(before) => aside(candidate),
            _ => candidates.push(candidate),
        }
    }
    Ok(candidates)
}

/// What the headers alone tell to be wrong.
fn tell(candidates: &[Candidate], damage: &mut Vec<Damage>) {
    for (at, one) in candidates.iter().enumerate() {
        let mut tell = |file: &Path, what: &str| damage.push(Damage { file: file.to_owned(), what: what.to_owned() });
        if one.file.is_none() {
            tell(&one.path, "the disk does not give it; what is in it is lost");
        } else if !one.intact {
            tell(&one.path, "its header is damaged; its frames are looked for nonetheless");
        }
        let Some(before) = at.checked_sub(1).and_then(|before| candidates.get(before)).filter(|_| one.intact) else {
            continue;
        };
        let Place { segment, at } = one.header.behind;
        if segment > before.header.number {
            tell(&one.path, "the segment before it is missing; what was in that one is lost");
        } else if before.file.is_some() && before.limit < at {
            tell(&before.path, "its end is missing; what was there is lost");
        }
    }
}

/// Leaves out what a later segment says is void.
fn leave_void(disk: &dyn Disk, candidates: &mut Vec<Candidate>) {
    let mut behind = None;
    for at in (0..candidates.len()).rev() {
        let is_last = at + 1 == candidates.len();
        let candidate = &mut candidates[at];
        let number = candidate.header.number;
        match behind {
            Some(Place { segment, .. }) if number > segment => {
                tracing::info!(file = %candidate.path.display(), "a segment that was given up is removed");
                _ = disk.remove(&candidate.path);
                candidates.remove(at);
                continue;
            }
            Some(place) if number == place.segment => candidate.limit = candidate.limit.min(place.at.max(BEGIN)),
            // Nothing says where it ended but the zeros ahead, if there are any. What a failed cut left there, and no sync
            // was asked for, is about to be shown.
            None if !is_last => {
                let Some(file) = &candidate.file else { continue };
                candidate.limit = without_zeros(candidate, &**file).unwrap_or(candidate.limit);
                if let Err(error) = file.sync() {
                    tracing::warn!(file = %candidate.path.display(), %error, "failed to sync a segment of the log");
                }
            }
            _ => {}
        }
        behind = candidate.intact.then_some(candidate.header.behind);
    }
}

/// Where a segment ends, without the zeros that were written ahead in it.
fn without_zeros(candidate: &Candidate, file: &dyn DiskFile) -> io::Result<u64> {
    let bounds = Bounds { segment: candidate.header.number, limit: candidate.limit, below: u64::MAX };
    let end = index::scan(file, bounds, candidate.header.first)?.end.at;
    Ok(if tail::is_zero(file, end, candidate.limit)? { end } else { candidate.limit })
}

/// Removes last segments that were never begun in earnest. Answers the position that no later one may fall short of.
///
/// One that begins before that position stays, however empty it is: it tells of positions that are missing.
fn remove_torn(disk: &dyn Disk, candidates: &mut Vec<Candidate>) -> io::Result<u64> {
    let mut floor = 1;
    while let Some(last) = candidates.pop_if(|last| !last.intact && last.file.is_some() && last.header.first >= floor) {
        let Some(file) = &last.file else { continue };
        if !tail::is_zero(&**file, BEGIN, last.limit)? {
            candidates.push(last);
            break;
        }
        tracing::info!(file = %last.path.display(), "a segment that was only begun is removed");
        floor = floor.max(last.header.first);
        _ = disk.remove(&last.path);
    }
    Ok(floor)
}

/// Between two segments of one epoch there is no other.
fn infer_epochs(candidates: &mut [Candidate]) {
    for at in 1..candidates.len().saturating_sub(1) {
        let after = candidates[at + 1..].iter().find(|candidate| candidate.intact).map(|after| after.header.epoch);
        if !candidates[at].intact && after == Some(candidates[at - 1].header.epoch) {
            candidates[at].header.epoch = candidates[at - 1].header.epoch;
        }
    }
}

/// An epoch that no segment has.
pub(super) fn new_epoch(segments: &[Arc<Segment>]) -> u32 {
    let random = SystemRandom::new();
    loop {
        let mut bytes = [0; 4];
        if random.fill(&mut bytes).is_err() {
            // Better a number that the clock gives than no log.
            bytes = (Timestamp::now().0 as u32).to_be_bytes();
        }
        let epoch = u32::from_be_bytes(bytes);
        if segments.iter().all(|segment| segment.epoch != epoch) {
            return epoch;
        }
        std::thread::yield_now();
    }
}
