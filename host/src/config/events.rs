//! The sections `[inbox]`, `[outbox]`, `[dedupe]` and `[retry]`: what becomes of events once they are stored.

use super::reader::{Read, Section};
use super::schema::{Retention, Retry};
use bytesize::ByteSize;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is kept is kept long enough to be seen; more than ten years is a slip of a unit.
const AGES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3650 * 24 * 60 * 60);

pub(super) fn retention(mut section: Section<'_>) -> Read<Retention> {
    let mut retention = section.section("retention");
    let age = retention.required("age").and_then(|value| {
        let age = value.any_duration()?;
        if AGES.contains(&age) { Ok(age) } else { Err(value.problem("must be between 1s and 3650d")) }
    });
    let size = retention.required("size").and_then(|value| value.bytes(ByteSize::kib(64)..=ByteSize::tib(1024)));
    retention.finish(&[]);
    section.finish(&[]);
    Ok(Retention { age: age?, size: size? })
}

/// The window. None is one as well.
pub(super) fn dedupe(mut section: Section<'_>) -> Read<Duration> {
    let window = section.required("window").and_then(|value| {
        let window = value.any_duration()?;
        if window.is_zero() || AGES.contains(&window) {
            return Ok(window);
        }
        Err(value.problem("must be between 1s and 3650d, or 0s to let duplicates through"))
    });
    section.finish(&[]);
    window
}

pub(super) fn retry(mut section: Section<'_>) -> Read<Retry> {
    let first = section.required("first").and_then(|value| value.duration());
    let longest = section.required("longest").and_then(|value| value.duration());
    let ordered = match (first, longest) {
        (Ok(first), Ok(longest)) if longest < first => {
            let hint = "an event is held for `first`, then for twice as long each time, up to `longest`";
            Err(match section.is_written("longest") {
                true => section.problem_with_hint("longest", "must not be shorter than `retry.first`", hint),
                false => section.problem_with_hint("first", "must not be longer than `retry.longest`", hint),
            })
        }
        _ => Ok(()),
    };
    section.finish(&[]);
    ordered?;
    Ok(Retry { first: first?, longest: longest? })
}
