//! Takes a tree apart, key by key, and collects what is wrong with it.
//!
//! A [`Section`] knows which keys it was asked for, so at its end what is left is unknown: the code that reads a key is
//! the only list of keys there is. Whatever fails is reported on the spot and leaves a [`Reported`], which nothing else
//! can make; so a configuration is either whole, or there is at least one problem.

use super::environment;
use super::layers::{NAMED, TEMPLATE};
use super::problem::{Place, Problem};
use super::schema::place_in;
use super::seen::{Asked, Purpose, Seen, Shape};
use super::source::Source;
use super::suggest::{nearest, one_of};
use super::tree::{Item, Node, join, places};
use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

/// Proof that a problem was collected.
#[derive(Clone, Copy)]
pub(super) struct Reported(());

pub(super) type Read<T> = Result<T, Reported>;

pub(super) struct Context<'a> {
    pub source: &'a Source,
    pub places: BTreeMap<String, Place>,
    pub purpose: Purpose,
    problems: RefCell<Vec<Problem>>,
    seen: RefCell<Seen>,
}

/// A table, and which of its keys were asked for.
pub(super) struct Section<'a> {
    pub context: &'a Context<'a>,
    pub key: String,
    entries: BTreeMap<&'a str, &'a Node>,
    asked: Vec<&'static str>,
    /// Set when it is no table: that was said, and nothing in it is missing.
    broken: Option<Reported>,
}

/// A value, and what it is called.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub context: &'a Context<'a>,
    pub key: String,
    pub node: Node,
}

/// The keys outside every section. Under a section's header they are a slip so common that it has a hint of its own.
const TOP: [&str; 5] = ["listen", "reuse_port", "data", "shards", "io_uring"];

impl<'a> Context<'a> {
    pub fn new(source: &'a Source, tree: &Node, problems: Vec<Problem>, purpose: Purpose) -> Self {
        Self { source, places: places(tree), purpose, problems: RefCell::new(problems), seen: RefCell::default() }
    }

    /// What has been asked for so far.
    pub fn seen(&self) -> Ref<'_, Seen> {
        self.seen.borrow()
    }

    pub fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.borrow_mut());
    }

    fn asks(&self, key: &str, ask: impl FnOnce(&mut Asked)) {
        self.note(|seen| ask(seen.key(key)));
    }

    pub fn report(&self, mut problem: Problem) -> Reported {
        if problem.place == Place::Default {
            // Nothing was written, so the whole file is the place.
            problem.place = place_in(&self.places, "");
        }
        self.problems.borrow_mut().push(problem);
        Reported(())
    }

    /// Reports what is wrong with a key, where it (or what it belongs to) was written.
    pub fn problem(&self, key: &str, message: String) -> Reported {
        self.report(Problem::new(place_in(&self.places, key), key, message))
    }

    pub fn problem_with_hint(&self, key: &str, message: String, hint: String) -> Reported {
        self.report(Problem::new(place_in(&self.places, key), key, message).with_hint(hint))
    }

    /// Advice on how to give a key that is missing.
    fn way_to_set(&self, key: &str) -> String {
        match (environment::variable(key, &self.places), &self.source.file) {
            (Some(variable), Some(_)) => format!("write it in the file, or set `{variable}`"),
            (Some(variable), None) => format!("set `{variable}`"),
            (None, _) => "write it in the file".to_owned(),
        }
    }

    /// Whether a key was written anywhere, or has its default.
    pub fn is_written(&self, key: &str) -> bool {
        self.places.get(key).is_some_and(|place| *place != Place::Default)
    }

    /// What was read, if nothing at all was wrong; else the problems, in the order of the layers and their lines.
    pub fn conclude<T>(self, read: Read<T>) -> Result<T, Vec<Problem>> {
        let mut problems = self.problems.into_inner();
        match read {
            Ok(value) if problems.is_empty() => Ok(value),
            _ => {
                problems.sort_by_key(|problem| problem.place.order());
                Err(problems)
            }
        }
    }
}

impl<'a> Section<'a> {
    pub fn of(context: &'a Context<'a>, key: String, node: &'a Node) -> Self {
        context.asks(&key, |asked| asked.table = true);
        let section = Self { context, key, entries: BTreeMap::new(), asked: Vec::new(), broken: None };
        match &node.item {
            Item::Table(children) => {
                let entries = children.iter().map(|(name, node)| (name.as_str(), node)).collect();
                Self { entries, ..section }
            }
            _ => {
                let message = format!("`{}` must be a table, not {}", section.key, node.kind());
                let problem = Problem::new(node.place.clone(), &section.key, message);
                let reported = context.report(match section.key.split_once('.') {
                    Some((table, _)) if NAMED.contains(&table) => {
                        problem.with_hint(format!("each has a section of its own: `[{table}.NAME]`"))
                    }
                    _ => problem,
                });
                Self { broken: Some(reported), ..section }
            }
        }
    }

    /// A table that nobody wrote.
    fn absent(context: &'a Context<'a>, key: String, broken: Option<Reported>) -> Self {
        context.asks(&key, |asked| asked.table = true);
        Self { context, key, entries: BTreeMap::new(), asked: Vec::new(), broken }
    }

    pub fn optional(&mut self, name: &'static str) -> Option<Value<'a>> {
        self.asked.push(name);
        let key = join(&self.key, name);
        self.context.asks(&key, |_| {});
        let node = self.entries.remove(name).cloned().or_else(|| self.context.purpose.stand_in())?;
        Some(Value { context: self.context, key, node })
    }

    pub fn required(&mut self, name: &'static str) -> Read<Value<'a>> {
        match (self.optional(name), self.broken) {
            (Some(value), _) => Ok(value),
            (None, Some(reported)) => Err(reported),
            (None, None) => {
                let key = join(&self.key, name);
                let hint = self.context.way_to_set(&key);
                Err(self.context.problem_with_hint(&key, format!("`{key}` is missing"), hint))
            }
        }
    }

    /// A table in this one. One that nobody wrote is empty.
    pub fn section(&mut self, name: &'static str) -> Self {
        self.asked.push(name);
        let key = join(&self.key, name);
        match self.entries.remove(name) {
            Some(node) => Self::of(self.context, key, node),
            None => Self::absent(self.context, key, self.broken),
        }
    }

    /// A table in this one that may be left out as a whole.
    pub fn optional_section(&mut self, name: &'static str) -> Option<Self> {
        let is_there = self.entries.contains_key(name) || self.context.purpose == Purpose::Learn;
        let section = self.section(name);
        is_there.then_some(section)
    }

    /// The sections in a table whose keys are names of the user's choice.
    pub fn named(&mut self, name: &'static str) -> Vec<(String, Self)> {
        let table = self.section(name);
        self.context.asks(name, |asked| asked.names = Some(true));
        if self.context.purpose == Purpose::Learn && table.entries.is_empty() {
            return vec![(TEMPLATE.to_owned(), Self::absent(self.context, join(&table.key, TEMPLATE), None))];
        }
        let sections = table.entries.iter().map(|(name, node)| {
            let key = join(&table.key, name);
            if !is_name(name) {
                self.context.problem(
                    &key,
                    format!("`{key}` must have a name of 1 to 64 lower-case letters, digits, `-` and `_`"),
                );
            }
            ((*name).to_owned(), Self::of(self.context, key, node))
        });
        sections.collect()
    }

    /// All that is in it, under names of the user's choice.
    pub fn rest(self) -> Vec<(String, Value<'a>)> {
        let Self { context, key, entries, .. } = self;
        context.asks(&key, |asked| asked.names = asked.names.or(Some(false)));
        let value = |name: &str, node: &Node| Value { context, key: join(&key, name), node: node.clone() };
        if let (Some(node), true) = (context.purpose.stand_in(), entries.is_empty()) {
            return vec![(TEMPLATE.to_owned(), value(TEMPLATE, &node))];
        }
        entries.into_iter().map(|(name, node)| (name.to_owned(), value(name, node))).collect()
    }

    /// Whether one of its keys was written anywhere, or has its default.
    pub fn is_written(&self, name: &str) -> bool {
        self.context.is_written(&join(&self.key, name))
    }

    /// Reports what is wrong with one of its keys, or with all of it where the name is empty.
    pub fn problem_with_hint(&self, name: &str, what: &str, hint: &str) -> Reported {
        let key = if name.is_empty() { self.key.clone() } else { join(&self.key, name) };
        self.context.problem_with_hint(&key, format!("`{key}` {what}"), hint.to_owned())
    }

    /// Reports every key that was not asked for. `later` are those of the next versions.
    pub fn finish(self, later: &[&str]) {
        for name in self.entries.keys() {
            let key = join(&self.key, name);
            if later.contains(name) {
                let message = format!("`{key}` is not supported by this version of postern");
                self.context.problem_with_hint(&key, message, "leave it out".to_owned());
                continue;
            }
            let hint = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if TOP.contains(name) && !self.key.is_empty() => {
                    format!("`{name}` belongs above the first section, not into `[{}]`", self.key)
                }
                None => format!("it can be {}", one_of(&self.asked)),
            };
            self.context.problem_with_hint(&key, format!("`{key}` is not a known key"), hint);
        }
    }
}

impl<'a> Value<'a> {
    /// Reports that it is not what it must be, and tells no more of what it is than its kind.
    pub fn wrong(&self, expected: &str) -> Reported {
        self.problem(format!("must be {expected}{}", self.instead()))
    }

    pub fn wrong_with_hint(&self, expected: &str, hint: &str) -> Reported {
        self.problem_with_hint(format!("must be {expected}{}", self.instead()), hint)
    }

    /// Reports what is wrong with it: `is empty`.
    pub fn problem(&self, what: impl AsRef<str>) -> Reported {
        let message = format!("`{}` {}", self.key, what.as_ref());
        self.context.report(Problem::new(self.node.place.clone(), &self.key, message))
    }

    pub fn problem_with_hint(&self, what: impl AsRef<str>, hint: &str) -> Reported {
        let message = format!("`{}` {}", self.key, what.as_ref());
        self.context.report(Problem::new(self.node.place.clone(), &self.key, message).with_hint(hint))
    }

    /// Notes that it is taken for this.
    pub fn takes(&self, shape: Shape) {
        self.context.note(|seen| seen.shape(&self.key, shape));
    }

    /// A part of it, under the same name.
    pub fn part(&self, node: Node) -> Self {
        Self { context: self.context, key: self.key.clone(), node }
    }

    /// Of a text it is not the kind that is wrong.
    fn instead(&self) -> String {
        match self.node.item {
            Item::Text(_) => String::new(),
            _ => format!(", not {}", self.node.kind()),
        }
    }
}

pub fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}
