//! What is kept of a target on disk: how far it is, what was tried, and what became of the rest.
//!
//! `DATA/forward/NAME/state.json` is JSON of version 1. It is written aside, synced and renamed, so it is there wholly or as
//! it was before. One that is damaged is kept beside it, and the target gets everything that the outbox still has: rather
//! twice than not at all.

use super::report::Lost;
use super::window::{Kept, Part, Tries};
use crate::message::Cursor;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;
const NAME: &str = "state.json";
const DAMAGED: &str = "state.damaged";

/// A record of a full window has some 200 KB.
const LONGEST: u64 = 4 << 20;

/// What is known of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub cursor: Cursor,
    pub last: Option<Part>,
    pub ahead: BTreeSet<u64>,
    pub tries: BTreeMap<u64, Tries>,
    /// Why it gets nothing until an operator says so.
    pub set_aside: Option<String>,
    pub totals: Totals,
    /// What it did not get last, because it was there no longer.
    pub lost: Option<Lost>,
}

/// Counted since the target is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    pub delivered: u64,
    /// Attempts.
    pub failed: u64,
    /// Entries of the outbox that were gone before they were read for it.
    pub missed: u64,
    /// Dead letters that made room for younger ones.
    pub forgotten: u64,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    cursor: String,
    #[serde(default)]
    last: Option<Part>,
    #[serde(default)]
    ahead: BTreeSet<u64>,
    #[serde(default)]
    tries: BTreeMap<u64, Tries>,
    #[serde(default)]
    set_aside: Option<String>,
    #[serde(default)]
    totals: Totals,
    #[serde(default)]
    lost: Option<Lost>,
}

pub enum Loaded {
    Absent,
    Known(Box<Record>),
    /// It is kept under another name.
    Damaged,
}

#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The directory is made if absent.
    pub fn open(directory: PathBuf) -> io::Result<Self> {
        make(&directory)?;
        Ok(Self { directory })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn load(&self) -> io::Result<Loaded> {
        let path = self.directory.join(NAME);
        let Some(bytes) = read(&path, LONGEST)? else { return Ok(Loaded::Absent) };
        match Record::read(&bytes) {
            Some(record) => Ok(Loaded::Known(Box::new(record))),
            None => {
                fs::rename(&path, self.directory.join(DAMAGED))?;
                Ok(Loaded::Damaged)
            }
        }
    }

    pub fn save(&self, record: &Record) -> io::Result<()> {
        write(&self.directory, NAME, &[&record.bytes()])
    }
}

impl Record {
    pub fn new(cursor: Cursor) -> Self {
        Self {
            cursor,
            last: None,
            ahead: BTreeSet::new(),
            tries: BTreeMap::new(),
            set_aside: None,
            totals: Totals::default(),
            lost: None,
        }
    }

    /// What its window begins with. `moved`: the cursor is where nothing of what was noted beside it holds.
    pub fn kept(&self, cursor: u64, moved: bool) -> Kept {
        match moved {
            true => Kept { cursor, ..Kept::default() },
            false => Kept { cursor, last: self.last, ahead: self.ahead.clone(), tries: self.tries.clone() },
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let Written { version: VERSION, cursor, last, ahead, tries, set_aside, totals, lost } = written else {
            return None;
        };
        Some(Self { cursor: cursor.parse().ok()?, last, ahead, tries, set_aside, totals, lost })
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { cursor, last, ahead, tries, set_aside, totals, lost } = self.clone();
        let cursor = cursor.to_string();
        let written = Written { version: VERSION, cursor, last, ahead, tries, set_aside, totals, lost };
        serde_json::to_vec(&written).expect("strings and numbers are serialisable")
    }
}

pub fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// A file of at most so many bytes; `None` when it is not there.
pub fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file whole, durably: readers see all of it or what was there before.
pub fn write(directory: &Path, name: &str, pieces: &[&[u8]]) -> io::Result<()> {
    let aside = directory.join(format!("{name}{ASIDE}"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    pieces.iter().try_for_each(|piece| file.write_all(piece))?;
    file.sync_all()?;
    fs::rename(&aside, directory.join(name))?;
    File::open(directory)?.sync_all()
}

/// What a file is called that is not whole yet.
pub const ASIDE: &str = ".new";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{EventId, Offset, Timestamp};

    fn record() -> Record {
        let tries = Tries { attempts: 3, since: Some(Timestamp(5)) };
        let lost = Lost { from: "a".into(), to: "b".into(), reason: "expired".into(), at: "c".into() };
        Record {
            last: Some(Part { event: EventId(9), number: 2 }),
            ahead: BTreeSet::from([12, 14]),
            tries: BTreeMap::from([(11, tries)]),
            set_aside: Some("410".into()),
            totals: Totals { delivered: 1, failed: 2, missed: 3, forgotten: 4 },
            lost: Some(lost),
            ..Record::new(Cursor { epoch: 7, offset: Offset(11) })
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("a/b")).unwrap();
        assert!(matches!(store.load().unwrap(), Loaded::Absent));
        store.save(&Record::new(Cursor { epoch: 1, offset: Offset(1) })).unwrap();
        store.save(&record()).unwrap();
        let Loaded::Known(loaded) = store.load().unwrap() else { panic!("it was saved") };
        assert_eq!(*loaded, record());
    }

    #[test]
    fn what_is_damaged_is_kept_and_told() {
        let whole = record().bytes();
        let later = String::from_utf8(whole.clone()).unwrap().replace("\"version\":1", "\"version\":2").into_bytes();
        for bytes in [&whole[..whole.len() / 2], b"", b"{}", &later] {
            let directory = tempfile::tempdir().unwrap();
            let store = Store::open(directory.path().to_owned()).unwrap();
            fs::write(directory.path().join(NAME), bytes).unwrap();
            assert!(matches!(store.load().unwrap(), Loaded::Damaged));
            assert_eq!(fs::read(directory.path().join(DAMAGED)).unwrap(), bytes);
            assert!(matches!(store.load().unwrap(), Loaded::Absent));
        }
    }
}
