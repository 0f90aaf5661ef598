//! Whose arithmetic TLS is done with: aws-lc's where keys are agreed on and signatures made and checked, which takes a seventh
//! less of a handshake than ring's and has a key exchange that a quantum computer does not undo; ring's where records are
//! sealed, in which it needs two thirds to a half of the time (`records::key`).

use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::crypto::{CryptoProvider, ring};

/// Which of these a client gets is for it to say, as with suites: its order counts. Browsers, Go and OpenSSL put the hybrid
/// of X25519 and ML-KEM first (draft-ietf-tls-ecdhe-mlkem), and have its share in their first message.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: ring::DEFAULT_CIPHER_SUITES.to_vec(),
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}
