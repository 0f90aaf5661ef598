//! Other people's programs that tests need, as their users get them: the tools of the languages that filters are written
//! in, a registry, a certificate authority, what looks at pages.
//!
//! Where a language's own first tools are missing, or no registry answers, its tests say so aloud and end, unless
//! `LANGUAGE_TESTS=required`, as CI sets it.

pub mod axe;
pub mod c;
pub mod collector;
mod debian;
pub mod go;
pub mod javascript;
pub mod pebble;
pub mod prometheus;
pub mod python;
pub mod registry;
pub mod schema;
pub mod zig;

use crate::guests::target;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A test does not run, for want of this.
fn wanting(what: &str, hint: &str) {
    let required = std::env::var("LANGUAGE_TESTS").is_ok_and(|value| value == "required");
    assert!(!required, "{what}, and LANGUAGE_TESTS=required\nhint: {hint}");
    crate::report(format_args!("NOT RUN: {what}; hint: {hint}"));
}

/// A directory below `target/tools` that `install` fills, once for all runs of the tests; or why it cannot. One that is
/// there is complete.
fn installed(name: &str, install: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let tools = target().join("tools");
    let words = |error: std::io::Error| format!("{}: {error}", tools.display());
    fs::create_dir_all(&tools).map_err(words)?;
    // Other tests, and other runs of them, wait; it goes with the file.
    let lock = File::create(tools.join(format!("{name}.lock"))).map_err(words)?;
    lock.lock().map_err(words)?;
    let directory = tools.join(name);
    if !directory.is_dir() {
        let draft = tools.join(format!("{name}.draft"));
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(words)?;
        }
        fs::create_dir_all(&draft).map_err(words)?;
        install(&draft)?;
        fs::rename(&draft, &directory).map_err(words)?;
    }
    Ok(directory)
}

/// This PATH with a directory before, or behind, all others.
fn path_with(directory: &Path, first: bool) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let directory = directory.display();
    if first { format!("{directory}:{path}") } else { format!("{path}:{directory}") }
}
