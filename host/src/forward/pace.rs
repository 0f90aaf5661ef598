//! How long a target is left alone after it has failed: longer each time, never the same for two, and what it asks for
//! itself within reason.
//!
//! Full jitter: anything from nothing to the whole of the present wait. Those who failed together so come back apart,
//! which matters more than that each waits its whole time.

use http::header::{HeaderMap, RETRY_AFTER};
use ring::rand::{SecureRandom, SystemRandom};
use std::time::{Duration, SystemTime};

/// The longest that a target may ask for. One that wants more is asked again sooner.
const MOST_ASKED: Duration = Duration::from_secs(60 * 60);

/// The wait is up to `first` after the first failure, and up to twice as long each time after that, up to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// After so many failures in a row, of which there is one at least.
    pub fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        let whole = doubled.min(self.longest);
        whole.mul_f64(random()).max(asked.unwrap_or_default().min(MOST_ASKED))
    }
}

/// How long a server asks to be left alone: in seconds, or until a date.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
    }
}

/// From 0 to 1.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without random bytes all wait alike, which is no reason not to wait.
    if SystemRandom::new().fill(&mut bytes).is_err() {
        return 1.0;
    }
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(60) };

    #[test]
    fn each_wait_is_up_to_twice_the_last_and_none_is_longer_than_the_longest() {
        for (failures, whole) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (u32::MAX, 60)] {
            let waits: Vec<_> = (0..64).map(|_| BACKOFF.wait(failures, None)).collect();
            let whole = Duration::from_secs(whole);
            assert!(waits.iter().all(|wait| *wait <= whole), "{failures}: {waits:?}");
            // That all of 64 are in one half by chance happens once in 2^63 times.
            assert!(waits.iter().any(|wait| *wait > whole / 2) && waits.iter().any(|wait| *wait < whole / 2));
        }
    }

    #[test]
    fn a_target_that_asks_for_time_gets_it_within_reason() {
        assert!(BACKOFF.wait(1, Some(Duration::from_secs(30))) >= Duration::from_secs(30));
        assert_eq!(BACKOFF.wait(1, Some(Duration::from_secs(1_000_000))), MOST_ASKED);
    }

    #[test]
    fn time_is_asked_for_in_seconds_or_by_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let asked = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now)
        };
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT"), Some(Duration::from_secs(120)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:30 GMT"), None, "it has passed");
        assert_eq!((asked("soon"), asked("-1"), retry_after(&HeaderMap::new(), now)), (None, None, None));
    }
}
