//! What a request claims to be signed with, and the one place where a claim is proven.

use super::key::{self, Key, Tag};
use super::refusal::SignatureRefusal;
use super::twilio;
use crate::secret::alike;
use ring::digest::{Context, SHA256, digest};
use ring::hmac;

/// The most signatures of one request that are looked at. A sender gives two while a secret is rotated.
pub const MOST_TAGS: usize = 16;

/// Well-formed, and proven only by a `Proof`. It is read from a head alone, so a request without one is refused before its
/// body is read.
pub struct Claim<'k> {
    pub keys: &'k [Key],
    pub tags: Vec<Tag>,
    pub covers: Covers,
    /// What the sender calls this delivery, however often it is sent, when that is among what is signed.
    pub name: Option<Vec<u8>>,
}

/// What is signed.
pub enum Covers {
    /// The body, and what is before and after it.
    Body { before: Vec<u8>, after: Vec<u8> },
    /// An address, in the ways it can be written, and what the body as a form says.
    Form(Vec<String>),
    /// An address, in the ways it can be written, in which this hash of the body stands.
    Digest { addresses: Vec<String>, sha256: Vec<u8> },
    /// Nothing is: who sends has shown in the head that it may, or nobody is asked to.
    Nothing,
}

/// Of a delivery that is signed as its webhook demands: nothing but `Proof::finish` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    name: Option<[u8; 32]>,
}

impl Signed {
    /// A hash of what names the delivery, where something other than its body does: two with the same are the same one
    /// sent again.
    pub fn name(&self) -> Option<&[u8; 32]> {
        self.name.as_ref()
    }
}

impl<'k> Claim<'k> {
    /// One signature of a body alone.
    pub fn of_body(keys: &'k [Key], tag: Vec<u8>) -> Self {
        Self::of_parts(keys, vec![Tag::Shared(tag)], Vec::new(), Vec::new())
    }

    pub fn of_parts(keys: &'k [Key], tags: Vec<Tag>, before: Vec<u8>, after: Vec<u8>) -> Self {
        Self { keys, tags, covers: Covers::Body { before, after }, name: None }
    }

    /// Nothing more is to be proven.
    pub fn of_nothing() -> Self {
        Self { keys: &[], tags: Vec::new(), covers: Covers::Nothing, name: None }
    }

    /// Begins to prove it, before the body has arrived.
    pub fn begin(self) -> Proof<'k> {
        let contexts = match &self.covers {
            Covers::Body { before, .. } => self.keys.iter().map(|key| key.begin(before)).collect(),
            _ => Vec::new(),
        };
        Proof { claim: self, contexts }
    }

    /// Proves it by the whole body.
    #[cfg(test)]
    pub fn check(self, body: &[u8]) -> Result<Signed, SignatureRefusal> {
        let mut proof = self.begin();
        proof.update(body);
        proof.finish(body)
    }
}

/// A claim that is being proven while its body arrives: what is hashed is still warm from having been received.
pub struct Proof<'k> {
    claim: Claim<'k>,
    /// One for each key, where the body itself is signed; `None` for a key that needs all of it at once.
    contexts: Vec<Option<hmac::Context>>,
}

impl Proof<'_> {
    /// More of the body has arrived.
    pub fn update(&mut self, piece: &[u8]) {
        self.contexts.iter_mut().flatten().for_each(|context| context.update(piece));
    }

    /// `body` is the bytes as received, and all pieces were told. Takes as long for a right signature as for a wrong one.
    pub fn finish(self, body: &[u8]) -> Result<Signed, SignatureRefusal> {
        let Self { claim, contexts } = self;
        let name = claim.name.as_deref().map(|name| hash(&[name]));
        let (right, name) = match &claim.covers {
            Covers::Nothing => (true, name),
            // All keys are tried, also after one was right: a shorter time would tell which it was.
            Covers::Body { before, after } => {
                let right = claim.keys.iter().zip(contexts).fold(false, |found, (key, context)| {
                    let made = match context {
                        Some(context) => key::made_any(context, after, &claim.tags),
                        None => key.made_any(&claim.tags, &[before, body, after]),
                    };
                    found | made
                });
                (right, name)
            }
            Covers::Form(addresses) => {
                let form = twilio::signed_form(body);
                let right = claim.is_of_one(addresses, &form);
                // Where a name ends and its value begins is not signed, so that one signature is of several forms. They are
                // taken for one delivery.
                let first = addresses.first().map_or("", String::as_str);
                (right, Some(hash(&[first.as_bytes(), &form])))
            }
            Covers::Digest { addresses, sha256 } => {
                let same = alike(digest(&SHA256, body).as_ref(), sha256);
                (claim.is_of_one(addresses, b"") & same, name)
            }
        };
        if right { Ok(Signed { name }) } else { Err(SignatureRefusal::Wrong) }
    }
}

impl Claim<'_> {
    /// As in `finish`.
    fn is_of(&self, pieces: &[&[u8]]) -> bool {
        self.keys.iter().fold(false, |found, key| found | key.made_any(&self.tags, pieces))
    }

    fn is_of_one(&self, addresses: &[String], form: &[u8]) -> bool {
        addresses.iter().fold(false, |found, address| found | self.is_of(&[address.as_bytes(), form]))
    }
}

fn hash(pieces: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    pieces.iter().for_each(|piece| context.update(piece));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}
