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

/// A real body of one text message with an id of its own, from this user: one item, so one event.
pub fn message(id: &str, user: &str, text: &str) -> Bytes {
    let body = String::from_utf8(body("whatsapp/text_simple.json").to_vec()).expect("it is UTF-8");
    let mut value: Value = serde_json::from_str(&body).expect("it is JSON");
    let contents = &mut value["entry"][0]["changes"][0]["value"];
    contents["contacts"][0]["wa_id"] = user.into();
    let message = &mut contents["messages"][0];
    (message["id"], message["from"], message["text"]["body"]) = (id.into(), user.into(), text.into());
    value.to_string().into()
}

/// A real body of so many text messages in one change, with these ids.
pub fn batch(ids: &[String]) -> Bytes {
    let mut value: Value = serde_json::from_slice(&message("", "15550100142", "one of many")).expect("it is JSON");
    let messages = &mut value["entry"][0]["changes"][0]["value"]["messages"];
    let one = messages[0].take();
    let named = |id: &String| {
        let mut message = one.clone();
        message["id"] = id.as_str().into();
        message
    };
    *messages = ids.iter().map(named).collect();
    value.to_string().into()
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
