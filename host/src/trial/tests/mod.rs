//! Case files read, run against filters written in WAT, held against what was expected, and written.

mod files;
mod reading;
mod running;

use super::*;
use serde_json::{Value, json};
use std::path::Path;

fn component(name: &str) -> Component {
    let path = format!("{}/../tests/filters/{name}.wat", env!("CARGO_MANIFEST_DIR"));
    let bytes = wat::parse_file(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Component::new(None, format!("there/{name}.wasm"), bytes)
}

fn read(text: &str) -> Result<Vec<Case>, String> {
    let component = component("pass");
    let origin = Origin { name: "cases.toml", directory: Path::new("."), component: &component };
    cases(text, &origin, &World::usual()).map_err(|wrong| wrong.0)
}

/// What differs in each case, by its name.
fn tried(filter: &str, text: &str) -> Vec<(String, Vec<Difference>)> {
    let (component, cache) = (component(filter), tempfile::tempdir().expect("a temporary directory"));
    let origin = Origin { name: "cases.toml", directory: Path::new("."), component: &component };
    let cases = cases(text, &origin, &World::usual()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut stage = Stage::new(component.clone(), cache.path()).expect("there is an engine");
    let run = |case: &Case| {
        let happened = stage.run(case).unwrap_or_else(|error| panic!("{}", crate::error::Chain(&error)));
        (case.name.clone(), differences(&case.expect, &told(&happened)))
    };
    cases.iter().map(run).collect()
}

fn assert_right(filter: &str, text: &str) {
    for (name, differences) in tried(filter, text) {
        assert!(differences.is_empty(), "{name}: {differences:?}");
    }
}
