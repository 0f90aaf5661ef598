//! How long to wait before connecting again: longer each time, and never the same for two clients, so that those of a
//! gateway that was restarted do not all come back at once.

use ring::rand::{SecureRandom, SystemRandom};
use std::time::Duration;

pub struct Backoff {
    first: Duration,
    next: Duration,
}

impl Backoff {
    pub const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    pub fn new(first: Duration) -> Self {
        Self { first, next: first }
    }

    /// The connection was of use: the next loss is a new one.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// From half of the present wait to all of it, or what the server asked for; the next is twice as long.
    pub fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let half = self.next / 2;
        self.next = (self.next * 2).min(Self::LONGEST);
        asked.unwrap_or_default().min(Self::LONGEST).max(half) + half.mul_f64(random())
    }
}

/// From 0 to 1.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without random bytes all clients wait alike, which is no reason not to wait.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_up_to_twice_the_last_and_none_is_longer_than_half_a_minute() {
        let mut backoff = Backoff::new(Backoff::FIRST);
        for whole in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let wait = backoff.wait(None).as_millis();
            assert!((whole / 2..=whole).contains(&wait), "{wait} of {whole}");
        }
        backoff.reset();
        assert!(backoff.wait(None) <= Backoff::FIRST);
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_within_reason() {
        let mut backoff = Backoff::new(Backoff::FIRST);
        assert!(backoff.wait(Some(Duration::from_secs(5))) >= Duration::from_secs(5));
        assert!(backoff.wait(Some(Duration::from_secs(86_400))) <= Duration::from_secs(31));
    }

    #[test]
    fn two_clients_do_not_wait_alike() {
        let waits: Vec<_> = (0..8).map(|_| Backoff::new(Duration::from_secs(20)).wait(None)).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
