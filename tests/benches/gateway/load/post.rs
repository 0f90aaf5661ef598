//! A blocking connection of a sender, kept alive.

use super::{Door, PATIENCE, upgrade};
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub struct Post {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

impl Post {
    pub fn connect(door: &Door) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&door.address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let stream: Box<dyn Stream> = match &door.tls {
            None => Box::new(socket),
            Some(tls) => {
                let name = "localhost".try_into().expect("it is a name");
                let mut connection = ClientConnection::new(tls.clone(), name).map_err(io::Error::other)?;
                let mut socket = socket;
                while connection.is_handshaking() {
                    connection.complete_io(&mut socket)?;
                }
                Box::new(StreamOwned::new(connection, socket))
            }
        };
        Ok(Self { stream, buffer: vec![] })
    }

    /// Posts and waits for the 200.
    pub fn send(&mut self, path: &str, body: &str, signature: &str) -> io::Result<()> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             X-Hub-Signature-256: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(head.as_bytes())?;
        self.stream.flush()?;
        self.buffer.clear();
        loop {
            self.read()?;
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut reply = httparse::Response::new(&mut headers);
            let parsed = reply.parse(&self.buffer).map_err(io::Error::other)?;
            let httparse::Status::Complete(head) = parsed else { continue };
            if reply.code != Some(200) {
                return Err(io::Error::other(format!("a webhook was answered with {:?}", reply.code)));
            }
            let length = reply.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
            while self.buffer.len() < head + length {
                self.read()?;
            }
            return Ok(());
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let mut part = [0; 1024];
        let length = self.stream.read(&mut part)?;
        if length == 0 {
            return Err(io::Error::other("the server hung up"));
        }
        self.buffer.extend_from_slice(&part[..length]);
        Ok(())
    }
}

/// Where the outbox ends now, as a client of postern.v1 is greeted with it.
pub fn cursor(door: &Door) -> io::Result<String> {
    let mut post = Post::connect(door)?;
    post.stream.write_all(upgrade("/ws/0", "Sec-WebSocket-Protocol: postern.v1\r\n").as_bytes())?;
    post.stream.flush()?;
    loop {
        post.read()?;
        let text = String::from_utf8_lossy(&post.buffer);
        let found = text.split_once(r#""cursor":""#).and_then(|(_, rest)| rest.split_once('"'));
        if let Some((cursor, _)) = found {
            return Ok(cursor.to_owned());
        }
    }
}
