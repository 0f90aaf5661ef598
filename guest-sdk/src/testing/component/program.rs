//! The program `postern`, and what it is asked.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What the variable names, else what is on the path.
pub fn found() -> PathBuf {
    std::env::var_os("POSTERN").map_or_else(|| "postern".into(), PathBuf::from)
}

/// Builds the filter in a directory, and says where its component is.
pub fn build(program: &Path, directory: &Path) -> PathBuf {
    let output = output(program, &["filter".as_ref(), "build".as_ref(), directory.as_ref()], "");
    let said = String::from_utf8_lossy(&output.stdout);
    match said.lines().last() {
        Some(file) if output.status.success() => file.into(),
        _ => panic!(
            "failed to build the filter in `{}`: {}",
            directory.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Runs one case, and gives what came of it.
pub fn run(program: &Path, file: &Path, case: &Value) -> Value {
    let arguments = ["filter".as_ref(), "test".as_ref(), file.as_ref(), "-".as_ref(), "--json".as_ref()];
    let output = output(program, &arguments, &case.to_string());
    // It ends with 1 when the filter fails, which may well be what the test wants.
    let result = String::from_utf8_lossy(&output.stdout).lines().next().map(serde_json::from_str);
    match result {
        Some(Ok(result)) => result,
        _ => panic!(
            "`postern filter test` did not run `{}`: {}",
            file.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

fn output(program: &Path, arguments: &[&OsStr], input: &str) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!(
            "there is no `{}` to run components by\n\
             hint: build one with `cargo build -p postern` in postern's repository, and put it onto the PATH or name it: \
             `POSTERN=…/target/debug/postern cargo test`",
            program.display()
        ),
        _ => panic!("failed to run `{}`: {error}", program.display()),
    });
    if let Some(mut stdin) = child.stdin.take() {
        // It may have ended without reading it, and then says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().unwrap_or_else(|error| panic!("failed to read from `{}`: {error}", program.display()))
}
