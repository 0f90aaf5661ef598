//! The bodies and cases under `fixtures/`, read from the source tree.

use bytes::Bytes;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A body and the file it came from.
pub struct Fixture {
    pub name: String,
    pub body: Bytes,
}

/// Every body that Meta could have sent.
pub fn good() -> Vec<Fixture> {
    let mut all = folder("whatsapp");
    all.extend(folder("meta-other"));
    assert!(all.len() > 100, "the fixtures are there");
    all
}

/// Every body that is not JSON, not UTF-8, hostile, or of an unexpected shape.
pub fn bad() -> Vec<Fixture> {
    folder("bad")
}

pub fn body(file: &str) -> Bytes {
    read(&directory().join(file))
}

/// The `cases` of a JSON file of cases.
pub fn cases(file: &str) -> Vec<Value> {
    let mut cases: Value = serde_json::from_slice(&body(file)).expect("the cases are JSON");
    let Value::Array(cases) = cases["cases"].take() else { panic!("{file} has no array `cases`") };
    cases
}

fn folder(name: &str) -> Vec<Fixture> {
    let folder = directory().join(name);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("the folder is readable").path()).collect();
    paths.sort();
    let fixture = |path: PathBuf| {
        let file = path.file_name().expect("a listed file has a name").to_string_lossy().into_owned();
        Fixture { name: format!("{name}/{file}"), body: read(&path) }
    };
    paths.into_iter().map(fixture).collect()
}

fn read(path: &Path) -> Bytes {
    std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display())).into()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
