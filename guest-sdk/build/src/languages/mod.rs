//! How each language's own tools make a component of a project.
//!
//! Each `build` gets the project, a directory with its world ([`crate::world`]) and one for what is made on the way, and gives
//! the component's bytes. What the tools say goes to standard error.

mod c;
mod go;
mod javascript;
mod python;
mod zig;

use crate::{Error, Language, Project, world};
use std::path::Path;

pub(crate) fn build(project: &Project, work: &Path) -> Result<Vec<u8>, Error> {
    let wit = work.join("wit");
    world::write(&wit, &project.handlers)?;
    match project.language {
        Language::C => c::build(project, &wit, work),
        Language::Go => go::build(project, &wit, work),
        Language::JavaScript | Language::TypeScript => javascript::build(project, &wit, work),
        Language::Python => python::build(project, &wit, work),
        Language::Zig => zig::build(project, &wit, work),
        // Its projects are crates, and need no such file.
        Language::Rust => Err(Error::Manifest {
            path: project.directory.join(crate::project::MANIFEST),
            words: "a filter in Rust is a crate\nhint: remove this file, and give it a Cargo.toml".to_owned(),
        }),
    }
}
