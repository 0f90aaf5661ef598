//! Finds a compiler that makes WebAssembly, and installs what is missing when it may.
//!
//! In this order:
//! 1. the compiler that `POSTERN_GUEST_RUSTC` names;
//! 2. `rustc` with the target installed, whoever installed it;
//! 3. `rustup target add`, unless `POSTERN_NO_RUSTUP` is set;
//! 4. `rustc` with the source of std (rust-src), which is then built along;
//! 5. the distribution's `/usr/bin/rustc`, with the target or the source of std;
//! 6. the same after `apt-get install`, if `POSTERN_ALLOW_APT` is set;
//! 7. an error that says what was tried and lists what to install.

use crate::{Error, TARGET};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A compiler, and what it needs to make WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// How it was found, for people.
    pub found: &'static str,
    pub rustc: PathBuf,
    pub standard: Standard,
}

/// Where the standard library for the target comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standard {
    /// It is installed beside the compiler.
    Installed,
    /// It is built from its source, and linked by this linker when the compiler does not bring one.
    Built { linker: Option<PathBuf> },
}

/// Finds a toolchain for crates in `directory`: rustup may have been told to use a particular one there.
pub fn find_toolchain(directory: &Path) -> Result<Toolchain, Error> {
    let mut tried = vec![];
    if let Some(rustc) = std::env::var_os("POSTERN_GUEST_RUSTC") {
        let compiler = Compiler { rustc: rustc.into(), directory };
        let named = compiler.usable("POSTERN_GUEST_RUSTC");
        return named.ok_or_else(|| {
            tried.push(format!("POSTERN_GUEST_RUSTC=`{}`: {}", compiler.rustc.display(), compiler.lack()));
            Error::NoToolchain { tried }
        });
    }

    let compiler = Compiler { rustc: "rustc".into(), directory };
    if compiler.has_target() {
        return Ok(compiler.installed("the target is installed"));
    }
    match std::env::var_os("POSTERN_NO_RUSTUP") {
        Some(_) => tried.push("rustup target add: POSTERN_NO_RUSTUP forbids it".into()),
        None => match add_target(&compiler) {
            Ok(()) => return Ok(compiler.installed("rustup added the target")),
            Err(why) => tried.push(format!("rustup target add: {why}")),
        },
    }
    if let Some(toolchain) = compiler.building_standard("std built from rust-src") {
        return Ok(toolchain);
    }
    tried.push(format!("`rustc`: {}", compiler.lack()));

    let distribution = Compiler { rustc: "/usr/bin/rustc".into(), directory };
    if let Some(toolchain) = distribution.usable("the distribution's compiler") {
        return Ok(toolchain);
    }
    tried.push(format!("`/usr/bin/rustc`: {}", distribution.lack()));
    if std::env::var_os("POSTERN_ALLOW_APT").is_some() {
        if let Err(why) = install_packages() {
            tried.push(format!("apt-get install: {why}"));
        } else if let Some(toolchain) = distribution.usable("the distribution's compiler, newly installed") {
            return Ok(toolchain);
        }
    }
    Err(Error::NoToolchain { tried })
}

struct Compiler<'a> {
    rustc: PathBuf,
    directory: &'a Path,
}

impl Compiler<'_> {
    fn installed(&self, found: &'static str) -> Toolchain {
        Toolchain { found, rustc: self.rustc.clone(), standard: Standard::Installed }
    }

    fn usable(&self, found: &'static str) -> Option<Toolchain> {
        if self.has_target() { Some(self.installed(found)) } else { self.building_standard(found) }
    }

    fn building_standard(&self, found: &'static str) -> Option<Toolchain> {
        let library = self.sysroot()?.join("lib/rustlib/src/rust/library/std/Cargo.toml");
        // A compiler that brings no rust-lld must be given a linker, or building std is a minute for nothing.
        let linker = self.own_linker().or_else(|| other_linker(self.directory));
        (library.is_file() && linker.is_some()).then(|| Toolchain {
            found,
            rustc: self.rustc.clone(),
            standard: Standard::Built { linker },
        })
    }

    /// The target is there if its directory holds a libstd. Asking the compiler and not rustup finds what a
    /// distribution installed as well.
    fn has_target(&self) -> bool {
        let Some(directory) = self.ask(["--print", "target-libdir", "--target", TARGET]) else { return false };
        let Ok(files) = std::fs::read_dir(directory) else { return false };
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    }

    fn sysroot(&self) -> Option<PathBuf> {
        self.ask(["--print", "sysroot"]).map(PathBuf::from)
    }

    fn own_linker(&self) -> Option<PathBuf> {
        let version = self.ask(["-vV"])?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
        let linker = self.sysroot()?.join("lib/rustlib").join(host).join("bin/rust-lld");
        linker.is_file().then_some(linker)
    }

    fn lack(&self) -> &'static str {
        match self.ask(["-vV"]) {
            None => "not there, or it does not run",
            Some(_) => "it has neither the target nor the source of std with a linker",
        }
    }

    fn ask<const N: usize>(&self, arguments: [&str; N]) -> Option<String> {
        answer(Command::new(&self.rustc).args(arguments).current_dir(self.directory))
    }
}

/// The rust-lld of the compiler on PATH links what another compiler made, and so does a recent wasm-ld.
fn other_linker(directory: &Path) -> Option<PathBuf> {
    let by_rustup = Compiler { rustc: "rustc".into(), directory }.own_linker();
    let runs = |name: &String| answer(Command::new(name).arg("--version")).is_some();
    let by_llvm = || (16..40).rev().map(|version| format!("wasm-ld-{version}")).chain(["wasm-ld".into()]).find(runs);
    by_rustup.or_else(|| by_llvm().map(PathBuf::from))
}

/// Adds the target to the toolchain in use.
///
/// rustup is never put under a timeout that kills it: killed half-way, it leaves a toolchain without rustc. It is told
/// not to try again instead. Two rustups at once trip over each other, hence the lock; it goes with the process.
fn add_target(compiler: &Compiler<'_>) -> Result<(), String> {
    let rustup = || {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(compiler.directory);
        rustup
    };
    if answer(rustup().args(["which", "rustc"])).is_none() {
        return Err("rustup is not there, or has no toolchain".into());
    }
    let home = answer(rustup().args(["show", "home"])).ok_or("`rustup show home` fails")?;
    let lock = Path::new(&home).join("postern-target-add.lock");
    let lock = File::create(&lock).map_err(|error| format!("cannot write `{}`: {error}", lock.display()))?;
    lock.lock().map_err(|error| format!("cannot lock: {error}"))?;
    // Whoever held the lock may have added it.
    if compiler.has_target() {
        return Ok(());
    }
    eprintln!("postern: rustup target add {TARGET}");
    let mut command = rustup();
    command.args(["target", "add", TARGET]).stdout(Stdio::null());
    command.env("RUSTUP_MAX_RETRIES", "1").env("RUST_BACKTRACE", "0");
    let status = command.status().map_err(|error| error.to_string())?;
    match (status.success(), compiler.has_target()) {
        (_, true) => Ok(()),
        (true, false) => Err("it was added to a toolchain that is not the `rustc` on PATH".into()),
        (false, false) => Err(format!("it failed (its words are above): {status}")),
    }
}

fn install_packages() -> Result<(), String> {
    const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
    eprintln!("postern: apt-get install {}", PACKAGES.join(" "));
    // Another apt at work is waited for, up to five minutes.
    let status = Command::new("apt-get")
        .args(["install", "--yes", "--quiet", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"])
        .args(PACKAGES)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("it failed (its words are above): {status}")),
        Err(error) => Err(error.to_string()),
    }
}

/// What a program prints, if it succeeds.
fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a setting is of this crate: the nested cargo has no use for those, its build scripts might.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    matches!(name.to_str(), Some("POSTERN_GUEST_RUSTC" | "POSTERN_NO_RUSTUP" | "POSTERN_ALLOW_APT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_no_toolchain_one_message_lists_what_to_install() {
        let error = Error::NoToolchain { tried: vec!["rustup target add: there is no network".into()] }.to_string();
        for remedy in ["rustup target add", "rust-src", "apt-get", "dnf", "pacman", "POSTERN_GUEST_RUSTC", "no network"]
        {
            assert!(error.contains(remedy), "{error}");
        }
    }

    #[test]
    fn a_compiler_that_is_not_there_is_not_used() {
        let compiler = Compiler { rustc: "/nonexistent/rustc".into(), directory: Path::new(".") };
        assert_eq!(compiler.usable("named"), None);
        assert_eq!(compiler.lack(), "not there, or it does not run");
    }
}
