//! What can be wrong with a component, told so that its author knows what to do.

use super::engine::{MEMORIES, TABLES};
use super::failure::Failure;

/// The interfaces this postern offers to filters, and the handlers it calls.
const OFFERED: [&str; 4] = ["types", "config", "log", "clock"];
const CALLED: [&str; 2] = ["message-handler", "admission-handler"];
/// Those of the package that this version does not offer or call yet.
const LATER: [&str; 6] = ["outbox", "clients", "kv", "metrics", "signing", "fetch"];
const PACKAGE: &str = "postern:filter/";
const SPEAKS: &str = "0.1";

#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    #[error("it is larger than the {0} bytes a filter may have")]
    TooLarge(u64),
    #[error(
        "its SHA-256 is not the one it is pinned to: found {found}, pinned {wanted}\n\
        hint: if the new file is meant, put its digest into `sha256`; if not, put the old file back"
    )]
    Pin { wanted: String, found: String },
    #[error("it is not WebAssembly, but {0}\nhint: `file` names the compiled component, which ends in `.wasm`")]
    NotWasm(&'static str),
    #[error(
        "it is a core module, not a component\n\
        hint: `postern filter build` makes a component of a filter's source; `wasm-tools component new` makes one of a module"
    )]
    CoreModule,
    #[error("it is not a valid component: {0}{hint}", hint = hint_for_invalid(.0))]
    Invalid(String),
    #[error("the compiler panicked on it, which is a bug: please report it with the file")]
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
    #[error("it is larger than a filter may be: {0}")]
    Room(String),
    #[error("it has {memories} memories and {tables} tables, of the {MEMORIES} and {TABLES} a filter may have")]
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

fn hint_for_import(name: &str) -> &'static str {
    if name.starts_with("wasi:") {
        "\nhint: filters have no WASI; in Rust build for wasm32-unknown-unknown, elsewhere use your tool's `--stub-wasi`"
    } else {
        ""
    }
}

fn hint_for_invalid(error: &str) -> &'static str {
    if error.contains("async") {
        "\nhint: filters are synchronous; build it with the synchronous ABI (componentize-qjs: `--sync`)"
    } else {
        ""
    }
}

fn hint_for_start(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(_) => "\nhint: those are the filter's own words about its `config`",
        Failure::Memory(_) => "\nhint: raise its `memory`",
        _ => "",
    }
}
