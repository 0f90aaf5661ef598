//! What a record holds, once it is opened, and what is wrong with one that cannot be.

use super::super::key::{HEADER, INNER, SEALED};
use super::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};
use rustls::{AlertDescription, ContentType, Error, InvalidMessage, PeerMisbehaved};

/// Why a connection ends, and what the other side is told of it: nothing, if it has told us.
pub struct Fault {
    pub alert: Option<AlertDescription>,
    pub error: Error,
}

pub enum Inner<'a> {
    Content(&'a [u8]),
    Handshake(&'a [u8]),
    Alert(&'a [u8]),
}

pub fn fault(alert: AlertDescription, error: impl Into<Error>) -> Fault {
    Fault { alert: Some(alert), error: error.into() }
}

pub fn unexpected(kind: u8) -> Fault {
    let got_type = ContentType::from(kind);
    let expect_types = vec![ContentType::ApplicationData];
    fault(AlertDescription::UnexpectedMessage, Error::InappropriateMessage { expect_types, got_type })
}

/// How long a record is, header and all, and whether it can be one (RFC 8446, sections 5.1 and 5.2). `None` while that is not
/// to be seen.
pub fn length(bytes: &[u8]) -> Option<Result<usize, Fault>> {
    // All are sealed now, and say that they are content. A ChangeCipherSpec too has no place any more (section 5).
    match *bytes.first()? {
        APPLICATION_DATA => {}
        kind => return Some(Err(unexpected(kind))),
    }
    // The version between is not to be looked at; but it is sealed with the rest.
    let length = usize::from(u16::from_be_bytes([*bytes.get(3)?, *bytes.get(4)?]));
    if length > SEALED {
        return Some(Err(fault(AlertDescription::RecordOverflow, Error::PeerSentOversizedRecord)));
    }
    Some(Ok(HEADER + length))
}

/// What a record that was opened holds: behind it there is its type, which is not zero, and any number of zeros (section 5.4).
pub fn read(opened: &[u8]) -> Result<Inner<'_>, Fault> {
    if opened.len() > INNER + 1 {
        return Err(fault(AlertDescription::RecordOverflow, Error::PeerSentOversizedRecord));
    }
    let Some(end) = opened.iter().rposition(|byte| *byte != 0) else {
        return Err(fault(AlertDescription::UnexpectedMessage, PeerMisbehaved::IllegalTlsInnerPlaintext));
    };
    let inner = &opened[..end];
    match opened[end] {
        APPLICATION_DATA => Ok(Inner::Content(inner)),
        HANDSHAKE | ALERT if inner.is_empty() => {
            Err(fault(AlertDescription::UnexpectedMessage, InvalidMessage::InvalidEmptyPayload))
        }
        HANDSHAKE => Ok(Inner::Handshake(inner)),
        ALERT => Ok(Inner::Alert(inner)),
        CHANGE_CIPHER_SPEC => {
            Err(fault(AlertDescription::UnexpectedMessage, PeerMisbehaved::IllegalMiddleboxChangeCipherSpec))
        }
        kind => Err(unexpected(kind)),
    }
}
