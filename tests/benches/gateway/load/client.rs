//! One client: it asks for its stream, and from then on its frames are counted.

use super::frames::Frames;
use super::{Door, upgrade};
use mio::net::TcpStream;
use rustls::ClientConnection;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

pub struct Client {
    pub socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What is still to be said, before the upgrade.
    request: Vec<u8>,
    /// What was answered so far, until it is whole.
    answer: Option<Vec<u8>>,
    frames: Frames,
}

impl Client {
    /// Begins to connect, from an address that has ports left.
    pub fn connect(door: &Door, number: usize, path: &str) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        let from = Ipv4Addr::new(127, 0, 0, 2 + (number / 10_000) as u8);
        socket.bind(&SockAddr::from(SocketAddr::from((from, 0))))?;
        match socket.connect(&SockAddr::from(door.address)) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error),
            _ => {}
        }
        let mut request = upgrade(path, "").into_bytes();
        let mut tls = None;
        if let Some(config) = &door.tls {
            let name = "localhost".try_into().expect("it is a name");
            let mut connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
            // Kept until the handshake is over.
            connection.writer().write_all(&request)?;
            request.clear();
            tls = Some(Box::new(connection));
        }
        let socket = TcpStream::from_std(socket.into());
        Ok(Self { socket, tls, request, answer: Some(vec![]), frames: Frames::default() })
    }

    /// Writes and reads what there is; tells the number of each event, and gives whether the client is open since.
    pub fn ready(&mut self, buffer: &mut [u8], mut each: impl FnMut(u64)) -> Result<bool, String> {
        let told = |error: io::Error| format!("a client: {error}");
        let was_open = self.answer.is_none();
        self.write().map_err(told)?;
        loop {
            let length = match self.socket.read(buffer) {
                Ok(0) => return Err("a client was hung up on".to_owned()),
                Ok(length) => length,
                Err(error) if waits(&error) => break,
                Err(error) => return Err(told(error)),
            };
            let Some(tls) = &mut self.tls else {
                pass(&mut self.answer, &mut self.frames, &buffer[..length], &mut each)?;
                if length < buffer.len() { break } else { continue }
            };
            let mut sealed = &buffer[..length];
            while !sealed.is_empty() {
                tls.read_tls(&mut sealed).map_err(told)?;
                tls.process_new_packets().map_err(|error| error.to_string())?;
                while let Ok(bytes @ [_, ..]) = tls.reader().into_first_chunk() {
                    pass(&mut self.answer, &mut self.frames, bytes, &mut each)?;
                    let length = bytes.len();
                    io::BufRead::consume(&mut tls.reader(), length);
                }
            }
            self.write().map_err(told)?;
            if length < buffer.len() {
                break;
            }
        }
        Ok(!was_open && self.answer.is_none())
    }

    fn write(&mut self) -> io::Result<()> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            match tls.write_tls(&mut self.socket) {
                Err(error) if waits(&error) => break,
                written => written.map(drop)?,
            }
        }
        while !self.request.is_empty() {
            match self.socket.write(&self.request) {
                Ok(length) => drop(self.request.drain(..length)),
                Err(error) if waits(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends it by a reset, so that it leaves no port in waiting.
    pub fn reset(self) {
        // A socket that is gone already needs none.
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}

const IN_PROGRESS: i32 = 115;

fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected | io::ErrorKind::Interrupted)
}

/// The answer to the upgrade first, then frames.
fn pass(
    answer: &mut Option<Vec<u8>>,
    frames: &mut Frames,
    bytes: &[u8],
    each: &mut impl FnMut(u64),
) -> Result<(), String> {
    let Some(head) = answer else { return frames.pass(bytes, each) };
    let before = head.len();
    head.extend_from_slice(bytes);
    let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(()) };
    if !head.starts_with(b"HTTP/1.1 101") {
        return Err(format!("a client was answered: {}", String::from_utf8_lossy(head)));
    }
    *answer = None;
    frames.pass(&bytes[end + 4 - before..], each)
}
