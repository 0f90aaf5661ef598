//! Filters tried against cases, outside of service: a message, a client, a request, and what is to come of it.
//!
//! A case is run under the gateway's own engine, with its limits and its checks. What stands in for the rest of the
//! gateway is here: a clock that stands still, keys and values in memory, clients that are only said to be connected. Nothing
//! is sent to anybody; what a filter wants done is told.
//!
//! Reading order: `case` is what a case is and `read` where it comes from, `stage` runs it, `told` says what happened in
//! the words of case files, `compare` holds that against what was expected, `update` writes it into the file.

mod case;
mod compare;
mod ear;
mod exported;
pub mod fixtures;
mod kept;
mod lines;
mod measure;
mod read;
mod stage;
mod text;
mod told;
mod update;

#[cfg(test)]
mod tests;

pub use case::{Asked, Case, Expect, World};
pub use compare::{Difference, differences};
pub use lines::changes;
pub use measure::{Measured, Spread, Track, spread};
pub use read::{Origin, cases, toml};
pub use stage::Stage;
pub use told::told;
pub use update::{Update, expected, kind_of, short, update};

/// The component under trial.
#[derive(Clone)]
pub struct Component {
    /// What it is called in its lines, and in the trails of exported events.
    pub name: String,
    /// Whether it was called so by whoever tries it.
    pub is_named: bool,
    /// Where it is from, for messages.
    pub origin: String,
    pub bytes: Vec<u8>,
    /// Of the bytes, in lower-case hex.
    pub sha256: String,
}

impl Component {
    pub fn new(name: Option<String>, origin: String, bytes: Vec<u8>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let stem = std::path::Path::new(&origin).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let is_named = name.is_some();
        let name = name.or(stem).unwrap_or_else(|| "filter".to_owned());
        Self { name, is_named, origin, bytes, sha256 }
    }
}
