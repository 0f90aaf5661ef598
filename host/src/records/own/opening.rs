//! What comes, opened where it is: content is given on, alerts and new keys are heeded, all else is an end.

use super::super::key::Key;
use super::inner::{self, Fault, Inner, fault};
use super::{KEY_UPDATE, NOT_REQUESTED, Own};
use rustls::{AlertDescription, Error, HandshakeType, InvalidMessage, PeerMisbehaved};

/// Somebody is up to no good after so many records in a row without content, new keys without content between, and alerts
/// that mean nothing. rustls has the same numbers.
const MOST_EMPTY: u8 = 32;
const MOST_UPDATES: u8 = 32;
const MOST_WARNINGS: u8 = 4;

/// What was said beside content.
#[derive(Default)]
pub struct Said {
    /// A handshake message that has begun, and how much of it there is.
    begun: [u8; NOT_REQUESTED.len()],
    length: usize,
    empty: u8,
    updates: u8,
    warnings: u8,
}

impl Own {
    /// Opens all records that are whole and gives their content: how many bytes they were, and whether they were the last.
    /// After that, or a fault, no more may be opened.
    pub fn open(&mut self, bytes: &mut [u8], mut give: impl FnMut(&[u8])) -> (usize, Result<bool, Fault>) {
        let mut used = 0;
        let mut key = None;
        loop {
            let rest = &mut bytes[used..];
            let length = match inner::length(rest) {
                Some(Ok(length)) if length <= rest.len() => length,
                Some(Err(fault)) => return (used, Err(fault)),
                _ => return (used, Ok(false)),
            };
            used += length;
            match self.open_one(&mut rest[..length], &mut key, &mut give) {
                Ok(false) => {}
                done => return (used, done),
            }
        }
    }

    /// Opens a record, by the key that is ready if one is.
    fn open_one(
        &mut self,
        record: &mut [u8],
        ready: &mut Option<Key>,
        give: &mut impl FnMut(&[u8]),
    ) -> Result<bool, Fault> {
        let key = match ready {
            Some(key) => key,
            None => ready.insert(Key::new(self.read, &self.reading).map_err(ours)?),
        };
        let opened = key.open(record).map_err(|error| fault(AlertDescription::BadRecordMac, error))?;
        self.read = key.sequence();
        let inner = inner::read(opened)?;
        if self.said.length > 0 && !matches!(inner, Inner::Handshake(_)) {
            let error = PeerMisbehaved::MessageInterleavedWithHandshakeMessage;
            return Err(fault(AlertDescription::UnexpectedMessage, error));
        }
        match inner {
            Inner::Content([]) => count(&mut self.said.empty, MOST_EMPTY, PeerMisbehaved::TooManyEmptyFragments)?,
            Inner::Content(content) => {
                (self.said.empty, self.said.updates) = (0, 0);
                give(content);
            }
            Inner::Handshake(message) => {
                if self.hear_handshake(message)? {
                    *ready = None;
                }
            }
            Inner::Alert(alert) => return self.hear_alert(alert),
        }
        Ok(false)
    }

    /// Handshake messages, which may come in pieces (RFC 8446, section 5.1): only a KeyUpdate has a place now, and it is the
    /// last with its key (section 4.6.3). Whether there is a new one.
    fn hear_handshake(&mut self, message: &[u8]) -> Result<bool, Fault> {
        let Said { begun, length, .. } = &mut self.said;
        let (here, behind) = message.split_at(message.len().min(begun.len() - *length));
        begun[*length..*length + here.len()].copy_from_slice(here);
        *length += here.len();
        let there = (*length).min(begun.len() - 1);
        if begun[0] != KEY_UPDATE {
            let (expect_types, got_type) = (vec![HandshakeType::KeyUpdate], HandshakeType::from(begun[0]));
            let error = Error::InappropriateHandshakeMessage { expect_types, got_type };
            return Err(fault(AlertDescription::UnexpectedMessage, error));
        }
        if begun[..there] != NOT_REQUESTED[..there] {
            return Err(fault(AlertDescription::DecodeError, InvalidMessage::InvalidKeyUpdate));
        }
        if *length < begun.len() {
            return Ok(false);
        }
        *length = 0;
        if !behind.is_empty() {
            return Err(fault(AlertDescription::UnexpectedMessage, PeerMisbehaved::KeyEpochWithPendingFragment));
        }
        match begun[there] {
            0 => {}
            // Several before anything is said here are answered once.
            1 => self.asked = true,
            _ => return Err(fault(AlertDescription::IllegalParameter, InvalidMessage::InvalidKeyUpdate)),
        }
        count(&mut self.said.updates, MOST_UPDATES, PeerMisbehaved::TooManyKeyUpdateRequests)?;
        (self.read, self.reading) = self.next.update_rx_secret().map_err(ours)?;
        Ok(true)
    }

    /// Whether the other side has said that it says no more. All other alerts are ends, whatever their level says (section 6),
    /// but for one that is not worth it (section 6.1).
    fn hear_alert(&mut self, alert: &[u8]) -> Result<bool, Fault> {
        let &[_, what] = alert else {
            let error = match alert.len() {
                1 => InvalidMessage::MessageTooShort,
                _ => InvalidMessage::TrailingData("an alert"),
            };
            return Err(fault(AlertDescription::DecodeError, error));
        };
        match AlertDescription::from(what) {
            AlertDescription::CloseNotify => Ok(true),
            AlertDescription::UserCanceled => {
                count(&mut self.said.warnings, MOST_WARNINGS, PeerMisbehaved::TooManyWarningAlertsReceived)?;
                Ok(false)
            }
            what => Err(Fault { alert: None, error: Error::AlertReceived(what) }),
        }
    }
}

fn count(counter: &mut u8, most: u8, error: PeerMisbehaved) -> Result<(), Fault> {
    *counter += 1;
    if *counter > most { Err(fault(AlertDescription::UnexpectedMessage, error)) } else { Ok(()) }
}

/// Nothing that the other side has done.
fn ours(error: Error) -> Fault {
    fault(AlertDescription::InternalError, error)
}
