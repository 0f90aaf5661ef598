//! TLS on the server's side, by rustls's unbuffered API: rustls works on bytes that others keep. So a connection costs
//! its keys and little else, and whoever serves many of them reads, opens and seals all through buffers that they share.
//! (With its buffered API a connection costs 4.3 KiB more, most of it a read buffer that is always there, and what is
//! sealed is gathered in it before it is sent. tokio-rustls knows no other; it is for the client's side, in `outward`.)
//!
//! | file | what |
//! | --- | --- |
//! | here | a connection: bytes in and out of a line that never waits |
//! | `shared` | the buffers, a set a thread |
//! | `stream` | the same over TCP for those who wait: its handshake, and then what hyper runs on |
//!
//! What it promises:
//! - a connection that says nothing and is told nothing holds no buffer;
//! - what is read is opened at once, so that no more is kept of it than a record that has not come whole, or the pieces of a
//!   handshake message ([`MOST_BEGUN`]), and the content of one read that nobody has taken ([`shared::CAME`]);
//! - what is written goes into as few records as hold it and to the line in one call; what that does not take is kept
//!   sealed, one call's worth ([`SEAL`]) and what rustls has to say of its own ([`HELD`]) at most;
//! - whoever breaks the protocol gets rustls's alert before the error is told here.

mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub use stream::Stream;

use bytes::BufMut;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus};
use rustls::{CommonState, ServerConfig};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem;
use std::sync::Arc;

/// How much content one call seals at most. A client whose line is full holds that much, and no more.
const SEAL: usize = 64 << 10;

/// The content of a record, at most, and what is around it, generously: a header, a nonce, a type and a tag.
const RECORD: usize = 16 << 10;
const AROUND: usize = 64;

/// What rustls has to say of its own (tickets, alerts, key updates) goes out with the next content, up to this much of it.
const HELD: usize = 4 << 10;

/// What is kept of what has not come whole: rustls takes handshake messages of up to 64 KiB.
const MOST_BEGUN: usize = 64 << 10;

/// After so many reads that brought no content there is a pause: records may be empty, and somebody may send nothing else.
const EMPTY_READS: usize = 64;

pub struct Records {
    rustls: UnbufferedServerConnection,
    /// Came, and is not whole yet. rustls may have opened a part of it in place.
    begun: Vec<u8>,
    /// Content that nobody has taken yet, from `taken` on.
    opened: Vec<u8>,
    taken: usize,
    /// Is to be sent, and the line has not taken it yet.
    sealed: Vec<u8>,
    /// There will be no more content, and why.
    end: Option<End>,
    /// Nothing more may be written.
    finished: bool,
}

enum End {
    /// The other side has said so.
    Closed,
    /// The line has ended, which anybody can make it do.
    Cut,
    Broken(rustls::Error),
}

/// What became of a write.
pub struct Written {
    /// How many of the bytes offered need not be offered again.
    pub accepted: usize,
    /// No more is taken: wait until the line is writable.
    pub full: bool,
}

impl Records {
    /// A connection that nobody has said anything on.
    pub fn new(config: Arc<ServerConfig>) -> Result<Box<Self>, rustls::Error> {
        Ok(Box::new(Self {
            rustls: UnbufferedServerConnection::new(config)?,
            begun: Vec::new(),
            opened: Vec::new(),
            taken: 0,
            sealed: Vec::new(),
            end: None,
            finished: false,
        }))
    }

    /// What the two sides have agreed on so far.
    pub fn agreed(&self) -> &CommonState {
        &self.rustls
    }

    /// Content, as `Read` has it: 0 when the other side has said that there is no more. `UnexpectedEof` when the line has
    /// ended and it has not, `InvalidData` when it broke the protocol. `Interrupted` means that there may be more, but not
    /// now: come again after the others.
    pub fn read(&mut self, line: &mut (impl Read + Write), buffer: &mut impl BufMut) -> io::Result<usize> {
        if !buffer.has_remaining_mut() {
            return Ok(0);
        }
        for _ in 0..EMPTY_READS {
            let taken = self.take(buffer);
            if taken > 0 {
                return Ok(taken);
            }
            match &self.end {
                None => {}
                Some(End::Closed) => return Ok(0),
                Some(End::Cut) => return Err(ErrorKind::UnexpectedEof.into()),
                Some(End::Broken(error)) => return Err(io::Error::new(ErrorKind::InvalidData, error.clone())),
            }
            let given = self.hear(line, buffer)?;
            if given > 0 {
                return Ok(given);
            }
        }
        Err(ErrorKind::Interrupted.into())
    }

    /// Content that is here already.
    fn take(&mut self, buffer: &mut impl BufMut) -> usize {
        let ready = &self.opened[self.taken..];
        let taken = ready.len().min(buffer.remaining_mut());
        buffer.put_slice(&ready[..taken]);
        self.taken += taken;
        if self.taken == self.opened.len() {
            (self.opened, self.taken) = (Vec::new(), 0);
        }
        taken
    }

    /// Reads once, and opens what came. How much content of it is in `buffer`; what has no room there is kept.
    fn hear(&mut self, line: &mut (impl Read + Write), buffer: &mut impl BufMut) -> io::Result<usize> {
        let given = shared::came(|came| {
            let read = line.read(came)?;
            if read == 0 {
                self.end = Some(End::Cut);
                return Ok::<_, io::Error>(0);
            }
            Ok(self.open(&mut came[..read], buffer))
        })?;
        if matches!(self.end, Some(End::Broken(_))) {
            // Its alert. Whether it is heard makes no difference to us.
            let _ = self.flush(line);
        }
        Ok(given)
    }

    /// Opens all that is whole of what has come, with what came now. Content goes to `buffer`, and how much of it is told;
    /// what has no room there is kept, behind what is kept already. What rustls has to say is left in `sealed`.
    fn open(&mut self, came: &mut [u8], buffer: &mut impl BufMut) -> usize {
        let mut begun = mem::take(&mut self.begun);
        let joined = !begun.is_empty();
        let bytes = if joined {
            begun.extend_from_slice(came);
            &mut begun[..]
        } else {
            came
        };
        let (mut used, mut given) = (0, 0);
        while self.end.is_none() {
            let UnbufferedStatus { mut discard, state, .. } = self.rustls.process_tls_records(&mut bytes[used..]);
            let mut done = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        let here = record.payload.len().min(buffer.remaining_mut());
                        let (here, kept) = record.payload.split_at(here);
                        buffer.put_slice(here);
                        given += here.len();
                        self.opened.extend_from_slice(kept);
                        discard += record.discard;
                    }
                }
                // Nobody is offered to send any. Were it there, it would have to be taken.
                Ok(ConnectionState::ReadEarlyData(mut early)) => while early.next_record().is_some() {},
                Ok(ConnectionState::EncodeTlsData(said)) => put(&mut self.sealed, said),
                Ok(ConnectionState::TransmitTlsData(said)) => said.done(),
                // What comes behind it is nothing (RFC 8446, section 6.1).
                Ok(ConnectionState::PeerClosed) => self.end = Some(End::Closed),
                Ok(_) => done = true,
                Err(error) => self.end = Some(End::Broken(error)),
            }
            used += discard;
            if done {
                break;
            }
        }
        let rest = &mut bytes[used..];
        match self.end {
            Some(End::Broken(_)) => self.say_why(rest),
            Some(_) => {}
            None if joined && used == 0 => self.begun = begun,
            None => self.begun = rest.to_vec(),
        }
        if self.begun.len() > MOST_BEGUN {
            self.begun = Vec::new();
            self.end = Some(End::Broken(rustls::Error::General("a handshake message in too many pieces".to_owned())));
        }
        given
    }

    /// The alert that rustls has for an error, if any. After it nothing may be said.
    fn say_why(&mut self, rest: &mut [u8]) {
        self.finished = true;
        while self.rustls.wants_write() {
            let Ok(ConnectionState::EncodeTlsData(said)) = self.rustls.process_tls_records(rest).state else { return };
            put(&mut self.sealed, said);
        }
    }

    /// Gives the line what it did not take before, and what rustls has to say. False when it still does not take all of it.
    pub fn flush(&mut self, line: &mut impl Write) -> io::Result<bool> {
        if self.sealed.is_empty() {
            return Ok(true);
        }
        let sent = send(line, &self.sealed)?;
        if sent < self.sealed.len() {
            self.sealed.drain(..sent);
            return Ok(false);
        }
        self.sealed = Vec::new();
        Ok(true)
    }

    /// Seals as much as may be into `scratch`, which grows to what it needs and is worth keeping for others, and gives it
    /// to the line. Nothing is accepted while the line still has not taken what was written before.
    pub fn write(
        &mut self,
        line: &mut impl Write,
        slices: &[IoSlice<'_>],
        scratch: &mut Vec<u8>,
    ) -> io::Result<Written> {
        if self.finished {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if self.sealed.len() > HELD && !self.flush(line)? {
            return Ok(Written { accepted: 0, full: true });
        }
        let held = self.sealed.len();
        if scratch.len() < held {
            scratch.resize(held, 0);
        }
        scratch[..held].copy_from_slice(&self.sealed);
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        let (accepted, end) = match (filled.next(), filled.next()) {
            (None, _) => (0, held),
            (Some(one), None) => self.seal(one, scratch, held)?,
            // rustls takes one slice.
            (Some(_), Some(_)) => shared::gathered(|gathered| {
                for slice in slices {
                    gathered.extend_from_slice(&slice[..slice.len().min(SEAL - gathered.len())]);
                }
                self.seal(gathered, scratch, held)
            })?,
        };
        let sent = send(line, &scratch[..end])?;
        self.sealed = scratch[sent..end].to_vec();
        Ok(Written { accepted, full: sent < end })
    }

    /// Seals content into `into`, from `at` on: how much of it, and where it ends there.
    fn seal(&mut self, content: &[u8], into: &mut Vec<u8>, at: usize) -> io::Result<(usize, usize)> {
        let content = &content[..content.len().min(SEAL)];
        let mut room = content.len() + AROUND * (content.len() / RECORD + 1);
        loop {
            if into.len() < at + room {
                into.resize(at + room, 0);
            }
            // All that came has been opened, and all that rustls had to say was taken, so that it has nothing else to tell.
            let Ok(ConnectionState::WriteTraffic(mut traffic)) = self.rustls.process_tls_records(&mut self.begun).state
            else {
                return Err(ErrorKind::NotConnected.into());
            };
            match traffic.encrypt(content, &mut into[at..]) {
                Ok(written) => return Ok((content.len(), at + written)),
                Err(EncryptError::InsufficientSize(more)) => room = more.required_size,
                Err(error @ EncryptError::EncryptExhausted) => {
                    self.finished = true;
                    return Err(io::Error::other(error));
                }
            }
        }
    }

    /// Says, once, that nothing more will be written. `flush` sends it.
    pub fn close(&mut self) {
        if mem::replace(&mut self.finished, true) {
            return;
        }
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = self.rustls.process_tls_records(&mut self.begun).state {
            let before = self.sealed.len();
            // Two small records: a key update may be due first.
            self.sealed.resize(before + 4 * AROUND, 0);
            let said = traffic.queue_close_notify(&mut self.sealed[before..]).unwrap_or(0);
            self.sealed.truncate(before + said);
        }
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

/// How much the line takes now.
fn send(line: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match line.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        sent => sent,
    }
}
