//! A filter's project: a Rust crate, or a directory with a `filter.toml` that says what is in it.
//!
//! ```toml
//! language = "python"       # c, go, javascript, python, typescript, zig
//! handlers = ["message"]    # what it exports: setup, message, admission, client, event, audience, http
//! name = "keyword-tag"      # else the directory's
//! source = "filter.py"      # else the language's usual
//! ```

use crate::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use toml_edit::{ImDocument, Item};

/// The file that says what is in a directory, in languages that have none of their own that could.
pub const MANIFEST: &str = "filter.toml";

/// A project in any language but Rust, as its `filter.toml` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub directory: PathBuf,
    /// What its component is called: `NAME.wasm`.
    pub name: String,
    pub language: Language,
    /// What it exports, each once.
    pub handlers: Vec<Handler>,
    /// Relative to `directory`.
    pub source: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    C,
    Go,
    JavaScript,
    Python,
    Rust,
    TypeScript,
    Zig,
}

/// An interface of `postern:filter` that a filter exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handler {
    Setup,
    Message,
    Admission,
    Client,
    Event,
    Audience,
    Http,
}

impl Language {
    pub const ALL: [Self; 7] =
        [Self::C, Self::Go, Self::JavaScript, Self::Python, Self::Rust, Self::TypeScript, Self::Zig];

    /// By its name or what its files end in.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "c" => Self::C,
            "go" => Self::Go,
            "javascript" | "js" => Self::JavaScript,
            "python" | "py" => Self::Python,
            "rust" | "rs" => Self::Rust,
            "typescript" | "ts" => Self::TypeScript,
            "zig" => Self::Zig,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Go => "go",
            Self::JavaScript => "javascript",
            Self::Python => "python",
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::Zig => "zig",
        }
    }

    /// Where a filter's code is, unless it is said otherwise.
    fn source(self) -> &'static str {
        match self {
            Self::C => "filter.c",
            Self::Go => ".",
            Self::JavaScript => "filter.js",
            Self::Python => "filter.py",
            Self::Rust => "src/lib.rs",
            Self::TypeScript => "filter.ts",
            Self::Zig => "filter.zig",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Handler {
    pub const ALL: [Self; 7] =
        [Self::Setup, Self::Message, Self::Admission, Self::Client, Self::Event, Self::Audience, Self::Http];

    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Message => "message",
            Self::Admission => "admission",
            Self::Client => "client",
            Self::Event => "event",
            Self::Audience => "audience",
            Self::Http => "http",
        }
    }

    /// Its interface in the WIT package.
    pub fn interface(self) -> String {
        match self {
            Self::Setup => "setup".to_owned(),
            handler => format!("{}-handler", handler.name()),
        }
    }
}

impl Project {
    /// Reads a directory's `filter.toml`. `None`: it has none.
    pub fn read(directory: &Path) -> Result<Option<Self>, Error> {
        let manifest = directory.join(MANIFEST);
        let text = match std::fs::read_to_string(&manifest) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { doing: "read a filter's manifest", path: manifest, source }),
        };
        Self::parse(directory, &text).map(Some).map_err(|words| Error::Manifest { path: manifest, words })
    }

    fn parse(directory: &Path, text: &str) -> Result<Self, String> {
        let document: ImDocument<&str> = ImDocument::parse(text).map_err(|error| error.to_string())?;
        const KEYS: [&str; 4] = ["language", "handlers", "name", "source"];
        if let Some((unknown, _)) = document.iter().find(|(key, _)| !KEYS.contains(key)) {
            return Err(format!("unknown key `{unknown}`\nhint: there are `{}`", KEYS.join("`, `")));
        }
        let string = |key: &str| match document.get(key) {
            None => Ok(None),
            Some(item) => item.as_str().map(Some).ok_or_else(|| format!("`{key}` must be a string")),
        };
        let known = Language::ALL.map(Language::name).join("`, `");
        let hint = format!("hint: write one of `{known}`");
        let language = string("language")?.ok_or_else(|| format!("`language` is missing\n{hint}"))?;
        let language = Language::named(language).ok_or_else(|| format!("unknown `language`: {language}\n{hint}"))?;
        let name = match string("name")? {
            Some(name) => name.to_owned(),
            None => name_of(directory),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return Err(format!(
                "`name` cannot be a file's: {name:?}\nhint: write `name = …` of 1 to 64 letters, digits, `-` and `_`"
            ));
        }
        let source = PathBuf::from(string("source")?.unwrap_or_else(|| language.source()));
        if source.is_absolute() || source.components().any(|part| part == std::path::Component::ParentDir) {
            return Err(format!("`source` is outside of the project: {}", source.display()));
        }
        Ok(Self {
            directory: directory.to_owned(),
            name,
            language,
            handlers: handlers(document.get("handlers"))?,
            source,
        })
    }
}

fn handlers(item: Option<&Item>) -> Result<Vec<Handler>, String> {
    let hint = format!("hint: write those it exports, of `{}`", Handler::ALL.map(Handler::name).join("`, `"));
    let named = |name: &str| Handler::ALL.into_iter().find(|handler| handler.name() == name);
    let names = item.and_then(Item::as_array).ok_or_else(|| format!("`handlers` must be a list\n{hint}"))?;
    let mut handlers = Vec::new();
    for name in names {
        let handler = name.as_str().and_then(named);
        handlers.push(handler.ok_or_else(|| {
            format!("`handlers` has an unknown one: {}\n{hint}", name.as_str().unwrap_or("no string"))
        })?);
    }
    handlers.sort_unstable();
    handlers.dedup();
    match handlers[..] {
        [] | [Handler::Setup] => Err(format!("`handlers` names nothing that postern could ask it\n{hint}")),
        _ => Ok(handlers),
    }
}

/// What a directory is called, wherever one stands.
fn name_of(directory: &Path) -> String {
    let whole = directory.canonicalize();
    let whole = whole.as_deref().unwrap_or(directory);
    whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_says_its_language_and_its_handlers() {
        let text = "language = 'py'\nhandlers = ['message', 'setup', 'message']\n";
        let project = Project::parse(Path::new("/tmp/keyword-tag"), text).expect("it is right");
        assert_eq!(project.name, "keyword-tag");
        assert_eq!(project.language, Language::Python);
        assert_eq!(project.handlers, [Handler::Setup, Handler::Message]);
        assert_eq!(project.source, Path::new("filter.py"));
    }

    #[test]
    fn what_is_wrong_is_named_and_met_with_what_to_write() {
        for (text, words) in [
            ("handlers = ['message']", "`language` is missing"),
            ("language = 'cobol'\nhandlers = ['message']", "unknown `language`: cobol"),
            ("language = 'c'", "`handlers` must be a list"),
            ("language = 'c'\nhandlers = ['setup']", "names nothing"),
            ("language = 'c'\nhandlers = ['mesage']", "unknown one: mesage"),
            ("language = 'c'\nhandlers = ['message']\nnmae = 'x'", "unknown key `nmae`"),
            ("language = 'c'\nhandlers = ['message']\nname = '../x'", "`name` cannot be a file's"),
            ("language = 'c'\nhandlers = ['message']\nsource = '../x.c'", "outside of the project"),
        ] {
            let error = Project::parse(Path::new("/tmp/x"), text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
