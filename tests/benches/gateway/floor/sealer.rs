//! TLS 1.3 records under keys that were taken from rustls after its handshake: sealed where they are sent from.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, ServerConnection};
use std::io;

/// The most that a record may have in it.
const RECORD: usize = 16 << 10;
const APPLICATION_DATA: u8 = 23;

pub struct Sealer {
    key: LessSafeKey,
    initial: [u8; 12],
    sequence: u64,
}

impl Sealer {
    pub fn new(connection: ServerConnection) -> io::Result<Self> {
        let (sequence, secrets) = connection.dangerous_extract_secrets().map_err(io::Error::other)?.tx;
        let (algorithm, key, initial) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            _ => return Err(io::Error::other("a suite that this load does not offer")),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).expect("the key is as long as its algorithm wants");
        let initial = initial.as_ref().try_into().map_err(io::Error::other)?;
        Ok(Self { key: LessSafeKey::new(key), initial, sequence })
    }

    /// Appends these bytes as records.
    pub fn seal(&mut self, bytes: &[&[u8]], records: &mut Vec<u8>) {
        let mut left: usize = bytes.iter().map(|part| part.len()).sum();
        let (mut parts, mut part) = (bytes.iter(), &[][..]);
        while left > 0 {
            let room = left.min(RECORD);
            left -= room;
            let length = (room + 1 + MAX_TAG_LEN) as u16;
            let [high, low] = length.to_be_bytes();
            let head = [APPLICATION_DATA, 3, 3, high, low];
            records.extend_from_slice(&head);
            let start = records.len();
            while records.len() < start + room {
                if part.is_empty() {
                    part = parts.next().expect("the lengths were added up");
                }
                let (now, later) = part.split_at(part.len().min(start + room - records.len()));
                records.extend_from_slice(now);
                part = later;
            }
            records.push(APPLICATION_DATA);
            let nonce = self.nonce();
            let sealed = self.key.seal_in_place_separate_tag(nonce, Aad::from(head), &mut records[start..]);
            records.extend_from_slice(sealed.expect("a record is not too long").as_ref());
        }
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = self.initial;
        for (byte, sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= sequence;
        }
        self.sequence += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}
