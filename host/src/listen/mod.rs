//! The doors: binds addresses and accepts connections. It only accepts: what a connection says, TLS included, is read
//! elsewhere, so no slow client holds up the next.
//!
//! What it promises:
//! - room comes before the connection: at the limit nothing more is accepted, and those who come wait in the kernel's
//!   queue instead of being turned away;
//! - an address that holds its share already is closed at once, unless it is a proxy's;
//! - a failing accept, such as one without file descriptors left, is logged, paused on and survived;
//! - the sockets it hands out have TCP_NODELAY: without it a TLS handshake waits 40 ms for a delayed acknowledgement;
//! - before it closes a socket of its own, it takes those who are in the kernel's queue already: closing would reset them.
//!
//! A process takes over from another without refusing anyone in one of two ways. It is handed the sockets
//! (`inherited`), which then never close. Or both bind with SO_REUSEPORT, and the old one closes when the new one
//! listens: then only who is amid a TCP handshake with the old one in that instant may be reset, which Linux prevents
//! with `sysctl net.ipv4.tcp_migrate_req=1`.

mod gate;
mod inherited;
mod last;

pub use gate::{Gate, Limits, Permit, Refused};
pub use inherited::{Inherited, inherited};

use crate::error::Chain;
use gate::Room;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How many finished TCP handshakes the kernel may keep for us. It takes the least of this and `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// How long a failed accept is waited on: long enough not to spin, short enough not to be noticed.
const PAUSE: Duration = Duration::from_millis(100);

/// How long those who wait at the very end wait for room at most.
const LAST: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(1) };

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to listen on `{address}`: the port is in use\n\
         hint: `ss -ltnp 'sport = :{port}'` shows by what; end that, or choose another port in `listen`",
        port = address.port()
    )]
    InUse { address: SocketAddr },
    #[error(
        "failed to listen on `{address}`: permission denied\n\
         hint: ports below 1024 need root or CAP_NET_BIND_SERVICE; choose a higher one in `listen`, such as 8443"
    )]
    Denied { address: SocketAddr },
    #[error(
        "failed to listen on `{address}`: no interface of this machine has that address\n\
         hint: `0.0.0.0:{port}` in `listen` means all of them",
        port = address.port()
    )]
    NotHere { address: SocketAddr },
    #[error("failed to listen on `{address}`")]
    Other { address: SocketAddr, source: io::Error },
    #[error("failed to listen on the inherited socket number {index} of a listener")]
    Given { index: usize, source: io::Error },
}

/// Bound sockets on which nothing is accepted yet.
#[derive(Debug)]
pub struct Listeners {
    sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    /// They were given, and whoever gave them keeps them open.
    kept: bool,
}

/// Takes the sockets that are given, or where there are none binds all of the addresses or none. With `reuse_port`
/// another process of the same user may bind them too, if it says so as well. Must be called within a tokio runtime.
pub fn bind(addresses: &[SocketAddr], given: Vec<std::net::TcpListener>, reuse_port: bool) -> Result<Listeners, Error> {
    let mut bound = Listeners { sockets: Vec::new(), addresses: Vec::new(), kept: !given.is_empty() };
    if !given.is_empty() {
        for (index, socket) in given.into_iter().enumerate() {
            let (socket, address) = take(socket).map_err(|source| Error::Given { index, source })?;
            bound.sockets.push(socket);
            bound.addresses.push(address);
        }
        return Ok(bound);
    }
    for &address in addresses {
        // `[::]` takes IPv4 as well, which is in the way only where the same port is asked for on IPv4 too.
        let only_ipv6 = addresses.iter().any(|other| other.is_ipv4() && other.port() == address.port());
        let (socket, address) = open(address, only_ipv6, reuse_port).map_err(|error| explain(address, error))?;
        bound.sockets.push(socket);
        bound.addresses.push(address);
    }
    Ok(bound)
}

fn take(socket: std::net::TcpListener) -> io::Result<(TcpListener, SocketAddr)> {
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn open(address: SocketAddr, only_ipv6: bool, reuse_port: bool) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if INHERITED {
        prepare(SockRef::from(&socket));
    }
    if address.is_ipv6() {
        socket.set_only_v6(only_ipv6)?;
    }
    // A restart must not wait for the connections of the last process to time out. On Windows the option would mean
    // something else: that two processes may share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    #[cfg(not(unix))]
    if reuse_port {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "`reuse_port` needs a Unix"));
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    take(socket.into())
}

fn explain(address: SocketAddr, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::AddrInUse => Error::InUse { address },
        io::ErrorKind::PermissionDenied => Error::Denied { address },
        io::ErrorKind::AddrNotAvailable => Error::NotHere { address },
        _ => Error::Other { address, source },
    }
}

impl Listeners {
    /// Where they listen, in the order asked for, with the port the system chose where 0 was asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts until `shutdown` is done, then closes the sockets, having taken those who wait at one that is not kept open elsewhere. Connections handed
    /// out live on.
    ///
    /// `serve` is called on this task for each connection: it starts a task and returns, it must not block. The
    /// connection counts against the limits until the permit is dropped.
    pub async fn run<S>(self, gate: &Gate, mut serve: S, shutdown: impl Future<Output = ()>)
    where
        S: FnMut(TcpStream, SocketAddr, Permit),
    {
        let mut first = 0;
        let accept = |context: &mut Context<'_>| {
            // Another socket is asked first each time, so that a busy one does not starve the others.
            first = (first + 1) % self.sockets.len().max(1);
            let (tail, head) = self.sockets.split_at(first);
            for socket in head.iter().chain(tail) {
                if let Poll::Ready(accepted) = socket.poll_accept(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        };
        // On one that was given, some may have come before anything could be set.
        let prepared = INHERITED && !self.kept;
        let mut serve = |tcp: TcpStream, peer, permit| {
            if !prepared {
                prepare(SockRef::from(&tcp));
            }
            serve(tcp, peer, permit);
        };
        tokio::select! {
            biased;
            () = shutdown => {}
            never = accept_forever(accept, gate, &mut serve) => match never {},
        }
        if self.kept {
            // Those who wait are the next process's.
            return;
        }
        // Room may have to be made first, by those who leave; but nobody can be waited for long.
        if tokio::time::timeout(LAST, last::accept(self.sockets, gate, &mut serve)).await.is_err() {
            tracing::warn!("no room for some who came at the very end, their connections are reset");
        }
    }
}

async fn accept_forever<A, S>(mut accept: A, gate: &Gate, serve: &mut S) -> Infallible
where
    A: FnMut(&mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>,
    S: FnMut(TcpStream, SocketAddr, Permit),
{
    loop {
        let room = gate.room().await;
        match poll_fn(&mut accept).await {
            Ok((tcp, peer)) => hand_out(tcp, peer, room, gate, serve),
            Err(error) if gone_before_accepted(&error) => tracing::debug!(%error, "connection gone before accepted"),
            Err(error) => {
                tracing::error!(error = %Chain(&error), "failed to accept connections, trying again");
                gate.failed();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn hand_out<S>(tcp: TcpStream, peer: SocketAddr, room: Room, gate: &Gate, serve: &mut S)
where
    S: FnMut(TcpStream, SocketAddr, Permit),
{
    // A client of IPv4 on an IPv6 socket is known by its IPv4 address, in limits and in logs.
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let Some(permit) = gate.admit(room, peer.ip()) else { return };
    serve(tcp, peer, permit);
}

/// Whether connections have from the first what their listener was given before it began to listen.
const INHERITED: bool = cfg!(target_os = "linux");

/// Bytes that the kernel takes from us for a connection beyond what is on its way.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

/// Sets what every connection is to have. A client that does not read would be given up to `tcp_wmem` of the kernel's
/// memory, some megabytes, all of it fresh; what it has not got is in the ring and on disk anyway.
fn prepare(tcp: SockRef<'_>) {
    // It fails only on a connection that is gone already, which whoever reads from it will find out.
    let _ = tcp.set_tcp_nodelay(true);
    #[cfg(target_os = "linux")]
    if let Err(error) = tcp.set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "what the kernel holds of a connection cannot be bounded");
    }
}

/// Errors of one client, not of the socket. To pause on them would let one client slow the others.
fn gone_before_accepted(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
