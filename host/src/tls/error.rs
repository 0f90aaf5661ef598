//! What can be wrong with the files, said so that whoever reads it knows which file and what to do; and what can be
//! wrong with a handshake.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read the {what} `{path}`: {cause}\nhint: {advice}", advice = advice_on_reading(cause))]
    Unreadable { what: &'static str, path: PathBuf, cause: io::Error },

    #[error(
        "`{path}` holds no certificate: {found}\n\
         hint: postern reads PEM, which begins with `-----BEGIN CERTIFICATE-----`; \
         for DER: `openssl x509 -inform der -in FILE -out cert.pem`"
    )]
    NoCertificate { path: PathBuf, found: String },

    #[error("the certificate `{path}` is damaged: {cause}\nhint: copy it again, whole, from where it was issued")]
    DamagedCertificate { path: PathBuf, cause: String },

    #[error(
        "`{path}` holds no private key: {found}\n\
         hint: postern reads PEM, which begins with `-----BEGIN PRIVATE KEY-----`; \
         for DER: `openssl pkey -inform der -in FILE -out key.pem`"
    )]
    NoKey { path: PathBuf, found: String },

    #[error("the key `{path}` is damaged: {cause}\nhint: copy it again, whole, from where it was made")]
    DamagedKey { path: PathBuf, cause: String },

    #[error(
        "the key `{path}` cannot be used: {cause}\n\
         hint: use RSA of at least 2048 bits, ECDSA on P-256, P-384 or P-521, or Ed25519"
    )]
    UnsupportedKey { path: PathBuf, cause: String },

    #[error("the key `{path}` is encrypted, and no password is given\nhint: give it in `tls.key_password`")]
    PasswordMissing { path: PathBuf },

    #[error(
        "failed to decrypt the key `{path}`: the password is wrong\n\
         hint: `openssl pkey -noout -in FILE` asks for it and tells whether it is right"
    )]
    PasswordWrong { path: PathBuf },

    #[error(
        "the key `{path}` is encrypted in a way postern does not read: {cause}\n\
         hint: `openssl pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA256 -in FILE -out key.pem` encrypts it anew, \
         with the password it has or another"
    )]
    UnsupportedEncryption { path: PathBuf, cause: String },

    #[error(
        "the key `{key}` does not belong to the certificate `{certificate}`\n\
         hint: give the key that the certificate was requested with"
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },

    #[error(
        "the certificates in `{certificate}` are in the wrong order: the key `{key}` belongs to number {position}\n\
         hint: put the server's own certificate first, then the one that signed it, and so on"
    )]
    WrongOrder { certificate: PathBuf, key: PathBuf, position: usize },

    #[error("failed to set up TLS")]
    Setup(#[source] rustls::Error),

    #[error("failed to start watching the certificate")]
    Watch(#[source] io::Error),
}

fn advice_on_reading(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::NotFound => "check the path; a relative one is taken from where the configuration file is",
        io::ErrorKind::PermissionDenied => "let the user that postern runs as read it",
        io::ErrorKind::IsADirectory => "give the file in it",
        _ => "check the file and the disk it is on",
    }
}

/// Why there is no TLS connection. It is the client's doing, or the network's.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    #[error("the TLS handshake took too long")]
    TimedOut,
    #[error("the client left without a word")]
    Silent,
    #[error("the client speaks plain HTTP")]
    PlainHttp,
    /// Not a failure, and the end of it all the same.
    #[error("a certificate authority has looked whether a domain is ours")]
    Challenge,
    #[error("the TLS handshake failed")]
    Failed(#[source] io::Error),
}
