//! TLS on the server's side, by rustls's unbuffered API: rustls works on bytes that others keep. So a connection costs
//! its keys and little else, and whoever serves many of them reads, opens and seals all through buffers that they share.
//! (With its buffered API a connection costs 4 KiB more, most of it a read buffer that is always there, and what is
//! sealed is gathered in it before it is sent. tokio-rustls knows no other; it is for the client's side, in `outward`.)
//!
//! | file | what |
//! | --- | --- |
//! | here | a connection, over a line that never waits |
//! | `opening` | what comes |
//! | `sealing` | what goes out |
//! | `shared` | the buffers, a set a thread |
//! | `stream` | the same over TCP for those who wait: its handshake, and then what hyper runs on |
//!
//! What it promises:
//! - a connection that says nothing and is told nothing holds no buffer;
//! - what is read is opened at once, so that no more is kept of it than a record that has not come whole, or the pieces of a
//!   handshake message (`opening::MOST_BEGUN`), and the content of one read that nobody has taken (`shared::CAME`);
//! - what is written goes into as few records as hold it and to the line in one call; what that does not take is kept
//!   sealed, one call's worth (`sealing::SEAL`) and what rustls has to say of its own (`sealing::HELD`) at most;
//! - whoever breaks the protocol gets rustls's alert before the error is told here.

mod opening;
mod sealing;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub use sealing::Written;
pub use stream::Stream;

use rustls::server::UnbufferedServerConnection;
use rustls::{CommonState, ServerConfig};
use std::fmt;
use std::sync::Arc;

pub struct Records {
    rustls: UnbufferedServerConnection,
    /// Came, and is not whole yet. rustls may have opened a part of it in place.
    begun: Vec<u8>,
    /// Content that nobody has taken yet, from `taken` on.
    opened: Vec<u8>,
    taken: usize,
    /// Is to be sent, and the line has not taken it yet.
    sealed: Vec<u8>,
    /// There will be no more content, and why.
    end: Option<End>,
    /// Nothing more may be written.
    finished: bool,
}

enum End {
    /// The other side has said so.
    Closed,
    /// The line has ended, which anybody can make it do.
    Cut,
    /// In a box: most connections have none.
    Broken(Box<rustls::Error>),
}

impl Records {
    /// A connection that nobody has said anything on.
    pub fn new(config: Arc<ServerConfig>) -> Result<Box<Self>, rustls::Error> {
        Ok(Box::new(Self {
            rustls: UnbufferedServerConnection::new(config)?,
            begun: Vec::new(),
            opened: Vec::new(),
            taken: 0,
            sealed: Vec::new(),
            end: None,
            finished: false,
        }))
    }

    /// Whether nothing is to be sent that the line has not taken.
    pub fn is_clear(&self) -> bool {
        self.sealed.is_empty()
    }

    /// Whether a read gives something though the line has nothing.
    pub fn has_unread(&self) -> bool {
        !self.opened.is_empty() || self.end.is_some()
    }

    /// What the two sides have agreed on so far.
    pub fn agreed(&self) -> &CommonState {
        &self.rustls
    }
}

/// Neither keys nor content.
impl fmt::Debug for Records {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Records").finish_non_exhaustive()
    }
}
