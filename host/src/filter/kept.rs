//! Components that operators have put in the place of the configured ones, kept so that a restart does not undo it. Each
//! stands in for one configured component, known by its digest: when the configuration's is another one, it stands.

use super::load::digest;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Beside each component, `NAME.json` for `NAME.wasm`.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The digest of the one it stands in for, and its own.
    instead_of: String,
    sha256: String,
}

/// Where they are: a directory, made when the first is kept.
pub struct Kept(pub PathBuf);

impl Kept {
    /// What stands in for the component of this digest. One that stands in for another, or is damaged, is removed.
    pub fn read(&self, name: &str, instead_of: &str) -> Option<Vec<u8>> {
        let note = fs::read(self.note(name)).ok()?;
        let found = serde_json::from_slice::<Note>(&note).ok().filter(|note| note.instead_of == instead_of);
        let found = found.and_then(|note| Some((fs::read(self.component(name)).ok()?, note.sha256)));
        match found {
            Some((bytes, sha256)) if digest(&bytes) == sha256 => Some(bytes),
            _ => {
                tracing::warn!(
                    filter = name,
                    "what was put in this filter's place does not belong to what is configured now: it is removed"
                );
                self.remove(name);
                None
            }
        }
    }

    pub fn write(&self, name: &str, instead_of: &str, bytes: &[u8]) -> io::Result<()> {
        let note = Note { instead_of: instead_of.to_owned(), sha256: digest(bytes) };
        fs::create_dir_all(&self.0)?;
        // The note is last: without it there is nothing.
        self.remove(name);
        replace(&self.component(name), bytes)?;
        replace(&self.note(name), &serde_json::to_vec(&note).map_err(io::Error::other)?)?;
        fs::File::open(&self.0)?.sync_all()
    }

    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.note(name));
        let _ = fs::remove_file(self.component(name));
    }

    fn component(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.wasm"))
    }

    fn note(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }
}

/// Whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let aside = path.with_extension("new");
    let mut file = fs::File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_in_for_one_component_and_for_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let kept = Kept(directory.path().join("filters"));
        assert_eq!(kept.read("redact", "old"), None);
        kept.write("redact", "old", b"new").unwrap();
        assert_eq!(kept.read("redact", "old").as_deref(), Some(&b"new"[..]));
        assert_eq!(kept.read("redact", "newer"), None);
        assert_eq!(kept.read("redact", "old"), None, "it was removed");
    }

    #[test]
    fn one_that_is_damaged_does_not_stand_in() {
        let directory = tempfile::tempdir().unwrap();
        let kept = Kept(directory.path().to_owned());
        kept.write("redact", "old", b"new").unwrap();
        fs::write(directory.path().join("redact.wasm"), b"ne").unwrap();
        assert_eq!(kept.read("redact", "old"), None);
    }
}
