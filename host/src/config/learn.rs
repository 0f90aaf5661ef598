//! All keys there are and what they take, learned from the reader by having it read: nothing at all, as if all that it asks
//! for were there; the defaults with every key that they show; the same with each key left out in turn, and any two of one
//! section that have no default, since keys may keep it from looking at others; and with each word where there is a choice.

use super::problem::Problem;
use super::reader::Context;
use super::seen::{Asked, Purpose, Seen, Shape};
use super::source::Source;
use super::tree::{Item, Node};
use super::{DEFAULTS, documented, layers, sections};
use std::collections::BTreeMap;

pub(super) fn learn() -> Result<Seen, Problem> {
    let source = Source { embedded: Some(("default.toml", documented::with_all_keys())), ..Source::default() };
    let (whole, _) = layers::merge(&source)?;
    let nothing = Node { item: Item::Table(BTreeMap::new()), ..Node::nothing() };
    let mut seen = read(&source, &nothing, Purpose::Learn);
    seen.join(&read(&source, &whole, Purpose::Show));
    for path in paths(&whole) {
        seen.join(&read(&source, &changed(&whole, &path, None), Purpose::Show));
    }
    let defaults = Source { embedded: Some(("default.toml", DEFAULTS.to_owned())), ..Source::default() };
    let (defaults, _) = layers::merge(&defaults)?;
    let optional: Vec<Vec<&str>> =
        paths(&whole).into_iter().filter(|path| defaults.at(&path.join(".")).is_none()).collect();
    for (index, one) in optional.iter().enumerate() {
        let without = changed(&whole, one, None);
        for other in optional[..index].iter().filter(|other| other[..other.len() - 1] == one[..one.len() - 1]) {
            seen.join(&read(&source, &changed(&without, other, None), Purpose::Show));
        }
    }
    for (key, word) in choices(&seen) {
        let path: Vec<&str> = key.split('.').collect();
        seen.join(&read(&source, &changed(&whole, &path, Some(&word)), Purpose::Show));
    }
    // Where a secret is to be had from is the same for all.
    seen.forget_sources();
    Ok(seen)
}

fn read(source: &Source, tree: &Node, purpose: Purpose) -> Seen {
    let context = Context::new(source, tree, Vec::new(), purpose);
    // It is bound to find fault; what it asked for is what counts.
    let _ = sections::config(&context, tree, false);
    context.seen().clone()
}

fn paths(node: &Node) -> Vec<Vec<&str>> {
    let mut all = Vec::new();
    for (name, child) in node.children().into_iter().flatten() {
        let below = paths(child).into_iter().map(|path| [&[name.as_str()], path.as_slice()].concat());
        all.extend(below);
        all.push(vec![name.as_str()]);
    }
    all
}

fn choices(seen: &Seen) -> Vec<(String, Item)> {
    let words = |(key, asked): (&str, &Asked)| {
        let of = |shape: &Shape| match shape {
            Shape::Choice(words) => words.iter().map(|word| Item::Text((*word).to_owned())).collect(),
            Shape::Boolean => vec![Item::Boolean(true), Item::Boolean(false)],
            _ => Vec::new(),
        };
        let key = key.to_owned();
        asked.shapes.iter().flat_map(of).map(move |item| (key.clone(), item)).collect::<Vec<_>>()
    };
    seen.keys().flat_map(words).collect()
}

/// A tree with something else at a place, or nothing.
fn changed(tree: &Node, path: &[&str], to: Option<&Item>) -> Node {
    let mut tree = tree.clone();
    change(&mut tree, path, to);
    tree
}

fn change(node: &mut Node, path: &[&str], to: Option<&Item>) {
    let (Item::Table(children), [name, rest @ ..]) = (&mut node.item, path) else { return };
    match (rest, to) {
        ([], None) => drop(children.remove(*name)),
        ([], Some(item)) => {
            let child = children.entry((*name).to_owned()).or_insert_with(Node::nothing);
            child.item = item.clone();
        }
        _ => {
            if let Some(child) = children.get_mut(*name) {
                change(child, rest, to);
            }
        }
    }
}
