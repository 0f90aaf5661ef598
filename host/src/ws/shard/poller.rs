//! Which of a shard's sockets can be read or written: one `epoll` for all of them, itself waited for by the shard's runtime.
//! So a client needs no task that waits, and a socket nothing of the runtime's but its file descriptor.

use crate::message::ClientId;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// How many sockets one look tells of.
const MOST: usize = 1024;

pub struct Poller {
    poll: AsyncFd<Poll>,
    events: Events,
}

/// What can be done with a socket now.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// Whose it is.
    pub client: ClientId,
    pub readable: bool,
    pub writable: bool,
}

impl Poller {
    /// Must be called within a runtime.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the descriptor is the poll's own: it is always the same, and is open until the poll is dropped, which the
        // `AsyncFd` does after it has let go of it. The poll is never moved out.
        #[expect(unsafe_code, reason = "mio's poll says `AsRawFd` only, so the compiler cannot see this")]
        let poll = unsafe { AsyncFd::register_with_interest(Poll::new()?, tokio::io::Interest::READABLE) }?;
        Ok(Self { poll, events: Events::with_capacity(MOST) })
    }

    /// Where sockets are watched.
    pub fn registry(&self) -> io::Result<Registry> {
        self.poll.get_ref().registry().try_clone()
    }

    /// Waits until something can be done with some sockets, and adds them to `ready`. Each change is told once: whoever reads or
    /// writes goes on until that would block. Cancel safe.
    pub async fn ready(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        let mut guard = self.poll.readable_mut().await?;
        guard.get_inner_mut().poll(&mut self.events, Some(Duration::ZERO))?;
        ready.extend(self.events.iter().map(|event| Ready {
            client: ClientId(event.token().0 as u64),
            // An end and an error are found by reading.
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
            writable: event.is_writable(),
        }));
        if ready.len() < MOST {
            guard.clear_ready();
        }
        Ok(())
    }
}

/// From now on it is told when a client's socket can be read. It ends when the socket is closed.
pub fn watch(registry: &Registry, tcp: &impl AsRawFd, client: ClientId) -> io::Result<()> {
    registry.register(&mut SourceFd(&tcp.as_raw_fd()), token(client), Interest::READABLE)
}

/// And from now on when it can be written too, now for example. Most sockets never need it.
pub fn watch_room(registry: &Registry, tcp: &impl AsRawFd, client: ClientId) -> io::Result<()> {
    let both = Interest::READABLE | Interest::WRITABLE;
    registry.reregister(&mut SourceFd(&tcp.as_raw_fd()), token(client), both)
}

/// A client's number is all that is told of it.
fn token(client: ClientId) -> Token {
    const { assert!(usize::BITS == u64::BITS, "clients' numbers have 64 bits") };
    Token(client.0 as usize)
}
