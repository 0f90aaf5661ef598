//! Every value in force and where it came from, for people. Secrets are not told, nor fetched; nor is what filters are
//! told, since only the filter knows what of that is a secret.

use super::problem::{Place, Problem};
use super::reader::Context;
use super::seen::{Asked, Purpose, Seen, Shape};
use super::source::Source;
use super::tree::{Item, Node, join};
use super::{layers, sections, values};
use serde_json::Value as Json;

/// One key that has a value.
pub struct Setting {
    pub key: String,
    pub value: Shown,
    pub place: Place,
}

/// A value as far as it may be seen.
pub enum Shown {
    Value {
        /// As it would stand in a file.
        toml: String,
        json: Json,
    },
    /// With where it is to be had, if not from here: `environment variable VERIFY_TOKEN`.
    Secret(Option<String>),
}

/// All of them, in the order of their keys; those outside of sections first. Or all that is wrong: then nothing is shown,
/// since what is not understood may be a secret.
pub fn explain(source: &Source) -> Result<Vec<Setting>, Vec<Problem>> {
    let (tree, problems) = layers::merge(source).map_err(|problem| vec![problem])?;
    let context = Context::new(source, &tree, problems, Purpose::Show);
    let config = sections::config(&context, &tree, source.dev);
    let seen = context.seen().clone();
    context.conclude(config)?;
    let mut settings = Vec::new();
    walk(&tree, "", &seen, &mut settings);
    settings.sort_by_key(|setting| setting.key.contains('.'));
    Ok(settings)
}

fn walk(node: &Node, key: &str, seen: &Seen, settings: &mut Vec<Setting>) {
    let asked = seen.get(key).cloned().unwrap_or_default();
    let place = node.place.clone();
    let key = key.to_owned();
    if asked.shapes.contains(&Shape::Secret) {
        settings.push(Setting { value: Shown::Secret(origin(node)), key, place });
    } else if asked.shapes.contains(&Shape::Foreign) {
        match node.children() {
            Some(children) => settings.extend(children.iter().map(|(name, child)| Setting {
                key: join(&key, name),
                value: Shown::Secret(None),
                place: child.place.clone(),
            })),
            None => settings.push(Setting { value: Shown::Secret(None), key, place }),
        }
    } else if let Some(children) = node.children() {
        for (name, child) in children {
            walk(child, &join(&key, name), seen, settings);
        }
    } else {
        let node = sorted_out(node, &asked);
        settings.push(Setting { value: Shown::Value { toml: toml(&node), json: json(&node) }, key, place });
    }
}

/// The text of an environment variable or a flag, as what it was taken for.
fn sorted_out(node: &Node, asked: &Asked) -> Node {
    let Some(text) = node.loose() else { return node.clone() };
    if asked.list {
        return Node { item: Item::List(values::loose_list(text, node)), ..node.clone() };
    }
    let item = asked.shapes.iter().find_map(|shape| match shape {
        Shape::Boolean => text.parse().ok().map(Item::Boolean),
        Shape::Count { .. } => text.trim().parse().ok().map(Item::Integer),
        _ => None,
    });
    Node { item: item.unwrap_or_else(|| node.item.clone()), ..node.clone() }
}

/// Where a secret is to be had. A command is not told: its arguments may hold a password.
fn origin(node: &Node) -> Option<String> {
    if let Item::List(elements) = &node.item {
        let origins: Vec<String> =
            elements.iter().map(|element| origin(element).unwrap_or_else(|| "here".to_owned())).collect();
        return Some(origins.join(", "));
    }
    let children = node.children()?;
    let text = |name: &str| match &children.get(name)?.item {
        Item::Text(text) => Some(text),
        _ => None,
    };
    None.or_else(|| Some(format!("file {}", text("file")?)))
        .or_else(|| Some(format!("environment variable {}", text("env")?)))
        .or_else(|| text("command").map(|_| "a command".to_owned()))
}

/// As it would stand in a file, in one line.
fn toml(node: &Node) -> String {
    match &node.item {
        Item::List(elements) => format!("[{}]", elements.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Item::Table(children) => {
            let pair = |(name, child)| format!("{} = {}", Json::from(str::to_owned(name)), toml(child));
            let pairs: Vec<String> = children.iter().map(|(name, child)| pair((name.as_str(), child))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Item::Date(date) => date.clone(),
        // A string of JSON is one of TOML, and a number a number.
        _ => json(node).to_string(),
    }
}

pub(super) fn json(node: &Node) -> Json {
    match &node.item {
        Item::Text(text) | Item::Date(text) => Json::from(text.as_str()),
        Item::Boolean(boolean) => Json::from(*boolean),
        Item::Integer(number) => i64::try_from(*number).map_or_else(|_| number.to_string().into(), Json::from),
        Item::Float(number) => Json::from(*number),
        Item::List(elements) => elements.iter().map(json).collect(),
        Item::Table(children) => children.iter().map(|(name, child)| (name.clone(), json(child))).collect(),
    }
}
