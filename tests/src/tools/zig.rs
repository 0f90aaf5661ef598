//! The Zig compiler, which PyPI has as `ziglang`: one archive with all that it needs.

use super::{installed, path_with, wanting};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const VERSION: &str = "0.17.1";

/// A PATH with `zig` on it, before all others.
pub fn path() -> Option<String> {
    Some(path_with(&directory()?, true))
}

/// Where `zig` is.
pub(super) fn directory() -> Option<PathBuf> {
    let installed = installed("zig", |directory| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", "--target"]);
        pip.arg(directory).arg(format!("ziglang=={VERSION}")).stdin(Stdio::null());
        let output = pip.output().map_err(|error| format!("`python3` cannot be started: {error}"))?;
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("`pip install ziglang` failed: {words}")) }
    });
    match installed {
        Ok(directory) => Some(directory.join("ziglang")),
        Err(why) => {
            wanting(&format!("a test needs Zig: {why}"), "apt-get install python3-pip");
            None
        }
    }
}
