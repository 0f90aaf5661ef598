//! Programs that Debian packs, fetched and unpacked into the target directory: that needs `apt-get` and its network, but no
//! rights.

use super::installed;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One in `PATH`, else the package's.
pub fn program(package: &str, name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(own) = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()) {
        return Ok(own);
    }
    let directory = installed(package, |directory| {
        run("apt-get", &["download", package], directory)?;
        let files = std::fs::read_dir(directory).map_err(|error| error.to_string())?;
        let fetched = files.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.extension().is_some());
        let fetched = fetched.ok_or("apt-get fetched nothing")?;
        run("dpkg", &["-x", &fetched.display().to_string(), "whole"], directory)
    })?;
    let program = directory.join("whole/usr/bin").join(name);
    if program.is_file() { Ok(program) } else { Err(format!("the package `{package}` has no `{name}` in it")) }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<(), String> {
    let ran = Command::new(program).args(arguments).current_dir(folder).output();
    let ran = ran.map_err(|error| format!("no {program}: {error}"))?;
    let words = String::from_utf8_lossy(&ran.stderr);
    if ran.status.success() { Ok(()) } else { Err(format!("{program} {}: {}", arguments.join(" "), words.trim())) }
}
