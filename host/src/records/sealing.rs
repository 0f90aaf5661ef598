//! What goes out: sealed into a scratch that all share, and given to the line.

use super::{Records, shared};
use rustls::unbuffered::{ConnectionState, EncryptError};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::mem;

/// How much content one call seals at most. A client whose line is full holds that much, and no more.
pub const SEAL: usize = 64 << 10;

/// The content of a record, at most, and what is around it, generously: a header, a nonce, a type and a tag.
pub const RECORD: usize = 16 << 10;
pub const AROUND: usize = 64;

/// What rustls has to say of its own (tickets, alerts, key updates) goes out with the next content, up to this much of it.
pub const HELD: usize = 4 << 10;

/// What became of a write.
pub struct Written {
    /// How many of the bytes offered need not be offered again.
    pub accepted: usize,
    /// No more is taken: wait until the line is writable.
    pub full: bool,
}

impl Records {
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
        let sealed = match (filled.next(), filled.next()) {
            (None, _) => Ok((0, held)),
            (Some(one), None) => self.seal(one, scratch, held),
            // rustls takes one slice.
            (Some(_), Some(_)) => shared::gathered(|gathered| {
                for slice in slices {
                    gathered.extend_from_slice(&slice[..slice.len().min(SEAL - gathered.len())]);
                }
                self.seal(gathered, scratch, held)
            }),
        };
        let (accepted, end) = match sealed {
            Ok(sealed) => sealed,
            Err(error) => {
                let _ = self.flush(line);
                return Err(error);
            }
        };
        let sent = send(line, &scratch[..end])?;
        self.sealed = scratch[sent..end].to_vec();
        Ok(Written { accepted, full: sent < end })
    }

    /// Seals content into `into`, from `at` on: how much of it, and where it ends there.
    fn seal(&mut self, content: &[u8], into: &mut Vec<u8>, at: usize) -> io::Result<(usize, usize)> {
        let content = &content[..content.len().min(SEAL)];
        // Before it, rustls may have to exchange keys: then, what it has to say of that has room too.
        let mut room = content.len() + AROUND * (content.len() / RECORD + 5);
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
                // TLS 1.2 has no new keys for a connection that has used up its own.
                Err(error @ EncryptError::EncryptExhausted) => {
                    let mut begun = mem::take(&mut self.begun);
                    self.say_why(&mut begun);
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
