//! A client's socket after the upgrade: plain or TLS, never waiting.
//!
//! The shard writes to it and reads from it directly. With TLS, all that is written in one call goes into as few
//! records as hold it, and to the kernel in one `send`; what the kernel does not take is kept here, sealed, at most one
//! call's worth.

use rustls::ServerConnection;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use tokio::net::TcpStream;

/// How much plaintext one call seals at most. A client whose socket is full holds that much, and no more.
const SEAL: usize = 64 << 10;

pub struct Socket {
    tcp: Rc<TcpStream>,
    tls: Option<Box<ServerConnection>>,
    sealed: Vec<u8>,
}

/// After so many reads that brought no content there is a pause: records may be empty, and somebody may send nothing else.
const RECORDS: usize = 64;

/// What became of a write.
pub struct Written {
    /// How many of the bytes offered need not be offered again.
    pub accepted: usize,
    /// The kernel takes no more: wait until the socket is writable.
    pub full: bool,
}

impl Socket {
    pub fn new(tcp: Rc<TcpStream>, mut tls: Option<Box<ServerConnection>>) -> Self {
        if let Some(tls) = &mut tls {
            tls.set_buffer_limit(Some(SEAL));
        }
        Self { tcp, tls, sealed: Vec::new() }
    }

    pub fn tcp(&self) -> &Rc<TcpStream> {
        &self.tcp
    }

    /// Gives the kernel what it did not take before. False when it still does not take all of it.
    pub fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<bool> {
        while !self.sealed.is_empty() {
            match self.tcp.try_write(&self.sealed) {
                Ok(sent) if sent == self.sealed.len() => self.sealed = Vec::new(),
                Ok(sent) => drop(self.sealed.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        // What rustls has to say of its own: key updates, alerts.
        if self.tls.as_ref().is_some_and(|tls| tls.wants_write()) {
            return self.seal(scratch).map(|full| !full);
        }
        Ok(true)
    }

    /// Writes as much as may be. Only after a `flush` that gave `true`.
    pub fn write(&mut self, slices: &[IoSlice<'_>], scratch: &mut Vec<u8>) -> io::Result<Written> {
        let Some(tls) = &mut self.tls else {
            return match self.tcp.try_write_vectored(slices) {
                Ok(accepted) => {
                    let offered: usize = slices.iter().map(|slice| slice.len()).sum();
                    Ok(Written { accepted, full: accepted < offered })
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Written { accepted: 0, full: true }),
                Err(error) => Err(error),
            };
        };
        let accepted = tls.writer().write_vectored(slices)?;
        let full = self.seal(scratch)?;
        Ok(Written { accepted, full })
    }

    /// Moves what rustls has sealed to the kernel. True when the kernel did not take all.
    fn seal(&mut self, scratch: &mut Vec<u8>) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(false) };
        scratch.clear();
        while tls.wants_write() {
            tls.write_tls(scratch)?;
        }
        let sent = match self.tcp.try_write(scratch) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.sealed.extend_from_slice(&scratch[sent..]);
        Ok(sent < scratch.len())
    }

    /// Says that nothing more will be written. What the client still sends can be read.
    pub fn finish(&mut self, scratch: &mut Vec<u8>) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        // The peer may be gone already, and this is but courtesy.
        let _ = self.flush(scratch);
        let _ = socket2::SockRef::from(&*self.tcp).shutdown(Shutdown::Write);
    }
}

/// `Interrupted` means that there may be more, but not now: come again after the others.
impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.try_read(buffer) };
        for _ in 0..RECORDS {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if tls.read_tls(&mut TryRead(&self.tcp))? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
        Err(ErrorKind::Interrupted.into())
    }
}

struct TryRead<'a>(&'a TcpStream);

impl Read for TryRead<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}
