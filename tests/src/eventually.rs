//! Waiting without guessing how long: poll until it is so, for as long as the tester has patience.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

/// How long a test waits for what must come: `POSTERN_TEST_PATIENCE` in seconds, else 120. Much, since nobody waits for it but
/// who fails: where other work takes the machine, a filter of Python's alone is compiled for half a minute.
pub fn patience() -> Duration {
    let seconds = std::env::var("POSTERN_TEST_PATIENCE").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(120))
}

/// Asks again and again until there is an answer; fails the test, saying what never came, when patience ends.
pub async fn eventually<T>(what: impl Display, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently(what, asking).await
}

/// Awaits, and fails the test, saying what never came, when patience ends.
pub async fn patiently<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    let patience = patience();
    match tokio::time::timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {patience:?}"),
    }
}
