//! Finds values in JSON text without making a tree of it.
//!
//! The whole text is held to the grammar of RFC 8259. Nesting costs memory and never stack, and a key counts as what it
//! means, not as it is spelt: `"fr\u006fm"` is `from`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// The places of the strings and numbers that are the value of a field, or stand anywhere within it. A field is the
/// last keys of a path, elements of lists not counted. `true`, `false` and `null` tell nothing and stay.
pub(crate) fn find(text: &str, fields: &[Vec<&str>]) -> Result<Vec<Range<usize>>, Fault> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    let mut containers: Vec<Container> = vec![];
    let mut path: Vec<Cow<'_, str>> = vec![];
    let mut found = vec![];
    // Whether the value that comes next is to be found.
    let mut wanted = false;

    loop {
        // A value stands here.
        scanner.space();
        let start = scanner.at;
        let opened = match scanner.peek() {
            Some(open @ (b'{' | b'[')) => {
                scanner.at += 1;
                scanner.space();
                let (is_object, end) = if open == b'{' { (true, b'}') } else { (false, b']') };
                if scanner.take(end) {
                    false
                } else {
                    containers.push(Container { is_object, wanted });
                    if is_object {
                        path.push(scanner.key()?);
                        wanted = wanted || is_field(&path, fields);
                    }
                    true
                }
            }
            Some(b'"') => {
                scanner.string()?;
                if wanted {
                    found.push(start..scanner.at);
                }
                false
            }
            Some(b'-' | b'0'..=b'9') => {
                scanner.number()?;
                if wanted {
                    found.push(start..scanner.at);
                }
                false
            }
            _ => {
                scanner.literal()?;
                false
            }
        };
        if opened {
            continue;
        }

        // A value has ended here: on to the next one, out of as many containers as end with it.
        loop {
            scanner.space();
            let Some(container) = containers.last() else {
                return if scanner.at == text.len() {
                    Ok(found)
                } else {
                    Err(scanner.fault("something after the end"))
                };
            };
            wanted = container.wanted;
            if scanner.take(b',') {
                if container.is_object {
                    scanner.space();
                    path.pop();
                    path.push(scanner.key()?);
                    wanted = wanted || is_field(&path, fields);
                }
                break;
            }
            if !scanner.take(if container.is_object { b'}' } else { b']' }) {
                return Err(scanner.fault("neither a comma nor an end"));
            }
            if container.is_object {
                path.pop();
            }
            containers.pop();
        }
    }
}

struct Container {
    is_object: bool,
    /// Whether it stands within a value that is to be found.
    wanted: bool,
}

fn is_field(path: &[Cow<'_, str>], fields: &[Vec<&str>]) -> bool {
    fields.iter().any(|field| {
        path.len()
            .checked_sub(field.len())
            .is_some_and(|from| path[from..].iter().zip(field).all(|(key, word)| key == word))
    })
}

/// What is not JSON, and where. The text itself is other people's mail and not told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    what: &'static str,
    at: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message is not JSON: {} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for Fault {}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn fault(&self, what: &'static str) -> Fault {
        Fault { what, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let here = self.peek() == Some(byte);
        self.at += usize::from(here);
        here
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A key and the colon after it.
    fn key(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("no key"));
        }
        let start = self.at;
        let plain = self.string()?;
        let key = &self.text[start + 1..self.at - 1];
        self.space();
        if !self.take(b':') {
            return Err(self.fault("no colon"));
        }
        Ok(if plain { Cow::Borrowed(key) } else { Cow::Owned(unescaped(key)) })
    }

    /// A string, and whether it is as it is spelt: without escapes.
    fn string(&mut self) -> Result<bool, Fault> {
        self.at += 1;
        let mut plain = true;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(plain);
                }
                Some(b'\\') => {
                    plain = false;
                    self.at += 1;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("a string without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let length = match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.fault("an escape without four digits"));
                }
                5
            }
            _ => return Err(self.fault("an unknown escape")),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault("a number without digits")) } else { Ok(()) }
    }

    fn literal(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word.as_bytes()));
        self.at += word.ok_or(self.fault("no value"))?.len();
        Ok(())
    }
}

/// What an escaped key means. The escapes are known to be well formed; half a surrogate pair means nothing, and no
/// field is spelt with one.
fn unescaped(key: &str) -> String {
    let mut meant = String::with_capacity(key.len());
    let mut units = vec![];
    let mut rest = key.chars();
    while let Some(letter) = rest.next() {
        let plain = match letter {
            '\\' => match rest.next() {
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or_default());
                    continue;
                }
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(itself) => itself,
                None => break,
            },
            plain => plain,
        };
        meant.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
        meant.push(plain);
    }
    meant.push_str(&String::from_utf16_lossy(&units));
    meant
}
