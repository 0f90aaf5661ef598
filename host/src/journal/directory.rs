//! The journal's directory: made whole or not at all, used by one process at a time, and of one format.
//!
//! | name | what |
//! | --- | --- |
//! | `FORMAT` | one line, `postern journal 2`; made last, so a directory that has it has the rest |
//! | `lock` | held while the journal is open |
//! | `boot` | how often it was opened: one number in decimal |
//! | `inbox/`, `outbox/` | the two logs: the truth |
//! | `checkpoint` | what the outbox would no longer tell after retention: see `checkpoint.rs` |
//! | `index/` | made from the logs, and made again when it is lost |

use super::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The number of the format that this postern writes and reads.
pub(super) const FORMAT: u32 = 2;
const WORDS: &str = "postern journal ";

/// Whoever holds this holds the directory.
pub(super) struct Lock {
    _file: File,
}

/// Makes `directory` if it is absent or empty, and takes it for this process.
pub(super) fn take(directory: &Path) -> Result<Lock, Error> {
    make(directory)?;
    let failed = |error| Error::Open(directory.to_owned(), error);
    let path = directory.join("FORMAT");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim_end().strip_prefix(WORDS) {
            Some(number) if number == FORMAT.to_string() => {}
            Some(number) if number.len() < 20 => return Err(Error::Format(directory.to_owned(), number.to_owned())),
            _ if has_segments(directory) => {
                tracing::warn!(path = %path.display(), "the name of the format is damaged; the logs have it too");
                replace(&path, format!("{WORDS}{FORMAT}\n").as_bytes()).map_err(failed)?;
            }
            _ => return Err(Error::Foreign(directory.to_owned())),
        },
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
            return Err(Error::Foreign(directory.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    }
    let lock = directory.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(lock).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Whether another process holds it now. One that begins at this very instant may find it held by this question.
pub fn is_in_use(directory: &Path) -> bool {
    let lock = File::open(directory.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether there is a log of ours, whose own headers say which format it has.
fn has_segments(directory: &Path) -> bool {
    let inbox = fs::read_dir(directory.join("inbox"));
    inbox
        .is_ok_and(|mut files| files.any(|file| file.is_ok_and(|file| file.path().extension() == Some("log".as_ref()))))
}

/// Makes the journal in a directory of another name and gives it its own when it is whole: a first start that is
/// killed half-way leaves nothing that the second would stumble over. An empty directory that is there already, such
/// as the place where a disk is mounted, is furnished instead, `FORMAT` last.
fn make(directory: &Path) -> Result<(), Error> {
    let failed = |error| Error::Create(directory.to_owned(), error);
    if directory.exists() {
        return if furnished(directory).map_err(failed)? { Ok(()) } else { furnish(directory).map_err(failed) };
    }
    let begun = directory.with_extension("new");
    if begun.exists() {
        fs::remove_dir_all(&begun).map_err(failed)?;
    }
    fs::create_dir_all(&begun).map_err(failed)?;
    furnish(&begun).map_err(failed)?;
    fs::rename(&begun, directory).map_err(failed)?;
    sync_directory(parent(directory)).map_err(failed)
}

/// Whether there is anything in `directory` but what an interrupted `furnish` leaves.
fn furnished(directory: &Path) -> io::Result<bool> {
    for item in fs::read_dir(directory)? {
        let name = item?.file_name();
        if name != "lock" && name != "FORMAT.new" && name != "lost+found" {
            return Ok(true);
        }
    }
    Ok(false)
}

fn furnish(directory: &Path) -> io::Result<()> {
    File::create(directory.join("lock"))?;
    replace(&directory.join("FORMAT"), format!("{WORDS}{FORMAT}\n").as_bytes())
}

/// Counts this opening. Were the number lost, the seconds since 1970 go on in its place: more than there ever were.
pub(super) fn count_boot(directory: &Path) -> Result<u32, Error> {
    let path = directory.join("boot");
    let number = match fs::read_to_string(&path) {
        Ok(text) => text.trim_end().parse().ok().and_then(|number: u32| number.checked_add(1)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !directory.join("inbox").exists() => Some(1),
        Err(_) => None,
    };
    let number = number.unwrap_or_else(|| {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        tracing::warn!(path = %path.display(), "the count of starts is lost; it goes on at the seconds since 1970");
        u32::try_from(seconds).unwrap_or(u32::MAX)
    });
    match replace(&path, format!("{number}\n").as_bytes()) {
        Ok(()) => Ok(number),
        // A full disk is no reason not to start: what is there is served, and what has expired is deleted.
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            tracing::warn!(path = %path.display(), "no room to count this start; it is numbered by the clock");
            let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            Ok(u32::try_from(seconds).unwrap_or(u32::MAX))
        }
        Err(error) => Err(Error::Open(directory.to_owned(), error)),
    }
}

/// Puts `content` into the place of the file at `path`: after a crash there is the old or the new, whole.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_directory(parent(path))
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The directory that `path` lies in: of a bare name the present one, whose own path is not the empty one.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The first free name among `index.damaged-1` and so on; with two there already, the older goes.
pub(super) fn set_aside(directory: &Path) -> io::Result<PathBuf> {
    const KEPT: usize = 2;
    let mut there = Vec::new();
    for item in fs::read_dir(directory)? {
        let name = item?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.strip_prefix("index.damaged-")?.parse::<u64>().ok()) {
            there.push(number);
        }
    }
    there.sort_unstable();
    let next = there.last().copied().unwrap_or(0).saturating_add(1);
    while there.len() >= KEPT {
        fs::remove_dir_all(directory.join(format!("index.damaged-{}", there.remove(0))))?;
    }
    let aside = directory.join(format!("index.damaged-{next}"));
    fs::rename(directory.join("index"), &aside)?;
    sync_directory(directory)?;
    Ok(aside)
}
