//! When a certificate is renewed, and when it is tried again. Times are seconds since 1970. Chance is from 0 to 1, and given:
//! gateways that were started together do not ask together.

use ring::rand::{SecureRandom, SystemRandom};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// The first wait after a failure, and each next is three times as long: with five failures an hour and no more, which is
/// what Let's Encrypt allows, an authority has nothing to object to.
const FIRST_WAIT: i64 = MINUTE;
const LONGEST_WAIT: i64 = 6 * HOUR;

/// One that says that there was too much already is left alone for so long at least, and at most.
const LIMITED_WAIT: i64 = HOUR;
const LONGEST_LIMITED: i64 = 24 * HOUR;

/// What a restart waits for, of the wait it finds: whoever has mended what was wrong starts anew.
const RESTARTED: i64 = 12 * MINUTE;

/// How long a new certificate is kept at least, whatever the authority suggests: a third of its life, within these.
const SETTLED: (i64, i64) = (5, HOUR);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub begins: i64,
    pub ends: i64,
}

impl Life {
    fn length(&self) -> i64 {
        (self.ends - self.begins).max(0)
    }

    /// For how long after it was got nobody is asked for another.
    pub fn settled(&self) -> i64 {
        (self.length() / 3).clamp(SETTLED.0, SETTLED.1)
    }
}

/// When to renew one that was got at `installed`: within the window that the authority suggests, else after two thirds of
/// its life, a little earlier by chance. Never later than after five sixths.
pub fn due(life: &Life, installed: i64, window: Option<(i64, i64)>, chance: f64) -> i64 {
    let share = |of: i64| (of as f64 * chance) as i64;
    let length = life.length();
    let wanted = match window {
        Some((begins, ends)) => begins.saturating_add(share(ends.saturating_sub(begins).max(0))),
        None => life.begins + length / 3 * 2 - share(length / 20),
    };
    let latest = life.begins + length / 6 * 5;
    wanted.min(latest).max(installed + life.settled())
}

/// How long to wait after so many failures in a row, in seconds. `limited`: the authority has said that it is too much;
/// `asked`: and for how long.
pub fn wait(failures: u32, limited: bool, asked: Option<i64>, chance: f64) -> i64 {
    let grown = FIRST_WAIT.saturating_mul(3_i64.saturating_pow(failures.saturating_sub(1))).min(LONGEST_WAIT);
    let least = if limited { LIMITED_WAIT } else { 0 };
    let asked = asked.unwrap_or(0).clamp(0, LONGEST_LIMITED);
    let wait = grown.max(least).max(asked);
    wait + (wait as f64 * chance / 10.0) as i64
}

/// Until when a process that has just started waits, of a wait that another one has begun at `failed`.
pub fn resumed(failed: i64, until: i64, limited: bool) -> i64 {
    if limited { until.min(failed + LONGEST_LIMITED + LONGEST_LIMITED / 10) } else { until.min(failed + RESTARTED) }
}

pub fn now() -> i64 {
    // A clock before 1970 is wrong by so much that nothing is right.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

pub fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.clamp(0, 253_402_300_799) as u64)
}

pub fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without random bytes all ask at the same time, which is no reason not to ask.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 24 * HOUR;

    #[test]
    fn a_certificate_of_ninety_days_is_renewed_around_the_sixtieth() {
        let life = Life { begins: 0, ends: 90 * DAY };
        assert_eq!(due(&life, HOUR, None, 0.0), 60 * DAY);
        assert_eq!(due(&life, HOUR, None, 1.0), 60 * DAY - 90 * DAY / 20);
        assert_eq!(due(&life, HOUR, Some((50 * DAY, 52 * DAY)), 0.5), 51 * DAY, "as the authority suggests");
        assert_eq!(due(&life, HOUR, Some((-DAY, 0)), 0.5), 2 * HOUR, "at once, but not over and over");
        assert_eq!(due(&life, HOUR, Some((400 * DAY, 500 * DAY)), 0.5), 75 * DAY, "in time, whatever it suggests");
    }

    #[test]
    fn failures_are_waited_on_longer_each_time_and_fewer_than_six_fit_into_an_hour() {
        let waits: Vec<i64> = (1..8).map(|failures| wait(failures, false, None, 0.0)).collect();
        assert_eq!(waits, [60, 180, 540, 1620, 4860, 14580, LONGEST_WAIT]);
        assert!(waits[..5].iter().sum::<i64>() > HOUR);
        assert_eq!(wait(1, true, None, 0.0), HOUR);
        assert_eq!(wait(1, true, Some(7 * HOUR), 0.0), 7 * HOUR);
        assert_eq!(wait(1, true, Some(i64::MAX), 1.0), LONGEST_LIMITED + LONGEST_LIMITED / 10);
        assert_eq!(wait(u32::MAX, false, None, 0.0), LONGEST_WAIT);
    }

    #[test]
    fn a_restart_shortens_a_wait_but_not_one_that_the_authority_has_asked_for() {
        assert_eq!(resumed(1000, 1060, false), 1060);
        assert_eq!(resumed(1000, 1000 + LONGEST_WAIT, false), 1000 + RESTARTED);
        assert_eq!(resumed(1000, 1000 + 7 * HOUR, true), 1000 + 7 * HOUR);
        assert_eq!(
            resumed(1000, i64::MAX, true),
            1000 + LONGEST_LIMITED + LONGEST_LIMITED / 10,
            "a clock that was wrong"
        );
    }

    proptest! {
        /// Whatever authority and clock say: it is in the life of the certificate, or a while after it was got.
        #[test]
        fn a_renewal_is_neither_at_once_nor_too_late(
            begins in -DAY..DAY, length in 0..400 * DAY, installed in 0..DAY, window: Option<(i64, i64)>, chance in 0.0..=1.0,
        ) {
            let life = Life { begins, ends: begins + length };
            let due = due(&life, installed, window, chance);
            let settled = installed + life.settled();
            prop_assert!(due >= settled);
            prop_assert!(due <= settled.max(life.ends));
        }
    }
}
