//! Filters as the gateway gets them: the gallery, built from Rust to components, and the hostile ones, compiled from text.
//! Each is made once a test run, when a test first asks for it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A filter of `../filters`, or `script`, which does what it is told to. The first call builds them all, with one cargo; it fails the test with the remedies when no
/// toolchain for WebAssembly can be found.
pub fn gallery(name: &str) -> PathBuf {
    const NAMES: [&str; 9] = [
        "business-hours",
        "by-label",
        "chat",
        "drop-statuses",
        "redact",
        "route-by-number",
        "script",
        "status-page",
        "token",
    ];
    let index = NAMES.iter().position(|known| *known == name).expect("a filter of the gallery, or `script`");
    made("gallery", || {
        let folder = |name: &str| if name == "script" { "tests/filters" } else { "filters" };
        let sources = NAMES.map(|name| repository().join(folder(name)).join(name));
        let sources = sources.each_ref().map(PathBuf::as_path);
        postern_guest_build::build_many(&sources, &target().join("guests"))
            .unwrap_or_else(|error| panic!("{}", with_causes(&error)))
    })
    .swap_remove(index)
}

/// The reference filter in Rust, which the behaviour suite asks.
pub fn reference() -> PathBuf {
    made("reference", || {
        let source = repository().join("guest-sdk/reference");
        vec![
            postern_guest_build::build(&source, &target().join("guests"))
                .unwrap_or_else(|error| panic!("{}", with_causes(&error))),
        ]
    })
    .swap_remove(0)
}

/// A filter of `filters/*.wat`, compiled.
pub fn wat(name: &str) -> PathBuf {
    made(name, || {
        let source = repository().join("tests/filters").join(format!("{name}.wat"));
        let wasm = wat::parse_file(&source).unwrap_or_else(|error| panic!("{error}"));
        let folder = target().join("hostile");
        std::fs::create_dir_all(&folder).expect("the target directory is writable");
        // Another run of the tests may be reading the file just now: written beside it, then moved.
        let file = folder.join(format!("{name}.wasm"));
        let beside = folder.join(format!("{name}.{}", std::process::id()));
        std::fs::write(&beside, wasm).and_then(|()| std::fs::rename(&beside, &file)).expect("it is writable");
        vec![file]
    })
    .swap_remove(0)
}

fn with_causes(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", with_causes(cause)))
}

fn made(name: &str, make: impl FnOnce() -> Vec<PathBuf>) -> Vec<PathBuf> {
    static MADE: Mutex<BTreeMap<String, Vec<PathBuf>>> = Mutex::new(BTreeMap::new());
    // Held while making: a second test that wants the same waits for it. One that cannot be made fails each test that
    // asks for it, not only the first.
    let mut all = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(name.to_owned()).or_insert_with(make).clone()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the repository")
}

/// Where cargo puts things, wherever the tester told it to: this runs as target/PROFILE/deps/e2e-HASH.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().expect("the system knows what it runs");
    program.ancestors().nth(3).expect("cargo runs tests from its target directory").to_owned()
}
