//! How postern stands towards those who connect: its certificate, and who is in front of it.

use crate::network::Network;
use crate::secret::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    pub identity: Identity,
    /// Authorities whose certificates clients may show.
    pub client_ca: Vec<PathBuf>,
    pub handshake_timeout: Duration,
}

/// Who postern is to those who connect.
#[derive(Clone, Debug, PartialEq)]
pub enum Identity {
    Files {
        certificate: PathBuf,
        key: PathBuf,
        key_password: Option<Secret>,
    },
    /// An authority gives one, to whoever shows that a domain is theirs.
    Acme(Acme),
    /// No TLS here: `plain = true` was said.
    Plain,
    /// Nothing was said, and postern was started with `--dev`: it makes its own.
    Development,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// In lower case; at least one, each once, none a wildcard.
    pub domains: Vec<String>,
    pub email: Option<String>,
    /// A URL, `https://`.
    pub directory: String,
    /// Whose certificate the authority's own servers have, where that is not one that this machine trusts.
    pub ca: Option<PathBuf>,
    pub challenge: AcmeChallenge,
    /// Where plain HTTP is answered. At least one for `Http01`.
    pub http: Vec<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcmeChallenge {
    TlsAlpn01,
    Http01,
}

/// What is believed of whom about the address of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// At least one, where anything is believed.
    pub trusted: Vec<Network>,
    /// Connections begin with a header of the PROXY protocol.
    pub protocol: bool,
    pub headers: ForwardedBy,
}

/// The header in which proxies tell a client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedBy {
    None,
    XForwardedFor,
    Forwarded,
}
