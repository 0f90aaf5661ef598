//! Runs a cargo inside, or outside, of another.

use crate::toolchain::is_ours;
use crate::{Error, Standard, TARGET, Toolchain};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Small and quick to start, since each message is met by a fresh instance: what a filter weighs is paid for each time.
const PROFILE: [&str; 6] = [
    "profile.release.opt-level=\"s\"",
    "profile.release.lto=\"fat\"",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.debug=false",
    "profile.release.strip=true",
];

/// Builds the crates, those of one workspace together, and says where their modules are, in the order given.
pub(crate) fn build(
    toolchain: &Toolchain,
    directories: &[&Path],
    target_directory: &Path,
) -> Result<Vec<PathBuf>, Error> {
    let mut modules = vec![None; directories.len()];
    while let Some(first) = modules.iter().position(Option::is_none) {
        let workspace = Workspace::of(directories[first])?;
        let members: Vec<(usize, &str)> = (0..directories.len())
            .filter(|at| modules[*at].is_none())
            .filter_map(|at| Some((at, workspace.name(directories[at])?)))
            .collect();
        if !members.iter().any(|(at, _)| *at == first) {
            let words = "it is not a package: a workspace alone cannot be built as a filter".into();
            return Err(Error::Metadata { directory: directories[first].into(), words });
        }
        let mut cargo = command(toolchain, directories[first], target_directory);
        for (_, name) in &members {
            cargo.args(["--package", name]);
        }
        let built = run(cargo).map_err(|failure| match failure {
            Failure::Start(source) => Error::Start { program: "cargo".into(), source },
            Failure::Status(status) => {
                let directories = members.iter().map(|(at, _)| directories[*at].into()).collect();
                Error::Build { directories, status }
            }
        })?;
        for (at, _) in members {
            modules[at] = Some(module_of(&built, directories[at])?);
        }
    }
    Ok(modules.into_iter().flatten().collect())
}

fn command(toolchain: &Toolchain, directory: &Path, target_directory: &Path) -> Command {
    let mut cargo = scrubbed_cargo(directory);
    cargo.args(["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(absolute(target_directory));
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    if toolchain.rustc != Path::new("rustc") {
        cargo.env("RUSTC", &toolchain.rustc);
    }
    if let Standard::Built { linker } = &toolchain.standard {
        // Building std is an unstable option that has worked for years; this lets a stable compiler take it.
        cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
        if let Some(linker) = linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }
    cargo
}

/// The cargo that runs us, else the one on PATH, without what an outer build has set for itself.
fn scrubbed_cargo(directory: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in outer_settings(std::env::vars_os().map(|(name, _)| name)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(directory).stdin(Stdio::null());
    cargo
}

/// Those of the environment that would steer the nested build, or make it wait for the outer one.
fn outer_settings(names: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    const EXACT: [&str; 15] = [
        "CARGO_BUILD_RUSTC",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_MAKEFLAGS",
        "CARGO_TARGET_DIR",
        "MAKEFLAGS",
        "OUT_DIR",
        "RUSTC",
        "RUSTFLAGS",
        "TARGET",
        "HOST",
    ];
    const BEGINNING: [&str; 10] = [
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_WASM32_",
        "DEP_",
        "LLVM_PROFILE",
        "RUSTC_W",
        "RUSTDOC",
    ];
    names.filter(|name| {
        let known = |text: &str| EXACT.contains(&text) || BEGINNING.iter().any(|start| text.starts_with(start));
        is_ours(name) || name.to_str().is_some_and(known)
    })
}

enum Failure {
    Start(std::io::Error),
    Status(std::process::ExitStatus),
}

/// Runs cargo, whose diagnostics go to standard error, and keeps what it says it made.
fn run(mut cargo: Command) -> Result<Vec<Value>, Failure> {
    let output = cargo.stderr(Stdio::inherit()).output().map_err(Failure::Start)?;
    if !output.status.success() {
        return Err(Failure::Status(output.status));
    }
    // Lines that are not JSON are what a build script printed: not ours.
    Ok(output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn module_of(messages: &[Value], directory: &Path) -> Result<PathBuf, Error> {
    let module = messages.iter().filter(|message| message["reason"] == "compiler-artifact").find_map(|message| {
        if !is_manifest_of(&message["manifest_path"], directory) {
            return None;
        }
        let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        files.map(PathBuf::from).find(|file| file.extension() == Some(OsStr::new("wasm")))
    });
    module.ok_or_else(|| Error::NoModule(directory.into()))
}

/// What cargo knows of the packages around a directory.
struct Workspace {
    packages: Vec<Value>,
}

impl Workspace {
    fn of(directory: &Path) -> Result<Self, Error> {
        let output = scrubbed_cargo(directory)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .map_err(|source| Error::Start { program: "cargo".into(), source })?;
        let failed = |words: String| Error::Metadata { directory: directory.into(), words };
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let mut answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
        match answer["packages"].take() {
            Value::Array(packages) => Ok(Self { packages }),
            _ => Err(failed("its answer names no packages".into())),
        }
    }

    fn name(&self, directory: &Path) -> Option<&str> {
        self.packages.iter().find(|package| is_manifest_of(&package["manifest_path"], directory))?["name"].as_str()
    }
}

/// Whether cargo means this directory's manifest. Paths are compared with links followed: the caller may have come to
/// it by another way than cargo.
fn is_manifest_of(path: &Value, directory: &Path) -> bool {
    let same =
        |path: &str| Some(Path::new(path).canonicalize().ok()? == directory.join("Cargo.toml").canonicalize().ok()?);
    path.as_str().and_then(same).unwrap_or(false)
}

/// The nested cargo runs in the crate's directory, where rustup may have orders of its own; paths are the caller's.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_build_does_not_reach_the_nested_one() {
        let outer = [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTDOCFLAGS",
        ]
        .into_iter()
        .chain(["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_MAKEFLAGS", "CARGO_PROFILE_DEV_LTO", "CARGO_PKG_NAME"])
        .chain([
            "CARGO_CFG_TARGET_ARCH",
            "CARGO_MANIFEST_DIR",
            "LLVM_PROFILE_FILE",
            "POSTERN_ALLOW_APT",
            "OUT_DIR",
        ]);
        let kept =
            ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_NET_OFFLINE", "HTTPS_PROXY"];
        let names = outer.clone().chain(kept).map(OsString::from);
        let removed: Vec<OsString> = outer_settings(names).collect();
        assert_eq!(removed, outer.map(OsString::from).collect::<Vec<_>>());
    }

    #[test]
    fn std_is_built_only_where_it_is_not_installed() {
        let toolchain = |standard| Toolchain { found: "", rustc: "rustc".into(), standard };
        let arguments = |standard| -> Vec<String> {
            let cargo = command(&toolchain(standard), Path::new("."), Path::new("target/guests"));
            cargo.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
        };
        let build_std = "-Zbuild-std=std,panic_abort".to_owned();
        assert!(!arguments(Standard::Installed).contains(&build_std));
        assert!(arguments(Standard::Built { linker: None }).contains(&build_std));
    }

    #[test]
    fn a_directory_without_a_crate_is_named() {
        let empty = tempfile::tempdir().expect("a directory");
        let error =
            crate::build(empty.path(), &empty.path().join("target")).expect_err("there is no crate").to_string();
        assert!(error.contains(&*empty.path().to_string_lossy()), "{error}");
        assert!(error.contains("Cargo.toml"), "{error}");
    }
}
