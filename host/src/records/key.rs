//! The key of one direction of TLS 1.3, once rustls has given it away: records sealed and opened in place (RFC 8446, section 5.2).
//!
//! ring keeps what it makes of a key in the [`Key`] itself, so that all that sealing needs is in one place. None of it can be
//! printed. Bare keys are wiped by rustls when they go; what ring makes of them is not, here as little as within rustls.

use ring::aead::{self, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets::{self, Aes128Gcm, Aes256Gcm, Chacha20Poly1305};
use rustls::{CipherSuite, Error};

/// In front of what is sealed: a type, a version, a length.
pub const HEADER: usize = 5;

/// And behind it.
pub const TAG: usize = 16;

/// So long may be what a record holds, but for its type: content, and what it is padded by (section 5.4).
pub const INNER: usize = 1 << 14;

/// And so long what follows a header (section 5.2).
pub const SEALED: usize = INNER + 256;

/// The type that all sealed records say they have.
const APPLICATION_DATA: u8 = 23;

pub struct Key {
    key: LessSafeKey,
    iv: [u8; NONCE_LEN],
    /// That of the next record.
    sequence: u64,
}

/// Whether keys of a suite can be worked with here.
pub fn is_known(suite: CipherSuite) -> bool {
    use CipherSuite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256};
    matches!(suite, TLS13_AES_128_GCM_SHA256 | TLS13_AES_256_GCM_SHA384 | TLS13_CHACHA20_POLY1305_SHA256)
}

impl Key {
    pub fn new(sequence: u64, secrets: &ConnectionTrafficSecrets) -> Result<Self, Error> {
        let unusable = || Error::General("a key that nothing can be sealed with".to_owned());
        let (algorithm, key, iv) = match secrets {
            Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            Chacha20Poly1305 { key, iv } => (&aead::CHACHA20_POLY1305, key, iv),
            _ => return Err(unusable()),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| unusable())?;
        let iv = iv.as_ref().try_into().map_err(|_| unusable())?;
        Ok(Self { key: LessSafeKey::new(key), iv, sequence })
    }

    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Seals a record: `record` is room for a header, the content and its type, and room for a tag.
    pub fn seal(&mut self, record: &mut [u8]) -> Result<(), Error> {
        let nonce = self.nonce(Error::EncryptError)?;
        let length = record.len() - HEADER;
        let (header, sealed) = record.split_at_mut(HEADER);
        let [high, low] = u16::try_from(length).map_err(|_| Error::EncryptError)?.to_be_bytes();
        header.copy_from_slice(&[APPLICATION_DATA, 3, 3, high, low]);
        let (inner, room) = sealed.split_at_mut(length - TAG);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(&*header), inner);
        room.copy_from_slice(tag.map_err(|_| Error::EncryptError)?.as_ref());
        Ok(())
    }

    /// Opens a record: gives what is in it, content, its type and what it is padded by. Of one that was not sealed with this
    /// key, as the next of it, nothing is left.
    pub fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<&'a mut [u8], Error> {
        let nonce = self.nonce(Error::DecryptError)?;
        let (header, sealed) = record.split_at_mut(HEADER);
        self.key.open_in_place(nonce, Aad::from(&*header), sealed).map_err(|_| Error::DecryptError)
    }

    /// The next record's: its sequence number, eight bytes, the highest first, with zeros in front of them up to the length of
    /// the IV, and that xored with the IV (RFC 8446, section 5.3). None is ever given twice: a number that would begin again is
    /// an error.
    fn nonce(&mut self, exhausted: Error) -> Result<Nonce, Error> {
        let mut nonce = [0; NONCE_LEN];
        nonce[NONCE_LEN - 8..].copy_from_slice(&self.sequence.to_be_bytes());
        nonce.iter_mut().zip(self.iv).for_each(|(byte, iv)| *byte ^= iv);
        self.sequence = self.sequence.checked_add(1).ok_or(exhausted)?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}
