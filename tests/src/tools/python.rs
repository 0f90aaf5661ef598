//! componentize-py, which PyPI has with CPython for WebAssembly in it.

use super::{installed, path_with, wanting};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "0.25.1";

/// Starts it from wherever the directory is by then: what pip makes of it has its place written in.
const START: &str = "#!/bin/sh\n\
    PYTHONPATH=\"$(dirname \"$0\")/..\" exec python3 -c \
    'import sys; from componentize_py import script; sys.exit(script())' \"$@\"\n";

/// A PATH with `componentize-py` on it, before all others.
pub fn path() -> Option<String> {
    match installed("python", install) {
        Ok(directory) => Some(path_with(&directory.join("bin"), true)),
        Err(why) => {
            wanting(&format!("a test needs componentize-py: {why}"), "apt-get install python3-pip, or python3-venv");
            None
        }
    }
}

fn install(directory: &Path) -> Result<(), String> {
    pip(directory, &format!("componentize-py=={VERSION}"))?;
    let program = directory.join("bin/componentize-py");
    std::fs::write(&program, START).map_err(|error| format!("{}: {error}", program.display()))?;
    ran(Command::new("chmod").arg("+x").arg(&program))
}

/// Puts a package of PyPI, and all that it needs, into a directory.
pub(super) fn pip(directory: &Path, package: &str) -> Result<(), String> {
    let pip = |python: &Path| {
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target"]);
        ran(pip.arg(directory).arg(package))
    };
    pip(Path::new("python3")).or_else(|first| {
        // Python without pip may have what brings one.
        let venv = directory.join("venv");
        ran(Command::new("python3").args(["-m", "venv"]).arg(&venv)).map_err(|second| format!("{first}; {second}"))?;
        pip(&venv.join("bin/python3"))
    })
}

fn ran(command: &mut Command) -> Result<(), String> {
    let program = PathBuf::from(command.get_program());
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("`{}` cannot be started: {error}", program.display()))?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("`{}` failed: {words}", program.display())) }
}
