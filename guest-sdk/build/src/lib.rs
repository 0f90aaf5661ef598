//! Builds postern filters, on any machine, to components.
//!
//! A directory with a `filter.toml` is a project in that file's language, built by the language's own tools
//! (`languages`), which the feature of that name turns on. Any other is a Rust crate, in three steps: find a compiler that
//! can make WebAssembly ([`find_toolchain`], which installs the target when it may), run a cargo of its own for it, and make
//! a component of what comes out. The caller's cargo, if there is one, is left alone: the nested one gets a target directory
//! of its own and an environment without the outer build's settings.
//!
//! Everything here blocks, and the first build of a machine takes a minute. cargo's own words go to standard error.

mod component;
mod error;
#[cfg(test)]
mod gather;
mod interfaces;
#[cfg(feature = "languages")]
mod languages;
mod nested;
#[cfg(feature = "languages")]
mod new;
#[cfg(feature = "languages")]
mod project;
mod toolchain;
#[cfg(feature = "languages")]
mod tools;
#[cfg(feature = "languages")]
pub mod world;

pub use component::componentize;
#[cfg(feature = "languages")]
pub use component::componentize_wasi;
pub use error::Error;
pub use interfaces::{Interfaces, interfaces};
#[cfg(feature = "languages")]
pub use new::{Begun, new};
#[cfg(feature = "languages")]
pub use project::{Handler, Language, MANIFEST, Project};
pub use toolchain::{Standard, Toolchain, find_toolchain};

use std::path::{Path, PathBuf};

/// What Rust filters are compiled to. It has no WASI, and so a filter has no way to ask for any.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the filter in `directory`, in whatever language it is, and says where its component is.
pub fn build(directory: &Path, target_directory: &Path) -> Result<PathBuf, Error> {
    #[cfg(feature = "languages")]
    if let Some(project) = Project::read(directory)? {
        let component = languages::build(&project, &target_directory.join(project.language.name()))?;
        return component::save(&component, &target_directory.join("components"), &format!("{}.wasm", project.name));
    }
    let mut components = build_many(&[directory], target_directory)?;
    // One was asked for, and `build_many` answers one for one.
    Ok(components.swap_remove(0))
}

/// Builds several filter crates, those of one workspace by one cargo. The components come in the order of
/// `directories`.
pub fn build_many(directories: &[&Path], target_directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(first) = directories.first() else { return Ok(vec![]) };
    // Looked at before a toolchain is, which may take a download.
    if let Some(directory) = directories.iter().find(|directory| !directory.join("Cargo.toml").is_file()) {
        return Err(Error::NoManifest(directory.to_path_buf()));
    }
    let toolchain = find_toolchain(first)?;
    let modules = nested::build(&toolchain, directories, target_directory)?;
    modules.iter().map(|module| component::write(module, &target_directory.join("components"))).collect()
}
