//! The WIT that a project is built against: the package, and a world `filter` that exports the project's handlers and
//! imports all that is hosted.

use crate::{Error, Handler};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// `postern:filter@0.1.0`, as it is in `wit/v0.1`.
pub const PACKAGE: &str = include_str!("../../wit/v0.1/filter.wit");

/// The name of the world, in the package `postern:project`.
pub const WORLD: &str = "filter";

const IMPORTS: [&str; 9] =
    ["types", "config", "log", "metrics", "clock", "outbox", "clients", "kv", "signing"];

/// Writes the WIT into `directory`, as WIT tools want it: `world.wit`, and the package below `deps`.
pub fn write(directory: &Path, handlers: &[Handler]) -> Result<(), Error> {
    let failed = |source| Error::Io { doing: "write a filter's world", path: directory.to_owned(), source };
    let package = directory.join("deps").join("postern-filter");
    fs::create_dir_all(&package).map_err(failed)?;
    fs::write(package.join("filter.wit"), PACKAGE).map_err(failed)?;
    fs::write(directory.join("world.wit"), text(handlers)).map_err(failed)
}

/// The world's text.
pub fn text(handlers: &[Handler]) -> String {
    let mut text = format!("package postern:project;\n\nworld {WORLD} {{\n");
    for import in IMPORTS {
        let _ = writeln!(text, "    import postern:filter/{import}@0.1.0;");
    }
    for handler in handlers {
        let _ = writeln!(text, "    export postern:filter/{}@0.1.0;", handler.interface());
    }
    text.push_str("}\n");
    text
}
