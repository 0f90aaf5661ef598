//! Gathers what `filter new` writes into a project, the SDKs and the templates, into one list that is compiled in.

#[path = "src/gather.rs"]
mod gather;

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs, io};

/// Below `guest-sdk`: Rust's, then the other languages'.
const GATHERED: [&str; 21] = [
    "Cargo.toml",
    "README.md",
    "src",
    "template",
    "wit/v0.1",
    "c/README.md",
    "c/sdk",
    "c/template",
    "go/README.md",
    "go/sdk",
    "go/template",
    "javascript/README.md",
    "javascript/sdk",
    "javascript/template",
    "javascript/template-typescript",
    "python/README.md",
    "python/sdk",
    "python/template",
    "zig/README.md",
    "zig/sdk",
    "zig/template",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/gather.rs");
    if env::var_os("CARGO_FEATURE_LANGUAGES").is_none() {
        return Ok(());
    }
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = own.parent().unwrap_or(&own);
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for name in GATHERED {
        gather::gather(&root.join(name), &mut files, &mut directories)?;
    }
    // What the SDK in Rust has of our workspace.
    files.push(root.join("../Cargo.toml"));
    files.sort();
    let mut list = String::from("[\n");
    for path in directories.iter().chain(&files) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let _ = writeln!(list, "    ({name:?}, include_bytes!({:?})),", file.display().to_string());
    }
    list.push_str("]\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("embedded.rs"), list)
}
