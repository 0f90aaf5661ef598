//! The log of one space, in one file: an eight-byte head, then records, of which each sets a key or takes it away.
//!
//! ```text
//! head     "pkv" , version 1, four zeros
//! record   length of the rest (4 bytes, little-endian) , CRC-32 of the rest (4) , expiry (8, milliseconds; 0: never) ,
//!          length of the key (4) , key , 1 and the value, or 0
//! ```
//!
//! A record is written in one call. Reading ends at the first that is cut or damaged; what is behind it, which only a
//! power cut leaves, is kept aside and cut off.

use bytes::Bytes;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const HEAD: [u8; 8] = *b"pkv\x01\0\0\0\0";
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
}

impl Log {
    /// Opens a log, made if absent, and gives each of its records to `read`, in order.
    pub fn open(path: &Path, read: impl FnMut(Record)) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let good = if bytes.is_empty() { 0 } else { walk(&bytes, read) };
        if good < bytes.len() {
            let aside = path.with_extension("torn");
            tracing::error!(
                path = %path.display(), kept = %aside.display(), from = good, bytes = bytes.len() - good,
                "what a filter keeps is torn at its end, and cut there"
            );
            std::fs::write(aside, &bytes[good..])?;
            file.set_len(good as u64)?;
        }
        let mut log = Self { path: path.to_owned(), file, length: good as u64, torn: false, unsynced: true };
        if good == 0 {
            log.file.seek(SeekFrom::Start(0))?;
            log.file.write_all(&HEAD)?;
            log.length = HEAD.len() as u64;
        }
        Ok(log)
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes a record: when this returns `Ok`, the system has it. After an error nothing of it is there.
    pub fn append(&mut self, record: &Record) -> io::Result<()> {
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

    /// Puts what was written onto the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unsynced) {
            self.file.sync_data().inspect_err(|_| self.unsynced = true)?;
        }
        Ok(())
    }

    /// Writes the log anew, with these records only. After an error the old one goes on.
    pub fn rewrite<'a>(&mut self, records: impl Iterator<Item = Record> + 'a) -> io::Result<()> {
        let aside = self.path.with_extension("new");
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
        std::fs::rename(&aside, &self.path)?;
        (self.file, self.length, self.torn, self.unsynced) = (file, length, false, false);
        // That it has its name now is on disk with its directory.
        self.path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }
}

/// Gives the records of a log, and how many bytes of it are good.
fn walk(bytes: &[u8], mut read: impl FnMut(Record)) -> usize {
    if !bytes.starts_with(&HEAD) {
        return 0;
    }
    let mut at = HEAD.len();
    while let Some((record, length)) = decode(&bytes[at..]) {
        read(record);
        at += length;
    }
    at
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
