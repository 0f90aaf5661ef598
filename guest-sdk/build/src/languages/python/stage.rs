//! The filter's files, copied: all of the project but what tools keep in it.

use crate::Error;
use std::fs;
use std::path::Path;

/// What is not the filter's, wherever it is. What begins with a dot is not either.
const NOT_ITS_OWN: [&str; 5] = ["target", "venv", "node_modules", "__pycache__", "cases"];

/// A filter is small. What is larger than this, or deeper, was not meant to be in its directory.
const MOST: u64 = 64 << 20;
const DEEPEST: usize = 16;

/// Copies the project at `from` to `to`, where nothing but it is then.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(to)(error)),
        _ => {}
    }
    let mut left = MOST;
    // Links are followed: the SDK may be one.
    level(from, to, 0, &mut left)
}

fn level(from: &Path, to: &Path, depth: usize, left: &mut u64) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(failed(to))?;
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let name = entry.map_err(failed(from))?.file_name();
        let words = name.to_string_lossy();
        if words.starts_with('.') || NOT_ITS_OWN.contains(&&*words) {
            continue;
        }
        let (source, target) = (from.join(&name), to.join(&name));
        let about = fs::metadata(&source).map_err(failed(&source))?;
        if about.is_dir() && depth < DEEPEST {
            level(&source, &target, depth + 1, left)?;
        } else if about.is_file() {
            *left = left.checked_sub(about.len()).ok_or_else(|| Error::Manifest {
                path: source.clone(),
                words: "the project is larger than the 64 MiB it may have\nhint: keep what is not the filter's elsewhere, \
                        or in a directory whose name begins with a dot"
                    .to_owned(),
            })?;
            fs::copy(&source, &target).map_err(failed(&source))?;
        }
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing: "copy a filter's files", path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_copied_without_what_tools_keep_beside_it_and_without_what_was_there_before() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        let files = ["filter.py", "rules/night.py", "rules/__pycache__/night.pyc", ".venv/x.py", "target/x.wasm"];
        for file in files {
            let path = from.join(file);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it is writable");
            fs::write(path, file).expect("it is writable");
        }
        fs::create_dir_all(to.join("old")).expect("it is writable");
        copy(&from, &to).expect("it is copied");
        assert!(to.join("filter.py").is_file() && to.join("rules/night.py").is_file());
        for gone in ["old", ".venv", "target", "rules/__pycache__"] {
            assert!(!to.join(gone).exists(), "{gone}");
        }
    }
}
