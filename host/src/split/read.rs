//! One walk through a delivery, from its first byte to its last, that checks all of it and notes where its parts are.
//!
//! The walk follows the shape of Meta's webhooks, so its depth is fixed; what lies deeper or beside is skipped. What has
//! another shape than expected is no error below the envelope: it is noted as it is, or not noted.

use super::envelope::{Entry, Envelope, Ids, List, Part, Place};
use super::scan::{Level, Member, Refusal, Scanner, Span};
use super::text::{self, Text};
use super::{change, messaging};

/// The most parts a delivery is taken apart into, and the most contacts that are told apart. Meta sends at most 1 000
/// updates in one delivery.
pub const MOST: usize = 10_000;

pub struct Reader<'a> {
    pub scanner: Scanner<'a>,
    pub found: Envelope<'a>,
}

/// Takes note of a delivery.
pub fn read(body: &[u8]) -> Result<Envelope<'_>, Refusal> {
    let body = std::str::from_utf8(body).map_err(|_| Refusal::Malformed)?;
    let mut reader = Reader { scanner: Scanner::new(body), found: Envelope::of_one() };
    let is_envelope = reader.top()?;
    reader.scanner.end()?;
    // The places of pieces are 32 bits wide.
    if !is_envelope || u32::try_from(body.len()).is_err() {
        return Err(Refusal::NotAnEnvelope);
    }
    if reader.scanner.is_ambiguous() {
        return Err(Refusal::Ambiguous);
    }
    if reader.found.too_many_contacts {
        reader.found.contacts.clear();
        reader.found.changes.iter_mut().for_each(|change| change.contacts = 0..0);
    }
    Ok(reader.found)
}

impl<'a> Reader<'a> {
    fn top(&mut self) -> Result<bool, Refusal> {
        let mut named = false;
        let Some(mut level) = self.scanner.open(b'{', &["object", "entry"]) else {
            self.scanner.skip()?;
            return Ok(false);
        };
        while let Some(member) = self.scanner.member(&mut level)? {
            match member.name {
                Some("object") => {
                    named = self.scanner.peek() == Some(b'"');
                    self.scanner.skip()?;
                }
                Some("entry") => self.found.list = self.list(&member, Self::entry)?,
                _ => {
                    self.scanner.skip()?;
                }
            }
        }
        Ok(named && self.found.list.is_some())
    }

    /// The elements of an array, each passed by `element`. Not an array: passed, and none.
    pub fn list(
        &mut self,
        member: &Member<'_>,
        mut element: impl FnMut(&mut Self) -> Result<Span, Refusal>,
    ) -> Result<Option<List>, Refusal> {
        let Some(mut level) = self.scanner.open(b'[', &[]) else {
            self.scanner.skip()?;
            return Ok(None);
        };
        let mut elements = Span { from: self.scanner.at(), to: self.scanner.at() };
        let mut count = 0;
        while self.scanner.element(&mut level)? {
            let span = element(self)?;
            if count == 0 {
                elements.from = span.from;
            }
            elements.to = span.to;
            count += 1;
        }
        let span = Span { from: member.from, to: self.scanner.at() };
        let after = self.scanner.next_start();
        Ok(Some(List { span, before: member.before, after, elements, count }))
    }

    fn entry(&mut self) -> Result<Span, Refusal> {
        let index = self.found.entries.len();
        let parts = self.found.parts.len();
        self.found.entries.push(Entry::default());
        let from = self.start();
        let mut says = true;
        if let Some(level) = self.scanner.open(b'{', &["id", "time", "changes", "messaging", "standby"]) {
            says = self.entry_members(index, level)?;
        } else {
            self.scanner.skip()?;
        }
        let span = Span { from, to: self.scanner.at() };
        self.found.entries[index].span = span;
        if says && self.found.parts.len() == parts {
            self.part(Place::Entry(index), span, Ids::default());
        }
        if self.found.parts.len() == parts {
            self.found.silent_id = self.found.entries.pop().and_then(|entry| entry.id);
        }
        Ok(span)
    }

    /// Whether the entry says anything beside who, when, and the elements that were noted.
    fn entry_members(&mut self, index: usize, mut level: Level<'_>) -> Result<bool, Refusal> {
        let mut says = false;
        while let Some(member) = self.scanner.member(&mut level)? {
            let (slot, list) = match member.name {
                Some("id") => {
                    self.found.entries[index].id = self.word()?;
                    continue;
                }
                Some("time") => {
                    self.found.entries[index].time = Some(self.scanner.skip()?);
                    continue;
                }
                Some("changes") => (0, self.list(&member, |reader| change::read(reader, index))?),
                Some("messaging") => {
                    (1, self.list(&member, |reader| messaging::read(reader, Place::Messaging(index)))?)
                }
                Some("standby") => (2, self.list(&member, |reader| messaging::read(reader, Place::Standby(index)))?),
                _ => {
                    self.scanner.skip()?;
                    says = true;
                    continue;
                }
            };
            says |= list.is_none();
            self.found.entries[index].lists[slot] = list;
        }
        Ok(says)
    }

    /// The word that a member of this object is; anything but an object is passed.
    pub fn word_in(&mut self, names: &'static [&'static str; 1]) -> Result<Option<Text<'a>>, Refusal> {
        let mut word = None;
        let Some(mut level) = self.scanner.open(b'{', names) else {
            self.scanner.skip()?;
            return Ok(None);
        };
        while let Some(member) = self.scanner.member(&mut level)? {
            match member.name {
                Some(_) => word = self.word()?,
                None => _ = self.scanner.skip()?,
            }
        }
        Ok(word)
    }

    /// A string, or the digits of a whole number; anything else is passed.
    pub fn word(&mut self) -> Result<Option<Text<'a>>, Refusal> {
        let first = self.scanner.peek();
        if first == Some(b'"') {
            let span = self.scanner.string()?;
            return Ok(text::decode(self.scanner.text(span)));
        }
        let span = self.scanner.skip()?;
        Ok(text::digits(self.scanner.text(span)))
    }

    /// Where the next value begins.
    pub fn start(&mut self) -> usize {
        self.scanner.peek();
        self.scanner.at()
    }

    pub fn part(&mut self, place: Place, span: Span, ids: Ids<'a>) {
        if self.found.parts.len() < MOST {
            self.found.parts.push(Part { place, span, ids });
        } else {
            self.found.too_many_parts = true;
        }
    }
}
