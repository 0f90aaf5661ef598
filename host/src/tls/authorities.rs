//! Whose certificates clients may show: authorities from files, taken up anew when the files change.
//!
//! TLS itself asks for a certificate and does not insist: whether there must be one, and whose, is for each webhook and
//! stream to say. One that is shown and not signed by an authority, or has expired, ends the handshake.

use super::error::Error;
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::path::PathBuf;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

type Verifier = Arc<dyn ClientCertVerifier>;

/// The authorities in use.
#[derive(Debug)]
pub struct Authorities(ArcSwap<Verifier>);

impl Authorities {
    pub fn new(verifier: Verifier) -> Self {
        Self(ArcSwap::from_pointee(verifier))
    }

    pub fn replace(&self, verifier: Verifier) {
        self.0.store(Arc::new(verifier));
    }
}

/// Makes of files a verifier. Files that hold no certificate are an error, each by its name.
pub fn verifier(files: &[(PathBuf, Vec<u8>)], provider: &Arc<CryptoProvider>) -> Result<Verifier, Error> {
    let mut roots = RootCertStore::empty();
    for (path, bytes) in files {
        let text = super::certificate::text(bytes);
        let damaged = |cause: String| Error::DamagedCertificate { path: path.clone(), cause };
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|error| damaged(error.to_string()))?;
            roots.add(certificate).map_err(|error| damaged(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(Error::NoCertificate { path: path.clone(), found: super::certificate::found(&text) });
        }
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    builder.allow_unauthenticated().build().map_err(|error| Error::Setup(rustls::Error::General(error.to_string())))
}

impl ClientCertVerifier for Authorities {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Not told: they may change, and clients have one certificate to show.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.0.load().verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.load().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.load().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.load().supported_verify_schemes()
    }
}

/// The names a certificate is for: its DNS names and its common names. Its authority vouches for both. `None` when it has
/// ended, or cannot be read.
pub fn names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok().filter(|(_, parsed)| parsed.validity().is_valid())?;
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let alternative = alternative.into_iter().flat_map(|extension| &extension.value.general_names);
    let dns = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    let common = parsed.subject().iter_common_name().filter_map(|name| Some(name.as_str().ok()?.to_owned()));
    Some(dns.chain(common).collect())
}
