//! Something wrong with the configuration, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is a default.
    Default,
    /// In a file that is part of the program.
    Embedded {
        name: &'static str,
        line: Option<u32>,
    },
    /// In the file. Without a line it is the whole of it, as when something is missing.
    File {
        file: PathBuf,
        line: Option<u32>,
    },
    Environment {
        variable: String,
    },
    Flag {
        flag: &'static str,
    },
}

/// One thing wrong. Printed as `postern.toml:12: what is wrong`, with advice on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// The key it is about, `webhooks.whatsapp.path`. Empty when it is about a whole file.
    pub key: String,
    /// What is wrong, naming the key.
    pub message: String,
    pub hint: Option<String>,
}

impl Place {
    /// The file and the line, where it is one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Embedded { line, .. } | Self::File { line, .. } => *line,
            Self::Default | Self::Environment { .. } | Self::Flag { .. } => None,
        }
    }

    /// Sorts places as a reader goes through them: layer by layer, from the top of each file.
    pub fn order(&self) -> (u8, Option<u32>) {
        (self.layer(), self.line())
    }

    /// Which layer it belongs to; a higher one replaces a lower one.
    pub(super) fn layer(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Embedded { .. } => 1,
            Self::File { .. } => 2,
            Self::Environment { .. } => 3,
            Self::Flag { .. } => 4,
        }
    }
}

impl Problem {
    pub fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, key: key.into(), message: message.into(), hint: None }
    }

    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// What to do about a file that cannot be read.
pub(super) fn advice_on_reading(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path; a relative one begins where the configuration file is",
        io::ErrorKind::PermissionDenied => "let the user that postern runs as read it",
        io::ErrorKind::IsADirectory => "it is a directory: name the file in it",
        _ => "see that it is a file, and that its disk is not failing",
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default")?,
            Self::Embedded { name, .. } => write!(f, "built-in {name}")?,
            Self::File { file, .. } => write!(f, "{}", file.display())?,
            Self::Environment { variable } => write!(f, "environment variable {variable}")?,
            Self::Flag { flag } => write!(f, "flag {flag}")?,
        }
        match self.line() {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A default is never at fault: what is said then is that something is missing, which is in no place.
        if self.place != Place::Default {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
