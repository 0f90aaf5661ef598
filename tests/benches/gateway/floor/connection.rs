//! One connection: bytes in, by rustls where there is TLS; bytes out, under its own keys once it is a client's.

use super::room::Frame;
use super::sealer::Sealer;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::{ServerConfig, ServerConnection};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

pub struct Connection {
    socket: TcpStream,
    way: Way,
    /// Of requests.
    pub input: Vec<u8>,
    /// Whose client it is.
    pub room: Option<usize>,
    /// What the socket did not take, as it goes on the wire, and how much of the first it did.
    waiting: VecDeque<Frame>,
    taken: usize,
}

enum Way {
    Plain,
    Tls(Box<ServerConnection>),
    Sealed(Box<Sealer>),
}

impl Connection {
    pub fn new(socket: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let way = match tls {
            None => Way::Plain,
            Some(tls) => Way::Tls(Box::new(ServerConnection::new(tls).map_err(io::Error::other)?)),
        };
        Ok(Self { socket, way, input: vec![], room: None, waiting: VecDeque::new(), taken: 0 })
    }

    /// All that has come; what a client says is not looked at.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let length = match self.socket.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            match &mut self.way {
                _ if self.room.is_some() => {}
                Way::Plain | Way::Sealed(_) => self.input.extend_from_slice(&buffer[..length]),
                Way::Tls(tls) => {
                    let mut sealed = &buffer[..length];
                    while !sealed.is_empty() {
                        tls.read_tls(&mut sealed)?;
                        let state = tls.process_new_packets().map_err(io::Error::other)?;
                        let end = self.input.len();
                        self.input.resize(end + state.plaintext_bytes_to_read(), 0);
                        tls.reader().read_exact(&mut self.input[end..])?;
                    }
                    while tls.wants_write() {
                        tls.write_tls(&mut self.socket)?;
                    }
                }
            }
            // Less than there was room for: the socket is empty, and the next bytes are a new event.
            if length < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Short, so the socket takes it.
    pub fn answer(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Way::Tls(tls) = &mut self.way else { return self.socket.write_all(bytes) };
        tls.writer().write_all(bytes)?;
        while tls.wants_write() {
            tls.write_tls(&mut self.socket)?;
        }
        Ok(())
    }

    /// From here on it is a client's.
    pub fn upgrade(&mut self, room: usize) -> io::Result<()> {
        self.room = Some(room);
        self.input = vec![];
        if let Way::Tls(tls) = std::mem::replace(&mut self.way, Way::Plain) {
            self.way = Way::Sealed(Box::new(Sealer::new(*tls)?));
        }
        Ok(())
    }

    /// All of these by one call; what is left waits until the socket takes it.
    pub fn send(
        &mut self,
        frames: &[Frame],
        scratch: &mut Vec<u8>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<()> {
        let waited = !self.waiting.is_empty();
        if let Way::Sealed(sealer) = &mut self.way {
            scratch.clear();
            let parts: Vec<&[u8]> = frames.iter().map(|frame| &frame[..]).collect();
            sealer.seal(&parts, scratch);
            let sent = if waited { 0 } else { written(self.socket.write(scratch))? };
            if sent < scratch.len() {
                self.waiting.push_back(scratch[sent..].into());
            }
        } else if waited {
            self.waiting.extend(frames.iter().cloned());
        } else {
            let mut sent = match frames {
                [frame] => written(self.socket.write(frame))?,
                _ => {
                    let slices: Vec<IoSlice> = frames.iter().map(|frame| IoSlice::new(frame)).collect();
                    written(self.socket.write_vectored(&slices))?
                }
            };
            let mut left = frames.iter();
            while let Some(frame) = left.as_slice().first().filter(|frame| frame.len() <= sent) {
                sent -= frame.len();
                left.next();
            }
            self.taken = sent;
            self.waiting.extend(left.cloned());
        }
        if !waited && !self.waiting.is_empty() {
            registry.reregister(&mut self.socket, token, Interest::READABLE | Interest::WRITABLE)?;
        }
        Ok(())
    }

    /// The socket takes bytes again.
    pub fn flush(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        while !self.waiting.is_empty() {
            let mut slices: Vec<IoSlice> = self.waiting.iter().take(256).map(|frame| IoSlice::new(frame)).collect();
            slices[0].advance(self.taken);
            let sent = written(self.socket.write_vectored(&slices))?;
            if sent == 0 {
                return Ok(());
            }
            self.taken += sent;
            while let Some(frame) = self.waiting.front().filter(|frame| frame.len() <= self.taken) {
                self.taken -= frame.len();
                self.waiting.pop_front();
            }
        }
        self.waiting = VecDeque::new();
        registry.reregister(&mut self.socket, token, Interest::READABLE)
    }
}

/// A full socket takes nothing.
fn written(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}
