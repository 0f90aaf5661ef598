//! Which files of an SDK or a template are source, and so go into a new project. Used by the build script.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// What the languages' tools leave beside the source.
const LEFT_OUT: [&str; 7] = ["__pycache__", "dist", "node_modules", "target", "venv", "zig-cache", "zig-out"];
const KINDS_LEFT_OUT: [&str; 6] = ["a", "o", "pyc", "so", "tgz", "wasm"];
/// Of the names that begin with a dot.
const KEPT: [&str; 2] = [".gitignore", ".npmrc"];

/// Adds all source files of a directory to `found`, or the file itself; and every directory, which changes when a file
/// is added. Links are not followed; what is not there is no files.
pub fn gather(path: &Path, found: &mut Vec<PathBuf>, directories: &mut Vec<PathBuf>) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.starts_with('.') && !KEPT.contains(&&*name);
    let kind = path.extension().unwrap_or_default().to_string_lossy();
    if hidden || LEFT_OUT.contains(&&*name) || KINDS_LEFT_OUT.contains(&&*kind) {
        return Ok(());
    }
    let Ok(about) = fs::symlink_metadata(path) else { return Ok(()) };
    if about.is_file() {
        found.push(path.to_owned());
    } else if about.is_dir() {
        directories.push(path.to_owned());
        for entry in fs::read_dir(path)? {
            gather(&entry?.path(), found, directories)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_leave_behind_is_never_part_of_a_new_project() {
        let directory = tempfile::tempdir().expect("a directory");
        let source = ["filter.py", ".gitignore", "cases/filter.toml", "postern/verdict.py"];
        let left = [
            "node_modules/left-pad/index.js",
            "__pycache__/filter.pyc",
            "postern/__pycache__/x.py",
            "target/postern/components/x.toml",
            ".venv/pyvenv.cfg",
            ".zig-cache/h/timestamp",
            "zig-out/bin/filter",
            "filter.wasm",
            "filter.o",
            ".DS_Store",
        ];
        for file in source.iter().chain(&left) {
            let file = directory.path().join(file);
            fs::create_dir_all(file.parent().expect("it is in the directory")).expect("a directory");
            fs::write(file, "").expect("a file");
        }
        let (mut found, mut directories) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(directory.path()).expect("it is there") {
            gather(&entry.expect("readable").path(), &mut found, &mut directories).expect("readable");
        }
        let mut expected = source.map(|file| directory.path().join(file));
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}
