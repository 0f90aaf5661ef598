//! The sections `[forward.NAME]`: where events are pushed to.

use super::reader::{Read, Section};
use super::schema::Retry;
use crate::secret::Secret;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How long an event may be tried. A moment is a slip of a unit, and so is more than the journal could be told to keep.
const TRYING: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3650 * 24 * 60 * 60);

#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// `https://` or `http://`; it is taken apart by whoever goes there.
    pub url: String,
    /// Names in `Config::webhooks`. Not saying any means all, and then all are here.
    pub webhooks: Vec<String>,
    /// A name in `Config::filters`.
    pub filter: Option<String>,
    /// At least one.
    pub secret: Vec<Secret>,
    pub ca: Option<PathBuf>,
    /// A target that is new begins with all that is there, else with what comes.
    pub from_earliest: bool,
    /// At least 1, which is in order.
    pub concurrency: usize,
    pub timeout: Duration,
    pub backoff: Retry,
    pub attempts: Option<u32>,
    pub give_up: Duration,
    /// 0: never.
    pub breaker: u32,
}

pub(super) fn forward(
    mut section: Section<'_>,
    webhooks: &BTreeSet<String>,
    filters: &BTreeSet<String>,
) -> Read<Forward> {
    let url = section.required("url").and_then(|value| Ok(value.text("a URL")?.to_owned()));
    let all = || Ok(webhooks.iter().cloned().collect());
    let webhooks = section.optional("webhooks").map_or_else(all, |value| value.names(webhooks, "webhook"));
    let filter = section.optional("filter").map(|value| value.name(filters, "filter")).transpose();
    let secret = section.required("secret").and_then(|value| value.secrets());
    let ca = section.optional("ca").map(|value| value.path()).transpose();
    let from = section.required("from").and_then(|value| value.choice(&[("now", false), ("earliest", true)]));
    let concurrency = section.required("concurrency").and_then(|value| value.count(1..=256));
    let timeout = section.required("timeout").and_then(|value| value.duration());
    let backoff = backoff(section.section("backoff"));
    let attempts = section.optional("attempts").map(|value| value.count(1..=1_000_000)).transpose();
    let give_up = section.required("give_up").and_then(|value| {
        let time = value.any_duration()?;
        if TRYING.contains(&time) { Ok(time) } else { Err(value.problem("must be between 1s and 3650d")) }
    });
    let breaker = section.required("breaker").and_then(|value| value.count(0..=1_000_000));
    section.finish(&[]);
    Ok(Forward {
        url: url?,
        webhooks: webhooks?,
        filter: filter?,
        secret: secret?,
        ca: ca?,
        from_earliest: from?,
        concurrency: concurrency?,
        timeout: timeout?,
        backoff: backoff?,
        attempts: attempts?,
        give_up: give_up?,
        breaker: breaker?,
    })
}

fn backoff(mut section: Section<'_>) -> Read<Retry> {
    let first = section.required("first").and_then(|value| value.duration());
    let longest = section.required("longest").and_then(|value| value.duration());
    let ordered = match (&first, &longest) {
        (Ok(first), Ok(longest)) if longest < first => {
            let hint = "after a failure it waits for up to `first`, and up to twice as long each time, up to `longest`";
            let (name, what) = match section.is_written("longest") {
                true => ("longest", "must not be shorter than `first`"),
                false => ("first", "must not be longer than `longest`"),
            };
            Err(section.problem_with_hint(name, what, hint))
        }
        _ => Ok(()),
    };
    section.finish(&[]);
    ordered?;
    Ok(Retry { first: first?, longest: longest? })
}
