//! The certificate in use, and how it is replaced when its files change.

use super::Config;
use super::authorities::{Authorities, verifier};
use super::certificate::{self, Files};
use super::challenge;
use super::error::Error;
use super::tickets::Tickets;
use crate::error::Chain;
use crate::metrics::{CertificateLabels, CertificateSource, Metrics};
use crate::watch::{self, Watch};
use arc_swap::ArcSwapOption;
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
    /// `None`: ACME has not got one yet.
    certified: ArcSwapOption<CertifiedKey>,
    /// `None`: clients show no certificates.
    authorities: Option<Arc<Authorities>>,
    tickets: Arc<Tickets>,
    // One reload at a time; held over reading two files, by the watcher's thread or whoever asked for a reload.
    in_use: Mutex<Files>,
}

impl Current {
    pub fn load(config: Config, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let files = Files::read(&config)?;
        let certified = match files.certify(&config, &provider) {
            Ok(certified) => Some(Arc::new(certified)),
            // Nobody but ACME has written it, which will get another one.
            Err(error) if config.acme.is_some() => {
                if files.is_there() {
                    tracing::error!(error = %Chain(&error), "the certificate that ACME has made cannot be used");
                }
                None
            }
            Err(error) => return Err(error),
        };
        let certified = ArcSwapOption::new(certified);
        let authorities = match files.authorities.as_slice() {
            [] => None,
            files => Some(Arc::new(Authorities::new(verifier(files, &provider)?))),
        };
        let tickets = Arc::new(Tickets::new().map_err(Error::Setup)?);
        Ok(Self { config, provider, certified, authorities, tickets, in_use: Mutex::new(files) })
    }

    pub fn by_acme(&self) -> bool {
        self.config.acme.is_some()
    }

    pub fn ends(&self) -> Option<i64> {
        certificate::ends(self.certified.load().as_ref()?.cert.first()?)
    }

    /// Tells the metrics when the certificate in use ends, if there is one.
    pub fn tell(&self, metrics: &Metrics) {
        let source = if self.by_acme() { CertificateSource::Acme } else { CertificateSource::File };
        if let Some(ends) = self.ends() {
            metrics.certificate_expiry.get_or_create(&CertificateLabels { source }).set(ends);
        }
    }

    pub fn tickets(&self) -> Arc<Tickets> {
        self.tickets.clone()
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
        // One that ACME has not made yet is no failure, nor is it a reason to leave out the authorities.
        let certified = match self.by_acme() && !files.is_there() {
            true => None,
            false => Some(Arc::new(files.certify(&self.config, &self.provider)?)),
        };
        if let Some(authorities) = self.authorities.as_ref().filter(|_| files.authorities != in_use.authorities) {
            authorities.replace(verifier(&files.authorities, &self.provider)?);
            self.tickets.renew().map_err(Error::Setup)?;
        }
        if certified.is_some() {
            self.certified.store(certified);
        }
        *in_use = files;
        Ok(Reloaded::Replaced)
    }

    fn directories(&self) -> BTreeSet<PathBuf> {
        let files = [&self.config.certificate, &self.config.key].into_iter().chain(&self.config.client_ca);
        watch::directories(files.map(PathBuf::as_path))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match &self.config.acme {
            Some(challenges) if challenge::asked(&hello) => challenge::answer(challenges, &hello, &self.provider),
            _ => self.certified.load_full(),
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("certificate", &self.config.certificate).finish_non_exhaustive()
    }
}

/// Keeps the certificate up to date, until what it gives is dropped.
pub fn watch(current: Arc<Current>, metrics: Metrics) -> io::Result<Watch> {
    let mut last_failure = None;
    let watched = current.clone();
    // Of the certificate that was in use before, nothing is told any more.
    metrics.certificate_expiry.clear();
    let look = move || {
        look_again(&current, &mut last_failure);
        current.tell(&metrics);
    };
    Watch::start("tls-reload", move || watched.directories(), look)
}

fn look_again(current: &Current, last_failure: &mut Option<String>) {
    match current.reload() {
        Ok(Reloaded::Replaced) => {
            tracing::info!(certificate = %current.config.certificate.display(), "certificate replaced");
            *last_failure = None;
        }
        Ok(Reloaded::Unchanged) => *last_failure = None,
        Err(error) => {
            // Said once, not at every change of a busy directory.
            let failure = Chain(&error).to_string();
            if last_failure.as_ref() != Some(&failure) {
                tracing::error!(error = failure, "failed to replace the certificate, keeping the old one");
                *last_failure = Some(failure);
            }
        }
    }
}

#[cfg(test)]
mod tests;
