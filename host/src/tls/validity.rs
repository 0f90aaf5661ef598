//! From when to when certificates are valid, and whether they have a name, for those who want to know before clients do.

use super::certificate::text;
use super::error::Error;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub from: SystemTime,
    pub until: SystemTime,
    /// Whether it says what it is for where clients look: in its alternative names, not in its subject.
    pub named: bool,
}

/// Of each certificate in a file of PEM, in their order. What cannot be read is left out: that is for others to say.
pub fn validity(path: &Path) -> Result<Vec<Validity>, Error> {
    let bytes =
        fs::read(path).map_err(|cause| Error::Unreadable { what: "certificate", path: path.to_owned(), cause })?;
    let text = text(&bytes);
    Ok(CertificateDer::pem_slice_iter(text.as_bytes()).flatten().filter_map(|one| of(&one)).collect())
}

fn of(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let names = certificate.subject_alternative_name();
    Some(Validity {
        from: time(validity.not_before.timestamp())?,
        until: time(validity.not_after.timestamp())?,
        named: names.is_ok_and(|names| names.is_some_and(|names| !names.value.general_names.is_empty())),
    })
}

fn time(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}
