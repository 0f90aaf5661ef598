//! The end of a listener: whoever has finished a TCP handshake before it closes is taken in.

use super::gate::{Gate, Permit};
use super::{BACKLOG, gone_before_accepted, hand_out};
use crate::error::Chain;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};

/// Takes all who wait in the queues of these sockets, and closes each as soon as its queue is empty.
///
/// tokio would say that a queue is empty when it has not heard otherwise yet, so the kernel is asked itself.
pub(super) async fn accept<S>(sockets: Vec<TcpListener>, gate: &Gate, serve: &mut S)
where
    S: FnMut(TcpStream, SocketAddr, Permit),
{
    for socket in sockets {
        let socket = match socket.into_std() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(error = %Chain(&error), "failed to take those who wait on a listener");
                continue;
            }
        };
        // One that another process listens on too may never be empty; more than a queue of them came later.
        for _ in 0..BACKLOG {
            match next(&socket) {
                // Here room comes second: there is no queue to leave them in.
                Ok((tcp, peer)) => hand_out(tcp, peer, gate.room().await, gate, serve),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if gone_before_accepted(&error) || error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "failed to take those who wait on a listener");
                    gate.failed();
                    break;
                }
            }
        }
    }
}

fn next(socket: &std::net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (tcp, peer) = socket.accept()?;
    tcp.set_nonblocking(true)?;
    Ok((TcpStream::from_std(tcp)?, peer))
}
