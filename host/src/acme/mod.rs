//! A certificate from an authority that gives them to whoever shows that a domain is theirs (ACME, RFC 8555): asked for,
//! kept on disk, and renewed in time, for as long as an [`Acme`] lives. instant-acme speaks the protocol.
//!
//! What it promises:
//! - what is on disk is used, and nobody is asked until it is time (`schedule`): after two thirds of its life, or when the
//!   authority suggests it (RFC 9773);
//! - a failure changes nothing but the log and the metrics, and is waited on, longer each time; an authority that says how
//!   long to wait is waited for; a restart does not begin anew;
//! - a certificate is written whole or not at all, with its key, in a file that nobody else may read; it is looked at before
//!   it takes the place of another;
//! - what the authority says is bounded in size and time, and its problem document is what the log says.
//!
//! ```text
//! FOLDER/account.json      the account and its key
//! FOLDER/certificate.pem   the chain, then the key
//! FOLDER/failed.json       how often it has failed since, and until when nobody is asked
//! ```

mod account;
mod certificate;
mod error;
mod http;
mod keep;
mod order;
mod schedule;
mod store;

pub use error::Error;

use crate::challenges::Challenges;
use crate::metrics::Metrics;
use crate::outward::{self, Destination};
use crate::task;
use ring::digest;
use std::path::{Path, PathBuf};
use store::Store;
use tokio::sync::{mpsc, oneshot};

#[derive(Clone)]
pub struct Config {
    /// In lower case; at least one, none a wildcard.
    pub domains: Vec<String>,
    pub email: Option<String>,
    /// The authority's directory, by HTTPS.
    pub directory: Destination,
    /// Its URL.
    pub url: String,
    pub challenge: Challenge,
    /// The directory of this module's own, below `folder`.
    pub folder: PathBuf,
    /// Where what the authority looks for is put.
    pub challenges: Challenges,
}

/// How it is shown that a domain is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    TlsAlpn01,
    Http01,
}

/// Takes up the certificate that has just been written.
pub type Installed = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Keeps a certificate up to date until it is dropped.
pub struct Acme {
    asked: mpsc::Sender<()>,
    _alive: oneshot::Sender<()>,
}

impl Acme {
    /// Starts a task that asks for a certificate when there is none or when it is time. Must be called within a runtime.
    pub fn start(config: Config, installed: Installed, metrics: Metrics) -> Result<Self, Error> {
        let store = Store::open(&config.folder)?;
        // One place: who finds it taken wants what somebody else wants already.
        let (asked, wanted) = mpsc::channel(1);
        let (alive, dropped) = oneshot::channel();
        let keeping = keep::Keeper::new(config, store, installed, metrics, wanted).keep();
        task::background(async move {
            tokio::select! {
                biased;
                _ = dropped => {}
                never = keeping => match never {},
            }
        });
        Ok(Self { asked, _alive: alive })
    }

    /// Has a new certificate asked for now, whether or not it is time. Returns at once.
    pub fn renewer(&self) -> impl Fn() + Send + Sync + use<> {
        let asked = self.asked.clone();
        move || {
            // Where it is full, it is known already.
            let _ = asked.try_send(());
        }
    }
}

impl Challenge {
    pub fn name(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
        }
    }
}

/// The directory for what is kept of one authority: another one has other accounts and other certificates.
pub fn folder(below: &Path, directory: &Destination, url: &str) -> PathBuf {
    let digest = digest::digest(&digest::SHA256, url.as_bytes());
    let mark: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    // A host is a name or an address; those of IPv6 have colons, which some tools do not like in the name of a file.
    below.join(format!("{}-{mark}", directory.address.host.replace(':', "_")))
}

/// The file of the certificate, and of its key.
pub fn file(folder: &Path) -> PathBuf {
    folder.join(store::CERTIFICATE)
}

/// What would be done now, for people. Reads the disk and asks nobody.
pub fn intention(config: &Config) -> String {
    let (domains, way) = (config.domains.join(", "), config.challenge.name());
    let at = |seconds: i64| humantime::format_rfc3339_seconds(schedule::time(seconds)).to_string();
    let wanting = |why: &str| format!("{why}: would ask {} for {domains} at once, by {way}", config.directory.address);
    match store::certificate(&config.folder) {
        None => wanting("no certificate yet"),
        Some(held) if !held.is_for(&config.domains) => wanting("the certificate that is there is for other domains"),
        Some(held) => format!(
            "a certificate for {domains} until {}, to be renewed about {}, by {way}",
            at(held.life.ends),
            at(schedule::due(&held.life, held.installed, None, 0.5))
        ),
    }
}

/// The directory's URL as a destination, which says what is wrong with it.
pub fn destination(url: &str, ca: Option<&Path>) -> Result<Destination, outward::Error> {
    Destination::new(url, outward::Kind::Http, &outward::Trust { ca: ca.map(Path::to_owned), insecure: false })
}

#[cfg(test)]
mod tests;
