//! What can be wrong with a component, told so that its author knows what to do.

use super::engine::{MEMORIES, TABLES};
use super::failure::Failure;
use std::io;

/// The interfaces this postern offers to filters, and the handlers it calls.
const OFFERED: [&str; 9] = ["types", "config", "log", "metrics", "clock", "outbox", "clients", "kv", "signing"];
const CALLED: [&str; 6] =
    ["message-handler", "admission-handler", "client-handler", "event-handler", "audience-handler", "http-handler"];
/// Those of the package that this version does not offer or call yet.
const LATER: [&str; 1] = ["fetch"];
const PACKAGE: &str = "postern:filter/";
const SPEAKS: &str = "0.1";

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("it cannot be read\nhint: {hint}", hint = hint_for_reading(.0))]
    Read(#[source] io::Error),
    #[error(
        "it is larger than the {0} bytes a filter may have\n\
        hint: build it without debugging information: in Rust with `--release`, elsewhere `wasm-tools strip`"
    )]
    TooLarge(u64),
    #[error(
        "its SHA-256 is not the one it is pinned to: found {found}, pinned {wanted}\n\
        hint: if the new file is meant, put its digest into `sha256`; if not, put the old file back"
    )]
    Pin { wanted: String, found: String },
    #[error(
        "it is not WebAssembly, but {0}\n\
        hint: `file` names the compiled component, which ends in `.wasm`; `postern filter build DIR` makes one"
    )]
    NotWasm(&'static str),
    #[error(
        "it is a core module, not a component\n\
        hint: `postern filter build` makes a component of a filter's source; `wasm-tools component new` makes one of a module"
    )]
    CoreModule,
    #[error("it is not a valid component: {0}{hint}", hint = hint_for_invalid(.0))]
    Invalid(String),
    #[error("the compiler panicked on it\nhint: this is a bug: please report it with the file")]
    Compiler,
    #[error(
        "it is built against another version of the package: it has `{found}`, this postern speaks {PACKAGE}*@{SPEAKS}\n\
        hint: build it against {SPEAKS}, or run a postern that speaks its version"
    )]
    Version { found: String },
    #[error("it exports no handler that this postern calls: it exports {found}, and one of {called} is needed\n\
        hint: in Rust, `postern_filter::filter!(YourFilter: message)` exports one", called = listed(&CALLED))]
    NoHandler { found: String },
    #[error("it imports `{name}`, which this postern does not offer: it offers {offered}{hint}", offered = listed(&OFFERED))]
    NotOffered { name: String, hint: &'static str },
    #[error(
        "it imports a function that this postern does not have: {0}\n\
        hint: it may be built against a later {SPEAKS}.x of the package than this postern; upgrade postern"
    )]
    Import(String),
    #[error(
        "a handler does not have the type the package gives it: {0}\n\
        hint: build it against the package as `wit/v{SPEAKS}/filter.wit` has it, unchanged"
    )]
    Signature(String),
    #[error("it begins with {needed} bytes of memory, of the {limit} it may have\nhint: raise its `memory`")]
    Memory { needed: u64, limit: u64 },
    #[error("it is larger than a filter may be: {0}\nhint: make it smaller, or two filters of it")]
    Room(String),
    #[error(
        "it has {memories} memories and {tables} tables, of the {MEMORIES} and {TABLES} a filter may have\n\
        hint: compose it of fewer modules"
    )]
    Parts { memories: u32, tables: u32 },
    #[error("it did not start: it {0}{hint}", hint = hint_for_start(.0))]
    Start(Failure),
}

/// What the first bytes say: `\0asm`, then a version, whose second half is 1 for a component and 0 for a core module.
pub fn check_kind(bytes: &[u8]) -> Result<(), Problem> {
    let text = || bytes.trim_ascii_start();
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => Err(Problem::CoreModule),
        [] => Err(Problem::NotWasm("empty")),
        _ if text().starts_with(b"(") || text().starts_with(b";;") => Err(Problem::NotWasm("its text form")),
        _ => Err(Problem::NotWasm("something else")),
    }
}

/// The compiler also says, with no error type of its own, when a module does not fit the pool.
pub fn of_compiler(error: String) -> Problem {
    if error.contains("pooling allocator") { Problem::Room(error) } else { Problem::Invalid(error) }
}

/// Whether this postern can meet what a component with these imports and exports asks, by their names alone.
pub fn check_names(imports: &[String], exports: &[String]) -> Result<(), Problem> {
    for name in imports.iter().chain(exports) {
        if let Some((_, version)) = interface(name)
            && !compatible(version)
        {
            return Err(Problem::Version { found: name.clone() });
        }
    }
    for name in imports {
        match interface(name) {
            Some((interface, _)) if OFFERED.contains(&interface) => {}
            Some((interface, _)) if LATER.contains(&interface) => {
                let hint = "\nhint: this version of postern does not have it yet";
                return Err(Problem::NotOffered { name: name.clone(), hint });
            }
            _ => return Err(Problem::NotOffered { name: name.clone(), hint: hint_for_import(name) }),
        }
    }
    if called(exports).next().is_some() {
        return Ok(());
    }
    let found = if exports.is_empty() { "none".to_owned() } else { listed(exports) };
    Err(Problem::NoHandler { found })
}

/// The handlers among these exports that are never called by this version: of no harm, but not what their author expects.
pub fn uncalled(exports: &[String]) -> Vec<&str> {
    let known = |name: &str| CALLED.contains(&name) || name == "setup";
    exports
        .iter()
        .filter_map(|name| interface(name))
        .map(|(interface, _)| interface)
        .filter(|name| !known(name))
        .collect()
}

fn called(exports: &[String]) -> impl Iterator<Item = &str> {
    let interfaces = exports.iter().filter_map(|name| interface(name)).map(|(interface, _)| interface);
    interfaces.filter(|interface| CALLED.contains(interface))
}

/// The interface and the version in `postern:filter/<interface>@<version>`.
fn interface(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_prefix(PACKAGE)?;
    Some(name.split_once('@').unwrap_or((name, "no version")))
}

/// As the component model reads versions: below 1.0 the second number must be the same.
fn compatible(version: &str) -> bool {
    version.strip_prefix(SPEAKS).is_some_and(|rest| rest.starts_with('.')) && !version.contains('-')
}

fn listed(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn hint_for_reading(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "check the path; a relative one begins where the configuration file is; \
             `postern filter build DIR` makes a filter of its source and prints where it is"
        }
        io::ErrorKind::PermissionDenied => "let the user that postern runs as read it",
        io::ErrorKind::IsADirectory => {
            "`file` names the compiled component itself; `postern filter build DIR` makes one"
        }
        _ => "see that it is a file, and that its disk is not failing",
    }
}

fn hint_for_import(name: &str) -> &'static str {
    if name.starts_with("wasi:") {
        "\nhint: filters have no WASI; in Rust build for wasm32-unknown-unknown, elsewhere use your tool's `--stub-wasi`"
    } else {
        "\nhint: build it without that import: a filter can use nothing else"
    }
}

fn hint_for_invalid(error: &str) -> &'static str {
    if error.contains("async") {
        "\nhint: filters are synchronous; build it with the synchronous ABI (componentize-qjs: `--sync`)"
    } else {
        "\nhint: it may be cut off or damaged: build it or copy it again, whole"
    }
}

fn hint_for_start(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(_) => "\nhint: those are the filter's own words about its `config`",
        Failure::Memory(_) => "\nhint: raise its `memory`",
        Failure::Deadline(_) => "\nhint: let it do less at its start, which comes before every call",
        Failure::Bug(_) => "\nhint: please report it with the file",
        _ => "\nhint: `POSTERN_LOG__LEVEL=info,filter=debug postern run` logs what it says and where it fails",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Chain;

    #[test]
    fn every_problem_comes_with_what_to_do() {
        let text = || "x".to_owned();
        let problems = [
            Problem::Read(io::ErrorKind::NotFound.into()),
            Problem::Read(io::ErrorKind::PermissionDenied.into()),
            Problem::Read(io::ErrorKind::IsADirectory.into()),
            Problem::Read(io::ErrorKind::Other.into()),
            Problem::TooLarge(1),
            Problem::Pin { wanted: text(), found: text() },
            Problem::NotWasm("x"),
            Problem::CoreModule,
            Problem::Invalid(text()),
            Problem::Invalid("async".to_owned()),
            Problem::Compiler,
            Problem::Version { found: text() },
            Problem::NoHandler { found: text() },
            check_names(&["postern:filter/fetch@0.1.0".to_owned()], &[]).unwrap_err(),
            check_names(&["wasi:io/poll@0.2.0".to_owned()], &[]).unwrap_err(),
            check_names(&["their:own/thing@1.0.0".to_owned()], &[]).unwrap_err(),
            Problem::Import(text()),
            Problem::Signature(text()),
            Problem::Memory { needed: 2, limit: 1 },
            Problem::Room(text()),
            Problem::Parts { memories: 9, tables: 9 },
            Problem::Start(Failure::Refused(text())),
            Problem::Start(Failure::Memory(text())),
            Problem::Start(Failure::Deadline(std::time::Duration::ZERO)),
            Problem::Start(Failure::Trap(text())),
            Problem::Start(Failure::Bug(text())),
        ];
        for problem in problems {
            let told = Chain(&problem).to_string();
            let (said, advice) = told.split_once("\nhint: ").unwrap_or_else(|| panic!("no hint: {told}"));
            assert!(!said.contains('\n') && !advice.contains('\n'), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_told_with_where_it_was_looked_for() {
        let told = Chain(&Problem::Read(io::ErrorKind::NotFound.into())).to_string();
        assert!(
            told.starts_with("it cannot be read: entity not found\nhint: check the path; a relative one"),
            "{told}"
        );
        assert!(told.contains("`postern filter build DIR`"), "{told}");
    }
}
