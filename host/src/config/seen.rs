//! What the reader asks for while it reads: each key, and what it takes there. So the code that reads a key is also what
//! describes it: to editors, by a JSON Schema, and to `postern config`, which must know what is a secret.

use super::tree::Node;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a single value can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Boolean,
    Count {
        least: i128,
        most: i128,
    },
    Size,
    Duration,
    Choice(Vec<&'static str>),
    Secret,
    /// A table that means nothing to postern, and perhaps a secret to whoever gets it.
    Foreign,
}

/// What was asked of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Any of these.
    pub shapes: Vec<Shape>,
    /// Or a list of them.
    pub list: bool,
    /// It is a table, of keys that were asked for in turn.
    pub table: bool,
    /// Those have names of the user's choice. `Some(true)`: names of sections, which have rules of their own.
    pub names: Option<bool>,
}

/// By key, `webhooks.whatsapp.path`.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    keys: BTreeMap<String, Asked>,
    pub secrets: Secrets,
}

/// Where secrets are kept. Not what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// In files of their own, by the keys that name these.
    pub files: Vec<(String, PathBuf)>,
    /// The keys whose secret stands in the configuration file itself.
    pub written: Vec<String>,
}

impl Seen {
    pub fn key(&mut self, key: &str) -> &mut Asked {
        self.keys.entry(key.to_owned()).or_default()
    }

    pub fn get(&self, key: &str) -> Option<&Asked> {
        self.keys.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = (&str, &Asked)> {
        self.keys.iter().map(|(key, asked)| (key.as_str(), asked))
    }

    /// Takes a value for a shape. A text is what many a shape is written as: it counts when nothing better is known.
    pub fn shape(&mut self, key: &str, shape: Shape) {
        let shapes = &mut self.key(key).shapes;
        if shapes.contains(&shape) || (shape == Shape::Text && !shapes.is_empty()) {
            return;
        }
        shapes.push(shape);
    }

    /// Forgets what was asked of secrets, to be fetched.
    pub fn forget_sources(&mut self) {
        let is_secret = |key: &str| self.get(key).is_some_and(|asked| asked.shapes.contains(&Shape::Secret));
        let sources: Vec<String> =
            self.keys.keys().filter(|key| key.rsplit_once('.').is_some_and(|(of, _)| is_secret(of))).cloned().collect();
        self.keys.retain(|key, _| !sources.contains(key));
    }

    /// What two readings asked for, together.
    pub fn join(&mut self, other: &Self) {
        for (key, asked) in other.keys() {
            for shape in &asked.shapes {
                self.shape(key, shape.clone());
            }
            let ours = self.key(key);
            ours.list |= asked.list;
            ours.table |= asked.table;
            ours.names = ours.names.max(asked.names);
        }
    }
}

/// How a configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be served.
    Serve,
    /// To be shown: no secret is fetched.
    Show,
    /// To learn what there is: what is missing is asked for all the same, as if it were there and empty.
    Learn,
}

impl Purpose {
    /// What stands for a value that is missing.
    pub fn stand_in(self) -> Option<Node> {
        (self == Self::Learn).then(Node::nothing)
    }
}
