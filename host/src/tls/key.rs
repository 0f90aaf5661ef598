//! Reads a private key from PEM: PKCS#8, PKCS#1, SEC1, and PKCS#8 encrypted under a password (PBES2: PBKDF2 or scrypt,
//! then AES).

use super::error::Error;
use crate::secret::Secret;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, pkcs5};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// How OpenSSL marked an encrypted key before PKCS#8 (RFC 1421). Its key comes from one round of MD5.
const ENCRYPTED_OLD_WAY: &str = "Proc-Type: 4,ENCRYPTED";

/// The first private key in the text. `path` is for messages.
pub fn parse(text: &str, path: &Path, password: Option<&Secret>) -> Result<PrivateKeyDer<'static>, Error> {
    let path = path.to_owned();
    if text.contains(ENCRYPTED_OLD_WAY) {
        return Err(Error::UnsupportedEncryption { path, cause: "the form of OpenSSL before PKCS#8".into() });
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if text.contains(ENCRYPTED) => {
            let password = password.ok_or_else(|| Error::PasswordMissing { path: path.clone() })?;
            // The PEM reader skips what it has no name for; under this name it reads the same bytes.
            let renamed = text.replace("ENCRYPTED PRIVATE KEY-----", "PRIVATE KEY-----");
            let sealed = PrivatePkcs8KeyDer::from_pem_slice(renamed.as_bytes())
                .map_err(|error| Error::DamagedKey { path: path.clone(), cause: error.to_string() })?;
            decrypt(sealed.secret_pkcs8_der(), &path, password)
        }
        Err(pem::Error::NoItemsFound) => Err(Error::NoKey { path, found: super::certificate::found(text) }),
        Err(error) => Err(Error::DamagedKey { path, cause: error.to_string() }),
    }
}

fn decrypt(sealed: &[u8], path: &Path, password: &Secret) -> Result<PrivateKeyDer<'static>, Error> {
    let path = path.to_owned();
    let sealed = match EncryptedPrivateKeyInfoRef::try_from(sealed) {
        Ok(sealed) => sealed,
        // An algorithm that is not known shows as one that cannot be parsed.
        Err(error) => return Err(Error::UnsupportedEncryption { path, cause: error.to_string() }),
    };
    match sealed.decrypt(password.reveal()) {
        // One wrong password in 256 gives something with right padding; it is still no key.
        Ok(key) if PrivateKeyInfoRef::try_from(key.as_bytes()).is_ok() => {
            Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
        }
        Ok(_) | Err(pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed) | pkcs8::Error::Asn1(_)) => {
            Err(Error::PasswordWrong { path })
        }
        Err(error) => Err(Error::UnsupportedEncryption { path, cause: error.to_string() }),
    }
}
