//! What rustls makes of bytes that others keep, by its unbuffered API.

use super::End;
use super::sealing::{AROUND, RECORD, SEAL};
use super::shared;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus};
use std::io::{self, ErrorKind, IoSlice};

/// Opens all that is whole and gives its content: how many bytes that was, and how it ends, if it does. What rustls has to say
/// is put behind what is in `sealed`.
pub fn open(
    rustls: &mut UnbufferedServerConnection,
    bytes: &mut [u8],
    mut give: impl FnMut(&[u8]),
    sealed: &mut Vec<u8>,
) -> (usize, Option<End>) {
    let mut used = 0;
    loop {
        let UnbufferedStatus { mut discard, state, .. } = rustls.process_tls_records(&mut bytes[used..]);
        let (mut done, mut end) = (false, None);
        match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(Ok(record)) = traffic.next_record() {
                    give(record.payload);
                    discard += record.discard;
                }
            }
            // Nobody is offered to send any. Were it there, it would have to be taken.
            Ok(ConnectionState::ReadEarlyData(mut early)) => while early.next_record().is_some() {},
            Ok(ConnectionState::EncodeTlsData(said)) => put(sealed, said),
            Ok(ConnectionState::TransmitTlsData(said)) => said.done(),
            // What comes behind it is nothing (RFC 8446, section 6.1).
            Ok(ConnectionState::PeerClosed) => end = Some(End::Closed),
            Ok(_) => done = true,
            Err(error) => end = Some(End::Broken(Box::new(error))),
        }
        used += discard;
        if done || end.is_some() {
            return (used, end);
        }
    }
}

/// The alert that rustls has for an end, if any.
pub fn say_why(rustls: &mut UnbufferedServerConnection, rest: &mut [u8], sealed: &mut Vec<u8>) {
    while rustls.wants_write() {
        let Ok(ConnectionState::EncodeTlsData(said)) = rustls.process_tls_records(rest).state else { return };
        put(sealed, said);
    }
}

/// Seals content into `into`, from `at` on: how much of it, and where it ends there.
pub fn seal(
    rustls: &mut UnbufferedServerConnection,
    begun: &mut [u8],
    slices: &[IoSlice<'_>],
    into: &mut Vec<u8>,
    at: usize,
) -> io::Result<(usize, usize)> {
    let mut filled = slices.iter().filter(|slice| !slice.is_empty());
    match (filled.next(), filled.next()) {
        (None, _) => Ok((0, at)),
        (Some(one), None) => seal_one(rustls, begun, one, into, at),
        // rustls takes one slice.
        (Some(_), Some(_)) => shared::gathered(|gathered| {
            for slice in slices {
                gathered.extend_from_slice(&slice[..slice.len().min(SEAL - gathered.len())]);
            }
            seal_one(rustls, begun, gathered, into, at)
        }),
    }
}

fn seal_one(
    rustls: &mut UnbufferedServerConnection,
    begun: &mut [u8],
    content: &[u8],
    into: &mut Vec<u8>,
    at: usize,
) -> io::Result<(usize, usize)> {
    let content = &content[..content.len().min(SEAL)];
    // Before it, rustls may have to exchange keys: then, what it has to say of that has room too.
    let mut room = content.len() + AROUND * (content.len() / RECORD + 5);
    loop {
        if into.len() < at + room {
            into.resize(at + room, 0);
        }
        // All that came has been opened, and all that rustls had to say was taken, so that it has nothing else to tell.
        let Ok(ConnectionState::WriteTraffic(mut traffic)) = rustls.process_tls_records(begun).state else {
            return Err(ErrorKind::NotConnected.into());
        };
        match traffic.encrypt(content, &mut into[at..]) {
            Ok(written) => return Ok((content.len(), at + written)),
            Err(EncryptError::InsufficientSize(more)) => room = more.required_size,
            // TLS 1.2 has no new keys for a connection that has used up its own.
            Err(error @ EncryptError::EncryptExhausted) => return Err(io::Error::other(error)),
        }
    }
}

/// Says behind what is in `sealed` that nothing more will be written.
pub fn close(rustls: &mut UnbufferedServerConnection, begun: &mut [u8], sealed: &mut Vec<u8>) {
    if let Ok(ConnectionState::WriteTraffic(mut traffic)) = rustls.process_tls_records(begun).state {
        let before = sealed.len();
        // Two small records: a key update may be due first.
        sealed.resize(before + 4 * AROUND, 0);
        let said = traffic.queue_close_notify(&mut sealed[before..]).unwrap_or(0);
        sealed.truncate(before + said);
    }
}

/// Puts what rustls has to say behind what is there.
fn put<Data>(bytes: &mut Vec<u8>, mut said: EncodeTlsData<'_, Data>) {
    let before = bytes.len();
    loop {
        match said.encode(&mut bytes[before..]) {
            Ok(_) | Err(EncodeError::AlreadyEncoded) => return,
            Err(EncodeError::InsufficientSize(more)) => bytes.resize(before + more.required_size, 0),
        }
    }
}
