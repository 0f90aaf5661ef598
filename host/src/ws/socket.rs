//! A client's socket after the handshake: TCP, TLS, or a pipe to whoever speaks HTTP for it; never waiting.
//!
//! The shard writes to it and reads from it directly. With TLS, all that is written in one call is sealed into the shard's
//! scratch, and given to the kernel in one `send`; what the kernel does not take is kept in `records`, at most one call's
//! worth.

use crate::pipe::Near;
use crate::records::Records;
pub use crate::records::Written;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

/// What carries the bytes.
pub enum Line {
    Tcp(TcpStream),
    /// Those that wait for it hold it too.
    Pipe(Rc<Near>),
    /// Nothing: the socket is with others, see [`Socket::lend`].
    Lent,
}

pub struct Socket {
    line: Line,
    tls: Option<Box<Records>>,
}

impl Line {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => (&*tcp).read(buffer),
            Self::Pipe(pipe) => pipe.try_read(buffer),
            Self::Lent => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = match self {
            // One slice goes by `send`, which is cheaper.
            Self::Tcp(tcp) => match slices {
                [slice] => (&*tcp).write(slice),
                slices => (&*tcp).write_vectored(slices),
            },
            Self::Pipe(pipe) => pipe.try_write_vectored(slices),
            Self::Lent => Err(ErrorKind::NotConnected.into()),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            done => done,
        }
    }

    fn finish(&self) {
        match self {
            // The peer may be gone already, and this is but courtesy.
            Self::Tcp(tcp) => drop(socket2::SockRef::from(tcp).shutdown(Shutdown::Write)),
            Self::Pipe(pipe) => pipe.close(),
            Self::Lent => {}
        }
    }
}

impl Socket {
    pub fn new(line: Line, mut tls: Option<Box<Records>>) -> Self {
        tls.iter_mut().for_each(|tls| tls.take_keys());
        Self { line, tls }
    }

    /// See `Records::touch`.
    pub fn touch(&self) -> usize {
        self.tls.as_ref().map_or(0, |tls| tls.touch())
    }

    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Whether it is a socket of the kernel's on which nothing waits, to be sent or to be read.
    pub fn is_free(&self) -> bool {
        let is_free = self.tls.as_ref().is_none_or(|tls| tls.is_clear() && !tls.has_unread());
        is_free && matches!(self.line, Line::Tcp(_))
    }

    /// What may be written to as it is, without being sealed.
    pub fn plain(&self) -> Option<&TcpStream> {
        match &self.line {
            Line::Tcp(tcp) if self.tls.is_none() => Some(tcp),
            _ => None,
        }
    }

    /// Gives the socket to whoever feeds it together with others. What is left in its place is of no use.
    pub fn lend(&mut self) -> Self {
        std::mem::replace(self, Self { line: Line::Lent, tls: None })
    }

    /// Whether something was read from the line that nobody has taken yet.
    pub fn has_unread(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.has_unread())
    }

    /// Gives the line what it did not take before. False when it still does not take all of it.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.tls.as_mut().map_or(Ok(true), |tls| tls.flush(&mut Through(&self.line)))
    }

    /// Writes as much as may be. Only after a `flush` that gave `true`.
    pub fn write(&mut self, slices: &[IoSlice<'_>], scratch: &mut Vec<u8>) -> io::Result<Written> {
        if let Some(tls) = &mut self.tls {
            return tls.write(&mut Through(&self.line), slices, scratch);
        }
        let accepted = self.line.try_write(slices)?;
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        Ok(Written { accepted, full: accepted < offered })
    }

    /// Says that nothing more will be written. What the client still sends can be read.
    pub fn finish(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close();
        }
        // The peer may be gone already, and this is but courtesy.
        let _ = self.flush();
        self.line.finish();
    }
}

/// `Interrupted` means that there may be more, but not now: come again after the others.
impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.line.try_read(buffer) };
        match tls.read(&mut Through(&self.line), &mut &mut *buffer) {
            // An end is an end, whether it was announced or not: that of a WebSocket is said within it.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }
}

/// What TLS runs on.
struct Through<'a>(&'a Line);

impl Read for Through<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Through<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(&[IoSlice::new(bytes)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
