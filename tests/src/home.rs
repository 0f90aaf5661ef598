//! A directory a gateway lives in: configuration, certificates, data. It outlives the process, so that a test can kill a
//! gateway and start the next on what the first left.

use crate::process::{Ended, Gateway, Process};
use crate::{Authority, Config, Issued, eventually};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub struct Home {
    directory: TempDir,
    binary: PathBuf,
    pub authority: Authority,
    environment: Mutex<Vec<(String, String)>>,
}

impl Home {
    /// A new directory with `postern.toml`, `cert.pem` (leaf and intermediate) and `key.pem`.
    pub fn new(binary: &str, config: &Config) -> Arc<Self> {
        let directory = tempfile::Builder::new().prefix("postern-test-").tempdir().expect("a temporary directory");
        let environment = Mutex::default();
        let home = Self { directory, binary: binary.into(), authority: Authority::default(), environment };
        home.install(&home.authority.issue());
        home.write("postern.toml", config.text());
        Arc::new(home)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file whole: beside its place, then moved there, as careful tools do.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let beside = self.path(&format!("{name}.new"));
        std::fs::write(&beside, contents).and_then(|()| std::fs::rename(&beside, &path)).expect("the home is writable");
        path
    }

    pub fn configure(&self, config: &Config) {
        self.write("postern.toml", config.text());
    }

    /// Puts a certificate where `Config::basic` looks for it. The key first: between the two writes they do not match,
    /// and a gateway that looks just then has to keep what it had.
    pub fn install(&self, issued: &Issued) {
        self.write("key.pem", &issued.key);
        self.write("cert.pem", &issued.chain);
    }

    /// A variable for the commands started from now on.
    pub fn set(&self, variable: &str, value: &str) {
        let mut environment = self.environment.lock().expect("no test panics in here");
        environment.push((variable.to_owned(), value.to_owned()));
    }

    /// `postern` with these arguments, in this directory, without the tester's own `POSTERN_` variables.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.directory.path());
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("POSTERN_") {
                command.env_remove(variable);
            }
        }
        let environment = self.environment.lock().expect("no test panics in here");
        command.env("RUST_BACKTRACE", "0").envs(environment.iter().map(|(variable, value)| (variable, value)));
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut process = Process::start(self.command(arguments));
        eventually(format!("the end of `postern {}`", arguments.join(" ")), async || process.ended()).await
    }

    /// Runs a command that finds this on its standard input, to its end.
    pub async fn run_given(&self, arguments: &[&str], given: Stdio) -> Ended {
        let mut command = self.command(arguments);
        command.stdin(given);
        let mut process = Process::start_given(command);
        eventually(format!("the end of `postern {}`", arguments.join(" ")), async || process.ended()).await
    }

    /// Starts a gateway that finds this on its standard input.
    pub async fn try_start_given(self: &Arc<Self>, arguments: &[&str], given: Stdio) -> Result<Gateway, Ended> {
        let mut command = self.command(arguments);
        command.stdin(given);
        Gateway::start(Arc::clone(self), Process::start_given(command)).await
    }

    /// Starts a command that goes on beside the test.
    pub fn launch(&self, arguments: &[&str]) -> Process {
        Process::start(self.command(arguments))
    }

    /// Starts `postern run -c postern.toml` and waits until it is ready.
    pub async fn start(self: &Arc<Self>) -> Gateway {
        match self.try_start(&["run", "-c", "postern.toml"]).await {
            Ok(gateway) => gateway,
            Err(ended) => panic!("the gateway ended with {:?} before it was ready:\n{}", ended.code, ended.stderr),
        }
    }

    /// Starts a gateway with these arguments, or gives the way it ended before it was ready.
    pub async fn try_start(self: &Arc<Self>, arguments: &[&str]) -> Result<Gateway, Ended> {
        Gateway::start(Arc::clone(self), Process::start(self.command(arguments))).await
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}
