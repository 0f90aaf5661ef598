//! Builds the gallery's filters and puts them into the binary, so that `postern run --dev` and `file = "builtin:NAME"`
//! need nothing beside it. How a machine comes to have the compiler for it is `postern-guest-build`'s affair.

use std::path::{Path, PathBuf};

const FILTERS: [&str; 8] =
    ["business-hours", "by-label", "chat", "drop-statuses", "redact", "route-by-number", "status-page", "token"];

fn main() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace").to_owned();
    for input in ["filters", "guest-sdk/src", "guest-sdk/build", "guest-sdk/Cargo.toml", "wit"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    println!("cargo::rerun-if-env-changed=POSTERN_GUEST_RUSTC");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let directories: Vec<PathBuf> = FILTERS.iter().map(|name| workspace.join("filters").join(name)).collect();
    let directories: Vec<&Path> = directories.iter().map(PathBuf::as_path).collect();
    let components = match postern_guest_build::build_many(&directories, &target_directory(&out)) {
        Ok(components) => components,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            println!("cargo::error={}", text.replace('\n', "\\n"));
            eprintln!("{text}");
            std::process::exit(1);
        }
    };
    let entries: String = FILTERS
        .iter()
        .zip(&components)
        .map(|(name, path)| format!("    ({name:?}, include_bytes!({path:?})),\n"))
        .collect();
    let code = format!("[\n{entries}]\n");
    std::fs::write(out.join("builtin.rs"), code).expect("OUT_DIR can be written");
}

/// `target/guests`, so that the tests' build of the same filters finds them built.
fn target_directory(out: &Path) -> PathBuf {
    // OUT_DIR is target/PROFILE/build/postern-HASH/out.
    out.ancestors().nth(4).unwrap_or(out).join("guests")
}
