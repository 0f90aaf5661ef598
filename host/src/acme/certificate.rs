//! A certificate, as far as it must be understood here: whose, and from when to when.

use super::error::Error;
use super::schedule::Life;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// One that is on disk.
#[derive(Clone)]
pub struct Held {
    pub leaf: CertificateDer<'static>,
    pub life: Life,
    /// DNS names, in lower case.
    names: Vec<String>,
    /// When it was written, in seconds since 1970.
    pub installed: i64,
}

impl Held {
    /// The first certificate in a text.
    pub fn read(pem: &str, installed: i64) -> Result<Self, Error> {
        let unfit = |why: String| Error::Unfit { why };
        let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| unfit(error.to_string()))?;
        let (_, parsed) = X509Certificate::from_der(&leaf).map_err(|error| unfit(error.to_string()))?;
        let alternative = parsed.subject_alternative_name().map_err(|error| unfit(error.to_string()))?;
        let alternative = alternative.into_iter().flat_map(|extension| &extension.value.general_names);
        let names = alternative.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        let names = names.collect();
        let validity = parsed.validity();
        let life = Life { begins: validity.not_before.timestamp(), ends: validity.not_after.timestamp() };
        Ok(Self { leaf, life, names, installed })
    }

    /// Whether it is for all of these.
    pub fn is_for(&self, domains: &[String]) -> bool {
        domains.iter().all(|domain| self.names.contains(domain))
    }
}
