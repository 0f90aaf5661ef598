//! Going out to a server, as a client: what the commands do, and what admission by others does. A URL becomes a
//! `Destination`, which holds all that can be wrong before a socket is opened; opening it gives a byte stream, TLS done.
//! `client` speaks HTTP/1.1 over one, and keeps it.
//!
//! A URL may carry a token in its query, so none is ever printed beyond its path.

mod address;
mod client;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod trust;

pub use address::{Address, Kind};
pub use client::{Answer, Ask, Client, Content, connection, read, request};
pub use trust::Trust;

use rustls::CertificateError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// To connect, TLS included.
const CONNECTING: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{url}` is not a URL that can be used here: {why}\nhint: it looks like `{example}`")]
    Url { url: String, why: String, example: &'static str },
    #[error("failed to read certificates from `{path}`: {why}\nhint: `ca` takes a file of certificates in PEM form")]
    Authority { path: PathBuf, why: String },
    #[error(
        "this machine has no certificate authorities to trust\nhint: name a file of them in `ca`, on the command line `--ca FILE`"
    )]
    NoAuthorities,
    #[error("failed to connect to `{host}:{port}`")]
    Connect { host: String, port: u16, source: io::Error },
    #[error("failed to open TLS with `{host}:{port}`{}", tls_hint(source))]
    Tls { host: String, port: u16, source: io::Error },
    #[error("`{host}:{port}` did not take the connection within {} s", CONNECTING.as_secs())]
    Slow { host: String, port: u16 },
    #[error("the connection failed before an answer came")]
    Exchange(#[source] hyper::Error),
    #[error("no answer came within {0} s")]
    Unanswered(u64),
    #[error("a header cannot be sent")]
    Header(#[source] http::Error),
    #[error("a query cannot be sent")]
    Query(#[source] http::uri::InvalidUri),
}

impl Error {
    /// Whether the same may go well later. What was typed, and whom to trust, do not change by waiting.
    pub fn passing(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Authority { .. } | Self::NoAuthorities | Self::Header(_) | Self::Query(_) => false,
            Self::Tls { source, .. } => tls_fault(source).is_none(),
            Self::Connect { .. } | Self::Slow { .. } | Self::Exchange(_) | Self::Unanswered(_) => true,
        }
    }
}

fn tls_hint(error: &io::Error) -> &'static str {
    match tls_fault(error) {
        // An authority made anew under its old name shows as a bad signature.
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            "\nhint: name the authority to trust in `ca`, on the command line `--ca FILE`; that of `postern run --dev` is \
             `postern-data/tls/ca.pem`"
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "\nhint: no TLS may be spoken there; then the URL begins with `http://` or `ws://`"
        }
        _ => "",
    }
}

fn tls_fault(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// A byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A server, and how to trust it.
#[derive(Clone)]
pub struct Destination {
    pub address: Address,
    tls: Option<TlsConnector>,
}

impl Destination {
    pub fn new(url: &str, kind: Kind, trust: &Trust) -> Result<Self, Error> {
        let address = Address::parse(url, kind)?;
        let tls = address.secure.then(|| trust.connector()).transpose()?;
        Ok(Self { address, tls })
    }

    /// The same server and path, asked with another query, or with none.
    pub fn with_query(&self, query: Option<&str>) -> Result<Self, Error> {
        let path = self.address.target.path();
        let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let mut other = self.clone();
        other.address.target = target.parse().map_err(Error::Query)?;
        Ok(other)
    }

    /// Another address, of whom the same is trusted.
    pub fn at(&self, url: &str) -> Result<Self, Error> {
        let address = Address::parse(url, Kind::Http)?;
        let tls = match (address.secure, &self.tls) {
            (true, None) => Some(Trust::default().connector()?),
            (secure, tls) => tls.clone().filter(|_| secure),
        };
        Ok(Self { address, tls })
    }

    /// Connects. Cancel safe: nothing is left open.
    pub async fn open(&self) -> Result<Box<dyn Stream>, Error> {
        let (host, port) = (self.address.host.clone(), self.address.port);
        timeout(CONNECTING, self.connect()).await.unwrap_or(Err(Error::Slow { host, port }))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Error> {
        let Address { host, port, .. } = &self.address;
        let failed = |source| Error::Connect { host: host.clone(), port: *port, source };
        let tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
        // Requests are small and each waits for its answer: nothing is gained by holding them back to fill a packet.
        tcp.set_nodelay(true).map_err(failed)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(tcp)) };
        let opened = tls.connect(self.address.name.clone(), tcp).await;
        Ok(Box::new(opened.map_err(|source| Error::Tls { host: host.clone(), port: *port, source })?))
    }
}
