//! Makes a component of what the compiler leaves: a core module with its interfaces described in custom sections.

use crate::Error;
#[cfg(feature = "languages")]
use crate::world;
use std::path::{Path, PathBuf};
use std::{fs, process};
use wit_component::ComponentEncoder;
#[cfg(feature = "languages")]
use wit_component::{StringEncoding, embed_component_metadata};
#[cfg(feature = "languages")]
use wit_parser::Resolve;

/// How a component's bytes begin; a core module has another version in the same place.
const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// Makes a component of a core module. One that is a component already is given back as it is.
///
/// `path` is only for the error: it names what is wrong.
pub fn componentize(module: &[u8], path: &Path) -> Result<Vec<u8>, Error> {
    encode(module, path, None)
}

/// The same of a module that a compiler made for WASI preview 1: it is given what stands in for all of that, within the
/// component, so that nothing of WASI is imported. Of files and sockets it is told that there are none; its clock is
/// postern's, and what it prints goes to postern's log once it has lent the room for a line: see `preview1.wat`.
#[cfg(feature = "languages")]
pub fn componentize_wasi(module: &[u8], path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |words: String| Error::Component { module: path.to_owned(), words };
    let mut adapter = wat::parse_str(include_str!("preview1.wat")).map_err(|error| failed(error.to_string()))?;
    let mut resolve = Resolve::default();
    resolve
        .push_str("filter.wit", world::PACKAGE)
        .and_then(|_| resolve.push_str("preview1.wit", PREVIEW1))
        .and_then(|package| resolve.select_world(&[package], None))
        .and_then(|world| embed_component_metadata(&mut adapter, &resolve, world, StringEncoding::UTF8))
        .map_err(|error| failed(format!("{error:#}")))?;
    encode(module, path, Some(&adapter))
}

/// What the stand-in for WASI asks of postern.
#[cfg(feature = "languages")]
const PREVIEW1: &str = "
    package postern:preview1;
    world preview1 { import postern:filter/log@0.1.0; import postern:filter/clock@0.1.0; }
";

fn encode(module: &[u8], path: &Path, adapter: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    if module.starts_with(&COMPONENT) {
        return Ok(module.to_vec());
    }
    let failed = |words: String| Error::Component { module: path.to_owned(), words };
    let (_, described) = wit_component::metadata::decode(module).map_err(|error| failed(format!("{error:#}")))?;
    // Without this check a module that describes nothing becomes a component that exports nothing, without a word.
    let world = &described.resolve.worlds[described.world];
    let is_handler = |name: &String| name.starts_with("postern:filter/") && name.contains("-handler");
    let exports = world.exports.keys().map(|key| described.resolve.name_world_key(key));
    if !exports.into_iter().any(|name| is_handler(&name)) {
        return Err(Error::NotAFilter(path.to_owned()));
    }
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(module).map_err(|error| failed(format!("{error:#}")))?;
    if let Some(adapter) = adapter {
        encoder.adapter("wasi_snapshot_preview1", adapter).map_err(|error| failed(format!("{error:#}")))?;
    }
    encoder.encode().map_err(|error| failed(format!("{error:#}")))
}

/// Makes a component of the module at `module` and writes it into `directory`, under the same name.
pub(crate) fn write(module: &Path, directory: &Path) -> Result<PathBuf, Error> {
    let bytes =
        fs::read(module).map_err(|source| Error::Io { doing: "read a module", path: module.to_owned(), source })?;
    let component = componentize(&bytes, module)?;
    let name = module.file_name().ok_or_else(|| Error::NoModule(module.to_owned()))?;
    save(&component, directory, &name.to_string_lossy())
}

/// Writes a component into `directory`, and says where it is.
pub(crate) fn save(component: &[u8], directory: &Path, name: &str) -> Result<PathBuf, Error> {
    let io = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    };
    let path = directory.join(name);
    // What is the same is not written again, so that who watches the file sees changes only.
    if fs::read(&path).is_ok_and(|old| old == component) {
        return Ok(path);
    }
    fs::create_dir_all(directory).map_err(io("make a directory", directory))?;
    // Whole or not at all: another process may be reading, or building the same.
    let draft = path.with_extension(format!("{}.draft", process::id()));
    fs::write(&draft, component).map_err(io("write a component", &draft))?;
    fs::rename(&draft, &path).map_err(io("write a component", &path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_without_a_handler_is_refused_with_advice() {
        let empty = b"\0asm\x01\0\0\0";
        let error = componentize(empty, Path::new("empty.wasm")).expect_err("it is no filter").to_string();
        assert!(error.contains("`empty.wasm` is not a filter"), "{error}");
        assert!(error.contains("hint: "), "{error}");
    }

    #[test]
    fn what_is_not_wasm_is_refused_with_its_name() {
        let error = componentize(b"#!/bin/sh", Path::new("script.wasm")).expect_err("it is no wasm").to_string();
        assert!(error.contains("`script.wasm`"), "{error}");
    }

    #[test]
    fn a_component_stays_as_it_is() {
        assert_eq!(componentize(&COMPONENT, Path::new("empty.wasm")).expect("it is a component"), COMPONENT);
    }
}
