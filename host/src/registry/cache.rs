//! What was pulled, on disk.
//!
//! A file `sha256-<digest>` is the content of that digest, manifest or component; it is hashed when it is read, and what is
//! not what its name says is as good as not there. A file `tag-<digest of the reference>` is what a tag was last: a digest as
//! text. Nothing here ever keeps a filter from loading: at the worst, it is pulled again.

use super::LARGEST;
use crate::reference::{Digest, Reference};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

const CONTENT: &str = "sha256-";
const TAG: &str = "tag-";

/// Files of each kind that are kept, those used last. A filter has two, its manifest and itself.
const FILES: usize = 128;

pub(super) struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The directory is made when something is kept.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The content that has this digest.
    pub fn content(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.directory.join(format!("{CONTENT}{}", digest.hex()));
        let bytes = read(&path, LARGEST as u64)?;
        if Digest::of(&bytes) != *digest {
            tracing::warn!(path = %path.display(), "what was kept of a registry is damaged: it is pulled anew");
            return None;
        }
        // So that what is in use is not the oldest. Where that is not allowed, it is.
        let _ = OpenOptions::new().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(bytes)
    }

    pub fn keep(&self, content: &[u8]) -> io::Result<()> {
        self.write(&format!("{CONTENT}{}", Digest::of(content).hex()), content)?;
        self.forget_oldest(CONTENT);
        Ok(())
    }

    /// What a tag was when it was asked for last.
    pub fn tagged(&self, reference: &Reference) -> Option<Digest> {
        let text = read(&self.directory.join(tag(reference)), 128)?;
        Digest::parse(std::str::from_utf8(&text).ok()?)
    }

    pub fn tag(&self, reference: &Reference, digest: &Digest) -> io::Result<()> {
        self.write(&tag(reference), digest.to_string().as_bytes())?;
        self.forget_oldest(TAG);
        Ok(())
    }

    /// Readers see all of a file or none of it: it is written aside, synced, then renamed.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let aside = self.directory.join(format!(".{}-{unique}", std::process::id()));
        let written = create(&aside, bytes).and_then(|()| fs::rename(&aside, self.directory.join(name)));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }

    fn forget_oldest(&self, kind: &str) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut entries: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(kind))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        for (_, path) in entries.into_iter().skip(FILES) {
            let _ = fs::remove_file(path);
        }
    }
}

fn tag(reference: &Reference) -> String {
    format!("{TAG}{}", Digest::of(reference.to_string().as_bytes()).hex())
}

/// A file of at most so many bytes.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
