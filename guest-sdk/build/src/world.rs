//! The WIT that a project is built against: the package, and a world `filter` that exports the project's handlers and
//! imports all that is hosted.

use crate::{Error, Handler};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use wit_component::StringEncoding;
use wit_parser::Resolve;

/// `postern:filter@0.1.0`, as it is in `wit/v0.1`.
pub const PACKAGE: &str = include_str!("../../wit/v0.1/filter.wit");

/// The name of the world, in the package `postern:project`.
pub const WORLD: &str = "filter";

const IMPORTS: [&str; 9] = ["types", "config", "log", "metrics", "clock", "outbox", "clients", "kv", "signing"];

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

/// Tells a core module its world, the one in `wit`: what makes a component of it looks there. For languages whose SDK speaks
/// to postern by itself, without generated code.
pub fn embed(module: &mut Vec<u8>, wit: &Path) -> Result<(), Error> {
    let failed = |words: String| Error::Component { module: wit.to_owned(), words };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).map_err(|error| failed(format!("{error:#}")))?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(|error| failed(format!("{error:#}")))?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| failed(format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_told_the_handlers_that_the_project_names_and_no_others() {
        let directory = tempfile::tempdir().expect("a directory");
        write(directory.path(), &[Handler::Setup, Handler::Http]).expect("it is writable");
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        embed(&mut module, directory.path()).unwrap_or_else(|error| panic!("{error}"));
        let (_, told) = wit_component::metadata::decode(&module).expect("it is told");
        let world = &told.resolve.worlds[told.world];
        let exports: Vec<_> = world.exports.keys().map(|key| told.resolve.name_world_key(key)).collect();
        assert_eq!(exports, ["postern:filter/setup@0.1.0", "postern:filter/http-handler@0.1.0"]);
        assert_eq!(world.imports.len(), IMPORTS.len());
    }
}
