//! Lays the layers over each other and keeps track of which one each value came from. The only file that knows figment.
//!
//! The defaults of `[webhooks.NAME]`, `[streams.NAME]`, `[filters.NAME]`, `[registries.NAME]` and `[http.NAME]` are written once,
//! under that very name, in `default.toml`; here they are copied under each name that is used.

use super::environment::{self, Entry};
use super::locate::Lines;
use super::problem::{Place, Problem, advice_on_reading};
use super::source::Source;
use super::tree::{Item, Node};
use super::{DEFAULT_FILE, DEFAULTS};
use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Num, Value};
use figment::{Figment, Metadata, Profile, Provider};
use std::collections::BTreeMap;
use std::path::Path;

/// The tables whose sections have names of the user's choice.
pub(super) const NAMED: [&str; 5] = ["webhooks", "streams", "filters", "registries", "http"];

/// The name in `default.toml` that stands for every other. It is not one itself: names are lower case.
pub(super) const TEMPLATE: &str = "NAME";

/// One layer, for figment, which remembers by its name what came from it.
struct Layer(&'static str, Dict);

const DEFAULT: &str = "default";
const EMBEDDED: &str = "embedded";
const FILE: &str = "file";
const ABOVE: &str = "environment and flags";

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.1.clone())]))
    }
}

/// All layers as one tree. A file that cannot be read, or is not TOML, is the only problem that ends it here; others
/// are collected.
pub(super) fn merge(source: &Source) -> Result<(Node, Vec<Problem>), Problem> {
    let mut problems = Vec::new();
    let mut trace = Trace { embedded: Lines::default(), file: Lines::default(), above: BTreeMap::new(), source };
    let mut written = Figment::new();
    if let Some((name, text)) = &source.embedded {
        let (dict, lines) = parse(text, |line| Place::Embedded { name, line })?;
        trace.embedded = lines;
        written = written.merge(Layer(EMBEDDED, dict));
    }
    if let Some(file) = &source.file {
        let text = read(file)?;
        let (dict, lines) = parse(&text, |line| Place::File { file: file.clone(), line })?;
        trace.file = lines;
        written = written.merge(Layer(FILE, dict));
    }
    let names = names(&data(&written)?);
    let mut entries = environment::entries(&source.environment, &names, &mut problems);
    entries.extend(source.overrides.iter().map(|given| Entry {
        path: given.key.split('.').map(str::to_owned).collect(),
        text: given.value.clone(),
        place: Place::Flag { flag: given.flag },
    }));
    let mut above = Dict::new();
    for entry in entries {
        if insert(&mut above, &entry.path, &entry.text) {
            trace.above.insert(entry.path, entry.place);
        } else {
            problems.push(clash(&entry));
        }
    }
    let written = written.merge(Layer(ABOVE, above));
    let figment = Figment::from(Layer(DEFAULT, defaults(&data(&written)?)?)).merge(written);
    Ok((trace.tree(&figment)?, problems))
}

fn read(file: &Path) -> Result<String, Problem> {
    let problem = |message: String| Problem::new(Place::File { file: file.to_owned(), line: None }, "", message);
    let bytes = std::fs::read(file).map_err(|error| {
        let problem = problem(format!("failed to read the configuration: {error}"));
        match error.kind() {
            std::io::ErrorKind::NotFound => problem.with_hint(format!(
                "name a file with `-c FILE`, write `{DEFAULT_FILE}`, or try `postern run --dev`, which needs none"
            )),
            _ => problem.with_hint(advice_on_reading(&error)),
        }
    })?;
    String::from_utf8(bytes)
        .map_err(|_| problem("the configuration is not UTF-8".to_owned()).with_hint("save it as UTF-8, in an editor"))
}

fn parse(text: &str, place: impl Fn(Option<u32>) -> Place) -> Result<(Dict, Lines), Problem> {
    let lines = Lines::of(text).map_err(|syntax| {
        let advice = syntax.advice();
        Problem::new(place(syntax.line), "", format!("not TOML: {}", syntax.message)).with_hint(advice)
    })?;
    // figment parses with the same parser, so this cannot fail now; if it ever does, its message may quote the text.
    let parsed = Toml::string(text)
        .data()
        .map_err(|_| Problem::new(place(None), "", "not TOML").with_hint("see https://toml.io"))?;
    Ok((parsed.into_values().next().unwrap_or_default(), lines))
}

fn data(figment: &Figment) -> Result<Dict, Problem> {
    let data = figment.data().map_err(|_| {
        Problem::new(Place::Default, "", "failed to merge the configuration")
            .with_hint("this is a bug in postern: please report it")
    })?;
    Ok(data.into_values().next().unwrap_or_default())
}

/// The names that are used in each of the named tables.
fn names(dict: &Dict) -> BTreeMap<String, Vec<String>> {
    let named = |table: &&str| Some(((*table).to_owned(), dict.get(*table)?.as_dict()?.keys().cloned().collect()));
    NAMED.iter().filter_map(named).collect()
}

/// The defaults, with the template in the place of each name that `written` has.
fn defaults(written: &Dict) -> Result<Dict, Problem> {
    let place = |line| Place::Embedded { name: "default.toml", line };
    let (mut defaults, _) = parse(DEFAULTS, place)?;
    let used = names(written);
    for table in NAMED {
        let Some(Value::Dict(_, sections)) = defaults.get_mut(table) else { continue };
        let template = sections.remove(TEMPLATE);
        for name in used.get(table).into_iter().flatten() {
            if let Some(template) = &template {
                sections.insert(name.clone(), template.clone());
            }
        }
    }
    Ok(defaults)
}

/// Puts a text at its path. Says no when the way there is not a table, or the place holds one.
fn insert(dict: &mut Dict, path: &[String], text: &str) -> bool {
    match path {
        [] => false,
        [name] if matches!(dict.get(name), Some(Value::Dict(..))) => false,
        [name] => {
            dict.insert(name.clone(), Value::from(text));
            true
        }
        [name, rest @ ..] => match dict.entry(name.clone()).or_insert_with(|| Value::from(Dict::new())) {
            Value::Dict(_, inner) => insert(inner, rest, text),
            _ => false,
        },
    }
}

fn clash(entry: &Entry) -> Problem {
    let key = entry.path.join(".");
    let message = format!("`{key}` is given here as a whole and elsewhere in parts");
    Problem::new(entry.place.clone(), key, message).with_hint("keep one of the two")
}

/// What is needed to say where a value came from.
struct Trace<'a> {
    embedded: Lines,
    file: Lines,
    above: BTreeMap<Vec<String>, Place>,
    source: &'a Source,
}

impl Trace<'_> {
    fn tree(&self, figment: &Figment) -> Result<Node, Problem> {
        let root = Value::from(data(figment)?);
        let node = self.node(figment, &root, &mut Vec::new());
        Ok(Node { place: self.root(), ..node })
    }

    /// Where things are missing that belong to no section.
    fn root(&self) -> Place {
        match (&self.source.file, &self.source.embedded) {
            (Some(file), _) => Place::File { file: file.clone(), line: None },
            (None, Some((name, _))) => Place::Embedded { name, line: None },
            (None, None) => Place::Default,
        }
    }

    fn node(&self, figment: &Figment, value: &Value, path: &mut Vec<String>) -> Node {
        let mut child = |name: String, value: &Value| {
            path.push(name);
            let node = self.node(figment, value, path);
            path.pop();
            node
        };
        let item = match value {
            Value::String(_, text) => Item::Text(text.clone()),
            Value::Char(_, character) => Item::Text(character.to_string()),
            Value::Bool(_, boolean) => Item::Boolean(*boolean),
            Value::Num(_, number) => number_of(*number),
            Value::Empty(..) => Item::Text(String::new()),
            Value::Array(_, values) => {
                Item::List(values.iter().enumerate().map(|(index, value)| child(index.to_string(), value)).collect())
            }
            Value::Dict(_, dict) => match date_of(dict) {
                Some(date) => Item::Date(date.to_owned()),
                None => {
                    Item::Table(dict.iter().map(|(name, value)| (name.clone(), child(name.clone(), value))).collect())
                }
            },
        };
        let layer = figment.get_metadata(value.tag()).map_or(DEFAULT, |metadata| metadata.name.as_ref());
        let place = match item {
            Item::Table(_) => self.table_place(path),
            _ => self.place(layer, path),
        };
        Node { place, item }
    }

    fn place(&self, layer: &str, path: &[String]) -> Place {
        match (layer, &self.source.file, &self.source.embedded) {
            (FILE, Some(file), _) => Place::File { file: file.clone(), line: self.file.line(path) },
            (EMBEDDED, _, Some((name, _))) => Place::Embedded { name, line: self.embedded.line(path) },
            (ABOVE, ..) => self.above.get(path).cloned().unwrap_or(Place::Default),
            _ => Place::Default,
        }
    }

    /// A table is made of all layers together: it is where its header is, else where the first of it was said.
    fn table_place(&self, path: &[String]) -> Place {
        if self.file.line(path).is_some() {
            return self.place(FILE, path);
        }
        if self.embedded.line(path).is_some() {
            return self.place(EMBEDDED, path);
        }
        let mut above = self.above.iter().filter(|(key, _)| key.starts_with(path));
        above.next().map_or(Place::Default, |(_, place)| place.clone())
    }
}

fn number_of(number: Num) -> Item {
    let integer = number.to_i128().or_else(|| number.to_u128().and_then(|number| i128::try_from(number).ok()));
    match (integer, number.to_f64()) {
        (Some(integer), _) => Item::Integer(integer),
        (None, Some(float)) => Item::Float(float),
        (None, None) => Item::Float(f64::NAN),
    }
}

/// The parser hands a date over as a table with one key of its own.
fn date_of(dict: &Dict) -> Option<&str> {
    dict.get("$__toml_private_datetime").and_then(Value::as_str)
}
