//! A client's socket after the handshake: TCP, TLS, or a pipe to whoever speaks HTTP for it; never waiting.
//!
//! The shard writes to it and reads from it directly. With TLS, all that is written in one call goes into as few
//! records as hold it, and to the kernel in one `send`; what the kernel does not take is kept here, sealed, at most one
//! call's worth.

use crate::pipe::Near;
use mio::net::TcpStream;
use rustls::ServerConnection;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

/// How much plaintext one call seals at most. A client whose socket is full holds that much, and no more.
const SEAL: usize = 64 << 10;

/// What carries the bytes. Clones are the same line: those that wait for it hold one.
#[derive(Clone)]
pub enum Line {
    Tcp(Rc<TcpStream>),
    Pipe(Rc<Near>),
}

pub struct Socket {
    line: Line,
    tls: Option<Box<ServerConnection>>,
    sealed: Vec<u8>,
}

/// After so many reads that brought no content there is a pause: records may be empty, and somebody may send nothing else.
const RECORDS: usize = 64;

/// What became of a write.
pub struct Written {
    /// How many of the bytes offered need not be offered again.
    pub accepted: usize,
    /// No more is taken: wait until the line is writable.
    pub full: bool,
}

impl Line {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => (&**tcp).read(buffer),
            Self::Pipe(pipe) => pipe.try_read(buffer),
        }
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = match self {
            // One slice goes by `send`, which is cheaper.
            Self::Tcp(tcp) => match slices {
                [slice] => (&**tcp).write(slice),
                slices => (&**tcp).write_vectored(slices),
            },
            Self::Pipe(pipe) => pipe.try_write_vectored(slices),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            done => done,
        }
    }

    fn finish(&self) {
        match self {
            // The peer may be gone already, and this is but courtesy.
            Self::Tcp(tcp) => drop(socket2::SockRef::from(&**tcp).shutdown(Shutdown::Write)),
            Self::Pipe(pipe) => pipe.close(),
        }
    }
}

impl Socket {
    pub fn new(line: Line, mut tls: Option<Box<ServerConnection>>) -> Self {
        if let Some(tls) = &mut tls {
            tls.set_buffer_limit(Some(SEAL));
        }
        Self { line, tls, sealed: Vec::new() }
    }

    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Whether nothing waits here to be sent. What may be written to it without being sealed, if that may be.
    pub fn free(&self) -> Option<Option<Rc<TcpStream>>> {
        let is_free = self.sealed.is_empty() && !self.tls.as_ref().is_some_and(|tls| tls.wants_write());
        match &self.line {
            Line::Tcp(tcp) if is_free => Some(self.tls.is_none().then(|| tcp.clone())),
            Line::Tcp(_) | Line::Pipe(_) => None,
        }
    }

    /// Whether something was read from the line that nobody has taken yet.
    pub fn has_unread(&self) -> bool {
        // What came in one record with the last bytes of a handshake is not told apart here: it is looked for.
        self.tls.is_some()
    }

    /// Gives the line what it did not take before. False when it still does not take all of it.
    pub fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<bool> {
        if !self.sealed.is_empty() {
            let sent = self.line.try_write(&[IoSlice::new(&self.sealed)])?;
            if sent < self.sealed.len() {
                self.sealed.drain(..sent);
                return Ok(false);
            }
            self.sealed = Vec::new();
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
            let accepted = self.line.try_write(slices)?;
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            return Ok(Written { accepted, full: accepted < offered });
        };
        let accepted = tls.writer().write_vectored(slices)?;
        let full = self.seal(scratch)?;
        Ok(Written { accepted, full })
    }

    /// Moves what rustls has sealed to the line. True when the line did not take all.
    fn seal(&mut self, scratch: &mut Vec<u8>) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(false) };
        scratch.clear();
        while tls.wants_write() {
            tls.write_tls(scratch)?;
        }
        let sent = self.line.try_write(&[IoSlice::new(scratch)])?;
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
        self.line.finish();
    }
}

/// `Interrupted` means that there may be more, but not now: come again after the others.
impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.line.try_read(buffer) };
        for _ in 0..RECORDS {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if tls.read_tls(&mut TryRead(&self.line))? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
        Err(ErrorKind::Interrupted.into())
    }
}

struct TryRead<'a>(&'a Line);

impl Read for TryRead<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}
