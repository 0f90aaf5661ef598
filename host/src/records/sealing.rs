//! What goes out: sealed into a scratch that all share, and given to the line.

use super::{Layer, Records, by_rustls};
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
        let sealed = match &mut self.layer {
            Layer::Rustls(rustls) => by_rustls::seal(rustls, &mut self.begun, slices, scratch, held),
            Layer::Own(own) => own.seal(slices, scratch, held).map_err(io::Error::other),
            Layer::Lost => Err(ErrorKind::NotConnected.into()),
        };
        let (accepted, end) = match sealed {
            Ok(sealed) => sealed,
            Err(error) => {
                let mut begun = mem::take(&mut self.begun);
                self.say_why(&mut begun);
                let _ = self.flush(line);
                return Err(error);
            }
        };
        self.settled |= accepted > 0;
        let sent = send(line, &scratch[..end])?;
        if held > 0 || sent < end {
            self.sealed = scratch[sent..end].to_vec();
        }
        if self.to_take {
            self.take_when_settled();
        }
        Ok(Written { accepted, full: sent < end })
    }

    /// Says, once, that nothing more will be written. `flush` sends it.
    pub fn close(&mut self) {
        if mem::replace(&mut self.finished, true) {
            return;
        }
        match &mut self.layer {
            Layer::Rustls(rustls) => by_rustls::close(rustls, &mut self.begun, &mut self.sealed),
            Layer::Own(own) => own.close(&mut self.sealed),
            Layer::Lost => {}
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
