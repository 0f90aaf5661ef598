//! Proxies before postern, and whose connections and requests they bring.
//!
//! What it promises:
//! - nobody but a trusted proxy is believed a word of who a client is;
//! - with the PROXY protocol (versions 1 and 2) every connection is a trusted proxy's and begins with its header: another
//!   one is refused, so that nobody goes around the proxy;
//! - of a chain of addresses in a header, the client is the last that no trusted proxy has: what stands before it was
//!   written by the client itself, if it likes;
//! - what cannot be read is nobody's: then it is the proxy that is taken for the client.
//!
//! A header is bounded in size and time, and nothing behind it is read.

mod forwarded;
mod header;

pub use header::Unproxied;

use crate::network::Network;
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Which header of a request says whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    #[default]
    None,
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// The default is that there are none.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub trusted: Vec<Network>,
    /// Connections begin with the PROXY protocol's header.
    pub protocol: bool,
    pub headers: Headers,
}

impl Proxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Whose a connection is. With the PROXY protocol its header is read, and not a byte more. Not cancel safe.
    pub async fn whose(
        &self,
        tcp: &mut TcpStream,
        peer: SocketAddr,
        patience: Duration,
    ) -> Result<SocketAddr, Unproxied> {
        if !self.protocol {
            return Ok(peer);
        }
        if !self.trusts(peer.ip()) {
            return Err(Unproxied::Stranger);
        }
        let source = timeout(patience, header::read(tcp)).await.unwrap_or(Err(Unproxied::Slow))?;
        // A proxy that asks on its own behalf, whether we are well for example, says so.
        Ok(source.unwrap_or(peer))
    }

    /// Whose a request is that came on a connection of `peer`.
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trusts(peer.ip()) {
            return peer;
        }
        match self.headers {
            Headers::None => peer,
            Headers::XForwardedFor => self.last_untrusted(peer, forwarded::x_forwarded_for(headers)),
            Headers::Forwarded => self.last_untrusted(peer, forwarded::forwarded(headers)),
        }
    }

    /// Goes back from hop to hop, the last first, as long as it is a trusted proxy that tells of the one before it.
    fn last_untrusted(&self, peer: SocketAddr, hops: impl Iterator<Item = Option<SocketAddr>>) -> SocketAddr {
        let mut client = peer;
        for hop in hops {
            match hop {
                Some(address) if self.trusts(client.ip()) => client = address,
                _ => break,
            }
        }
        client
    }
}

#[cfg(test)]
mod tests;
