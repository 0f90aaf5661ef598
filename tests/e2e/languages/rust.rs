//! Rust, as its users meet it.

use super::{Language, a_new_filter_is_built_tried_run_and_changed};
use crate::home;
use postern_tests::{Config, guests};
use std::path::Path;
use std::process::Command;

const RUST: Language = Language {
    name: "rust",
    source: "src/lib.rs",
    change: &[("Ok(Verdict::Pass)", "Ok(Verdict::rewrite(\"changed\"))")],
};

/// `cargo test` in the new project, whose dependencies are those of this workspace: on this machine already.
fn its_own_tests_pass(project: &Path) -> bool {
    let mut cargo = Command::new("cargo");
    cargo.arg("test").current_dir(project).env("CARGO_TARGET_DIR", guests::target().join("new-rust"));
    let output = cargo.output().expect("cargo runs these tests");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo test`: {}{words}", String::from_utf8_lossy(&output.stdout));
    true
}

#[tokio::test]
async fn a_new_filter_in_rust_is_built_tried_run_and_changed_while_it_runs() {
    a_new_filter_is_built_tried_run_and_changed(&home(&Config::basic()), &RUST, its_own_tests_pass).await;
}
