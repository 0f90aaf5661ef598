//! Which webhooks are traced, and as part of what: W3C Trace Context, `traceparent`.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

/// What a webhook is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub trace: TraceId,
    /// The sender's span, if it said.
    pub parent: Option<SpanId>,
    /// The span of the webhook itself.
    pub own: SpanId,
}

/// Decides which webhooks are traced. Where nothing is, that is a load and a branch.
#[derive(Debug)]
pub struct Sampler {
    on: AtomicBool,
    /// Of those whose sender does not say, these: whose trace id ends with less.
    below: AtomicU64,
    /// Counts up; hashed, it is the next id.
    next: AtomicU64,
    seeds: [u64; 2],
}

impl Default for Sampler {
    fn default() -> Self {
        // std's own randomness, which is the system's. Ids must be unlike each other, not secret.
        let seeds = [0_u8, 1].map(|number| RandomState::new().hash_one(number));
        Self { on: AtomicBool::new(false), below: AtomicU64::new(0), next: AtomicU64::new(seeds[0] ^ seeds[1]), seeds }
    }
}

impl Sampler {
    /// `None`: nothing is traced. A ratio is of those whose sender does not say; for the others the sender has decided.
    pub fn set(&self, ratio: Option<f64>) {
        // A float beyond the largest integer becomes that, as it should.
        self.below.store((ratio.unwrap_or(0.0) * 2_f64.powi(64)) as u64, Ordering::Relaxed);
        self.on.store(ratio.is_some(), Ordering::Relaxed);
    }

    /// What a webhook is traced as part of, if it is. `traceparent` is what its sender said, once and whole.
    pub fn decide(&self, traceparent: impl FnOnce() -> Option<String>) -> Option<Context> {
        if !self.on.load(Ordering::Relaxed) {
            return None;
        }
        match traceparent().as_deref().and_then(parse) {
            Some((trace, parent, true)) => Some(Context { trace, parent: Some(parent), own: self.span() }),
            Some((_, _, false)) => None,
            None => {
                let low = self.number(0);
                let below = self.below.load(Ordering::Relaxed);
                if low >= below && below < u64::MAX {
                    return None;
                }
                let mut trace = [0; 16];
                trace[..8].copy_from_slice(&self.number(1).to_be_bytes());
                trace[8..].copy_from_slice(&low.to_be_bytes());
                Some(Context { trace: TraceId(trace), parent: None, own: self.span() })
            }
        }
    }

    fn span(&self) -> SpanId {
        SpanId(self.number(1).to_be_bytes())
    }

    fn number(&self, seed: usize) -> u64 {
        scatter(self.next.fetch_add(1, Ordering::Relaxed) ^ self.seeds[seed])
    }
}

impl SpanId {
    /// The id of a part of this: the same whenever it is asked for.
    pub fn part(self, number: u64) -> Self {
        Self(scatter(u64::from_be_bytes(self.0) ^ scatter(number)).to_be_bytes())
    }
}

/// The end of splitmix64: numbers that differ become numbers that differ in half of their bits. Never 0, which is no id.
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}

/// `00-TRACE-PARENT-FLAGS`, in lower case; a later version may have more behind that. And whether the sender traces it.
fn parse(text: &str) -> Option<(TraceId, SpanId, bool)> {
    let text = text.trim_matches([' ', '\t']);
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let [version] = bytes(version)?;
    let is_whole = parts.next().is_none();
    let (trace, parent, [flags]) = (bytes::<16>(trace)?, bytes::<8>(parent)?, bytes::<1>(flags)?);
    let is_one = version != 0xff && (version > 0 || is_whole) && trace != [0; 16] && parent != [0; 8];
    is_one.then_some((TraceId(trace), SpanId(parent), flags & 1 == 1))
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_one = hex.len() == 2 * N;
    is_one.then_some(())?;
    data_encoding::HEXLOWER.decode_mut(hex.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn decide(ratio: f64, traceparent: Option<&str>) -> Option<Context> {
        let sampler = Sampler::default();
        sampler.set(Some(ratio));
        sampler.decide(|| traceparent.map(str::to_owned))
    }

    #[test]
    fn a_sender_that_traces_is_followed_and_one_that_does_not_is_not() {
        let context = decide(0.0, Some(GIVEN)).expect("the sender traces it");
        assert_eq!(context.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent.expect("its span").to_string(), "00f067aa0ba902b7");
        assert_eq!(decide(1.0, Some(&GIVEN.replace("-01", "-00"))), None);
        assert!(decide(0.0, Some(&GIVEN.replace("00-4b", "cc-4b").replace("-01", "-09-what-ever"))).is_some());
    }

    #[test]
    fn what_is_no_context_is_none() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(decide(0.0, Some(wrong)), None, "{wrong}");
            let context = decide(1.0, Some(wrong)).expect("all are traced");
            assert_eq!(context.parent, None, "{wrong}");
        }
    }

    #[test]
    fn a_ratio_is_kept_to_and_ids_are_unlike_each_other() {
        let sampler = Sampler::default();
        assert_eq!(sampler.decide(|| panic!("nobody asks")), None);
        sampler.set(Some(0.25));
        let all: Vec<Context> = (0..40_000).filter_map(|_| sampler.decide(|| None)).collect();
        // Twelve times the spread there is by chance.
        assert!((9_000..11_000).contains(&all.len()), "{}", all.len());
        let ids: std::collections::HashSet<_> =
            all.iter().flat_map(|one| [one.trace.0[..8].to_vec(), one.own.0.to_vec()]).collect();
        assert_eq!(ids.len(), 2 * all.len());
        assert_ne!(all[0].own.part(1), all[0].own.part(2));
    }
}
