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
//! | `by_rustls` | records as rustls makes them |
//! | `own` | records without rustls, once its keys were taken out |
//! | `key` | one such key, for one direction |
//! | `shared` | the buffers, a set a thread |
//! | `stream` | the same over TCP for those who wait: its handshake, and then what hyper runs on |
//!
//! What it promises:
//! - a connection that says nothing and is told nothing holds no buffer;
//! - what is read is opened at once, so that no more is kept of it than a record that has not come whole, or the pieces of a
//!   handshake message (`opening::MOST_BEGUN`), and the content of one read that nobody has taken (`shared::CAME`);
//! - what is written goes into as few records as hold it and to the line in one call; what that does not take is kept
//!   sealed, one call's worth (`sealing::SEAL`) and what rustls has to say of its own (`sealing::HELD`) at most;
//! - whoever breaks the protocol gets an alert before the error is told here;
//! - where keys are taken out of rustls (`Records::take_keys`), all of this is so as before.

mod by_rustls;
mod key;
mod opening;
mod own;
mod sealing;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub use sealing::Written;
pub use stream::Stream;

use own::Own;
use rustls::server::UnbufferedServerConnection;
use rustls::{CommonState, ServerConfig};
use std::fmt;
use std::mem;
use std::sync::Arc;

pub struct Records {
    layer: Layer,
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
    /// Whether its keys may be taken out of rustls, and whether they are to be, as soon as they can be.
    may_take: bool,
    to_take: bool,
    /// Nothing has come since rustls last sealed content, so that it has nothing to say before the next.
    settled: bool,
}

/// What makes records of content, and content of records.
#[expect(clippy::large_enum_variant, reason = "one of many is in one piece: one wait for memory")]
enum Layer {
    /// The connections of hyper's, which are few, have room for the other here.
    Rustls(Box<UnbufferedServerConnection>),
    Own(Own),
    /// It was lost, which is told as an end.
    Lost,
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
            may_take: config.enable_secret_extraction,
            to_take: false,
            settled: false,
            layer: Layer::Rustls(Box::new(UnbufferedServerConnection::new(config)?)),
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

    /// Looks at what writing looks at first, so that it is in the processor's cache when somebody writes. What this gives means nothing.
    pub fn touch(&self) -> usize {
        let own = match &self.layer {
            Layer::Own(own) => own.touch(),
            Layer::Rustls(_) | Layer::Lost => 0,
        };
        own ^ self.sealed.len() ^ usize::from(self.finished)
    }

    /// What the two sides have agreed on so far. `None` once the keys were taken out: it is not kept.
    pub fn agreed(&self) -> Option<&CommonState> {
        match &self.layer {
            Layer::Rustls(rustls) => Some(rustls),
            Layer::Own(_) | Layer::Lost => None,
        }
    }

    /// For a connection that has shaken hands, is to be kept long, and is one of many: takes the keys out of rustls, if it is one
    /// of TLS 1.3, as soon as rustls has nothing under way. Before that, all is as it was.
    pub fn take_keys(&mut self) {
        let Layer::Rustls(rustls) = &self.layer else { return };
        self.to_take = self.may_take && own::is_possible(rustls);
        self.take_when_settled();
    }

    fn take_when_settled(&mut self) {
        let Layer::Rustls(rustls) = &self.layer else { return };
        // What has begun to come, rustls may have opened in part; and what it answers to new keys, it keeps until it seals.
        let is_settled = self.settled && self.begun.is_empty() && self.end.is_none() && !self.finished;
        if !self.to_take || !is_settled || rustls.wants_write() {
            return;
        }
        let Layer::Rustls(rustls) = mem::replace(&mut self.layer, Layer::Lost) else { return };
        self.to_take = false;
        match Own::new(*rustls) {
            Ok(own) => self.layer = Layer::Own(own),
            Err(error) => {
                self.end = Some(End::Broken(Box::new(error)));
                self.finished = true;
            }
        }
    }
}

/// Neither keys nor content.
impl fmt::Debug for Records {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Records").finish_non_exhaustive()
    }
}
