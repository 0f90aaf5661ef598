//! What is true of every split, checked against an oracle that reads with `serde_json`; the files below apply it.

mod fixtures;
mod grammar;
mod large;
mod oracle;
mod properties;
mod shapes;

use super::read;
use super::scan::Refusal;
use super::*;
use crate::message::Fingerprint;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const WEBHOOK: &str = "whatsapp";

/// The name and body of each fixture in this folder.
fn folder(name: &str) -> Vec<(String, Vec<u8>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    let files = fs::read_dir(path).expect("the fixtures are there").flatten();
    let mut bodies = files
        .map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            (name, fs::read(file.path()).expect("a fixture can be read"))
        })
        .collect::<Vec<_>>();
    bodies.sort();
    assert!(bodies.len() >= 10, "{name}");
    bodies
}

fn all_fixtures() -> Vec<(String, Vec<u8>)> {
    ["whatsapp", "meta-other", "bad"].into_iter().flat_map(folder).collect()
}

fn fixture(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(path);
    fs::read(path).expect("the fixture is there")
}

fn is_json(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok() && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// The bodies of a split's items.
fn parts(body: &[u8], split: &Split) -> Vec<Bytes> {
    let piece = |(from, to): &(u32, u32)| &body[*from as usize..*to as usize];
    let part = |item: &Item| match &item.pieces[..] {
        [] => Bytes::copy_from_slice(body),
        pieces => pieces.iter().map(piece).collect::<Vec<_>>().concat().into(),
    };
    split.items.iter().map(part).collect()
}

/// Splits, and holds the split against all that is promised of every split.
fn checked(body: &[u8]) -> Split {
    let split = split(WEBHOOK, body, true);
    let refusal = read::read(body).err();
    assert_eq!(split.unparsed, refusal.is_some());
    assert_eq!(refusal == Some(Refusal::Malformed), !is_json(body), "{refusal:?}");
    let whole = super::split(WEBHOOK, body, false);
    assert_eq!((whole.items.len(), whole.unparsed), (1, split.unparsed));
    assert!(whole.items[0].pieces.is_empty());
    match split.items.as_slice() {
        [] => panic!("there is always an item"),
        [only] => assert_eq!((only, only.pieces.len()), (&whole.items[0], 0)),
        _ => assert!(!split.unparsed),
    }
    if let Ok(text) = std::str::from_utf8(body)
        && refusal.is_none()
    {
        check_parts(text, &split);
    }
    split
}

/// Each part is the delivery without the others, has one item, and that is the same item again.
fn check_parts(body: &str, split: &Split) {
    let paths = oracle::paths(body);
    assert_eq!(split.items.len(), paths.len().max(1));
    if paths.len() < 2 {
        return;
    }
    let value = serde_json::from_str::<Value>(body).ok();
    for ((item, part), path) in split.items.iter().zip(parts(body.as_bytes(), split)).zip(&paths) {
        let part = std::str::from_utf8(&part).expect("a part is UTF-8");
        assert!(item.pieces.iter().all(|(from, to)| from < to));
        assert!(item.pieces.is_sorted_by(|(_, end), (begin, _)| end < begin));
        assert_eq!(oracle::paths(part).iter().map(|path| path.raw).collect::<Vec<_>>(), [path.raw]);
        assert_eq!(item.kind, path.kind);
        if let Some(value) = &value {
            let expected = oracle::only(value.clone(), path);
            assert_eq!(serde_json::from_str::<Value>(part).ok(), Some(expected));
        }
        let again = super::split(WEBHOOK, part.as_bytes(), true);
        assert_eq!(again, Split { items: vec![Item { pieces: Vec::new(), ..item.clone() }], unparsed: false });
    }
}
