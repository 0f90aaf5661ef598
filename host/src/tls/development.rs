//! A certificate for `localhost` that needs nobody: postern makes a certificate authority of its own, once, and signs
//! with it. Whoever trusts that authority trusts this one directory, and for names of this machine only: the
//! authority's certificate says that it may vouch for no others.
//!
//! Not for production: nobody else trusts it, Meta least of all.

use super::certificate::Files;
use super::{Config, Error as TlsError};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What clients connect to.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const AUTHORITY_LIFETIME: Duration = DAY.saturating_mul(10 * 365);

/// Browsers refuse certificates that live longer than 398 days; the day less is for `BACKDATED`.
const LEAF_LIFETIME: Duration = DAY.saturating_mul(397);

/// Certificates begin a little earlier, for clients whose clock is behind.
const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// A certificate that ends sooner than this is made anew.
const RENEW_BEFORE: Duration = DAY.saturating_mul(30);

/// The files made, all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Development {
    /// What clients are told to trust: `curl --cacert`, `postern listen --ca`.
    pub ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "failed to write the development certificate in `{path}`: {cause}\n\
         hint: let the user that postern runs as write there, or choose another `data` directory"
    )]
    Unwritable { path: PathBuf, cause: io::Error },
    #[error("failed to make the development certificate")]
    Make(#[from] rcgen::Error),
    #[error("the development certificate just made is not one a client would take")]
    Unfit(#[source] rustls::Error),
}

/// Gives the certificate kept in `directory`, or makes it there: the leaf when it is missing, does not fit or ends
/// soon, the authority only when it cannot sign a leaf that fits, since people have told their tools to trust it.
///
/// `directory` is for these files alone: it is closed to other users.
pub fn ensure(directory: &Path) -> Result<Development, Error> {
    let files = Development {
        ca: directory.join("ca.pem"),
        certificate: directory.join("localhost.pem"),
        key: directory.join("localhost-key.pem"),
    };
    if would_be_trusted(&files).is_ok() {
        return Ok(files);
    }
    close_to_others(directory).map_err(|cause| Error::Unwritable { path: directory.to_owned(), cause })?;
    let authority_key = directory.join("ca-key.pem");
    if let Some(authority) = read_authority(&files.ca, &authority_key) {
        sign_leaf(&files, &authority, LEAF_LIFETIME)?;
        if would_be_trusted(&files).is_ok() {
            return Ok(files);
        }
    }
    let key = KeyPair::generate()?;
    let parameters = authority_parameters();
    let certificate = parameters.self_signed(&key)?;
    write(&authority_key, &key.serialize_pem(), Readable::ByOwner)?;
    write(&files.ca, &certificate.pem(), Readable::ByAll)?;
    sign_leaf(&files, &Issuer::new(parameters, key), LEAF_LIFETIME)?;
    would_be_trusted(&files).map_err(Error::Unfit)?;
    Ok(files)
}

fn read_authority(certificate: &Path, key: &Path) -> Option<Issuer<'static, KeyPair>> {
    let key = KeyPair::from_pem(&fs::read_to_string(key).ok()?).ok()?;
    Issuer::from_ca_cert_pem(&fs::read_to_string(certificate).ok()?, key).ok()
}

fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = named("postern development CA");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Were its key ever stolen, it would be of use on this machine only.
    parameters.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv4Addr::LOCALHOST.into(), 32)),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv6Addr::LOCALHOST.into(), 128)),
        ],
        excluded_subtrees: Vec::new(),
    });
    lasting(parameters, AUTHORITY_LIFETIME)
}

fn sign_leaf(files: &Development, authority: &Issuer<'_, KeyPair>, lifetime: Duration) -> Result<(), Error> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(NAMES.map(str::to_owned))?;
    parameters.distinguished_name = named("localhost");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    let certificate = lasting(parameters, lifetime).signed_by(&key, authority)?;
    write(&files.key, &key.serialize_pem(), Readable::ByOwner)?;
    write(&files.certificate, &certificate.pem(), Readable::ByAll)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn lasting(mut parameters: CertificateParams, lifetime: Duration) -> CertificateParams {
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(UnixTime::now().as_secs());
    parameters.not_before = now - BACKDATED;
    parameters.not_after = now + lifetime;
    parameters
}

/// Judges the files as a client would that trusts the authority, now and in 30 days, for each name.
fn would_be_trusted(files: &Development) -> Result<(), rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let config = Config {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        key_password: None,
        client_ca: Vec::new(),
        acme: None,
        handshake_timeout: Duration::ZERO,
    };
    let unfit = |error: TlsError| rustls::Error::General(error.to_string());
    let certified = Files::read(&config).and_then(|read| read.certify(&config, &provider)).map_err(unfit)?;

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.ca).map_err(|error| rustls::Error::General(error.to_string()))?)?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let now = UnixTime::now();
    for name in NAMES {
        let name = ServerName::try_from(name)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::NotValidForName))?;
        for time in [now, UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + RENEW_BEFORE)] {
            verifier.verify_server_cert(certified.end_entity_cert()?, &certified.cert[1..], &name, &[], time)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Readable {
    ByOwner,
    ByAll,
}

/// Puts the new file in the place of the old one at once, so that nobody reads half of it.
fn write(path: &Path, text: &str, readable: Readable) -> Result<(), Error> {
    let unwritable = |cause| Error::Unwritable { path: path.to_owned(), cause };
    let unfinished = path.with_extension(format!("pem.{}", std::process::id()));
    // One left behind by a process of the same number might be open to others.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match readable {
            Readable::ByOwner => 0o600,
            Readable::ByAll => 0o644,
        },
    );
    #[cfg(not(unix))]
    let _ = readable;
    let mut file = options.open(&unfinished).map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(unwritable)?;
    fs::rename(&unfinished, path).map_err(unwritable)
}

fn close_to_others(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    #[cfg(unix)]
    fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

#[cfg(test)]
mod tests;
