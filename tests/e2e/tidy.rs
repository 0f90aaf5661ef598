//! The layers of `host/ARCHITECTURE.md`, held: each module imports what its row of the table allows, and every module
//! has a row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace").join("host")
}

/// Module to what it may import, with `words` spelt out.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(host().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let rows: Vec<Vec<String>> = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.matches('|').count() == 5)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect())
        .filter(|row: &Vec<String>| ["words", "organs", "mouths", "stories", "house"].contains(&row[0].as_str()))
        .collect();
    let words: BTreeSet<String> = rows.iter().filter(|row| row[0] == "words").map(|row| row[1].clone()).collect();
    let allowed = |cell: &str| {
        let mut modules: BTreeSet<String> =
            cell.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if modules.remove("words") {
            modules.extend(words.iter().cloned());
        }
        modules
    };
    rows.iter().map(|row| (row[1].clone(), allowed(&row[2]))).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("host/src can be read") {
        let path = entry.expect("host/src can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names after `crate::` in a line of code.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn every_module_imports_only_what_its_layer_allows() {
    let table = table();
    assert!(table.len() > 15, "the table of layers was not found");
    let root = host().join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut faults = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).expect("it was found there");
        let module = inside.components().next().expect("a file has a name").as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let Some(allowed) = table.get(&module) else {
            faults.push(format!("{}: `{module}` has no row in ARCHITECTURE.md", inside.display()));
            continue;
        };
        let text = fs::read_to_string(&file).expect("a source can be read");
        for (number, line) in text.lines().enumerate() {
            for import in imports(line).filter(|import| *import != module && !allowed.contains(*import)) {
                // `use crate::{a, b}` would hide names from this test.
                let import = if import.is_empty() { "{…}, one `use` a module please" } else { import };
                faults.push(format!("{}:{}: `{module}` may not import `{import}`", inside.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
