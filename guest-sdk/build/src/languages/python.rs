//! Python, by componentize-py: CPython and the filter's modules in one component, with all of its memory as it is once they
//! are imported.
//!
//! The project is copied first, without what is not the filter's (`.venv`, `target`, …): the tool looks through all that it is
//! given. Packages of the project's `.venv` can be imported, and no other of the machine's.

mod stage;

use crate::tools::{Tool, version};
use crate::{Error, Project, world};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COMPONENTIZE: Tool<'static> = Tool {
    name: "componentize-py",
    how: "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt   (in the project; it is found there)\n\
          or: python3 -m pip install componentize-py==0.25.1   (for all projects)\n\
          or: pipx install componentize-py==0.25.1   or: uv tool install componentize-py==0.25.1\n\
          where `python3 -m venv` is missing: apt-get install python3-venv   (Debian, Ubuntu)",
};

/// The bindings of those before are of another shape.
const OLDEST: (u32, u32, u32) = (0, 25, 0);

/// The module that exports the handlers; the SDK makes it of the filter.
const ENTRY: &str = "postern_entry";

/// What the SDK puts around what is wrong with a filter: `sdk/_entry.py`.
const BEGIN: &str = "----- the filter cannot be built\n";
const END: &str = "\n----- so much for that";

/// Builds the project to a component's bytes. `wit` has its world, `work` is for what is made on the way.
pub(crate) fn build(project: &Project, wit: &Path, work: &Path) -> Result<Vec<u8>, Error> {
    let (directory, wit, work) = (absolute(&project.directory), absolute(wit), absolute(work));
    let module = module(project)?;
    let own = [".venv/bin", "venv/bin", ".venv/Scripts"].map(|folder| directory.join(folder).join(COMPONENTIZE.name));
    let own = own.each_ref().map(|path| path.to_string_lossy());
    let programs: [&[&str]; 4] = [&[&own[0]], &[&own[1]], &[&own[2]], &[COMPONENTIZE.name]];
    let (mut command, words) = COMPONENTIZE.find(&programs, "--version")?;
    new_enough(&words)?;

    let (app, entry, output) = (work.join(".app"), work.join(".entry"), work.join(format!("{}.wasm", project.name)));
    stage::copy(&directory, &app)?;
    let handlers: Vec<_> = project.handlers.iter().map(|handler| handler.name()).collect();
    let text = format!("from postern._entry import exports\n\nglobals().update(exports({module:?}, {handlers:?}))\n");
    write(&entry.join(format!("{ENTRY}.py")), &text)?;
    // Where the tool looks for packages. Without one of the project's own it would take the machine's.
    let packages = [".venv", "venv"].map(|name| directory.join(name)).into_iter().find(|path| path.is_dir());
    let packages = match packages {
        Some(path) => path,
        None => {
            write(&work.join(".none/lib/python3/site-packages/README"), "No packages.\n")?;
            work.join(".none")
        }
    };
    command.args(["--quiet", "--wit-path"]).arg(&wit).args(["--world", world::WORLD, "componentize", "--stub-wasi"]);
    // In this order: the SDK tells the filter's files from its own by it.
    command.arg("--python-path").arg(&entry).arg("--python-path").arg(&app);
    command.arg(ENTRY).arg("--output").arg(&output);
    command.env("VIRTUAL_ENV", packages).env("RUST_BACKTRACE", "0").current_dir(&directory);
    run(command, &directory, &project.source)?;
    fs::read(&output).map_err(|source| Error::Io { doing: "read a component", path: output, source })
}

/// The filter's module, by the name Python has for it.
fn module(project: &Project) -> Result<String, Error> {
    let wrong = |words: String| Error::Manifest { path: project.directory.join(crate::MANIFEST), words };
    let source = &project.source;
    if !project.directory.join(source).is_file() {
        let words = "hint: write the filter there, or name its file: source = \"…\"";
        return Err(wrong(format!("there is no `{}`\n{words}", source.display())));
    }
    if !project.directory.join("postern/_entry.py").is_file() {
        let words = "hint: copy it from a new project: postern filter new --lang python /tmp/new";
        return Err(wrong(format!("there is no SDK beside it, which is a directory `postern`\n{words}")));
    }
    let parts: Vec<_> = source.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let is_identifier = |part: &String| {
        !part.starts_with(|letter: char| letter.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if source.extension().is_none_or(|extension| extension != "py") || !parts.iter().all(is_identifier) {
        return Err(wrong(format!("`source` is no module of Python: {}\nhint: source = \"filter.py\"", source.display())));
    }
    Ok(parts.join("."))
}

fn new_enough(words: &str) -> Result<(), Error> {
    match version(words) {
        Some(found) if found >= OLDEST => Ok(()),
        _ => Err(COMPONENTIZE.missing(format!(
            "this one is `{words}`, and it must be {}.{}.{} at least",
            OLDEST.0, OLDEST.1, OLDEST.2
        ))),
    }
}

/// Runs the tool, and shows of what it says what the author can do something about.
fn run(mut command: Command, directory: &Path, source: &Path) -> Result<(), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|source| Error::Start { program: program.clone(), source })?;
    let words = String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), trouble(&words)) {
        (true, _) => {
            eprint!("{words}");
            Ok(())
        }
        (false, Some(trouble)) => Err(Error::Component { module: source.to_owned(), words: trouble.to_owned() }),
        (false, None) => {
            eprint!("{words}");
            Err(Error::Ran { program, directory: directory.to_owned(), status: output.status })
        }
    }
}

/// What the SDK found wrong with a filter, within all that was said.
fn trouble(words: &str) -> Option<&str> {
    let (_, rest) = words.split_once(BEGIN)?;
    Some(rest.split_once(END)?.0)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|source| Error::Io { doing: "write what a filter is built from", path: path.to_owned(), source })
}

/// The tool runs in the project's directory; paths are the caller's.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Handler, Language};

    #[test]
    fn a_tool_too_old_is_named_with_its_version_and_how_to_get_one() {
        assert!(new_enough("componentize-py 0.25.1").is_ok() && new_enough("componentize-py 1.0.0").is_ok());
        for words in ["componentize-py 0.17.2", "?"] {
            let error = new_enough(words).expect_err(words).to_string();
            assert!(error.contains(words) && error.contains("0.25.0") && error.contains("pip install"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_filter_is_taken_out_of_what_the_tools_say() {
        let words = format!("AssertionError: {BEGIN}ValueError: boom{END}\n\nCaused by: ValueError");
        assert_eq!(trouble(&words), Some("ValueError: boom"));
        assert_eq!(trouble("no space left on device"), None);
    }

    #[test]
    fn a_filter_is_a_module_beside_its_sdk() {
        let directory = tempfile::tempdir().expect("a directory");
        let named = |source: &str| Project {
            directory: directory.path().to_owned(),
            name: "x".to_owned(),
            language: Language::Python,
            handlers: vec![Handler::Message],
            source: source.into(),
        };
        let refused = |source: &str| module(&named(source)).expect_err(source).to_string();
        assert!(refused("filter.py").contains("there is no `filter.py`"));
        for file in ["filter.py", "rules/night.py", "night-shift.py", "2.py", "filter.js"] {
            write(&directory.path().join(file), "").expect("it is writable");
        }
        assert!(refused("filter.py").contains("no SDK beside it"));
        write(&directory.path().join("postern/_entry.py"), "").expect("it is writable");
        assert_eq!(module(&named("filter.py")).expect("it is one"), "filter");
        assert_eq!(module(&named("rules/night.py")).expect("it is one"), "rules.night");
        for source in ["night-shift.py", "2.py", "filter.js"] {
            assert!(refused(source).contains("no module of Python"), "{source}");
        }
    }
}
