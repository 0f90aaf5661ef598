//! JSON strings and whole numbers as the words they stand for: ids, names, times.

use ring::digest;
use std::borrow::Cow;

/// Up to here a word is kept as it is. The longest key, 128 characters, fits.
const MOST_BYTES: usize = 512;

/// The most characters of a word that is used as a key.
const MOST_CHARACTERS: usize = 128;

/// A word out of the body. A long one is only ever compared, and is kept as its digest, so that a body that names one
/// such word once and a thousand items under it is not hashed a thousand times.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Text<'a> {
    Short(Cow<'a, str>),
    Long([u8; 32]),
}

impl<'a> Text<'a> {
    fn of(word: Cow<'a, str>) -> Self {
        if word.len() <= MOST_BYTES {
            return Self::Short(word);
        }
        let digest = digest::digest(&digest::SHA256, word.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self::Long(bytes)
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Short(word) if word.is_empty())
    }

    /// As a key, when it may be one: not empty, not long, and nothing in it that could end a line or move a cursor
    /// where keys are printed.
    pub fn key(&self) -> Option<&str> {
        let Self::Short(word) = self else { return None };
        // The cheap test first: most words are short and plain.
        let plain = word.len() <= MOST_CHARACTERS && word.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let usable = plain || word.chars().count() <= MOST_CHARACTERS && !word.chars().any(char::is_control);
        (usable && !word.is_empty()).then_some(word)
    }
}

/// What stands between the quotes of a string that the scanner passed. None when it stands for no text, because half of
/// a surrogate pair is missing.
pub fn decode(raw: &str) -> Option<Text<'_>> {
    unescape(raw).map(Text::of)
}

/// A number that the scanner passed, when it is a plain whole one: its digits.
pub fn digits(raw: &str) -> Option<Text<'_>> {
    raw.bytes().all(|byte| byte.is_ascii_digit()).then(|| Text::of(raw.into()))
}

/// Which of these names a raw member name is, escapes resolved.
pub fn position(raw: &str, names: &[&str]) -> Option<usize> {
    // One letter takes at most six bytes, so a longer one is none of ours: nothing is decoded for it.
    let longest = names.iter().map(|name| name.len()).max().unwrap_or_default();
    if raw.len() > 6 * longest {
        return None;
    }
    let name = unescape(raw)?;
    names.iter().position(|known| *known == name)
}

fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return Some(raw.into());
    }
    serde_json::from_str::<String>(&format!("\"{raw}\"")).ok().map(Cow::from)
}

/// Where, from `at` on, the first byte is that a string cannot hold plainly: a quote, a backslash, a control character;
/// or the end. Eight bytes at a time, since most of a body is the inside of strings.
pub fn plain_until(bytes: &[u8], at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero. A byte above a zero one may be marked too, never one below: the lowest
    // mark is right, and the lowest is the one that is used.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut place = at;
    while let Some(chunk) = bytes.get(place..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return place + found.trailing_zeros() as usize / 8;
        }
        place += 8;
    }
    let rest = bytes.get(place..).unwrap_or_default();
    let plain = rest.iter().take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count();
    place + plain
}
