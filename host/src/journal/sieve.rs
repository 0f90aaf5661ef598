//! What was certainly not seen before: nearly all that comes is new, and to ask the index of each costs more than all else
//! that is done with a fingerprint.
//!
//! A Bloom filter in blocks of a cache line, of which a fingerprint has one bit in each word. It grows by layers, so that
//! one with few fingerprints is small; at its bound it lets more and more through, and never holds back what it was
//! given. Fingerprints are hashes, so that their bits are taken as they are.

use crate::message::Fingerprint;

const WORDS: usize = 8;
type Block = [u64; WORDS];

/// At this many a block, one in a thousand that were not given is let through.
const EACH: usize = 32;

/// In blocks: the first layer, by how much each is larger than the one before, and the last. 16 KiB, and 5.3 MiB in all.
const FIRST: usize = 256;
const GROWTH: usize = 4;
const LAST: usize = FIRST * GROWTH.pow(4);

#[derive(Default)]
pub(super) struct Sieve {
    layers: Vec<Box<[Block]>>,
    /// How many more the last layer is made for.
    room: usize,
}

impl Sieve {
    pub fn add(&mut self, fingerprint: Fingerprint) {
        let blocks = self.layers.last().map_or(0, |layer| layer.len());
        if self.room == 0 && blocks < LAST {
            let blocks = (blocks * GROWTH).max(FIRST);
            self.layers.push(vec![[0; WORDS]; blocks].into());
            self.room = blocks * EACH;
        }
        self.room = self.room.saturating_sub(1);
        let Some(layer) = self.layers.last_mut() else { return };
        let (block, bits) = place(fingerprint, layer.len());
        layer[block].iter_mut().zip(bits).for_each(|(word, bit)| *word |= bit);
    }

    /// Whether this one may have been given. False: it was not.
    pub fn may_have(&self, fingerprint: Fingerprint) -> bool {
        self.layers.iter().any(|layer| {
            let (block, bits) = place(fingerprint, layer.len());
            layer[block].iter().zip(bits).all(|(word, bit)| word & bit != 0)
        })
    }
}

/// The block of a fingerprint, among so many, and its bit in each word.
fn place(Fingerprint(bytes): Fingerprint, blocks: usize) -> (usize, [u64; WORDS]) {
    let both = u128::from_be_bytes(bytes);
    let (block, mut rest) = ((both >> 64) as u64, both as u64);
    let block = ((u128::from(block) * blocks as u128) >> 64) as usize;
    let bits = [(); WORDS].map(|()| {
        let bit = 1 << (rest % 64);
        rest /= 64;
        bit
    });
    (block, bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::digest::{SHA256, digest};

    fn fingerprint(number: usize) -> Fingerprint {
        let hash = digest(&SHA256, &number.to_be_bytes());
        Fingerprint(*hash.as_ref().first_chunk().expect("a hash is longer"))
    }

    #[test]
    fn what_was_given_is_never_held_back_and_nearly_all_else_is() {
        let mut sieve = Sieve::default();
        assert!(!sieve.may_have(fingerprint(0)));
        // Into the third layer.
        let most = FIRST * EACH * 6;
        for number in 0..most {
            sieve.add(fingerprint(number));
        }
        assert!((0..most).all(|number| sieve.may_have(fingerprint(number))));
        let through = (most..2 * most).filter(|number| sieve.may_have(fingerprint(*number))).count();
        assert!(through * 200 < most, "{through} of {most} that are new");
    }

    #[test]
    fn it_is_bounded_and_gives_way_by_letting_more_through() {
        let mut sieve = Sieve { layers: vec![vec![[0; WORDS]; LAST].into()], room: 0 };
        for number in 0..1000 {
            sieve.add(fingerprint(number));
        }
        assert_eq!(sieve.layers.len(), 1);
        assert!((0..1000).all(|number| sieve.may_have(fingerprint(number))));
    }
}
