//! TLS towards clients and senders: how rustls is set up. Outside it there are files to read, a socket to shake hands on,
//! and the stream that comes of it (`records`).
//!
//! What it promises:
//! - TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN, tickets for resumption, one certificate chain for every name;
//! - a handshake that takes too long ends, and holds up only itself;
//! - changed files are taken up without a restart (see `reload`): new connections get the new certificate, open ones
//!   are left alone, and a pair that cannot be used changes nothing;
//! - a certificate that ACME makes may not be there yet: then handshakes fail, but for those of an authority that looks
//!   whether a domain is ours (see `challenge`);
//! - a client may show a certificate of an authority that is configured, and what it is for is told to those who ask; when
//!   the authorities change, those who come back are looked at again;
//! - an error names the file and says what to do; neither key nor password is in any message.

mod authorities;
mod certificate;
mod challenge;
pub mod development;
mod error;
mod key;
mod provider;
mod reload;
#[cfg(test)]
mod tests;
mod tickets;
mod validity;

pub use error::{Error, HandshakeError};
pub use provider::provider;
pub use reload::Reloaded;
pub use validity::{Validity, validity};

use crate::challenges::{Challenges, PROTOCOL};
use crate::metrics::Metrics;
use crate::records::Stream;
use crate::secret::Secret;
use crate::watch::Watch;
use reload::Current;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[derive(Clone)]
pub struct Config {
    /// PEM: the server's own certificate first, then those that lead to the root.
    pub certificate: PathBuf,
    /// PEM: PKCS#8, PKCS#1, SEC1, or encrypted PKCS#8.
    pub key: PathBuf,
    pub key_password: Option<Secret>,
    /// PEM: authorities whose certificates clients may show. None: clients show none.
    pub client_ca: Vec<PathBuf>,
    /// The certificate and its key are made by ACME, so that they may not be there yet, and these are answered meanwhile.
    pub acme: Option<Challenges>,
    pub handshake_timeout: Duration,
}

/// Shakes hands. Clones share their certificate.
#[derive(Clone)]
pub struct Acceptor {
    rustls: Arc<ServerConfig>,
    current: Arc<Current>,
    handshake_timeout: Duration,
}

impl Acceptor {
    /// Reads the files. Starts nothing: see `watch`.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let current = Arc::new(Current::load(config.clone(), provider.clone())?);
        let server = server_config(provider, current.clone()).map_err(Error::Setup)?;
        Ok(Self { rustls: Arc::new(server), current, handshake_timeout: config.handshake_timeout })
    }

    /// Reads the files again if they have changed, and takes them up if they are good. Blocks on the disk, and for an
    /// encrypted key on its decryption.
    pub fn reload(&self) -> Result<Reloaded, Error> {
        self.current.reload()
    }

    /// Tells the metrics when the certificate in use ends.
    pub fn tell(&self, metrics: &Metrics) {
        self.current.tell(metrics);
    }

    /// Reloads by itself when the files change, until the answer is dropped. Tells the metrics when the certificate ends.
    pub fn watch(&self, metrics: &Metrics) -> Result<Watch, Error> {
        reload::watch(self.current.clone(), metrics.clone()).map_err(Error::Watch)
    }

    /// Shakes hands within the handshake timeout. To drop the future closes the connection.
    ///
    /// Someone who speaks plain HTTP here is told so in plain HTTP, as otherwise they see a few unprintable bytes.
    pub async fn accept(&self, tcp: TcpStream) -> Result<Stream, HandshakeError> {
        let handshake = async {
            let failed = HandshakeError::Failed;
            let mut stream = Stream::new(tcp, self.rustls.clone()).map_err(|error| failed(io::Error::other(error)))?;
            match stream.first().await.map_err(failed)? {
                None => return Err(HandshakeError::Silent),
                Some(first) if first.is_ascii_uppercase() => {
                    refuse_plain_http(stream.into_parts().0).await;
                    return Err(HandshakeError::PlainHttp);
                }
                Some(_) => stream.handshake().await.map_err(failed)?,
            }
            if stream.alpn_protocol() == Some(PROTOCOL) {
                // It has seen what it came for; whether it hears the end of it is its affair.
                let _ = stream.shutdown().await;
                return Err(HandshakeError::Challenge);
            }
            Ok(stream)
        };
        tokio::time::timeout(self.handshake_timeout, handshake).await.unwrap_or(Err(HandshakeError::TimedOut))
    }
}

/// The names in the certificate that a client has shown; `None` when it has shown none, or one that has ended since: who
/// comes back with a ticket does not show it again. Cheap enough to be asked once a
/// connection.
pub fn client_names(stream: &Stream) -> Option<Vec<String>> {
    stream.agreed()?.peer_certificates()?.first().and_then(authorities::names)
}

fn server_config(provider: Arc<CryptoProvider>, current: Arc<Current>) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = match current.authorities() {
        Some(authorities) => builder.with_client_cert_verifier(authorities),
        None => builder.with_no_client_auth(),
    };
    let (by_acme, tickets) = (current.by_acme(), current.tickets());
    let mut config = builder.with_cert_resolver(current);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.alpn_protocols.extend(by_acme.then(|| PROTOCOL.to_vec()));
    // Tickets keep the session with the client: nothing to store here, and clients that all come back at once resume.
    config.ticketer = tickets;
    // Browsers use one a connection, and are given another with each; to make one is 3 % of a handshake.
    config.send_tls13_tickets = 1;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // For connections of clients, see `records::Records::take_keys`.
    config.enable_secret_extraction = true;
    Ok(config)
}

/// The first byte of a TLS connection is 22; the methods of HTTP begin with a letter.
async fn refuse_plain_http(mut tcp: TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 44\r\n\
        Connection: close\r\n\r\nThis is an HTTPS port: use https:// or wss:\n";
    // What was sent is read first: closing a socket with unread bytes resets it, and the answer would be lost.
    for _ in 0..16 {
        if !matches!(tcp.try_read(&mut [0; 4096]), Ok(1..)) {
            break;
        }
    }
    if tcp.write_all(ANSWER).await.is_ok() {
        let _ = tcp.shutdown().await;
    }
}
