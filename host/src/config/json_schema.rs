//! A JSON Schema of the configuration, for editors: keys and what they take are what the reader asks for, descriptions,
//! defaults and examples what `default.toml` says. It demands no key: any may come from the environment.
//!
//! Its dialect is draft 7, which editors of TOML know (taplo, and all that build on it).

use super::DEFAULTS;
use super::layers::{self, TEMPLATE};
use super::learn::learn;
use super::problem::Problem;
use super::seen::{Asked, Shape};
use super::source::Source;
use super::tree::{Node, join};
use super::{documented, explain};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// The schema, as JSON.
pub fn json_schema() -> Result<Json, Problem> {
    let seen = learn()?;
    let mut root = Branch::default();
    for (key, asked) in seen.keys().filter(|(key, _)| !key.is_empty()) {
        root.insert(key, asked);
    }
    let told = Told {
        comments: documented::comments(),
        defaults: tree(DEFAULTS.to_owned())?,
        examples: tree(documented::with_all_keys())?,
    };
    let mut schema = root.table("", &told);
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!("The configuration of Postern, postern.toml"));
    schema.insert("definitions".to_owned(), definitions());
    Ok(Json::Object(schema))
}

fn tree(text: String) -> Result<Node, Problem> {
    let source = Source { embedded: Some(("default.toml", text)), ..Source::default() };
    layers::merge(&source).map(|(tree, _)| tree)
}

/// What is written in several places.
fn definitions() -> Json {
    json!({
        "secret": {
            "description": "A secret: a string, or where to get it.",
            "anyOf": [
                { "type": "string", "minLength": 1 },
                source("file", "a file that holds it"),
                source("env", "an environment variable that holds it"),
                source("command", "a command that prints it"),
            ],
        },
        "size": {
            "description": "A number of bytes: 64KiB, 3MiB.",
            "anyOf": [
                { "type": "string", "pattern": "^ *[0-9]+([.][0-9]+)? *([kKmMgGtTpPeE]?[iI]?[bB]?) *$" },
                { "type": "integer", "minimum": 0 },
            ],
        },
        "duration": {
            "description": "A time with its unit: 250ms, 10s, 1m 30s.",
            "type": "string",
            "pattern": "^ *(0|[0-9]+ *[a-zµ]+( *[0-9]+ *[a-zµ]+)*) *$",
        },
    })
}

fn source(key: &str, what: &str) -> Json {
    let properties = json!({ key: { "type": "string", "minLength": 1, "description": what } });
    json!({ "type": "object", "properties": properties, "required": [key], "additionalProperties": false })
}

/// What `default.toml` has to say.
struct Told {
    comments: BTreeMap<String, String>,
    defaults: Node,
    /// With the keys that have no default.
    examples: Node,
}

/// A key, and those below it.
#[derive(Default)]
struct Branch<'a> {
    asked: Asked,
    below: BTreeMap<&'a str, Self>,
}

impl<'a> Branch<'a> {
    fn insert(&mut self, key: &'a str, asked: &Asked) {
        let mut branch = self;
        for name in key.split('.') {
            branch = branch.below.entry(name).or_default();
        }
        branch.asked = asked.clone();
    }

    fn schema(&self, key: &str, told: &Told) -> Map<String, Json> {
        let mut schema = if self.asked.table && !self.asked.shapes.contains(&Shape::Secret) {
            self.table(key, told)
        } else {
            self.value()
        };
        if let Some(comment) = told.comments.get(key) {
            schema.insert("description".to_owned(), json!(comment));
        }
        match (told.defaults.at(key), told.examples.at(key)) {
            (Some(default), _) if default.children().is_none() => {
                schema.insert("default".to_owned(), explain::json(default));
            }
            (None, Some(example)) => {
                schema.insert("examples".to_owned(), json!([explain::json(example)]));
            }
            _ => {}
        }
        schema
    }

    fn table(&self, key: &str, told: &Told) -> Map<String, Json> {
        let mut schema = Map::from_iter([("type".to_owned(), json!("object"))]);
        if let Some(sections) = self.asked.names {
            let below = self.below.get(TEMPLATE).map(|below| below.schema(&join(key, TEMPLATE), told));
            schema.insert("additionalProperties".to_owned(), below.map_or(Json::Bool(true), Json::Object));
            if sections {
                schema.insert("propertyNames".to_owned(), json!({ "pattern": "^[a-z0-9_-]{1,64}$" }));
            }
        } else {
            let property =
                |(name, below): (&&str, &Self)| ((*name).to_owned(), below.schema(&join(key, name), told).into());
            schema.insert("properties".to_owned(), self.below.iter().map(property).collect::<Map<_, _>>().into());
            schema.insert("additionalProperties".to_owned(), Json::Bool(false));
        }
        schema
    }

    fn value(&self) -> Map<String, Json> {
        let mut all: Vec<Json> = self.asked.shapes.iter().map(shape).collect();
        let one = match all.len() {
            1 => all.remove(0),
            _ => json!({ "anyOf": all }),
        };
        let schema = if self.asked.list {
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        } else if one.get("$ref").is_some() {
            // What stands beside a reference is not looked at in this dialect.
            json!({ "allOf": [one] })
        } else {
            one
        };
        match schema {
            Json::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

fn shape(shape: &Shape) -> Json {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Count { least, most } => {
            let number = |number: &i128| i64::try_from(*number).map_or(Json::Null, Json::from);
            json!({ "type": "integer", "minimum": number(least), "maximum": number(most) })
        }
        Shape::Choice(words) => json!({ "type": "string", "enum": words }),
        Shape::Size => json!({ "$ref": "#/definitions/size" }),
        Shape::Duration => json!({ "$ref": "#/definitions/duration" }),
        Shape::Secret => json!({ "$ref": "#/definitions/secret" }),
        Shape::Foreign => json!({ "type": "object" }),
    }
}
