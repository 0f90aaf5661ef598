//! Looking for a number. People know it as `+1 (555) 010-0142` or as its last digits, and what providers send has it as
//! `15550100142`, in one place or another.

use crate::message::Keys;

/// With fewer much would be found that nobody meant, and no number has more.
const LEAST: usize = 5;
const MOST: usize = 32;

/// The last digits of a number, and no others: at least so many that they say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(String);

impl Digits {
    /// The digits in a text; `None` when they are too few, or too many.
    pub fn of(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(char::is_ascii_digit).take(MOST + 1).collect();
        (LEAST..=MOST).contains(&digits.len()).then_some(Self(digits))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn are_in_keys(&self, keys: &Keys) -> bool {
        [&keys.waba, &keys.phone_number_id, &keys.user].into_iter().flatten().any(|key| self.are_in(key.as_bytes()))
    }

    /// Whether a run of digits ends with these. What people put between digits does not part them.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        let (mut run, wanted) = (Vec::with_capacity(MOST), self.0.as_bytes());
        for byte in bytes {
            if byte.is_ascii_digit() {
                if run.len() == MOST {
                    run.remove(0);
                }
                run.push(*byte);
                continue;
            }
            if run.ends_with(wanted) {
                return true;
            }
            if !b" ().-/".contains(byte) {
                run.clear();
            }
        }
        run.ends_with(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_however_it_is_written_and_by_its_end() {
        let body = br#"{"from":"15550100142","timestamp":"1700000000","body":"or at +1 (555) 010-0199 2 pm"}"#;
        for text in ["15550100142", "+1 (555) 010-0142", "010-0142", "15550100199"] {
            assert!(Digits::of(text).expect("digits").are_in(body), "{text}");
        }
        for text in ["1555010014", "25550100142", "0017000", "4217000"] {
            assert!(!Digits::of(text).expect("digits").are_in(body), "{text}");
        }
        let keys = Keys { user: Some("15550100142".into()), ..Keys::default() };
        assert!(Digits::of("0100142").expect("digits").are_in_keys(&keys));
        assert_eq!(Digits::of("0142"), None, "that says too little");
        assert_eq!(Digits::of(&"1".repeat(33)), None);
    }
}
