//! A segment: its name, its header, and what is known of it.
//!
//! ```text
//! magic 8 · version 4 · segment 4 · epoch 4 · first position 8 · created 8 · behind: segment 4, byte 8
//! · newest before 8 · CRC of this header 4
//! ```
//!
//! *Behind* is the place where the log ended when the segment was begun. Whatever stands between that place and the
//! segment is void: it was refused or cut, even if the cut did not reach the disk.

use super::frame::{long, word};
use super::index::Index;
use super::{DiskFile, Place};
use crate::message::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

const MAGIC: [u8; 8] = *b"postlog\n";
/// In the first version, no frame said that it follows.
const VERSION: u32 = 2;

/// The length of a segment's header: where its first frame begins.
pub(super) const HEADER: usize = 60;
pub(super) const BEGIN: u64 = HEADER as u64;

/// What stands for a time that is not known.
const UNKNOWN: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Of the version that is written now.
    pub is_current: bool,
    pub number: u32,
    pub epoch: u32,
    pub first: u64,
    pub created: Timestamp,
    pub behind: Place,
    /// The latest time at which a frame of the segment before was written.
    pub before: Option<Timestamp>,
}

/// A segment as it was found.
pub(super) struct Candidate {
    pub path: PathBuf,
    pub header: Header,
    pub intact: bool,
    /// `None`: the disk does not give it any more.
    pub file: Option<Arc<dyn DiskFile>>,
    pub limit: u64,
}

/// One segment of an open log.
#[derive(Debug)]
pub(super) struct Segment {
    pub number: u32,
    pub path: PathBuf,
    pub first: u64,
    pub epoch: u32,
    pub created: Timestamp,
    pub before: Option<Timestamp>,
    /// The bytes of it that belong to the log.
    pub limit: AtomicU64,
    /// Made when it is first needed.
    pub index: Mutex<Option<Index>>,
    /// Though it has no frames: there may be something in it for people to look at.
    pub keep: bool,
}

impl Segment {
    pub(super) fn new(header: &Header, path: PathBuf, limit: u64, index: Option<Index>, keep: bool) -> Self {
        Self {
            number: header.number,
            path,
            first: header.first,
            epoch: header.epoch,
            created: header.created,
            before: header.before,
            limit: AtomicU64::new(limit),
            index: Mutex::new(index),
            keep,
        }
    }
}

/// The name of a segment's file.
pub(super) fn name(number: u32, first: u64) -> String {
    format!("{number:08x}-{first:016x}.log")
}

/// The number and first position that a name tells. `None`: it is not one of ours.
pub(super) fn parse(text: &str) -> Option<(u32, u64)> {
    let (number, first) = text.strip_suffix(".log")?.split_once('-')?;
    let (number, first) = (u32::from_str_radix(number, 16).ok()?, u64::from_str_radix(first, 16).ok()?);
    (name(number, first) == text).then_some((number, first))
}

/// What the first bytes of a file say.
pub(super) enum Read {
    Header(Header),
    /// Written by a later version of postern.
    Newer(u32),
    Damaged,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.created.0.to_be_bytes());
        bytes.extend_from_slice(&self.behind.segment.to_be_bytes());
        bytes.extend_from_slice(&self.behind.at.to_be_bytes());
        bytes.extend_from_slice(&self.before.map_or(UNKNOWN, |time| time.0).to_be_bytes());
        let check = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&check.to_be_bytes());
        bytes.try_into().expect("the fields above are 60 bytes")
    }

    /// Reads the header of the segment that a file's name tells.
    pub(super) fn decode(bytes: &[u8], name: (u32, u64)) -> Read {
        Self::fields(bytes, name).unwrap_or(Read::Damaged)
    }

    fn fields(bytes: &[u8], name: (u32, u64)) -> Option<Read> {
        let bytes: &[u8; HEADER] = bytes.first_chunk()?;
        let (content, check) = bytes.split_at(HEADER - 4);
        if content[..8] != MAGIC || check != crc32fast::hash(content).to_be_bytes() {
            return None;
        }
        let version = word(content, 8)?;
        if !(1..=VERSION).contains(&version) {
            return Some(Read::Newer(version));
        }
        let header = Self {
            is_current: version == VERSION,
            number: word(content, 12)?,
            epoch: word(content, 16)?,
            first: long(content, 20)?,
            created: Timestamp(long(content, 28)?),
            behind: Place { segment: word(content, 36)?, at: long(content, 40)? },
            before: Some(long(content, 48)?).filter(|time| *time != UNKNOWN).map(Timestamp),
        };
        ((header.number, header.first) == name).then_some(Read::Header(header))
    }

    /// What stands for a header that cannot be read. The epoch is its own, the same at each start.
    pub(super) fn unknown((number, first): (u32, u64)) -> Self {
        let epoch = crc32fast::hash(name(number, first).as_bytes());
        let (created, behind) = (Timestamp(0), Place { segment: 0, at: 0 });
        Self { is_current: true, number, epoch, first, created, behind, before: None }
    }
}

/// Writes all bytes at a place of a file, however short the single writes are.
pub(super) fn write_all(file: &dyn DiskFile, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written.min(bytes.len())..];
                at += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_was_written_and_a_damaged_one_says_nothing() {
        let before = Some(Timestamp(8));
        let header = Header {
            is_current: true,
            number: 2,
            epoch: 9,
            first: 70,
            created: Timestamp(5),
            behind: Place { segment: 1, at: 6 },
            before,
        };
        let bytes = header.encode();
        assert!(matches!(Header::decode(&bytes, (2, 70)), Read::Header(read) if read == header));
        assert!(matches!(Header::decode(&bytes, (3, 70)), Read::Damaged));
        assert!(matches!(Header::decode(&bytes[..HEADER - 1], (2, 70)), Read::Damaged));
        for bit in 0..HEADER * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Header::decode(&damaged, (2, 70)), Read::Damaged), "bit {bit}");
        }
    }

    #[test]
    fn only_names_as_we_write_them_are_ours() {
        assert_eq!(parse(&name(31, 1 << 40)), Some((31, 1 << 40)));
        for foreign in ["", "a.log", "1-1.log", "0000001F-0000000000000001.log", "0000001f-0000000000000001.log.torn"] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }
}
