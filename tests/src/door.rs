//! The way in to an edge: where it listens now, and what a client must trust to go through.
//!
//! A gateway that starts again listens on another port, since every port of these tests is the system's choice. A door
//! is shared by all who come back through it, and whoever starts the gateway again says so with [`Door::moved`].

use crate::sender::tls_by;
use crate::{Gateway, Protocol};
use rustls::ClientConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Bytes both ways, over whatever.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
pub type Wire = Box<dyn Stream>;

pub struct Door {
    address: Mutex<SocketAddr>,
    /// `None`: no TLS.
    trust: Option<(Arc<ClientConfig>, Arc<ClientConfig>)>,
}

impl Door {
    /// Through TLS.
    pub fn of(gateway: &Gateway) -> Arc<Self> {
        let trust = |protocol| gateway.home.authority.trust(&[protocol], rustls::ALL_VERSIONS);
        let trust = Some((trust("http/1.1"), trust("h2")));
        Arc::new(Self { address: Mutex::new(gateway.edge()), trust })
    }

    /// Without TLS. Not for a gateway that starts again: meanwhile its port may be another test's.
    pub fn plain(gateway: &Gateway) -> Arc<Self> {
        Arc::new(Self { address: Mutex::new(gateway.edge()), trust: None })
    }

    /// The gateway behind it has started again.
    pub fn moved(&self, gateway: &Gateway) {
        *self.address.lock().expect("no test panics in here") = gateway.edge();
    }

    pub fn address(&self) -> SocketAddr {
        *self.address.lock().expect("no test panics in here")
    }

    /// A new connection that speaks this protocol.
    pub async fn open(&self, protocol: Protocol) -> io::Result<Wire> {
        let address = self.address();
        let Some((http1, http2)) = &self.trust else {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            return Ok(Box::new(stream));
        };
        let config = if protocol == Protocol::Http2 { http2 } else { http1 };
        Ok(Box::new(tls_by(address, Arc::clone(config)).await?))
    }
}
