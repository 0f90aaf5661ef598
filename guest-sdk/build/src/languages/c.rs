//! C, by clang with the WASI libc or by `zig cc`, which brings its own.
//!
//! The SDK speaks to postern by itself, without generated code, and the module is told its world here. Whether a compiler
//! will do is known by trying it: where each keeps its libc is its own affair.

use crate::tools::{Tool, run};
use crate::{Error, Project, componentize_wasi, world};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COMPILER: Tool<'static> = Tool {
    name: "clang",
    how: "apt-get install clang-22 lld-22 libclang-rt-22-dev-wasm32 wasi-libc   (Debian; any clang from 16 on will do)\n\
          or: brew install llvm lld wasi-libc wasi-runtimes   (macOS)\n\
          or: WASI_SDK_PATH=/opt/wasi-sdk   (https://github.com/WebAssembly/wasi-sdk/releases, unpacked there)\n\
          or: python3 -m pip install ziglang   (its `zig cc` is a clang that brings its libc)\n\
          or: python3 -m venv .venv && .venv/bin/pip install ziglang   (the same, for this project alone)",
};

/// Said to every compiler. Names stay in: they are what a trap is told with.
const FLAGS: [&str; 9] = [
    "-O2",
    "-std=gnu17",
    "-Wall",
    "-Wextra",
    "-fvisibility=hidden",
    "-mexec-model=reactor",
    "-Wl,--strip-debug",
    "-Wl,-z,stack-size=131072",
    "-Wno-deprecated",
];

/// A stack that is overrun shall trap, not write over the filter's data. zig does so unasked.
const STACK_FIRST: &str = "-Wl,--stack-first";

/// Builds the project to a component's bytes. `wit` has its world, `work` is for what is made on the way.
pub(crate) fn build(project: &Project, wit: &Path, work: &Path) -> Result<Vec<u8>, Error> {
    let source = project.directory.join(&project.source);
    if !source.is_file() {
        let words = format!(
            "there is no `{}`\nhint: write the filter there, or name its file: source = \"…\"",
            project.source.display()
        );
        return Err(Error::Manifest { path: project.directory.join(crate::MANIFEST), words });
    }
    let compiler = Compiler::find(&project.directory, work)?;
    let module = absolute(work).join(format!("{}.wasm", project.name));
    let mut command = compiler.command();
    command.args(FLAGS);
    for handler in &project.handlers {
        command.arg(format!("-DPOSTERN_HAS_{}", handler.name().to_uppercase()));
    }
    let sdk = absolute(&project.directory).join("postern");
    command.arg("-I").arg(absolute(&project.directory)).arg("-I").arg(&sdk);
    command.args(files(source.parent().unwrap_or(&project.directory))?);
    command.args(files(&sdk)?);
    command.arg("-o").arg(&module);
    run(command, &project.directory)?;
    let mut bytes =
        fs::read(&module).map_err(|source| Error::Io { doing: "read a module", path: module.clone(), source })?;
    world::embed(&mut bytes, wit)?;
    componentize_wasi(&bytes, &module)
}

/// A program that compiles C to WebAssembly with a libc.
struct Compiler {
    program: PathBuf,
    /// `["-m", "ziglang", "cc"]`.
    before: Vec<&'static str>,
    target: &'static str,
}

impl Compiler {
    /// The first that compiles a few lines.
    fn find(project: &Path, work: &Path) -> Result<Self, Error> {
        let mut tried = Vec::new();
        for (program, before) in candidates(project) {
            if !starts(&program, &before) {
                continue;
            }
            let told =
                [program.to_string_lossy().into_owned()].into_iter().chain(before.iter().map(|&word| word.to_owned()));
            let told = told.collect::<Vec<_>>().join(" ");
            match Self::trying(program, before, work)? {
                Ok(compiler) => return Ok(compiler),
                Err(why) => tried.push(format!("`{told}` cannot make WebAssembly: {why}")),
            }
        }
        if tried.is_empty() {
            tried.push("neither clang nor zig is there".to_owned());
        }
        Err(COMPILER.missing(tried.join("; ")))
    }

    /// This one, if it compiles and links something that needs a libc; else the last thing it said.
    fn trying(program: PathBuf, before: Vec<&'static str>, work: &Path) -> Result<Result<Self, String>, Error> {
        let probe = work.join("probe.c");
        let io = |source| Error::Io { doing: "try a compiler", path: probe.clone(), source };
        let text = "#include <stdlib.h>\n__attribute__((export_name(\"probe\"))) void *probe(size_t size) { return malloc(size); }\n";
        fs::create_dir_all(work).and_then(|()| fs::write(&probe, text)).map_err(io)?;
        let mut why = String::new();
        // clang's newer name for it first: Debian's wasi-libc has only the older.
        for target in ["wasm32-wasip1", "wasm32-wasi"] {
            let compiler = Self { program: program.clone(), before: before.clone(), target };
            let mut command = compiler.command();
            command.args(FLAGS).arg(absolute(&probe)).arg("-o").arg(absolute(&work.join("probe.wasm")));
            let output = command.stdin(Stdio::null()).output().map_err(io)?;
            if output.status.success() {
                return Ok(Ok(compiler));
            }
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            why = words.lines().find(|line| line.contains("error")).unwrap_or("it does not say why").trim().to_owned();
        }
        Ok(Err(why))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.before);
        if self.before.contains(&"cc") {
            // zig knows one WASI libc by one name.
            command.args(["-target", "wasm32-wasi"]);
        } else {
            command.arg(format!("--target={}", self.target)).arg(STACK_FIRST);
        }
        command
    }
}

/// What may be one, the likeliest first: the project's own, wasi-sdk's, clang's of all ages, zig's.
fn candidates(project: &Path) -> Vec<(PathBuf, Vec<&'static str>)> {
    let mut all = Vec::new();
    let project = absolute(project);
    all.push((project.join(".venv/bin/python"), vec!["-m", "ziglang", "cc"]));
    if let Some(sdk) = std::env::var_os("WASI_SDK_PATH") {
        all.push((Path::new(&sdk).join("bin/clang"), vec![]));
    }
    all.push(("/opt/wasi-sdk/bin/clang".into(), vec![]));
    let versions = (16..30).rev().map(|version| format!("clang-{version}"));
    all.extend(["clang".to_owned()].into_iter().chain(versions).map(|name| (name.into(), vec![])));
    all.push(("/opt/homebrew/opt/llvm/bin/clang".into(), vec![]));
    all.push(("zig".into(), vec!["cc"]));
    all.push(("python3".into(), vec!["-m", "ziglang", "cc"]));
    all
}

fn starts(program: &Path, before: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(before).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The C files of a directory, in order; none where there is no directory.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(source) => return Err(Error::Io { doing: "look into a directory", path: directory.to_owned(), source }),
    };
    let paths = entries.flatten().map(|entry| absolute(&entry.path()));
    let mut files: Vec<_> = paths.filter(|path| path.extension() == Some(OsStr::new("c"))).collect();
    files.sort();
    Ok(files)
}

/// Compilers run in the project's directory; paths are the caller's.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_that_cannot_make_webassembly_is_told_from_one_that_is_not_there() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(!starts(Path::new("/nonexistent/clang"), &[]));
        let tried = Compiler::trying("false".into(), vec![], directory.path());
        let why = tried.unwrap_or_else(|error| panic!("{error}")).err().expect("it makes nothing");
        assert!(!why.is_empty());
        let error = COMPILER.missing(why).to_string();
        for remedy in ["apt-get install clang", "pip install ziglang", "WASI_SDK_PATH"] {
            assert!(error.contains(remedy), "{error}");
        }
    }

    #[test]
    fn a_source_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("filter.toml"), "language = 'c'\nhandlers = ['message']\nname = 'x'\n")
            .expect("writable");
        let error = crate::build(directory.path(), &directory.path().join("target")).expect_err("there is no source");
        assert!(error.to_string().contains("there is no `filter.c`"), "{error}");
    }
}
