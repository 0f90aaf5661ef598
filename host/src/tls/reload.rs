//! The certificate in use, and how it is replaced when its files change.

use super::Config;
use super::authorities::{Authorities, verifier};
use super::certificate::Files;
use super::error::Error;
use crate::error::Chain;
use crate::watch::{self, Watch};
use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What a reload came to, when nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// New connections get what the files hold now.
    Replaced,
    /// The files hold what is in use already.
    Unchanged,
}

/// The certificate that new connections get.
pub struct Current {
    config: Config,
    provider: Arc<CryptoProvider>,
    certified: ArcSwap<CertifiedKey>,
    /// `None`: clients show no certificates.
    authorities: Option<Arc<Authorities>>,
    // One reload at a time; held over reading two files, by the watcher's thread or whoever asked for a reload.
    in_use: Mutex<Files>,
}

impl Current {
    pub fn load(config: Config, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let files = Files::read(&config)?;
        let certified = ArcSwap::from_pointee(files.certify(&config, &provider)?);
        let authorities = match files.authorities.as_slice() {
            [] => None,
            files => Some(Arc::new(Authorities::new(verifier(files, &provider)?))),
        };
        Ok(Self { config, provider, certified, authorities, in_use: Mutex::new(files) })
    }

    pub fn authorities(&self) -> Option<Arc<Authorities>> {
        self.authorities.clone()
    }

    pub fn reload(&self) -> Result<Reloaded, Error> {
        // What is in use is replaced whole or not at all, so it is right even if a holder of the lock panicked.
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let files = Files::read(&self.config)?;
        if files == *in_use {
            return Ok(Reloaded::Unchanged);
        }
        let certified = files.certify(&self.config, &self.provider)?;
        if let Some(authorities) = &self.authorities {
            authorities.replace(verifier(&files.authorities, &self.provider)?);
        }
        self.certified.store(Arc::new(certified));
        *in_use = files;
        Ok(Reloaded::Replaced)
    }

    fn directories(&self) -> BTreeSet<PathBuf> {
        let files = [&self.config.certificate, &self.config.key].into_iter().chain(&self.config.client_ca);
        watch::directories(files.map(PathBuf::as_path))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("certificate", &self.config.certificate).finish_non_exhaustive()
    }
}

/// Keeps the certificate up to date, until what it gives is dropped.
pub fn watch(current: Arc<Current>) -> io::Result<Watch> {
    let mut last_failure = None;
    let watched = current.clone();
    let look = move || match current.reload() {
        Ok(Reloaded::Replaced) => {
            tracing::info!(certificate = %current.config.certificate.display(), "certificate replaced");
            last_failure = None;
        }
        Ok(Reloaded::Unchanged) => last_failure = None,
        Err(error) => {
            // Said once, not at every change of a busy directory.
            let failure = Chain(&error).to_string();
            if last_failure.as_ref() != Some(&failure) {
                tracing::error!(error = failure, "failed to replace the certificate, keeping the old one");
                last_failure = Some(failure);
            }
        }
    };
    Watch::start("tls-reload", move || watched.directories(), look)
}

#[cfg(test)]
mod tests;
