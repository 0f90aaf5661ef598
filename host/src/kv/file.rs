//! The log of one space, in one file: an eight-byte head, then records, of which each sets a key or takes it away.
//!
//! ```text
//! head     "pkv" , version 1, four zeros
//! record   length of the rest (4 bytes, little-endian) , CRC-32 of the rest (4) , expiry (8, milliseconds; 0: never) ,
//!          length of the key (4) , key , 1 and the value, or 0
//! ```
//!
//! A record is written in one call. One that is damaged is stepped over, if another is behind it: what it said is lost, and
//! told. Otherwise reading ends there; what is left, which a power cut leaves, is kept aside and cut off. A log of a version
//! that is not known is refused, and left as it is.

use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const HEAD: [u8; 8] = *b"pkv\x01\0\0\0\0";
/// Of the head, before the version.
const NAME: usize = 3;
const FIXED: usize = 8 + 4 + 1;

/// A key, and what it is set to; `None` takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: String,
    pub value: Option<Bytes>,
    /// Milliseconds since 1970; `None`: never.
    pub expiry: Option<u64>,
}

pub struct Log {
    path: PathBuf,
    file: File,
    /// How long it is, as far as it is good.
    length: u64,
    /// The last write has failed, and there may be something behind `length`.
    torn: bool,
    /// Something was written since the last sync.
    unsynced: bool,
    /// A sync has failed: the next that succeeds says nothing of what that one covered. Nothing is written until the log
    /// was written anew.
    doubtful: bool,
}

/// A log that will take the place of another.
pub struct Fresh {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Log {
    /// Opens a log, made if absent, and gives each of its records to `read`, in order.
    pub fn open(path: &Path, read: impl FnMut(Record)) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.starts_with(&HEAD[..NAME]) && bytes.get(NAME).is_some_and(|version| *version != HEAD[NAME]) {
            return Err(io::Error::other(format!(
                "it is of version {}, and this postern knows version 1",
                bytes[NAME]
            )));
        }
        let good = if bytes.is_empty() { 0 } else { walk(path, &bytes, read) };
        if good < bytes.len() {
            let aside = unused(path);
            tracing::error!(
                path = %path.display(), kept = %aside.display(), from = good, bytes = bytes.len() - good,
                "what a filter keeps is torn at its end, and cut there"
            );
            std::fs::write(aside, &bytes[good..])?;
            file.set_len(good as u64)?;
        }
        let mut log =
            Self { path: path.to_owned(), file, length: good as u64, torn: false, unsynced: true, doubtful: false };
        if good == 0 {
            log.file.seek(SeekFrom::Start(0))?;
            log.file.write_all(&HEAD)?;
            log.length = HEAD.len() as u64;
            log.file.sync_all()?;
            sync_directory(path)?;
        }
        Ok(log)
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes a record: when this returns `Ok`, the system has it. After an error nothing of it is there.
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.doubtful {
            return Err(io::Error::other("the disk has failed, and what it was given must be written again first"));
        }
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        let bytes = encode(record);
        self.file.seek(SeekFrom::Start(self.length))?;
        if let Err(error) = self.file.write_all(&bytes) {
            self.torn = true;
            if self.file.set_len(self.length).is_ok() {
                self.torn = false;
            }
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.unsynced = true;
        Ok(())
    }

    /// What must be synced for all that was written to be on disk: by the caller, who need not keep others waiting
    /// meanwhile, and who tells when that fails.
    pub fn syncing(&mut self) -> io::Result<Option<File>> {
        std::mem::take(&mut self.unsynced).then(|| self.file.try_clone()).transpose()
    }

    /// A sync has failed.
    pub fn doubt(&mut self) {
        self.doubtful = true;
    }

    pub fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets another log take the place of this one, with what was written to this one from `from` on. After an error the
    /// old one goes on.
    pub fn replace(&mut self, mut fresh: Fresh, from: u64) -> io::Result<()> {
        let mut later = vec![0; usize::try_from(self.length - from).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut later, from)?;
        fresh.file.seek(SeekFrom::Start(fresh.length))?;
        fresh.file.write_all(&later)?;
        fresh.file.sync_all()?;
        std::fs::rename(&fresh.path, &self.path)?;
        (self.file, self.length) = (fresh.file, fresh.length + later.len() as u64);
        (self.torn, self.unsynced, self.doubtful) = (false, false, false);
        sync_directory(&self.path)
    }
}

impl Fresh {
    /// Writes a log beside the one at `path`, with these records, and syncs it.
    pub fn write(path: &Path, records: impl Iterator<Item = Record>) -> io::Result<Self> {
        let aside = path.with_extension("new");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&aside)?;
        let mut out = io::BufWriter::with_capacity(1 << 20, file);
        out.write_all(&HEAD)?;
        let mut length = HEAD.len() as u64;
        for record in records {
            let bytes = encode(&record);
            length += bytes.len() as u64;
            out.write_all(&bytes)?;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Self { path: aside, file, length })
    }
}

/// That a file has its name is on disk with its directory.
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// A name for what is cut off a log, that nothing has.
fn unused(path: &Path) -> PathBuf {
    let mut names = (1..).map(|number| path.with_extension(format!("torn-{number}")));
    names.find(|name| !name.exists()).expect("numbers do not end")
}

/// Gives the records of a log, and how many bytes of it are good.
fn walk(path: &Path, bytes: &[u8], mut read: impl FnMut(Record)) -> usize {
    if bytes.len() < HEAD.len() || !bytes.starts_with(&HEAD[..=NAME]) {
        return 0;
    }
    let mut at = HEAD.len();
    loop {
        if let Some((record, length)) = decode(&bytes[at..]) {
            read(record);
            at += length;
        } else if let Some(next) = stated(&bytes[at..]).filter(|next| decode(&bytes[at + next..]).is_some()) {
            tracing::error!(path = %path.display(), at, bytes = next, "what a filter keeps is damaged: one change is lost");
            at += next;
        } else {
            return at;
        }
    }
}

/// How long the record that `bytes` begin with says it is, if there is more than that.
fn stated(bytes: &[u8]) -> Option<usize> {
    let length = 8 + u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    (length < bytes.len()).then_some(length)
}

fn encode(record: &Record) -> Vec<u8> {
    let value = record.value.as_deref().unwrap_or_default();
    let rest = FIXED + record.key.len() + value.len();
    let mut bytes = Vec::with_capacity(8 + rest);
    // Keys and values are far below 4 GiB.
    bytes.extend((rest as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(record.expiry.unwrap_or(0).to_le_bytes());
    bytes.extend((record.key.len() as u32).to_le_bytes());
    bytes.extend(record.key.as_bytes());
    bytes.push(u8::from(record.value.is_some()));
    bytes.extend(value);
    let crc = crc32fast::hash(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The record that `bytes` begin with, and its length.
fn decode(bytes: &[u8]) -> Option<(Record, usize)> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let length = 8 + number(0)? as usize;
    let rest = bytes.get(8..length)?;
    if crc32fast::hash(rest) != number(4)? || rest.len() < FIXED {
        return None;
    }
    let expiry = u64::from_le_bytes(rest[..8].try_into().ok()?);
    let key_end = 12 + u32::from_le_bytes(rest[8..12].try_into().ok()?) as usize;
    let key = String::from_utf8(rest.get(12..key_end)?.to_vec()).ok()?;
    let value = match rest.get(key_end)? {
        0 => None,
        _ => Some(Bytes::copy_from_slice(&rest[key_end + 1..])),
    };
    Some((Record { key, value, expiry: (expiry > 0).then_some(expiry) }, length))
}
