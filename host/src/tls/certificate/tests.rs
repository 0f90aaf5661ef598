//! Every kind of key, and every mistake that can be made with two files.

use super::super::tests::{configure, self_signed};
use super::super::{Acceptor, Config, Error};
use crate::error::Chain;
use crate::secret::Secret;
use pkcs8::der::pem::{LineEnding, encode_string};
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoOwned, PrivateKeyInfoRef};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use std::fs;
use tempfile::TempDir;

/// A 2048-bit RSA key for these tests, since ring makes none; used nowhere else.
const RSA: &str = include_str!("../testdata/rsa-key.pem");

/// A key on P-521 and its certificate, as `openssl` makes them: ring knows nothing of it. Used nowhere else.
const P521: [&str; 2] = [include_str!("../testdata/p521-cert.pem"), include_str!("../testdata/p521-key.pem")];

const PASSWORD: &str = "correct horse ü";

struct Case {
    config: Config,
    _directory: TempDir,
}

fn case(certificate: &str, key: &str) -> Case {
    let directory = tempfile::tempdir().unwrap();
    Case { config: configure(directory.path(), certificate, key), _directory: directory }
}

impl Case {
    fn password(mut self, password: &str) -> Self {
        self.config.key_password = Some(Secret::new(password));
        self
    }

    fn loads(&self) {
        if let Err(error) = Acceptor::new(&self.config) {
            panic!("{}", Chain(&error));
        }
    }

    /// The error, after making sure that it reads as all of them should.
    fn fails(&self) -> Error {
        let Err(error) = Acceptor::new(&self.config) else { panic!("it loads") };
        let text = Chain(&error).to_string();
        let (problem, hint) = text.split_once("\nhint: ").unwrap_or_else(|| panic!("no hint: {text}"));
        assert!(problem.contains(".pem`") && !problem.contains('\n') && !hint.contains('\n'), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
        error
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).unwrap()
}

/// The key itself, without its PKCS#8 wrapping: PKCS#1 of an RSA key, SEC1 of an ECDSA key.
fn inner(key: &KeyPair) -> Vec<u8> {
    PrivateKeyInfoRef::try_from(key.serialized_der()).unwrap().private_key.as_bytes().to_vec()
}

fn encrypted(key: &KeyPair, parameters: pbes2::Parameters) -> String {
    let key = PrivateKeyInfoRef::try_from(key.serialized_der()).unwrap();
    let sealed = key.encrypt_with_params(parameters, PASSWORD).unwrap();
    sealed.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap().to_string()
}

fn quick() -> pbes2::Parameters {
    pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(10, b"saltsalt", [7; 16]).unwrap()
}

#[test]
fn keys_of_every_form_and_algorithm_load() {
    let rsa = KeyPair::from_pem(RSA).unwrap();
    let p256 = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    for key in [&rsa, &p256, &p384, &ed25519] {
        case(&self_signed(key), &pem("PRIVATE KEY", key.serialized_der())).loads();
    }
    case(P521[0], P521[1]).loads();
    case(&self_signed(&rsa), &pem("RSA PRIVATE KEY", &inner(&rsa))).loads();
    case(&self_signed(&p256), &pem("EC PRIVATE KEY", &inner(&p256))).loads();
    case(&self_signed(&p384), &pem("EC PRIVATE KEY", &inner(&p384))).loads();
}

#[test]
fn an_encrypted_key_loads_with_its_password() {
    let key = KeyPair::generate().unwrap();
    let cheap = || scrypt::Params::new(4, 8, 1).unwrap();
    for parameters in [
        quick(),
        pbes2::Parameters::generate_pbkdf2_sha256_aes128cbc(10, b"saltsalt", [7; 16]).unwrap(),
        pbes2::Parameters::generate_scrypt_aes256cbc(cheap(), b"saltsalt", [7; 16]).unwrap(),
        pbes2::Parameters::generate_scrypt_aes128cbc(cheap(), b"saltsalt", [7; 16]).unwrap(),
    ] {
        case(&self_signed(&key), &encrypted(&key, parameters)).password(PASSWORD).loads();
    }
    // What is not encrypted needs none.
    case(&self_signed(&key), &key.serialize_pem()).password(PASSWORD).loads();
}

#[test]
fn files_with_windows_line_ends_text_between_and_a_byte_order_mark_load() {
    let key = KeyPair::generate().unwrap();
    let dress =
        |text: String| format!("\u{feff}Bag Attributes\n    friendlyName: x\n{text}trailing").replace('\n', "\r\n");
    case(&dress(self_signed(&key)), &dress(key.serialize_pem())).loads();
    let certificate = format!("\u{feff}{}", self_signed(&key));
    case(&certificate, &format!("\u{feff}{}", encrypted(&key, quick())).replace('\n', "\r\n"))
        .password(PASSWORD)
        .loads();
    // Both files may be one.
    let both = format!("{}{}", key.serialize_pem(), self_signed(&key));
    case(&both, &both).loads();
}

#[test]
fn the_password_of_an_encrypted_key_is_missing_or_wrong() {
    let key = KeyPair::generate().unwrap();
    let locked = encrypted(&key, quick());
    let certificate = self_signed(&key);
    assert!(matches!(case(&certificate, &locked).fails(), Error::PasswordMissing { .. }));
    // Enough of them that some give right padding by chance.
    for number in 0..600 {
        let error = case(&certificate, &locked).password(&format!("wrong {number}")).fails();
        assert!(matches!(error, Error::PasswordWrong { .. }), "{number}: {error}");
    }
}

#[test]
fn an_encryption_that_is_not_read_is_told_from_a_wrong_password() {
    let key = KeyPair::generate().unwrap();
    let certificate = self_signed(&key);
    let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
               -----END EC PRIVATE KEY-----\n";
    // PBKDF2 with SHA-1 is what was made before OpenSSL 1.1; its name is one byte away from SHA-256's.
    let sealed = EncryptedPrivateKeyInfoOwned { encryption_algorithm: quick().into(), encrypted_data: octets() };
    let mut der = pkcs8::der::Encode::to_der(&sealed).unwrap();
    let hmac_with_sha256 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
    let at = der.windows(8).position(|window| window == hmac_with_sha256).unwrap();
    der[at + 7] = 7;
    for text in
        [old.to_owned(), pem("ENCRYPTED PRIVATE KEY", &der), pem("ENCRYPTED PRIVATE KEY", b"\x30\x03\x02\x01\x00")]
    {
        let error = case(&certificate, &text).password(PASSWORD).fails();
        assert!(matches!(error, Error::UnsupportedEncryption { .. }), "{error}");
    }
}

fn octets() -> pkcs8::der::asn1::OctetString {
    pkcs8::der::asn1::OctetString::new([0; 32]).unwrap()
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    assert!(matches!(case(&self_signed(&key), &other.serialize_pem()).fails(), Error::Mismatch { .. }));
    assert!(matches!(case(&self_signed(&key), RSA).fails(), Error::Mismatch { .. }));
}

#[test]
fn a_chain_from_the_root_down_is_named_as_such() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let chain = format!("{}{}", self_signed(&other), self_signed(&key));
    assert!(matches!(case(&chain, &key.serialize_pem()).fails(), Error::WrongOrder { position: 2, .. }));
}

#[test]
fn a_file_that_is_not_there_or_not_readable_is_named() {
    let key = KeyPair::generate().unwrap();
    let case = case(&self_signed(&key), &key.serialize_pem());
    fs::remove_file(&case.config.key).unwrap();
    assert!(matches!(case.fails(), Error::Unreadable { what: "key", .. }));
    fs::remove_file(&case.config.certificate).unwrap();
    assert!(matches!(case.fails(), Error::Unreadable { what: "certificate", .. }));
    fs::create_dir(&case.config.certificate).unwrap();
    assert!(matches!(case.fails(), Error::Unreadable { what: "certificate", .. }));
}

#[test]
fn a_file_that_holds_something_else_says_what() {
    let key = KeyPair::generate().unwrap();
    let (certificate, secret) = (self_signed(&key), key.serialize_pem());
    for (text, found) in [("", "it is empty"), ("hello", "it is not PEM"), (&secret, "it holds `PRIVATE KEY`")] {
        let error = case(text, &secret).fails();
        assert!(matches!(&error, Error::NoCertificate { found: said, .. } if said == found), "{error}");
    }
    let error = case(&certificate, &certificate).fails();
    assert!(matches!(&error, Error::NoKey { found, .. } if found == "it holds `CERTIFICATE`"), "{error}");
    let der = [0x30, 0x82, 0x01, 0xff].map(char::from).iter().collect::<String>();
    assert!(matches!(case(&certificate, &der).fails(), Error::NoKey { .. }));
}

#[test]
fn damaged_files_are_told_from_wrong_ones() {
    let key = KeyPair::generate().unwrap();
    let (certificate, secret) = (self_signed(&key), key.serialize_pem());
    let half = |text: &str| text[..text.len() / 2].to_owned();
    for damaged in [half(&certificate), pem("CERTIFICATE", b"\x30\x03\x02\x01\x00"), certificate.replace('M', "*")] {
        let error = case(&damaged, &secret).fails();
        assert!(matches!(error, Error::DamagedCertificate { .. }), "{error}");
    }
    for damaged in [half(&secret), half(&encrypted(&key, quick()))] {
        let error = case(&certificate, &damaged).password(PASSWORD).fails();
        assert!(matches!(error, Error::DamagedKey { .. } | Error::NoKey { .. }), "{error}");
    }
    let error = case(&certificate, &pem("PRIVATE KEY", b"\x30\x03\x02\x01\x00")).fails();
    assert!(matches!(error, Error::UnsupportedKey { .. }), "{error}");
}
