//! Reads JSON as places in its bytes: nothing is decoded, copied or built.
//!
//! It accepts exactly what RFC 8259 calls JSON, an escaped half of a surrogate pair and a number of any size included.
//! One pass, no recursion: how deep a value is nested costs a byte a level, on the heap. A caller either skips a value
//! or walks into it with [`Scanner::open`] and [`Scanner::member`] or [`Scanner::element`]; both check all they pass.

use super::text;

/// Bytes `from..to` of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub from: usize,
    pub to: usize,
}

/// Why a body is not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not UTF-8, or not JSON.
    Malformed,
    /// A member that is read here is given twice, so that two readers could see two things.
    Ambiguous,
    /// JSON, but no webhook of Meta's.
    NotAnEnvelope,
}

/// A walk through one object or array.
pub struct Level<'n> {
    /// The members that are read, of an object: none of them may come twice.
    names: &'n [&'n str],
    seen: u32,
    begun: bool,
    /// Where the last member or element ended.
    before: usize,
}

/// A member of an object, found but not yet read.
pub struct Member<'n> {
    /// Its name, if it is one of those that are read.
    pub name: Option<&'n str>,
    /// Its name, as it is written.
    pub raw: Span,
    /// Where its name begins, quotation mark included.
    pub from: usize,
    /// Where the member before it ended.
    pub before: usize,
}

pub struct Scanner<'a> {
    body: &'a str,
    at: usize,
    ambiguous: bool,
    /// The open brackets within the value being skipped; here so that it is allocated once.
    nesting: Vec<u8>,
}

impl<'a> Scanner<'a> {
    pub fn new(body: &'a str) -> Self {
        Self { body, at: 0, ambiguous: false, nesting: Vec::new() }
    }

    pub fn text(&self, span: Span) -> &'a str {
        self.body.get(span.from..span.to).unwrap_or_default()
    }

    /// The byte at which the scan stands, once white space is passed.
    pub fn peek(&mut self) -> Option<u8> {
        self.space();
        self.byte()
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// Whether a member that is read was given twice.
    pub fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// That nothing but white space is left.
    pub fn end(&mut self) -> Result<(), Refusal> {
        if self.peek().is_none() { Ok(()) } else { Err(Refusal::Malformed) }
    }

    /// Steps into the object or array that begins here; none begins: stays where it is.
    pub fn open<'n>(&mut self, bracket: u8, names: &'n [&'n str]) -> Option<Level<'n>> {
        if self.peek() != Some(bracket) {
            return None;
        }
        self.at += 1;
        Some(Level { names, seen: 0, begun: false, before: self.at })
    }

    /// The next member of an object, whose value is to be read next; none: the object has ended.
    pub fn member<'n>(&mut self, level: &mut Level<'n>) -> Result<Option<Member<'n>>, Refusal> {
        if !self.more(level, b'}')? {
            return Ok(None);
        }
        let from = self.at;
        let span = self.name()?;
        let place = text::position(self.text(span), level.names);
        if let Some(place) = place {
            let bit = 1 << place;
            self.ambiguous |= level.seen & bit != 0;
            level.seen |= bit;
        }
        Ok(Some(Member { name: place.map(|place| level.names[place]), raw: span, from, before: level.before }))
    }

    /// Whether an array has a next element, which is to be read next.
    pub fn element(&mut self, level: &mut Level<'_>) -> Result<bool, Refusal> {
        self.more(level, b']')
    }

    fn more(&mut self, level: &mut Level<'_>, close: u8) -> Result<bool, Refusal> {
        level.before = self.at;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if level.begun {
            self.take(b',')?;
            self.space();
        }
        level.begun = true;
        Ok(true)
    }

    /// Where the next member begins, when one follows: just past the comma and the white space. Reads only.
    pub fn next_start(&self) -> usize {
        let rest = &self.body.as_bytes()[self.at..];
        let passed = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',')).count();
        self.at + passed
    }

    /// Passes one value, whatever it is.
    pub fn skip(&mut self) -> Result<Span, Refusal> {
        let Some(first) = self.peek() else { return Err(Refusal::Malformed) };
        let from = self.at;
        if !matches!(first, b'{' | b'[') {
            self.scalar(first)?;
            return Ok(Span { from, to: self.at });
        }
        let mut nesting = std::mem::take(&mut self.nesting);
        nesting.clear();
        let passed = self.skip_nested(&mut nesting);
        self.nesting = nesting;
        passed.map(|()| Span { from, to: self.at })
    }

    fn skip_nested(&mut self, nesting: &mut Vec<u8>) -> Result<(), Refusal> {
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    let close = open + 2;
                    if self.peek() != Some(close) {
                        nesting.push(close);
                        if open == b'{' {
                            self.name()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                Some(first) => self.scalar(first)?,
                None => return Err(Refusal::Malformed),
            }
            // A value has ended: so may those around it, until one goes on.
            while let Some(&close) = nesting.last() {
                let byte = self.peek();
                self.at += 1;
                if byte == Some(b',') {
                    if close == b'}' {
                        self.name()?;
                    }
                    break;
                }
                if byte != Some(close) {
                    return Err(Refusal::Malformed);
                }
                nesting.pop();
            }
            if nesting.is_empty() {
                return Ok(());
            }
        }
    }

    /// A member's name and its colon. The span is what stands between the quotes.
    fn name(&mut self) -> Result<Span, Refusal> {
        self.space();
        let span = self.string()?;
        self.space();
        self.take(b':')?;
        Ok(span)
    }

    fn scalar(&mut self, first: u8) -> Result<(), Refusal> {
        match first {
            b'"' => self.string().map(|_| ()),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Refusal> {
        if !self.body.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Refusal::Malformed);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Refusal> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Refusal> {
        let rest = &self.body.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Refusal::Malformed) } else { Ok(()) }
    }

    /// A string; the span is what stands between the quotes.
    pub fn string(&mut self) -> Result<Span, Refusal> {
        self.take(b'"')?;
        let from = self.at;
        loop {
            self.at = text::plain_until(self.body.as_bytes(), self.at);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Span { from, to: self.at - 1 });
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Refusal::Malformed),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let rest = &self.body.as_bytes()[self.at + 1..];
        let length = match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Refusal::Malformed),
        };
        self.at += length;
        Ok(())
    }

    fn take(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.byte() != Some(byte) {
            return Err(Refusal::Malformed);
        }
        self.at += 1;
        Ok(())
    }

    fn byte(&self) -> Option<u8> {
        self.body.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }
}
