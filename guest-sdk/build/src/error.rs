//! What can go wrong with a filter's build, and what to do about it.

use crate::TARGET;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::{fmt, io};

#[derive(Debug)]
pub enum Error {
    /// Nothing on this machine compiles Rust to WebAssembly. `tried` says what was tried, one line each.
    NoToolchain {
        tried: Vec<String>,
    },
    /// There is no `Cargo.toml` in the directory.
    NoManifest(PathBuf),
    /// A program could not be started.
    Start {
        program: String,
        source: io::Error,
    },
    /// cargo could not read the crate or its workspace; it has said why.
    Metadata {
        directory: PathBuf,
        words: String,
    },
    /// A `filter.toml` does not say what it must.
    Manifest {
        path: PathBuf,
        words: String,
    },
    /// A new project cannot be begun there.
    New {
        directory: PathBuf,
        words: String,
    },
    /// A language's tool is not there, or not of a version that works.
    Tool {
        name: String,
        why: String,
        how: String,
    },
    /// A tool failed; it has said why.
    Ran {
        program: String,
        directory: PathBuf,
        status: ExitStatus,
    },
    /// cargo failed; it has said why.
    Build {
        directories: Vec<PathBuf>,
        status: ExitStatus,
    },
    /// The crate built, and no WebAssembly came out.
    NoModule(PathBuf),
    /// The module is not a filter: it has no `postern:filter` handler.
    NotAFilter(PathBuf),
    /// The module could not be made a component.
    Component {
        module: PathBuf,
        words: String,
    },
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToolchain { tried } => {
                writeln!(f, "nothing on this machine compiles Rust to {TARGET}")?;
                for line in tried {
                    writeln!(f, "  tried: {line}")?;
                }
                write!(f, "hint: any one of these is enough:\n{REMEDIES}")
            }
            Self::NoManifest(directory) => write!(
                f,
                "failed to build a filter: neither `Cargo.toml` nor `filter.toml` in `{}`\nhint: name the filter's directory, or make one: postern filter new --lang rust DIR",
                directory.display()
            ),
            Self::Start { program, .. } => {
                write!(
                    f,
                    "failed to start `{program}`\nhint: install Rust (https://rustup.rs) or put `{program}` on PATH"
                )
            }
            Self::Metadata { directory, words } => {
                write!(f, "cargo cannot read the crate in `{}`: {words}", directory.display())
            }
            Self::Manifest { path, words } => write!(f, "`{}`: {words}", path.display()),
            Self::New { directory, words } => {
                write!(f, "cannot begin a filter in `{}`: {words}", directory.display())
            }
            Self::Tool { name, why, how } => {
                write!(f, "`{name}` is needed to build this filter: {why}")?;
                how.lines().try_for_each(|line| write!(f, "\nhint: {line}"))
            }
            Self::Ran { program, directory, status } => {
                write!(f, "`{program}` failed in `{}`: its words are above: {status}", directory.display())
            }
            Self::Build { directories, status } => {
                let names: Vec<_> = directories.iter().map(|path| format!("`{}`", path.display())).collect();
                write!(f, "failed to build {}: cargo's words are above: {status}", names.join(", "))
            }
            Self::NoModule(directory) => write!(
                f,
                "no WebAssembly came of building `{}`: it is not a `cdylib`\n\
                 hint: add to its Cargo.toml: [lib] crate-type = [\"cdylib\", \"rlib\"]",
                directory.display()
            ),
            Self::NotAFilter(module) => write!(
                f,
                "`{}` is not a filter: it is a WebAssembly module without any handler of `postern:filter`\n\
                 hint: export one: postern_filter::filter!(YourFilter: message);",
                module.display()
            ),
            Self::Component { module, words } => {
                write!(f, "failed to make a component of `{}`: {words}", module.display())
            }
            Self::Io { doing, path, .. } => write!(f, "failed to {doing}: `{}`", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start { source, .. } | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What each of them was tried on is told in `guest-sdk/build/README.md`.
const REMEDIES: &str = "  \
    rustup target add wasm32-unknown-unknown\n  \
    rustup component add rust-src   (std is then built from its source; needs crates.io)\n  \
    apt-get install --no-install-recommends rustc-web rust-web-src   (Debian; or set POSTERN_ALLOW_APT=1)\n  \
    dnf install rust-std-static-wasm32-unknown-unknown   (Fedora)\n  \
    pacman -S rust-wasm   (Arch)\n  \
    POSTERN_GUEST_RUSTC=/path/to/rustc   (a compiler that has the target)";
