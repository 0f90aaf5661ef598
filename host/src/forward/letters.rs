//! Dead letters: what a target did not take in all the time it had.
//!
//! A file each, `DATA/forward/NAME/dead/CURSOR`: a line of JSON, version 1, and then the body as it was posted. So they do not
//! depend on what the outbox still has. There are so many and so large at most; what is older makes room, and is counted.

use super::parcel::Parcel;
use super::report::{Dead, date};
use super::store::{ASIDE, make, read, write};
use crate::message::{Cursor, Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// How many are kept, and how many bytes of bodies.
const MOST: usize = 1000;
const MOST_BYTES: u64 = 256 << 20;

/// One file at most: an event has less, see the journal.
const LONGEST: u64 = 128 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    id: String,
    webhook: String,
    kind: String,
    /// Milliseconds since 1970.
    received: u64,
    content_type: String,
    attempts: u32,
    last_error: String,
}

struct Letter {
    head: Head,
    /// Of the whole file.
    bytes: u64,
}

pub struct Letters {
    directory: PathBuf,
    letters: BTreeMap<Cursor, Letter>,
    bytes: u64,
}

impl Letters {
    /// Those of a target, whose directory this is.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let directory = directory.join("dead");
        make(&directory)?;
        let mut found = Self { directory, letters: BTreeMap::new(), bytes: 0 };
        for file in fs::read_dir(&found.directory)? {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(ASIDE) {
                fs::remove_file(&path)?;
                continue;
            }
            let Ok(cursor) = name.parse::<Cursor>() else { continue };
            match read(&path, LONGEST)?.as_deref().and_then(split) {
                Some((head, body)) => found.insert(cursor, head, body.len()),
                None => tracing::error!(path = %path.display(), "a dead letter is damaged, and is left as it is"),
            }
        }
        Ok(found)
    }

    pub fn has(&self, cursor: Cursor) -> bool {
        self.letters.contains_key(&cursor)
    }

    pub fn cursors(&self) -> Vec<Cursor> {
        self.letters.keys().copied().collect()
    }

    pub fn report(&self) -> Vec<Dead> {
        let dead = |(cursor, Letter { head, .. }): (&Cursor, &Letter)| Dead {
            cursor: cursor.to_string(),
            id: head.id.clone(),
            webhook: head.webhook.clone(),
            kind: head.kind.clone(),
            attempts: head.attempts,
            last_error: head.last_error.clone(),
            received: date(Timestamp(head.received)).to_string(),
        };
        self.letters.iter().map(dead).collect()
    }

    /// Keeps one, durably, and says how many had to make room.
    pub fn add(&mut self, parcel: &Parcel, attempts: u32, error: &str) -> io::Result<u64> {
        let head = Head {
            version: VERSION,
            id: parcel.id.clone(),
            webhook: parcel.webhook.to_string(),
            kind: parcel.kind.to_string(),
            received: parcel.received.0,
            content_type: parcel.content_type.clone(),
            attempts,
            last_error: error.to_owned(),
        };
        let mut line = serde_json::to_vec(&head).expect("strings and numbers are serialisable");
        line.push(b'\n');
        write(&self.directory, &parcel.cursor.to_string(), &[&line, &parcel.body])?;
        self.insert(parcel.cursor, head, parcel.body.len());
        let mut forgotten = 0;
        while self.letters.len() > MOST || self.bytes > MOST_BYTES {
            // Not the one that has just come, though it may be the oldest.
            let Some(oldest) = self.letters.keys().copied().find(|cursor| *cursor != parcel.cursor) else { break };
            self.remove(oldest)?;
            forgotten += 1;
        }
        Ok(forgotten)
    }

    /// What is to be posted; `None` when it is not there any more.
    pub fn parcel(&self, cursor: Cursor) -> io::Result<Option<Parcel>> {
        let Some(bytes) = read(&self.path(cursor), LONGEST)? else { return Ok(None) };
        let Some((head, body)) = split(&bytes) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the dead letter is damaged"));
        };
        Ok(Some(Parcel {
            cursor,
            id: head.id,
            webhook: head.webhook.into(),
            kind: head.kind.into(),
            received: Timestamp(head.received),
            content_type: head.content_type,
            body: Bytes::copy_from_slice(body),
        }))
    }

    /// It was tried once more, in vain.
    pub fn failed(&mut self, parcel: &Parcel, error: &str) -> io::Result<()> {
        let attempts = self.letters.get(&parcel.cursor).map_or(0, |letter| letter.head.attempts);
        self.add(parcel, attempts.saturating_add(1), error).map(|_| ())
    }

    pub fn remove(&mut self, cursor: Cursor) -> io::Result<()> {
        match fs::remove_file(self.path(cursor)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.bytes -= self.letters.remove(&cursor).map_or(0, |letter| letter.bytes);
        Ok(())
    }

    fn insert(&mut self, cursor: Cursor, head: Head, body: usize) {
        let letter = Letter { head, bytes: body as u64 };
        self.bytes += letter.bytes;
        self.bytes -= self.letters.insert(cursor, letter).map_or(0, |before| before.bytes);
    }

    fn path(&self, cursor: Cursor) -> PathBuf {
        self.directory.join(cursor.to_string())
    }
}

/// A file's head and body.
fn split(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
    (head.version == VERSION).then_some((head, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Offset;

    fn parcel(offset: u64, body: &'static [u8]) -> Parcel {
        Parcel {
            cursor: Cursor { epoch: 1, offset: Offset(offset) },
            id: format!("{offset:016x}"),
            webhook: "whatsapp".into(),
            kind: "messages".into(),
            received: Timestamp(1_700_000_000_000),
            content_type: "application/json".into(),
            body: Bytes::from_static(body),
        }
    }

    #[test]
    fn a_letter_is_there_with_its_body_until_it_is_taken_away() {
        let directory = tempfile::tempdir().unwrap();
        let mut letters = Letters::open(directory.path()).unwrap();
        let parcels = [parcel(1, b"{\n\"a\":1}\n"), parcel(2, b"\xff\x00\n")];
        for parcel in &parcels {
            letters.add(parcel, 7, "500").unwrap();
        }
        letters.failed(&parcels[1], "still\n500").unwrap();
        let cursors = parcels.each_ref().map(|parcel| parcel.cursor);
        let mut letters = Letters::open(directory.path()).unwrap();
        assert_eq!(letters.cursors(), cursors);
        for parcel in &parcels {
            assert_eq!(letters.parcel(parcel.cursor).unwrap().as_ref(), Some(parcel));
        }
        let told = letters.report();
        assert_eq!((told[0].attempts, told[0].last_error.as_str()), (7, "500"));
        assert_eq!((told[1].attempts, told[1].last_error.as_str()), (8, "still\n500"));
        letters.remove(cursors[0]).unwrap();
        assert_eq!(Letters::open(directory.path()).unwrap().cursors(), [cursors[1]]);
        assert_eq!(letters.parcel(cursors[0]).unwrap(), None);
    }

    #[test]
    fn the_oldest_makes_room_and_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let mut letters = Letters::open(directory.path()).unwrap();
        // As many as fit, without writing them.
        for offset in 1..=MOST as u64 {
            let head = Head {
                version: VERSION,
                id: String::new(),
                webhook: String::new(),
                kind: String::new(),
                received: 0,
                content_type: String::new(),
                attempts: 1,
                last_error: String::new(),
            };
            letters.insert(Cursor { epoch: 1, offset: Offset(offset) }, head, 1);
        }
        assert_eq!(letters.add(&parcel(MOST as u64 + 1, b"x"), 1, "500").unwrap(), 1);
        assert_eq!((letters.letters.len(), letters.bytes), (MOST, MOST as u64));
        assert!(!letters.has(Cursor { epoch: 1, offset: Offset(1) }));
        assert_eq!(letters.add(&parcel(0, b"x"), 1, "500").unwrap(), 1, "one that comes late is no less welcome");
        assert!(letters.has(Cursor { epoch: 1, offset: Offset(0) }));
    }

    #[test]
    fn what_is_damaged_or_not_whole_is_no_letter() {
        let directory = tempfile::tempdir().unwrap();
        let mut letters = Letters::open(directory.path()).unwrap();
        letters.add(&parcel(1, b"x"), 1, "500").unwrap();
        let dead = directory.path().join("dead");
        let cursor = Cursor { epoch: 1, offset: Offset(2) };
        fs::write(dead.join(cursor.to_string()), "{}").unwrap();
        fs::write(dead.join(format!("{cursor}{ASIDE}")), "{").unwrap();
        fs::write(dead.join("README"), "mine").unwrap();
        assert_eq!(Letters::open(directory.path()).unwrap().cursors().len(), 1);
        assert_eq!(fs::read_dir(&dead).unwrap().count(), 3);
    }
}
