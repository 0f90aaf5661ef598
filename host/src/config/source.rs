//! What a configuration is made from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The layers above the defaults, lowest first.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// A file that is part of the program, such as that of `--dev`: what it is called in messages, and its text.
    pub embedded: Option<(&'static str, String)>,
    /// The file. Its relative paths begin where it is.
    pub file: Option<PathBuf>,
    /// Every environment variable. Those called `POSTERN_…` are a layer; the others are for secrets that ask for them.
    pub environment: Vec<(OsString, OsString)>,
    /// What was said on the command line.
    pub overrides: Vec<Override>,
    /// Where relative paths begin that no file holds: as a rule the current directory. An empty path is that as well.
    pub directory: PathBuf,
    /// Whether a certificate may be missing, because postern makes its own.
    pub dev: bool,
}

/// A value from the command line, written as it would be in an environment variable.
#[derive(Clone, Debug)]
pub struct Override {
    /// The flag, for messages: `--listen`.
    pub flag: &'static str,
    /// The key it sets: `listen`, `limits.body`.
    pub key: &'static str,
    pub value: String,
}

impl Source {
    /// A file, under the environment of this process. The one place that looks at it.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), ..Self::default() }
    }

    /// Where relative paths begin that do not come from the file itself: with the file, if there is one, so that an
    /// environment variable means what the line it replaces would have meant.
    pub(super) fn base(&self) -> &Path {
        match &self.file {
            Some(file) => directory_of(file),
            None => &self.directory,
        }
    }
}

/// The directory a file is in. Empty for a bare name, which is the current directory.
pub(super) fn directory_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}
