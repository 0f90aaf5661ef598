//! The floor: a server that does what the kernel and the protocols demand of any, and no more. No disk, no filter, no
//! limits, one thread. What the gateway costs above it is what the gateway is.
//!
//! It is this program once more: `gateway floor STREAMS [CERTIFICATE KEY]`. It says where it listens as the gateway does,
//! so that both are started alike.

mod connection;
mod request;
mod room;
mod sealer;

use connection::Connection;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use request::Request;
use room::{Room, frame};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::sync::Arc;

const LISTENER: Token = Token(usize::MAX - 1);
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const UNAUTHORIZED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

struct Floor {
    poll: Poll,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    rooms: Vec<Room>,
    buffer: Vec<u8>,
    /// Where records are sealed, whoever gets them.
    scratch: Vec<u8>,
}

pub fn run(arguments: &[String]) -> io::Result<()> {
    let streams = arguments.first().and_then(|word| word.parse().ok()).unwrap_or(1);
    let tls = match arguments {
        [_, certificate, key] => Some(tls(certificate, key)?),
        _ => None,
    };
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(socket.into());
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let address = listener.local_addr()?;
    eprintln!(r#"{{"fields":{{"message":"listening","kind":"edge","address":"{address}"}}}}"#);
    eprintln!(r#"{{"fields":{{"message":"ready"}}}}"#);
    let rooms = (0..streams).map(|_| Room::default()).collect();
    let (buffer, scratch) = (vec![0; 256 << 10], vec![]);
    Floor { poll, listener, tls, connections: vec![], free: vec![], rooms, buffer, scratch }.serve()
}

impl Floor {
    fn serve(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let number = event.token().0;
                let Some(mut connection) = self.connections.get_mut(number).and_then(Option::take) else { continue };
                let ended = event.is_read_closed() || event.is_error();
                if self.ready(number, &mut connection, event.is_writable()).is_ok() && !ended {
                    self.connections[number] = Some(connection);
                } else {
                    connection.room.into_iter().for_each(|room| self.rooms[room].clients.retain(|one| *one != number));
                    self.free.push(number);
                }
            }
            self.fan_out();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => continue,
            };
            socket.set_nodelay(true)?;
            let number = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
            self.connections[number] = Some(Connection::new(socket, self.tls.clone())?);
        }
    }

    fn ready(&mut self, number: usize, connection: &mut Connection, writable: bool) -> io::Result<()> {
        if writable {
            connection.flush(self.poll.registry(), Token(number))?;
        }
        connection.read(&mut self.buffer)?;
        while connection.room.is_none() {
            let Some((request, length)) = request::take(&connection.input)? else { break };
            match request {
                Request::Upgrade { room, answer, since } => {
                    connection.answer(answer.as_bytes())?;
                    connection.upgrade(room)?;
                    self.rooms[room].clients.push(number);
                    if since {
                        let history = self.rooms[room].history();
                        connection.send(&[history], &mut self.scratch, self.poll.registry(), Token(number))?;
                    }
                    return Ok(());
                }
                Request::Webhook { room, body, genuine } => {
                    if genuine {
                        self.rooms[room].turn.push(frame(body));
                    }
                    connection.input.drain(..length);
                    connection.answer(if genuine { OK } else { UNAUTHORIZED })?;
                }
            }
        }
        Ok(())
    }

    /// What has come in this turn goes to each client by one call.
    fn fan_out(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| !room.turn.is_empty()) {
            for number in &room.clients {
                let Some(connection) = &mut self.connections[*number] else { continue };
                // One that is gone is told of by the next event.
                let _ = connection.send(&room.turn, &mut self.scratch, self.poll.registry(), Token(*number));
            }
            room.keep();
        }
    }
}

fn tls(certificate: &str, key: &str) -> io::Result<Arc<ServerConfig>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).map_err(io::Error::other)?.collect();
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(io::Error::other)?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain.map_err(io::Error::other)?, key).map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.enable_secret_extraction = true;
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
