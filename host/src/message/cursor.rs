//! Where a client stands, as it carries it away and brings it back.

use super::{Offset, Timestamp};
use data_encoding::BASE32_DNSSEC;
use ring::digest;
use std::fmt;
use std::str::FromStr;
use std::time::UNIX_EPOCH;

/// A place between two entries of the outbox: the offset of the next one, and the epoch in which that offset was meant.
///
/// The epoch changes only when something that was delivered could be missing, so that an offset given twice is not
/// taken for the same. A cursor is printed as 24 letters and digits, of which the last few check the others: one cut
/// short or mistyped is refused. It is not signed, because it opens nothing: whoever brings one gets what he is
/// entitled to after that place, as with `earliest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub epoch: u32,
    pub offset: Offset,
}

/// The length of a printed cursor.
const LETTERS: usize = 24;

impl Cursor {
    pub const LENGTH: usize = LETTERS;
}

/// Text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor: a cursor is 24 letters and digits, as an event brought it")]
pub struct NotACursor;

fn check(bytes: &[u8]) -> [u8; 3] {
    let digest = digest::digest(&digest::SHA256, bytes);
    [digest.as_ref()[0], digest.as_ref()[1], digest.as_ref()[2]]
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 15];
        bytes[..4].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.offset.0.to_be_bytes());
        let check = check(&bytes[..12]);
        bytes[12..].copy_from_slice(&check);
        let mut letters = [0; LETTERS];
        BASE32_DNSSEC.encode_mut(&bytes, &mut letters);
        f.write_str(std::str::from_utf8(&letters).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        if text.len() != LETTERS {
            return Err(NotACursor);
        }
        let bytes = BASE32_DNSSEC.decode(text.as_bytes()).map_err(|_| NotACursor)?;
        let (content, given) = bytes.split_at_checked(12).ok_or(NotACursor)?;
        if check(content) != given {
            return Err(NotACursor);
        }
        let (epoch, offset) = content.split_at(4);
        let epoch = u32::from_be_bytes(epoch.try_into().map_err(|_| NotACursor)?);
        let offset = u64::from_be_bytes(offset.try_into().map_err(|_| NotACursor)?);
        Ok(Self { epoch, offset: Offset(offset) })
    }
}

/// From where a client wants to be fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Whatever comes after now.
    Now,
    /// All there is.
    Earliest,
    /// Its last so many.
    Last(u32),
    Cursor(Cursor),
    /// What was decided at this time or later.
    Time(Timestamp),
}

/// What a client says in `?since=`: a start, and how many of the events from there it has already.
///
/// The count is for raw clients, whose events bring no cursor: `CURSOR~12` is a cursor it knew once and the 12 events
/// it got since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub start: Start,
    pub skip: u64,
}

impl Since {
    pub const NOW: Self = Self { start: Start::Now, skip: 0 };

    /// The most that `last:N` may ask for.
    pub const MOST_LAST: u32 = 10_000;
}

/// Text that names no place to begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`since` is a cursor, `earliest`, `last:N` with N up to 10000, or a time such as 2026-01-31T12:00:00Z; \
     with `~N` behind it, less the first N"
)]
pub struct NotASince;

impl FromStr for Since {
    type Err = NotASince;

    fn from_str(text: &str) -> Result<Self, NotASince> {
        let (start, skip) = match text.split_once('~') {
            Some((start, skip)) => (start, number(skip)?),
            None => (text, 0),
        };
        let start = if start == "earliest" {
            Start::Earliest
        } else if let Some(count) = start.strip_prefix("last:") {
            let count = u32::try_from(number(count)?).map_err(|_| NotASince)?;
            if count > Self::MOST_LAST {
                return Err(NotASince);
            }
            Start::Last(count)
        } else if let Ok(cursor) = start.parse() {
            Start::Cursor(cursor)
        } else {
            let time = humantime::parse_rfc3339(start).map_err(|_| NotASince)?;
            let since = time.duration_since(UNIX_EPOCH).map_err(|_| NotASince)?;
            Start::Time(Timestamp(u64::try_from(since.as_millis()).map_err(|_| NotASince)?))
        };
        Ok(Self { start, skip })
    }
}

/// Digits and nothing else: `parse` would take a sign too.
fn number(text: &str) -> Result<u64, NotASince> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(NotASince)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_way_to_say_since_is_understood_and_nothing_else() {
        let cursor = Cursor { epoch: 7, offset: Offset(42) };
        let since = |start, skip| Ok(Since { start, skip });
        assert_eq!("earliest".parse(), since(Start::Earliest, 0));
        assert_eq!("last:20".parse(), since(Start::Last(20), 0));
        assert_eq!("last:20~3".parse(), since(Start::Last(20), 3));
        assert_eq!(cursor.to_string().parse(), since(Start::Cursor(cursor), 0));
        assert_eq!(format!("{cursor}~12").parse(), since(Start::Cursor(cursor), 12));
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), since(Start::Time(Timestamp(1500)), 0));
        for bad in ["", "now", "last:", "last:-1", "last:+1", "last:10001", "~1", "earliest~", "1969-01-01T00:00:00Z"] {
            assert_eq!(bad.parse::<Since>(), Err(NotASince), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_being_printed(epoch: u32, offset: u64) {
            let cursor = Cursor { epoch, offset: Offset(offset) };
            let text = cursor.to_string();
            prop_assert_eq!(text.len(), Cursor::LENGTH);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
            prop_assert_eq!(text.parse(), Ok(cursor));
        }

        #[test]
        fn a_cursor_with_one_letter_changed_is_none(epoch: u32, offset: u64, place in 0..LETTERS, letter in 0..32_u8) {
            let text = Cursor { epoch, offset: Offset(offset) }.to_string();
            let other = BASE32_DNSSEC.encode(&[letter << 3])[..1].to_owned();
            let mut changed = text.clone();
            changed.replace_range(place..=place, &other);
            prop_assume!(changed != text);
            prop_assert_eq!(changed.parse::<Cursor>(), Err(NotACursor));
        }
    }
}
