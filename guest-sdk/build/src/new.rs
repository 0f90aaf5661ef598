//! `filter new`: a project in any language, with its SDK beside it, so that it builds offline and for ever.
//!
//! SDKs and templates are compiled in. A template's files go into the project as they are, but that `my-filter` becomes
//! the project's name; the language's SDK goes into its directory `postern`.

mod manifest;

use crate::{Error, Language};
use std::fs;
use std::path::{Path, PathBuf};

/// All that is compiled in, by its path below `guest-sdk`. The build script gathers it.
static EMBEDDED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What a project is called in a template.
const NAME: &str = "my-filter";

/// Where a project has its SDK.
const SDK: &str = "postern";

/// A project that has been written.
#[derive(Debug)]
pub struct Begun {
    pub name: String,
    /// Each file, relative to the directory.
    pub files: Vec<PathBuf>,
    /// What to type next, each a command, in the directory's parent.
    pub next: Vec<String>,
}

/// Writes a new project into `directory`, which must be empty or not there.
pub fn new(language: Language, directory: &Path) -> Result<Begun, Error> {
    let name = name_of(directory)?;
    vacant(directory)?;
    let files = files(language, &name);
    if !files.iter().any(|(path, _)| !path.starts_with(SDK)) {
        let words = format!("this postern was built without a template for {language}");
        return Err(Error::New { directory: directory.to_owned(), words });
    }
    for (path, bytes) in &files {
        let path = directory.join(path);
        let failed = |source| Error::Io { doing: "write a new filter", path: path.clone(), source };
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        fs::write(&path, bytes).map_err(failed)?;
    }
    let next = next(directory, &name, &files);
    Ok(Begun { name, files: files.into_iter().map(|(path, _)| path).collect(), next })
}

/// A project's name is its directory's.
fn name_of(directory: &Path) -> Result<String, Error> {
    let whole = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if begins && name.len() <= 64 && name.bytes().all(fits) {
        return Ok(name);
    }
    let words = format!(
        "{name:?} cannot be the name of a filter\n\
         hint: give it a directory of up to 64 lower-case letters, digits, `-` and `_` that begins with a letter"
    );
    Err(Error::New { directory: directory.to_owned(), words })
}

/// Whether there is room: nothing of anybody's is written over.
fn vacant(directory: &Path) -> Result<(), Error> {
    let occupied = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some().then_some("it is not empty"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Some("it is a file"),
        Err(source) => return Err(Error::Io { doing: "look into a directory", path: directory.to_owned(), source }),
    };
    let refused = |why| Error::New {
        directory: directory.to_owned(),
        words: format!("{why}\nhint: name a directory that is not there yet"),
    };
    occupied.map_or(Ok(()), |why| Err(refused(why)))
}

/// A project's files, relative to its directory.
fn files(language: Language, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let (template, sdk, readme) = match language {
        Language::C => ("c/template/", "c/sdk/", "c/README.md"),
        Language::Go => ("go/template/", "go/sdk/", "go/README.md"),
        Language::JavaScript => ("javascript/template/", "javascript/sdk/", "javascript/README.md"),
        Language::TypeScript => ("javascript/template-typescript/", "javascript/sdk/", "javascript/README.md"),
        Language::Python => ("python/template/", "python/sdk/", "python/README.md"),
        Language::Rust => ("template/", "", "README.md"),
        Language::Zig => ("zig/template/", "zig/sdk/", "zig/README.md"),
    };
    let below = |directory: &'static str| {
        EMBEDDED.iter().filter_map(move |(path, bytes)| Some((path.strip_prefix(directory)?, *bytes)))
    };
    let mut files: Vec<_> = below(template).map(|(path, bytes)| (PathBuf::from(path), named(bytes, name))).collect();
    if language == Language::Rust {
        for (path, bytes) in EMBEDDED.iter().filter(|(path, _)| path.starts_with("src/") || path.starts_with("wit/")) {
            files.push((Path::new(SDK).join(path), bytes.to_vec()));
        }
        files.push((Path::new(SDK).join("Cargo.toml"), manifest::alone(text("Cargo.toml"), text("../Cargo.toml")).into()));
    } else if !files.is_empty() {
        files.extend(below(sdk).map(|(path, bytes)| (Path::new(SDK).join(path), bytes.to_vec())));
    }
    // The language's page, unless its SDK has one of its own.
    let page = Path::new(SDK).join("README.md");
    if !files.iter().any(|(path, _)| *path == page) {
        files.push((page, text(readme).into()));
    }
    files
}

/// A template's file, with the project's name in it.
fn named(bytes: &[u8], name: &str) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.replace(NAME, name).into(),
        Err(_) => bytes.to_vec(),
    }
}

/// An embedded file that is text.
fn text(path: &str) -> &'static str {
    let bytes = EMBEDDED.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The commands that follow: what the language's package manager wants first, then to build and to try.
fn next(directory: &Path, name: &str, files: &[(PathBuf, Vec<u8>)]) -> Vec<String> {
    let has = |file: &str| files.iter().any(|(path, _)| path == Path::new(file));
    let mut next = vec![format!("cd {}", directory.display())];
    if has("package.json") {
        next.push("npm install".to_owned());
    }
    if has("requirements.txt") {
        next.push("python3 -m venv .venv && .venv/bin/pip install -r requirements.txt".to_owned());
    }
    next.push("postern filter build".to_owned());
    // What cargo calls a library's file.
    let name = if has("Cargo.toml") { name.replace('-', "_") } else { name.to_owned() };
    next.push(format!("postern filter test target/postern/components/{name}.wasm cases"));
    next
}

#[cfg(test)]
mod tests;
