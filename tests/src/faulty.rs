//! A disk that fails when a test says so, and a thread that stands still: `faulty_disk.c` under the gateway, compiled when a test first asks for it.

use crate::Home;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

/// What the disk does, to files in whose path the word after it is; or a thread, that word its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing can be written.
    Full,
    /// Writes take half of what they are given.
    Short,
    /// The same, and then nothing: half a frame is there.
    Torn,
    /// What is written cannot be synced.
    Sync,
    /// A sync does not come to its end.
    Hung,
    /// The thread waits for no event any more.
    Stuck,
}

pub struct FaultyDisk {
    home: Arc<Home>,
}

/// The file, in the gateway's home, that says what is wrong.
const CONTROL: &str = "fault";

impl FaultyDisk {
    /// Under every gateway that this home starts from now on.
    pub fn under(home: &Arc<Home>) -> Self {
        home.set("LD_PRELOAD", &library().display().to_string());
        home.set("FAULTY_DISK", &home.path(CONTROL).display().to_string());
        Self { home: Arc::clone(home) }
    }

    pub fn fail(&self, fault: Fault, paths: &str) {
        let word = match fault {
            Fault::Full => "full",
            Fault::Short => "short",
            Fault::Torn => "torn",
            Fault::Sync => "sync",
            Fault::Hung => "hung",
            Fault::Stuck => "stuck",
        };
        self.home.write(CONTROL, format!("{word} {paths}"));
    }

    pub fn heal(&self) {
        std::fs::remove_file(self.home.path(CONTROL)).expect("it was failing");
    }
}

fn library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/faulty_disk.c");
        let folder = tempfile::Builder::new().prefix("postern-faulty-").tempdir().expect("a temporary directory");
        let library = folder.keep().join("faulty_disk.so");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let built = Command::new(&compiler).args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).output();
        let built = built.unwrap_or_else(|error| panic!("no C compiler `{compiler}`: {error}\nhint: set CC"));
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        library
    };
    LIBRARY.get_or_init(make).clone()
}
