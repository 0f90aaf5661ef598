//! The way through one segment, frame by frame, each of them checked.
//!
//! Where a frame is not valid, the way goes on at the next one that is: it is searched for byte by byte, unless the
//! damaged frame's header still tells where it ends. What lies between is reported as lost, with its positions.

use super::frame::{HEADER, Header, MAGIC};
use super::{DiskFile, Place};
use std::fmt;
use std::io;

/// How much is read at once.
const CHUNK: u64 = 64 << 10;

/// The unit in which an unreadable disk is given up.
const BLOCK: u64 = 4096;

/// An error of the device itself, `EIO`: the bytes are gone, and asking again does not bring them back.
const DEVICE: i32 = 5;

/// Which part of which segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub segment: u32,
    /// The byte at which it ends.
    pub limit: u64,
    /// The position at which what comes after it begins: it holds none from there on.
    pub below: u64,
}

/// A place in a segment, and the position that the next frame there should have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub at: u64,
    pub position: u64,
}

pub(super) enum Step<'w> {
    Frame { at: u64, header: Header, payload: &'w [u8] },
    Lost(Lost),
}

/// Bytes that are no valid frames, and the positions that are missing with them. Either may be none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    pub at: u64,
    pub to: u64,
    pub from_position: u64,
    pub to_position: u64,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, to, from_position, to_position } = self;
        write!(f, "{} bytes from byte {at} on are damaged; ", to - at)?;
        match to_position - from_position {
            0 => f.write_str("frames without positions are lost"),
            1 => write!(f, "position {from_position} is lost"),
            _ => write!(f, "positions {from_position} to {} are lost", to_position - 1),
        }
    }
}

#[derive(Debug)]
pub(super) struct Walk<'f> {
    bounds: Bounds,
    stand: Stand,
    window: Window<'f>,
}

enum Verdict {
    Valid(Header),
    /// A frame of positions that were given again later.
    Void,
    /// Not valid; the header may be.
    Bad(Option<Header>),
}

impl<'f> Walk<'f> {
    pub(super) fn new(file: &'f dyn DiskFile, bounds: Bounds, stand: Stand) -> Self {
        Self { bounds, stand, window: Window { file, limit: bounds.limit, at: 0, bytes: Vec::new() } }
    }

    /// Where it stands.
    pub(super) fn stand(&self) -> Stand {
        self.stand
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Step<'_>>> {
        let Stand { at, position } = self.stand;
        let to = match if at < self.bounds.limit { self.check(at)? } else { Verdict::Void } {
            Verdict::Valid(header) if header.position > position => at,
            Verdict::Valid(header) => {
                self.stand = Stand { at: at + header.total(), position: header.next() };
                let payload = self.window.get(at + HEADER as u64, u64::from(header.length))?;
                return Ok(Some(Step::Frame { at, header, payload }));
            }
            Verdict::Void => {
                self.stand.at = at.max(self.bounds.limit);
                if position >= self.bounds.below || self.bounds.below == u64::MAX {
                    return Ok(None);
                }
                self.stand.at
            }
            // Its header says where the next one begins, and a header is believed or not, never half.
            Verdict::Bad(Some(header)) => self.search(at + header.total())?,
            Verdict::Bad(None) => self.search(at + 1)?,
        };
        let to_position = match if to < self.bounds.limit { self.check(to)? } else { Verdict::Void } {
            Verdict::Valid(header) => header.position,
            _ if self.bounds.below == u64::MAX => position,
            _ => self.bounds.below.max(position),
        };
        self.stand = Stand { at: to, position: to_position };
        Ok(Some(Step::Lost(Lost { at, to, from_position: position, to_position })))
    }

    /// Looks at what begins at a byte.
    fn check(&mut self, at: u64) -> io::Result<Verdict> {
        let Bounds { segment, limit, below } = self.bounds;
        let left = limit.saturating_sub(at);
        let bytes = self.window.get(at, left.min(HEADER as u64))?;
        let Some(header) = Header::decode(bytes, Place { segment, at }) else { return Ok(Verdict::Bad(None)) };
        // Positions only grow: what says otherwise is no part of this log.
        if header.total() > left || header.position < self.stand.position {
            return Ok(Verdict::Bad(None));
        }
        let payload = self.window.get(at + HEADER as u64, u64::from(header.length))?;
        if !header.covers(payload) {
            return Ok(Verdict::Bad(Some(header)));
        }
        Ok(if header.next() > below { Verdict::Void } else { Verdict::Valid(header) })
    }

    /// The place of the first valid frame from a byte on; the segment's end when there is none.
    fn search(&mut self, from: u64) -> io::Result<u64> {
        let mut at = from;
        while at + HEADER as u64 <= self.bounds.limit {
            let bytes = self.window.rest(at, HEADER as u64)?;
            if bytes.len() < HEADER {
                // The file is shorter than the segment was.
                break;
            }
            let Some(found) = bytes.windows(MAGIC.len()).position(|bytes| bytes == MAGIC) else {
                at += (bytes.len() - (MAGIC.len() - 1)) as u64;
                continue;
            };
            at += found as u64;
            if let Verdict::Valid(_) = self.check(at)? {
                return Ok(at);
            }
            at += 1;
        }
        Ok(self.bounds.limit)
    }
}

/// A part of a file, in memory.
#[derive(Debug)]
pub(super) struct Window<'f> {
    file: &'f dyn DiskFile,
    limit: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// These bytes of the file; fewer where the file ends before its time.
    fn get(&mut self, at: u64, length: u64) -> io::Result<&[u8]> {
        let bytes = self.rest(at, length)?;
        Ok(&bytes[..bytes.len().min(length as usize)])
    }

    /// At least these bytes, and what is in memory behind them.
    fn rest(&mut self, at: u64, least: u64) -> io::Result<&[u8]> {
        if at < self.at || at + least > self.at + self.bytes.len() as u64 {
            let length = least.max(CHUNK).min(self.limit.saturating_sub(at));
            self.bytes.clear();
            read(self.file, at, length, &mut self.bytes)?;
            self.at = at;
        }
        Ok(&self.bytes[(at - self.at) as usize..])
    }
}

/// Reads bytes of a file, as many as there are. What the device cannot give is zeros, and the answer is true then.
pub(super) fn read(file: &dyn DiskFile, at: u64, length: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let (mut done, mut unreadable, mut singly) = (0, false, false);
    bytes.resize(length as usize, 0);
    while done < length {
        let block = ((at + done) / BLOCK + 1) * BLOCK - at;
        let until = if singly { block.min(length) } else { length };
        match file.read_at(&mut bytes[done as usize..until as usize], at + done) {
            Ok(0) => break,
            Ok(count) => done += count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // One bad block fails a read of many: from here on they are asked for one by one.
            Err(error) if error.raw_os_error() == Some(DEVICE) && !singly => singly = true,
            Err(error) if error.raw_os_error() == Some(DEVICE) => {
                bytes[done as usize..until as usize].fill(0);
                (done, unreadable) = (until, true);
            }
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(done as usize);
    Ok(unreadable)
}

/// Whether an error says that a file's bytes cannot be had, now or later.
pub(super) fn is_lost(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(DEVICE)
}
