//! What a single value can be. Each reads a value as one type, or reports what it must be.

use super::locate::inline;
use super::problem::Place;
use super::reader::{Read, Reported, Value};
use super::seen::Shape;
use super::suggest::{nearest, one_of};
use super::tree::{Item, Node};
use bytesize::ByteSize;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How long one may wait. Less than a millisecond cannot be kept, more than a day is a slip of a unit.
const DURATIONS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

impl<'a> Value<'a> {
    /// A text that is not empty. `expected` says what it is, with its article: `a path`.
    pub fn text(&self, expected: &str) -> Read<&str> {
        self.takes(Shape::Text);
        match &self.node.item {
            Item::Text(text) if text.is_empty() => Err(self.empty(expected)),
            Item::Text(text) => Ok(text),
            _ => Err(self.wrong(expected)),
        }
    }

    fn empty(&self, expected: &str) -> Reported {
        let what = format!("is empty: it must be {expected}");
        match self.node.place {
            Place::Environment { .. } => self.problem_with_hint(what, "unset the variable, if it is to say nothing"),
            _ => self.problem(what),
        }
    }

    pub fn boolean(&self) -> Read<bool> {
        self.takes(Shape::Boolean);
        match (&self.node.item, self.node.loose()) {
            (Item::Boolean(boolean), _) => Ok(*boolean),
            (_, Some("true")) => Ok(true),
            (_, Some("false")) => Ok(false),
            (Item::Text(_), None) => Err(self.wrong("`true` or `false`, without quotes")),
            _ => Err(self.wrong("`true` or `false`")),
        }
    }

    /// A whole number within `range`.
    pub fn count<T: TryFrom<i128> + Copy + Display + PartialOrd + TryInto<i128>>(
        &self,
        range: RangeInclusive<T>,
    ) -> Read<T> {
        if let (Ok(least), Ok(most)) = ((*range.start()).try_into(), (*range.end()).try_into()) {
            self.takes(Shape::Count { least, most });
        }
        let expected = || format!("a whole number between {} and {}", range.start(), range.end());
        let number = match (&self.node.item, self.node.loose()) {
            (Item::Integer(number), _) => Some(*number),
            (_, Some(text)) => text.trim().parse().ok(),
            _ => return Err(self.wrong(&expected())),
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) if range.contains(&number) => Ok(number),
            _ => Err(self.problem(format!("must be {}", expected()))),
        }
    }

    /// A number of bytes that memory can hold.
    pub fn size(&self, range: RangeInclusive<ByteSize>) -> Read<usize> {
        let bytes = self.bytes(range)?;
        usize::try_from(bytes).map_err(|_| self.problem("must be less: this machine cannot address as much"))
    }

    /// A number of bytes within `range`: `64KiB`, or a bare number.
    pub fn bytes(&self, range: RangeInclusive<ByteSize>) -> Read<u64> {
        self.takes(Shape::Size);
        let size = match &self.node.item {
            Item::Text(text) => text.trim().parse::<ByteSize>().ok(),
            Item::Integer(bytes) => u64::try_from(*bytes).ok().map(ByteSize),
            _ => None,
        };
        let Some(size) = size else { return Err(self.wrong("a size such as `64KiB` or `3MiB`")) };
        if range.contains(&size) {
            return Ok(size.as_u64());
        }
        let (least, most) = (written(*range.start()), written(*range.end()));
        Err(self.problem(format!("must be between {least} and {most}")))
    }

    /// A time to wait: `250ms`, `1m 30s`.
    pub fn duration(&self) -> Read<Duration> {
        let duration = self.any_duration()?;
        if DURATIONS.contains(&duration) { Ok(duration) } else { Err(self.problem("must be between 1ms and 24h")) }
    }

    /// A time of any length, none included.
    pub fn any_duration(&self) -> Read<Duration> {
        self.takes(Shape::Duration);
        let duration = match &self.node.item {
            Item::Text(text) => humantime::parse_duration(text.trim()).ok(),
            _ => None,
        };
        duration.ok_or_else(|| self.wrong("a duration with its unit, such as `250ms` or `10s`"))
    }

    pub fn address(&self) -> Read<SocketAddr> {
        let expected = "an address and a port, such as `127.0.0.1:8443` or `[::1]:8443`";
        let text = self.text(expected)?.trim();
        text.parse().map_err(|_| match text.rsplit_once(':') {
            Some(("" | "*", _)) => {
                self.wrong_with_hint(expected, "every address of this machine is `0.0.0.0:PORT`, or `[::]:PORT`")
            }
            Some((host, _)) if !host.contains(':') && host.contains(|c: char| c.is_ascii_alphabetic()) => {
                self.wrong_with_hint(expected, "names are not looked up: for `localhost` write `127.0.0.1`")
            }
            _ => self.wrong(expected),
        })
    }

    /// A path, made absolute. It need not exist.
    pub fn path(&self) -> Read<PathBuf> {
        let text = self.text("a path")?;
        let path = self.context.source.base_of(&self.node.place).join(text);
        std::path::absolute(path).map_err(|error| {
            self.problem_with_hint(
                format!("cannot be made an absolute path: {error}"),
                "write one that begins with `/`",
            )
        })
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Read<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.takes(Shape::Choice(words.clone()));
        let expected = one_of(&words);
        let text = self.text(&expected)?;
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, choice)) => Ok(*choice),
            None => Err(match nearest(text, words) {
                Some(near) => self.wrong_with_hint(&expected, &format!("did you mean `{near}`?")),
                None => self.wrong(&expected),
            }),
        }
    }

    /// The elements of a list. A value alone is a list of one; the text of an environment variable may be written as
    /// in a file, or have commas between its elements.
    pub fn list(&self) -> Vec<Value<'a>> {
        self.context.note(|seen| seen.key(&self.key).list = true);
        let elements = match (&self.node.item, self.node.loose()) {
            (Item::List(elements), _) => elements.clone(),
            (_, Some(text)) => loose_list(text, &self.node),
            _ => vec![self.node.clone()],
        };
        elements.into_iter().map(|element| self.part(element)).collect()
    }

    /// A list of names, each of which must be among those `defined` and stand there once. `what` they name: `filter`.
    pub fn names(&self, defined: &BTreeSet<String>, what: &str) -> Read<Vec<String>> {
        let elements = self.list();
        let mut names: Vec<Read<String>> = Vec::new();
        let mut seen = BTreeSet::new();
        for element in &elements {
            names.push(element.text("a list of names").and_then(|name| {
                if !defined.contains(name) {
                    return Err(element.undefined(name, defined, what));
                }
                if !seen.insert(name) {
                    return Err(
                        element.problem_with_hint(format!("names a {what} twice: `{name}`"), "remove one of the two")
                    );
                }
                Ok(name.to_owned())
            }));
        }
        names.into_iter().collect()
    }

    /// One name, which must be among those `defined`.
    pub fn name(&self, defined: &BTreeSet<String>, what: &str) -> Read<String> {
        let name = self.text("a name")?;
        if defined.contains(name) { Ok(name.to_owned()) } else { Err(self.undefined(name, defined, what)) }
    }

    fn undefined(&self, name: &str, defined: &BTreeSet<String>, what: &str) -> Reported {
        let hint = match nearest(name, defined.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("define it as `[{what}s.{}]`", name.escape_debug()),
        };
        self.problem_with_hint(format!("names a {what} that is not defined: `{}`", name.escape_debug()), &hint)
    }
}

/// A size as one would write it: `8KiB`, where the library would print `8.0 KiB`.
fn written(size: ByteSize) -> String {
    let units = [(bytesize::TIB, "TiB"), (bytesize::GIB, "GiB"), (bytesize::MIB, "MiB"), (bytesize::KIB, "KiB")];
    let bytes = size.as_u64();
    match units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

pub(super) fn loose_list(text: &str, whole: &Node) -> Vec<Node> {
    match inline(text, &whole.place) {
        Some(Node { item: Item::List(elements), .. }) => elements,
        _ => {
            let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
            elements.map(|element| Node { item: Item::Text(element.to_owned()), ..whole.clone() }).collect()
        }
    }
}
