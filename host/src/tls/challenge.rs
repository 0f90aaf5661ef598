//! The answer to a certificate authority that looks by TLS whether a domain is ours (`tls-alpn-01`, RFC 8737): a certificate
//! that it alone asks for, by a protocol that nobody else speaks. Its connection ends with the handshake.

use crate::challenges::{Challenges, PROTOCOL};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::server::ClientHello;
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivatePkcs8KeyDer;
use std::sync::Arc;

/// Whether it is an authority that asks: it offers this protocol and no other.
pub fn asked(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut offered| offered.next() == Some(PROTOCOL) && offered.next().is_none())
}

/// The certificate for the domain asked for, if it is expected to be asked for now. It is made each time: that costs about
/// what a handshake does, and happens a few times in two months.
pub fn answer(
    challenges: &Challenges,
    hello: &ClientHello<'_>,
    provider: &CryptoProvider,
) -> Option<Arc<CertifiedKey>> {
    let domain = hello.server_name()?.to_ascii_lowercase();
    let digest = challenges.digest(&domain)?;
    match certificate(&domain, &digest, provider) {
        Ok(certified) => Some(Arc::new(certified)),
        Err(error) => {
            tracing::error!(domain, error, "failed to make the certificate that answers a challenge");
            None
        }
    }
}

fn certificate(domain: &str, digest: &[u8; 32], provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let made = || -> Result<_, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new([domain.to_owned()])?;
        parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let certificate = parameters.self_signed(&key)?;
        Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der())))
    };
    let (certificate, key) = made().map_err(|error| error.to_string())?;
    let key = provider.key_provider.load_private_key(key.into()).map_err(|error| error.to_string())?;
    Ok(CertifiedKey::new(vec![certificate], key))
}
