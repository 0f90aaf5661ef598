//! Makes of two files a certificate chain and the key that belongs to it, or says what is wrong with them.

use super::error::Error;
use super::{Config, key};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What the two files held when they were read. One is read after the other, so they may be of different pairs; then
/// they do not match, and are read again on the next change.
#[derive(Clone, PartialEq, Eq)]
pub struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    pub authorities: Vec<(PathBuf, Vec<u8>)>,
}

impl Files {
    pub fn read(config: &Config) -> Result<Self, Error> {
        let read = |what, path: &Path| {
            fs::read(path).map_err(|cause| Error::Unreadable { what, path: path.to_owned(), cause })
        };
        // Both are one file, which is read once: it may be exchanged at any time.
        let by_acme = || match read("certificate", &config.certificate) {
            Err(Error::Unreadable { cause, .. }) if cause.kind() == ErrorKind::NotFound => Ok((vec![], vec![])),
            read => read.map(|bytes| (bytes.clone(), bytes)),
        };
        let (certificate, key) = match config.acme {
            Some(_) => by_acme()?,
            None => (read("certificate", &config.certificate)?, read("key", &config.key)?),
        };
        let authority = |path: &PathBuf| Ok((path.clone(), read("authority", path)?));
        Ok(Self { certificate, key, authorities: config.client_ca.iter().map(authority).collect::<Result<_, _>>()? })
    }

    /// Whether there is a certificate at all.
    pub fn is_there(&self) -> bool {
        !self.certificate.is_empty()
    }

    pub fn certify(&self, config: &Config, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
        let chain = parse_chain(&text(&self.certificate), &config.certificate)?;
        let key = key::parse(&text(&self.key), &config.key, config.key_password.as_ref())?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| Error::UnsupportedKey { path: config.key.clone(), cause: error.to_string() })?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(certified),
            Err(rustls::Error::InconsistentKeys(_)) => Err(mismatch(&certified, config)),
            Err(error) => Err(Error::DamagedCertificate { path: config.certificate.clone(), cause: error.to_string() }),
        }
    }
}

/// When a certificate ends, in seconds since 1970.
pub fn ends(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

/// PEM is ASCII; some editors put a byte order mark before it.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').to_owned()
}

fn parse_chain(text: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, pem::Error>>()
        .map_err(|error| Error::DamagedCertificate { path: path.to_owned(), cause: error.to_string() })?;
    if chain.is_empty() {
        return Err(Error::NoCertificate { path: path.to_owned(), found: found(text) });
    }
    Ok(chain)
}

/// A chain from the root down is the commonest mistake, and has its own advice.
fn mismatch(certified: &CertifiedKey, config: &Config) -> Error {
    let (certificate, key) = (config.certificate.clone(), config.key.clone());
    let belongs = |one: &CertificateDer<'static>| {
        CertifiedKey::new(vec![one.clone()], certified.key.clone()).keys_match().is_ok()
    };
    match certified.cert.iter().position(belongs) {
        Some(index) => Error::WrongOrder { certificate, key, position: index + 1 },
        None => Error::Mismatch { certificate, key },
    }
}

/// What is in a file that does not hold what it should: the labels of its PEM blocks, which are no secret.
pub fn found(text: &str) -> String {
    let labels: Vec<_> = text
        .lines()
        .filter_map(|line| line.trim_end().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .map(|label| format!("`{label}`"))
        .collect();
    match labels.as_slice() {
        [] if text.trim().is_empty() => "it is empty".to_owned(),
        [] => "it is not PEM".to_owned(),
        labels => format!("it holds {}", labels.join(", ")),
    }
}

#[cfg(test)]
mod tests;
