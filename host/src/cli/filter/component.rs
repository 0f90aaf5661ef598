//! The component that a command is about, and where compiled code is kept between commands.

use crate::builtin;
use crate::cli::Failure;
use crate::trial::Component;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest component there may be; the engine refuses what is larger in its own words.
const SIZE: u64 = (64 << 20) + 1;

/// Reads the file, or takes the built-in filter of that name.
pub fn component(file: &Path, name: Option<String>) -> Result<Component, Failure> {
    let origin = file.display().to_string();
    if let Some(built_in) = origin.strip_prefix("builtin:") {
        let bytes = builtin::filter(built_in).ok_or_else(|| {
            let known = builtin::FILTERS.map(|(name, _)| name).join("`, `");
            Failure::new(
                Failure::FAILED,
                format!("there is no built-in filter `{}`\nhint: there are `{known}`", built_in.escape_debug()),
            )
        })?;
        let name = name.or_else(|| Some(built_in.to_owned()));
        return Ok(Component { is_named: false, ..Component::new(name, origin.clone(), bytes.to_vec()) });
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(SIZE).read_to_end(&mut bytes)).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::IsADirectory => {
                "\nhint: name the component itself; `postern filter build DIR` makes one and prints where it is"
            }
            std::io::ErrorKind::NotFound => {
                "\nhint: `postern filter build DIR` makes a component and prints where it is"
            }
            _ => "",
        };
        Failure::new(Failure::FAILED, format!("failed to read `{origin}`: {error}{hint}"))
    })?;
    Ok(Component::new(name, origin, bytes))
}

/// Where compiled code is kept: compiling an interpreter takes many seconds, once.
pub fn cache() -> PathBuf {
    let absolute = |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("postern").join("compiled")
}
