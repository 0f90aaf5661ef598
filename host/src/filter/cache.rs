//! Compiled filters, kept on disk so that a start compiles nothing.
//!
//! An entry is named `<sha256 of the component>-<hash of the engine's settings>.compiled` and holds a 32-byte tag, then
//! what wasmtime's compiler made. The tag is an HMAC-SHA256 over the name and the code, under a key that lies in the same
//! directory: the directory is readable by its owner alone, so whoever can make a valid entry is whoever runs postern.
//! An entry that is missing, cut short, altered or foreign is compiled anew; nothing here ever keeps a filter from
//! loading.

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use wasmtime::Engine;
use wasmtime::component::Component;

const TAG: usize = 32;
const SUFFIX: &str = ".compiled";
/// Entries kept, the newest: each build of a filter and each version of postern makes one.
const ENTRIES: usize = 64;

pub struct Cache {
    directory: PathBuf,
    key: hmac::Key,
    settings: u64,
}

impl Cache {
    pub fn open(directory: &Path, engine: &Engine) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let metadata = fs::metadata(directory)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        }
        // A directory of somebody else's could hold entries of his, with a key to match. A file we make is ours.
        let probe = directory.join(format!(".probe-{}-{}", std::process::id(), unique()));
        let ours = create(&probe, &[]).and_then(|file| file.metadata());
        let _ = fs::remove_file(&probe);
        if ours?.uid() != metadata.uid() {
            return Err(io::Error::other("the directory belongs to another user"));
        }
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key(&directory.join("key"))?);
        Ok(Self { directory: directory.to_owned(), key, settings: hasher.finish() })
    }

    /// The compiled code of the component with this digest, if it was kept.
    pub fn load(&self, engine: &Engine, sha256: &str) -> Option<Component> {
        let name = self.name(sha256);
        let bytes = fs::read(self.directory.join(&name)).ok()?;
        let (tag, code) = bytes.split_at_checked(TAG)?;
        if hmac::verify(&self.key, &signed(&name, code), tag).is_err() {
            tracing::warn!(entry = name, "a compiled filter is damaged or not ours: it is compiled anew");
            return None;
        }
        // SAFETY: `deserialize` asks for bytes that `Component::serialize` made. The tag proves it: only the holder of
        // the key could make it, the key never leaves a directory closed to all but our user, and `store` below is the
        // only code that uses it, on the output of `serialize` alone. The bytes verified are the bytes used: they are in
        // our memory, not read again. That they fit this engine's version and settings wasmtime checks by itself.
        #[expect(unsafe_code, reason = "the only way to load compiled code; see above")]
        let component = unsafe { Component::deserialize(engine, code) };
        component.ok()
    }

    /// Keeps compiled code. Readers see all of an entry or none of it: it is written aside, then renamed.
    pub fn store(&self, sha256: &str, component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let name = self.name(sha256);
        let tag = hmac::sign(&self.key, &signed(&name, &code));
        let aside = self.directory.join(format!(".{}-{}", std::process::id(), unique()));
        let written = create(&aside, tag.as_ref())
            .and_then(|mut file| file.write_all(&code))
            .and_then(|()| fs::rename(&aside, self.directory.join(&name)));
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written?;
        self.forget_oldest();
        Ok(())
    }

    fn name(&self, sha256: &str) -> String {
        format!("{sha256}-{:016x}{SUFFIX}", self.settings)
    }

    fn forget_oldest(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut entries: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(SUFFIX))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        for (_, path) in entries.into_iter().skip(ENTRIES) {
            let _ = fs::remove_file(path);
        }
    }
}

/// What the tag is over: the name too, so that no entry can stand in for another.
fn signed(name: &str, code: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"\0", code].concat()
}

/// The key in this file; made now if there is none.
fn key(path: &Path) -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    match File::open(path).and_then(|mut file| file.read_exact(&mut key)) {
        Ok(()) => return Ok(key),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // Cut short by a crash. What was sealed with it is compiled anew.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => fs::remove_file(path)?,
        Err(error) => return Err(error),
    }
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    // Linked into place whole, so that two processes starting at once end with one key: the second finds the first's.
    let aside = path.with_file_name(format!(".key-{}-{}", std::process::id(), unique()));
    create(&aside, &key)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            File::open(path)?.read_exact(&mut key)?;
            Ok(key)
        }
        linked => linked.map(|()| key),
    }
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// A number no other file aside of this process has.
fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
