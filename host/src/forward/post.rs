//! One attempt: a POST, and what its answer means.
//!
//! As Standard Webhooks has it, 2xx takes the event, 410 wants nothing more, ever, and everything else is tried again, other
//! 4xx too: a target that is being mended answers anything. Redirects are not followed: what is signed for one place is not
//! carried to another.

use super::pace::retry_after;
use super::parcel::Parcel;
use super::signature::Key;
use crate::error::Chain;
use crate::message::Timestamp;
use crate::outward::{Ask, Client, Content};
use http::{Method, StatusCode};
use std::time::{Duration, SystemTime};

/// Of an answer, this much is kept, to be shown.
const KEPT: usize = 1 << 10;

/// Letters of what is told of a failure.
const WORDS: usize = 200;

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// 410: it wants nothing more.
    Gone,
    Failed {
        why: String,
        /// For how long it wants to be left alone.
        asked: Option<Duration>,
    },
}

/// Posts a parcel. Takes as long as `patience` at most, connecting included.
pub async fn post(client: &mut Client, keys: &[Key], parcel: &Parcel, patience: Duration) -> Outcome {
    let headers = parcel.headers(keys, Timestamp::now());
    let target = client.destination().address.target.clone();
    let body = parcel.body.clone();
    // Of the two patiences the one below is to end first: it counts from before the connection is opened.
    let longer = patience.saturating_mul(2);
    let ask = Ask { method: Method::POST, target, headers: &headers, body, patience: longer, most: KEPT };
    match tokio::time::timeout(patience, client.fetch(ask)).await {
        Ok(Ok(answer)) => understood(&answer),
        Ok(Err(error)) => failed(&Chain(&error).to_string()),
        Err(_) => failed(&format!("no answer came within {patience:?}")),
    }
}

fn failed(why: &str) -> Outcome {
    Outcome::Failed { why: one_line(why), asked: None }
}

fn understood(answer: &Content) -> Outcome {
    match answer.status {
        status if status.is_success() => Outcome::Delivered,
        StatusCode::GONE => Outcome::Gone,
        status => {
            let said = one_line(&String::from_utf8_lossy(&answer.bytes));
            let redirected = if status.is_redirection() { ", and redirects are not followed" } else { "" };
            let separator = if said.is_empty() { "" } else { ": " };
            let why = format!("it answered {status}{redirected}{separator}{said}");
            Outcome::Failed { why, asked: retry_after(&answer.headers, SystemTime::now()) }
        }
    }
}

/// The first line, in a form that does nothing to a terminal or a page.
fn one_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    line.chars().take(WORDS).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    fn answer(status: u16, text: &str) -> Content {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
        let status = StatusCode::from_u16(status).unwrap();
        Content { status, headers, bytes: text.into(), complete: true }
    }

    #[test]
    fn only_2xx_takes_an_event_and_only_410_ends_it_all() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(understood(&answer(status, "no")), Outcome::Delivered, "{status}");
        }
        assert_eq!(understood(&answer(410, "")), Outcome::Gone);
        for status in [301, 307, 400, 401, 404, 409, 422, 429, 500, 502, 503] {
            let Outcome::Failed { why, asked } = understood(&answer(status, "no \u{1b}[2J\nway")) else {
                panic!("{status}")
            };
            assert!(why.contains(&status.to_string()) && why.ends_with(": no \u{fffd}[2J"), "{why}");
            assert_eq!(asked, Some(Duration::from_secs(7)));
        }
    }
}
