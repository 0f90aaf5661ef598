//! What is kept on disk: files that only postern's own user may read, each written whole and then put in its place.

use super::certificate::Held;
use super::error::Error;
use instant_acme::AccountCredentials;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

const ACCOUNT: &str = "account.json";
pub const CERTIFICATE: &str = "certificate.pem";
const FAILED: &str = "failed.json";

/// None of these files is longer; a chain of a hundred domains has some kilobytes.
const LONGEST: u64 = 1 << 20;

#[derive(Clone)]
pub struct Store(PathBuf);

/// What a process that starts anew must know of one that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// In a row.
    pub times: u32,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Until when nobody is asked.
    pub until: i64,
    /// The authority has said that it was too much.
    pub limited: bool,
}

impl Store {
    pub fn open(folder: &Path) -> Result<Self, Error> {
        make(folder).map_err(|cause| Error::Store { path: folder.to_owned(), cause })?;
        Ok(Self(folder.to_owned()))
    }

    pub fn certificate(&self) -> Option<Held> {
        certificate(&self.0)
    }

    pub fn keep_certificate(&self, pem: &str) -> Result<(), Error> {
        self.write(CERTIFICATE, pem.as_bytes())
    }

    /// The account, if there is one that can be read. One that cannot is made anew: it is of no value but that it is known.
    pub fn account(&self) -> Option<AccountCredentials> {
        self.json(ACCOUNT)
    }

    pub fn keep_account(&self, account: &AccountCredentials) -> Result<(), Error> {
        self.keep_json(ACCOUNT, account)
    }

    pub fn forget_account(&self) {
        self.remove(ACCOUNT);
    }

    pub fn failed(&self) -> Option<Failed> {
        self.json(FAILED)
    }

    /// That it is not known is not worth failing for: then a restart asks at once.
    pub fn keep_failed(&self, failed: Option<&Failed>) {
        let kept = match failed {
            Some(failed) => self.keep_json(FAILED, failed),
            None => {
                self.remove(FAILED);
                Ok(())
            }
        };
        if let Err(error) = kept {
            tracing::debug!(%error, "that ACME has failed is not kept");
        }
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.0.join(name);
        let text = match read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file of ACME cannot be read, it is made anew");
                return None;
            }
        };
        // What the parser says may repeat a piece of a key.
        let parsed = serde_json::from_str(&text).ok();
        if parsed.is_none() {
            tracing::warn!(path = %path.display(), "a file of ACME is damaged, it is made anew");
        }
        parsed
    }

    fn keep_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.0.join(name);
        let text = serde_json::to_vec(value).map_err(|error| Error::Store { path, cause: error.into() })?;
        self.write(name, &text)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.0.join(name);
        put(&self.0, &path, bytes).map_err(|cause| Error::Store { path, cause })
    }

    fn remove(&self, name: &str) {
        // Mostly it is not there.
        let _ = fs::remove_file(self.0.join(name));
    }
}

/// The certificate in this folder, if there is one and it can be read.
pub fn certificate(folder: &Path) -> Option<Held> {
    let path = folder.join(CERTIFICATE);
    let written = fs::metadata(&path).ok()?.modified().ok()?;
    let installed = written.duration_since(UNIX_EPOCH).ok()?.as_secs() as i64;
    Held::read(&read(&path).ok()?, installed).ok()
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn put(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    // One that a crash has left may belong to anybody.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    // A rename is on disk when the directory is.
    File::open(folder)?.sync_all()
}
