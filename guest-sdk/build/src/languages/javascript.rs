//! JavaScript and TypeScript: esbuild makes one module of a filter and of all that it imports, componentize-qjs a component of
//! that and of QuickJS. Both are packages of the project's own, which its npm has installed; Node runs them.

use crate::tools::{Tool, run, version};
use crate::{Error, Handler, Project, world};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const NODE: Tool<'static> = Tool {
    name: "node",
    how: "apt-get install nodejs npm   (Debian 12, Ubuntu 24.04 or later)\n\
          or: brew install node   (macOS)   or: pacman -S nodejs npm   (Arch)   or: dnf install nodejs   (Fedora)\n\
          or: https://nodejs.org/en/download, and `node` on PATH",
};

/// What esbuild and componentize-qjs say that they need.
const OLDEST_NODE: u32 = 18;

/// A package that a project has in its `node_modules`, or in those of a directory above, as Node finds it.
struct Package {
    name: &'static str,
    /// What a project without it installs.
    install: &'static str,
    oldest: (u32, u32, u32),
}

const COMPONENTIZE: Package = Package {
    name: "componentize-qjs",
    install: "npm install --save-dev componentize-qjs@0.4.5",
    // The first whose modules import relative to their file.
    oldest: (0, 4, 5),
};
const ESBUILD: Package =
    Package { name: "esbuild", install: "npm install --save-dev esbuild@0.28.2", oldest: (0, 20, 0) };
const SDK: Package = Package { name: "postern-filter", install: "npm install ./postern", oldest: (0, 1, 0) };

/// What Node runs: it has esbuild and componentize-qjs do their work, and says what goes wrong in the filter's own terms.
const SCRIPT: &str = include_str!("javascript/build.mjs");

/// Builds the project to a component's bytes. `wit` has its world, `work` is for what is made on the way.
pub(crate) fn build(project: &Project, wit: &Path, work: &Path) -> Result<Vec<u8>, Error> {
    let directory = canonical(&project.directory)?;
    if !directory.join(&project.source).is_file() {
        let words = format!(
            "there is no `{}`\nhint: write the filter there, or name its file: source = \"…\"",
            project.source.display()
        );
        return Err(Error::Manifest { path: project.directory.join(crate::MANIFEST), words });
    }
    let (mut command, words) = NODE.find(&[&["node"], &["nodejs"]], "--version")?;
    if version(&words).is_none_or(|(major, ..)| major < OLDEST_NODE) {
        return Err(NODE.missing(format!("this one is `{words}`, and it must be {OLDEST_NODE} at least")));
    }
    SDK.find(&directory)?;
    let esbuild = ESBUILD.find(&directory)?.join("lib/main.js");
    let componentize = COMPONENTIZE.find(&directory)?.join("index.js");
    let (work, wit) = (canonical(work)?, canonical(wit)?);
    let component = work.join(format!("{}.wasm", project.name));
    let task = json!({
        "directory": directory,
        // As an import names it, on any system.
        "source": project.source.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"),
        "handlers": project.handlers.iter().map(|handler| handler.name()).collect::<Vec<_>>(),
        "exports": project.handlers.iter().copied().map(export).collect::<Vec<_>>(),
        "esbuild": esbuild,
        "componentize": componentize,
        "bundle": work.join(format!("{}.js", project.name)),
        "wit": wit,
        "world": world::WORLD,
        "component": component,
    });
    let script = work.join("build.mjs");
    fs::write(&script, SCRIPT).map_err(|source| Error::Io {
        doing: "write a build's script",
        path: script.clone(),
        source,
    })?;
    command.arg(&script).arg(task.to_string());
    run(command, &directory)?;
    fs::read(&component).map_err(|source| Error::Io { doing: "read a component", path: component, source })
}

/// A handler's interface, as a component in JavaScript exports it: `messageHandler`.
fn export(handler: Handler) -> String {
    let interface = handler.interface();
    let mut parts = interface.split('-');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1);
        name += &(first.to_ascii_uppercase() + rest);
    }
    name
}

/// Node finds out which file is which by its one true path.
fn canonical(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|source| Error::Io { doing: "find a directory", path: path.to_owned(), source })
}

impl Package {
    /// Where it is, if it is new enough.
    fn find(&self, project: &Path) -> Result<PathBuf, Error> {
        let places = project.ancestors().map(|directory| directory.join("node_modules").join(self.name));
        let Some(place) = places.into_iter().find(|place| place.join("package.json").is_file()) else {
            return Err(self.missing(project, "it is not in `node_modules`"));
        };
        let about = read(&place.join("package.json"));
        let words = about["version"].as_str().unwrap_or("without a version");
        if version(words).is_some_and(|version| version >= self.oldest) {
            return Ok(place);
        }
        let (major, minor, patch) = self.oldest;
        let why = format!("this one is {words}, and it must be {major}.{minor}.{patch} at least");
        let how = format!("cd {} && {}", project.display(), self.install);
        Err(Error::Tool { name: self.name.to_owned(), why, how })
    }

    /// It is not there: what to type, by what the project's own package.json says.
    fn missing(&self, project: &Path, why: &str) -> Error {
        let manifest = project.join("package.json");
        let about = read(&manifest);
        let named = ["dependencies", "devDependencies"].iter().any(|kind| about[kind].get(self.name).is_some());
        let what = match (named, manifest.is_file()) {
            (true, _) => "npm install".to_owned(),
            (false, true) => self.install.to_owned(),
            (false, false) => format!("npm init -y && {}", self.install),
        };
        let how = format!("cd {} && {what}", project.display());
        Error::Tool { name: self.name.to_owned(), why: why.to_owned(), how }
    }
}

/// A file of JSON; nothing where there is none.
fn read(path: &Path) -> Value {
    fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_exported_under_its_interfaces_name_in_camel_case() {
        assert_eq!(Handler::ALL.map(export)[..3], ["setup", "messageHandler", "admissionHandler"]);
    }

    #[test]
    fn a_package_that_is_not_there_is_told_with_what_to_type() {
        let directory = tempfile::tempdir().expect("a directory");
        let error = || ESBUILD.find(directory.path()).expect_err("it is not there").to_string();
        let project = directory.path().display();
        assert!(error().contains(&format!("cd {project} && npm init -y && npm install --save-dev esbuild")), "{}", error());
        fs::write(directory.path().join("package.json"), "{}").expect("a file");
        assert!(error().contains(&format!("cd {project} && npm install --save-dev esbuild")), "{}", error());
        fs::write(directory.path().join("package.json"), r#"{"devDependencies":{"esbuild":"0"}}"#).expect("a file");
        assert!(error().ends_with(&format!("cd {project} && npm install")), "{}", error());
    }

    #[test]
    fn a_package_is_found_above_the_project_and_must_be_new_enough() {
        let directory = tempfile::tempdir().expect("a directory");
        let (above, project) = (directory.path().join("node_modules/componentize-qjs"), directory.path().join("a/b"));
        fs::create_dir_all(&above).and_then(|()| fs::create_dir_all(&project)).expect("directories");
        fs::write(above.join("package.json"), r#"{"version":"0.4.4"}"#).expect("a file");
        let error = COMPONENTIZE.find(&project).expect_err("it is too old").to_string();
        assert!(error.contains("0.4.4") && error.contains("0.4.5") && error.contains("npm install"), "{error}");
        fs::write(above.join("package.json"), r#"{"version":"0.5.0"}"#).expect("a file");
        assert_eq!(COMPONENTIZE.find(&project).expect("it is new enough"), above);
    }
}
