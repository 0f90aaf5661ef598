//! A connection of TLS 1.3 of which the keys were taken out of rustls, which has shaken hands with them. From then on records
//! are sealed and opened here, so that a connection that is one of many is small and in one place: with rustls it is 1.8 KiB
//! more, in several pieces, and each record passes through a piece of memory of its own. The key it seals with is kept ready,
//! the one it opens with bare, since clients say little. rustls still knows the secrets that keys are made of, and makes the
//! next ones.
//!
//! What goes out is here, what comes is in `own::opening`.

mod inner;
mod opening;

pub use inner::Fault;

use super::key::{self, HEADER, Key, TAG};
use super::sealing::{AROUND, RECORD, SEAL};
use rustls::kernel::KernelConnection;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::{AlertDescription, ConnectionTrafficSecrets, Error, ProtocolVersion, SupportedCipherSuite};
use std::io::IoSlice;

/// What a record says of itself within what is sealed (RFC 8446, section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// A handshake message, the only one that comes once hands are shaken, and nothing is asked for by ours (section 4.6.3).
const KEY_UPDATE: u8 = 24;
const NOT_REQUESTED: [u8; 5] = [KEY_UPDATE, 0, 0, 1, 0];

/// Levels of alerts.
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// With one key, no more records than this, whatever its suite bears: then there is always a number for the last alert.
const MOST_RECORDS: u64 = u64::MAX - (1 << 16);

pub struct Own {
    writing: Key,
    /// How many records one key may seal (section 5.5).
    most: u64,
    /// The other side has asked for new keys, and is given them before any content.
    asked: bool,
    /// The sequence number of the next record that comes, and what it is opened with.
    read: u64,
    reading: ConnectionTrafficSecrets,
    said: opening::Said,
    next: Box<KernelConnection<ServerConnectionData>>,
}

/// Whether a connection is one that can do without rustls, having shaken hands.
pub fn is_possible(rustls: &UnbufferedServerConnection) -> bool {
    let is_new = rustls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let is_known = rustls.negotiated_cipher_suite().is_some_and(|suite| key::is_known(suite.suite()));
    is_new && is_known && !rustls.is_handshaking()
}

impl Own {
    /// Takes the keys out. rustls must have nothing under way either way, see `Records::take_keys`.
    pub fn new(rustls: UnbufferedServerConnection) -> Result<Self, Error> {
        let (secrets, next) = rustls.dangerous_into_kernel_connection()?;
        let SupportedCipherSuite::Tls13(suite) = next.negotiated_cipher_suite() else {
            return Err(Error::HandshakeNotComplete);
        };
        let (written, writing) = &secrets.tx;
        let (read, reading) = secrets.rx;
        Ok(Self {
            writing: Key::new(*written, writing)?,
            most: suite.common.confidentiality_limit.min(MOST_RECORDS),
            asked: false,
            read,
            reading,
            said: opening::Said::default(),
            next: Box::new(next),
        })
    }

    /// Seals content into `into`, from `at` on: how much of it, and where it ends there. After an error no more may be sealed.
    pub fn seal(&mut self, slices: &[IoSlice<'_>], into: &mut Vec<u8>, at: usize) -> Result<(usize, usize), Error> {
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let accepted = offered.min(SEAL);
        if accepted == 0 {
            return Ok((0, at));
        }
        // One more record: a key update may be due first.
        let records = accepted.div_ceil(RECORD);
        let room = at + accepted + AROUND * (records + 1);
        if into.len() < room {
            into.resize(room, 0);
        }
        let mut end = at;
        if self.asked || self.writing.sequence() + records as u64 >= self.most {
            end = self.update(into, end)?;
        }
        let mut from = slices.iter().map(|slice| &**slice);
        let (mut piece, mut left): (&[u8], usize) = (&[], accepted);
        while left > 0 {
            let length = left.min(RECORD);
            let record = &mut into[end..end + HEADER + length + 1 + TAG];
            let mut room = &mut record[HEADER..HEADER + length];
            while !room.is_empty() {
                if piece.is_empty() {
                    piece = from.next().unwrap_or_default();
                }
                let (here, rest) = piece.split_at(piece.len().min(room.len()));
                let (filled, empty) = room.split_at_mut(here.len());
                filled.copy_from_slice(here);
                (piece, room) = (rest, empty);
            }
            record[HEADER + length] = APPLICATION_DATA;
            self.writing.seal(record)?;
            end += record.len();
            left -= length;
        }
        Ok((accepted, end))
    }

    /// See `Records::touch`.
    pub fn touch(&self) -> usize {
        self.most as usize ^ self.writing.sequence() as usize
    }

    /// Says that the next record has another key, and takes that (RFC 8446, section 4.6.3).
    fn update(&mut self, into: &mut [u8], at: usize) -> Result<usize, Error> {
        let end = self.put(HANDSHAKE, &NOT_REQUESTED, into, at)?;
        let (sequence, secrets) = self.next.update_tx_secret()?;
        self.writing = Key::new(sequence, &secrets)?;
        self.asked = false;
        Ok(end)
    }

    /// Says behind what is there that nothing more will be written (section 6.1).
    pub fn close(&mut self, into: &mut Vec<u8>) {
        self.alert(WARNING, AlertDescription::CloseNotify, into);
    }

    /// Says that this is the end, and why (section 6.2).
    pub fn fail(&mut self, why: AlertDescription, into: &mut Vec<u8>) {
        self.alert(FATAL, why, into);
    }

    fn alert(&mut self, level: u8, what: AlertDescription, into: &mut Vec<u8>) {
        let at = into.len();
        into.resize(at + AROUND, 0);
        // It is the last that is said. Without a key there is nothing that can be.
        let end = self.put(ALERT, &[level, what.into()], into, at).unwrap_or(at);
        into.truncate(end);
    }

    /// Seals something short that is not content, and says where it ends.
    fn put(&mut self, kind: u8, what: &[u8], into: &mut [u8], at: usize) -> Result<usize, Error> {
        let end = at + HEADER + what.len() + 1 + TAG;
        let record = &mut into[at..end];
        record[HEADER..HEADER + what.len()].copy_from_slice(what);
        record[HEADER + what.len()] = kind;
        self.writing.seal(record)?;
        Ok(end)
    }

    /// For tests: has keys exchanged after so many records.
    #[cfg(test)]
    pub fn limit(&mut self, records: u64) {
        self.most = records;
    }

    #[cfg(test)]
    pub fn sealed(&self) -> u64 {
        self.writing.sequence()
    }
}
