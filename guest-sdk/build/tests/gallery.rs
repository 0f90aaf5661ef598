//! The gallery's filters, built as an operator builds one: each asks of postern what it uses, and offers what it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use wit_component::DecodedWasm;

/// Of each filter: the handlers it exports, and what it imports beside what every filter does.
const FILTERS: [(&str, &[&str], &[&str]); 8] = [
    ("filters/by-label", &["audience-handler"], &[]),
    ("filters/chat", &["client-handler"], &["clients", "outbox"]),
    ("filters/drop-statuses", &["message-handler"], &[]),
    ("filters/redact", &["message-handler"], &[]),
    ("filters/route-by-number", &["message-handler"], &[]),
    ("filters/status-page", &["http-handler"], &["clients"]),
    ("filters/token", &["admission-handler"], &[]),
    (
        "tests/filters/script",
        &[
            "admission-handler",
            "audience-handler",
            "client-handler",
            "event-handler",
            "http-handler",
            "message-handler",
        ],
        &["clients", "kv", "metrics", "outbox", "signing"],
    ),
];

/// The log tells of panics, and all of these have a configuration, if only to refuse what is put there.
const ALWAYS: [&str; 3] = ["config", "log", "types"];

/// Far more than any of them weighs: each message is met by a fresh instance of it.
const LARGEST: usize = 256 << 10;

#[test]
fn a_filter_imports_what_it_uses_and_exports_what_it_names_and_is_small() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = FILTERS.map(|(folder, ..)| repository.join(folder));
    let components = postern_guest_build::build_many(&folders.each_ref().map(PathBuf::as_path), &target())
        .unwrap_or_else(|error| panic!("{error}"));
    for ((folder, handlers, uses), path) in FILTERS.iter().zip(components) {
        let component = fs::read(&path).expect("it was built");
        let (imports, exports) = interfaces(&component);
        assert_eq!(exports, names(handlers, &["setup"]), "{folder} exports");
        assert_eq!(imports, names(uses, &ALWAYS), "{folder} imports");
        assert!(component.len() < LARGEST, "{folder} is of {} bytes", component.len());
    }
}

/// The names of what a component imports and exports.
fn interfaces(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let decoded = wit_component::decode(component).expect("it is a component");
    let DecodedWasm::Component(resolve, world) = decoded else { panic!("it is a WIT package") };
    let world = &resolve.worlds[world];
    let names = |keys: Vec<_>| keys.into_iter().map(|key| resolve.name_world_key(key)).collect();
    (names(world.imports.keys().collect()), names(world.exports.keys().collect()))
}

fn names(some: &[&str], more: &[&str]) -> BTreeSet<String> {
    some.iter().chain(more).map(|name| format!("postern:filter/{name}@0.1.0")).collect()
}

/// `target/guests`, where postern's own build has built most of them: this runs as target/PROFILE/deps/gallery-HASH.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the system knows what it runs");
    program.ancestors().nth(3).expect("cargo runs tests from its target directory").join("guests")
}
