//! A certificate authority like the public ones: a root that clients trust, an intermediate that signs, leaves for
//! localhost. A server that does not send its full chain is therefore refused by every client of these tests.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose};
use rcgen::{IsCa, KeyPair, KeyUsagePurpose, date_time_ymd};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use std::time::SystemTime;

pub struct Authority {
    root: CertificateDer<'static>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate as an operator gets it: two PEM files.
pub struct Issued {
    /// The leaf, then the intermediate.
    pub chain: String,
    /// PKCS#8.
    pub key: String,
    pub leaf: CertificateDer<'static>,
}

impl Default for Authority {
    fn default() -> Self {
        let root = CertifiedIssuer::self_signed(issuer("postern test root"), new_key()).expect("a root signs itself");
        let below = CertifiedIssuer::signed_by(issuer("postern test intermediate"), new_key(), &root);
        Self { root: root.der().clone(), intermediate: below.expect("the root signs the intermediate") }
    }
}

impl Authority {
    /// A new leaf with a new key for `localhost`, 127.0.0.1 and ::1.
    pub fn issue(&self) -> Issued {
        self.leaf(|_| ())
    }

    /// The same, valid from one time to another.
    pub fn issue_for(&self, from: SystemTime, until: SystemTime) -> Issued {
        self.leaf(|params| (params.not_before, params.not_after) = (from.into(), until.into()))
    }

    fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
        let key = new_key();
        let mut params = CertificateParams::new(names).expect("the names are valid");
        change(&mut params);
        let leaf = params.signed_by(&key, &self.intermediate).expect("the intermediate signs");
        let chain = format!("{}{}", leaf.pem(), self.intermediate.pem());
        Issued { chain, key: key.serialize_pem(), leaf: leaf.der().clone() }
    }

    /// A certificate for a client, whose common name is this, and no other name.
    pub fn issue_client(&self, name: &str) -> Issued {
        self.sign(named(name))
    }

    /// The same, with these DNS names and no common name.
    pub fn issue_client_for(&self, names: &[&str]) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("the names are valid");
        params.distinguished_name = DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    /// The same, that ended long ago.
    pub fn issue_ended_client(&self, name: &str) -> Issued {
        let mut params = named(name);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        self.sign(params)
    }

    /// The same, that only a server may show.
    pub fn issue_server(&self, name: &str) -> Issued {
        let mut params = named(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = new_key();
        let leaf = params.signed_by(&key, &self.intermediate).expect("the intermediate signs");
        let chain = format!("{}{}", leaf.pem(), self.intermediate.pem());
        Issued { chain, key: key.serialize_pem(), leaf: leaf.der().clone() }
    }

    /// The root, PEM.
    pub fn root(&self) -> String {
        let label = "CERTIFICATE";
        pkcs8::der::pem::encode_string(label, pkcs8::LineEnding::LF, &self.root).expect("it is written as PEM")
    }

    /// A client's TLS that trusts this root, and shows this certificate.
    pub fn trust_as(&self, client: &Issued) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("our root is a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(client.chain.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("a key");
        let builder = builder.expect("ring speaks these versions").with_root_certificates(roots);
        let config = builder.with_client_auth_cert(chain.expect("a chain"), key);
        Arc::new(config.expect("they belong together"))
    }

    /// A client's TLS that trusts this root alone.
    pub fn trust(&self, protocols: &[&str], versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        self.trust_by(rustls::crypto::ring::default_provider(), protocols, versions)
    }

    /// The same, done by other arithmetic.
    pub fn trust_by(
        &self,
        provider: CryptoProvider,
        protocols: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).expect("our root is a certificate");
        let builder = ClientConfig::builder_with_provider(provider.into()).with_protocol_versions(versions);
        let mut config = builder.expect("it speaks these versions").with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// The same key under a password, as `openssl pkcs8 -topk8` writes it: PBES2, PBKDF2 with HMAC-SHA-256, AES-256-CBC.
pub fn encrypted(key: &str, password: &str) -> String {
    let (_, document) = pkcs8::SecretDocument::from_pem(key).expect("the key is PEM");
    let key = pkcs8::PrivateKeyInfoRef::try_from(document.as_bytes()).expect("the key is PKCS#8");
    let (mut salt, mut vector) = ([0; 16], [0; 16]);
    let random = SystemRandom::new();
    random.fill(&mut salt).and_then(|()| random.fill(&mut vector)).expect("the system gives random bytes");
    let params = pkcs8::pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(2048, &salt, vector);
    let encrypted = key.encrypt_with_params(params.expect("the salt is short"), password).expect("it encrypts");
    encrypted.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).expect("it is written as PEM").to_string()
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("ring makes a key")
}

fn issuer(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
