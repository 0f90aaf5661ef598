//! Zig, by its own compiler and nothing else: the SDK speaks to postern by itself, without a libc and so without WASI, and
//! the module is told its world here.

use crate::tools::{Tool, run, version};
use crate::{Error, Project, componentize, world};
use std::fs;
use std::path::{Path, PathBuf};

const ZIG: Tool<'static> = Tool {
    name: "zig",
    how: "python3 -m pip install ziglang   (any machine with Python)\n\
          or: python3 -m venv .venv && .venv/bin/pip install ziglang   (for this project alone)\n\
          or: https://ziglang.org/download, unpacked, and `zig` on PATH\n\
          or: brew install zig   (macOS)   or: pacman -S zig   (Arch)",
};

/// The SDK is written in the language as it is since this.
const OLDEST: (u32, u32) = (0, 16);

/// Builds the project to a component's bytes. `wit` has its world, `work` is for what is made on the way.
pub(crate) fn build(project: &Project, wit: &Path, work: &Path) -> Result<Vec<u8>, Error> {
    let source = absolute(&project.directory.join(&project.source));
    if !source.is_file() {
        let words = format!("there is no `{}`\nhint: write the filter there, or name its file: source = \"…\"", project.source.display());
        return Err(Error::Manifest { path: project.directory.join(crate::MANIFEST), words });
    }
    let own = absolute(&project.directory.join(".venv/bin/python"));
    let own = own.to_string_lossy();
    let programs: [&[&str]; 3] = [&[&own, "-m", "ziglang"], &["zig"], &["python3", "-m", "ziglang"]];
    let (mut command, words) = ZIG.find(&programs, "version")?;
    new_enough(&words)?;
    let module = absolute(work).join(format!("{}.wasm", project.name));
    let root = root(project, work)?;
    command.args(["build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSafe", "-fstrip", "-fno-entry", "-rdynamic"]);
    command.arg(format!("-femit-bin={}", module.display()));
    command.arg("--cache-dir").arg(absolute(work).join("cache"));
    command.args(["--dep", "filter", "--dep", "postern"]).arg(format!("-Mroot={}", root.display()));
    command.args(["--dep", "postern"]).arg(format!("-Mfilter={}", source.display()));
    let sdk = absolute(&project.directory).join("postern/postern.zig");
    command.arg(format!("-Mpostern={}", sdk.display()));
    run(command, &project.directory)?;
    let mut bytes = fs::read(&module).map_err(|source| Error::Io { doing: "read a module", path: module.clone(), source })?;
    world::embed(&mut bytes, wit)?;
    componentize(&bytes, &module)
}

fn new_enough(words: &str) -> Result<(), Error> {
    match version(words) {
        Some((major, minor, _)) if (major, minor) >= OLDEST => Ok(()),
        _ => Err(ZIG.missing(format!("this one is `{words}`, and it must be {}.{} at least", OLDEST.0, OLDEST.1))),
    }
}

/// Writes the program's root: it exports the handlers that the project names.
fn root(project: &Project, work: &Path) -> Result<PathBuf, Error> {
    let mut text = String::from("comptime {\n    @import(\"postern\").exports(@import(\"filter\"), .{\n");
    for handler in &project.handlers {
        text.push_str(&format!("        .{},\n", handler.name()));
    }
    text.push_str("    });\n}\n\npub const panic = @import(\"postern\").panic;\npub const std_options = @import(\"postern\").std_options;\n");
    let path = absolute(work).join("root.zig");
    fs::create_dir_all(work)
        .and_then(|()| fs::write(&path, text))
        .map_err(|source| Error::Io { doing: "write a filter's root", path: path.clone(), source })?;
    Ok(path)
}

/// The compiler runs in the project's directory; paths are the caller's.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zig_too_old_is_named_with_its_version_and_how_to_get_one() {
        assert!(new_enough("0.17.1").is_ok());
        let error = new_enough("0.11.0").expect_err("it is too old").to_string();
        assert!(error.contains("`0.11.0`") && error.contains("0.16") && error.contains("pip install ziglang"), "{error}");
    }
}
