//! The real binary as a process: its addresses and its words read back from what it prints, its end watched.

use crate::background::thread;
use crate::{Home, eventually};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A gateway that is ready. Dropped, it is killed; then the test fails if the gateway had panicked, and a test that fails
/// prints the gateway's last words.
pub struct Gateway {
    pub home: Arc<Home>,
    process: Process,
    edge: SocketAddr,
    admin: Option<SocketAddr>,
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Gateway {
    pub(crate) async fn start(home: Arc<Home>, mut process: Process) -> Result<Self, Ended> {
        // Whichever comes first: `ready` in the log, or the end.
        let outcome = eventually("the gateway's `ready` line", async || match process.ended() {
            Some(ended) => Some(Err(ended)),
            None => events(&process.stderr.text()).any(|event| event["message"] == "ready").then_some(Ok(())),
        });
        outcome.await?;
        let stderr = process.stderr.text();
        let edge = listening(&stderr, "edge").expect("a `listening` line for the edge before `ready`");
        let admin = listening(&stderr, "admin");
        Ok(Self { home, process, edge, admin })
    }

    pub fn edge(&self) -> SocketAddr {
        self.edge
    }

    pub fn admin(&self) -> SocketAddr {
        self.admin.expect("this gateway has an admin listener")
    }

    /// Where it speaks plain HTTP beside TLS.
    pub fn http(&self) -> SocketAddr {
        listening(&self.stderr(), "http").expect("this gateway has a listener for plain HTTP")
    }

    pub fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.process.stderr.text()
    }

    pub fn stdout(&self) -> String {
        self.process.stdout.text()
    }

    /// Waits until it has written these words to stderr, and gives all that it has. What is seen of it elsewhere, over a
    /// socket, may be there sooner than what it wrote before.
    pub async fn says(&self, words: &str) -> String {
        eventually(format!("`{words}` in the log"), async || {
            Some(self.stderr()).filter(|written| written.contains(words))
        })
        .await
    }

    /// SIGKILL, as an out-of-memory killer or a crash: nothing of it runs after this.
    pub async fn kill(mut self) -> Arc<Home> {
        self.process.child.kill().expect("it runs");
        self.ended().await;
        Arc::clone(&self.home)
    }

    /// SIGTERM, without waiting for what comes of it.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// A signal, by its name.
    pub fn signal(&self, signal: &str) {
        // The standard library sends no signal but KILL, and std has no other way without unsafe.
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.process_id().to_string()]).status();
        assert!(sent.expect("there is a `kill`").success(), "the gateway is gone already");
    }

    /// The end, when it comes.
    pub async fn ended(&mut self) -> Ended {
        eventually("the gateway's end", async || self.process.ended()).await
    }

    /// The end of one that was told to end.
    pub async fn gone(mut self) -> Arc<Home> {
        self.ended().await;
        Arc::clone(&self.home)
    }

    /// SIGTERM and the end.
    pub async fn stop(mut self) -> (Arc<Home>, Ended) {
        self.terminate();
        let ended = self.ended().await;
        (Arc::clone(&self.home), ended)
    }

    /// What it keeps in memory now and at its most, in MiB (Linux; elsewhere nothing).
    pub fn memory(&self) -> Option<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process_id())).ok()?;
        let mebibytes = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key))?;
            Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
        };
        Some((mebibytes("VmRSS:")?, mebibytes("VmHWM:")?))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let stderr = self.process.stderr.text();
        if std::thread::panicking() {
            let lines: Vec<_> = stderr.lines().collect();
            let last = lines[lines.len().saturating_sub(30)..].join("\n");
            eprintln!("--- the gateway's last words\n{last}\n---");
        } else {
            assert!(!stderr.contains("panicked at"), "the gateway panicked:\n{stderr}");
        }
    }
}

/// The `fields` of each line of the log. A process about to fail also says so in plain words, which are passed over.
fn events(stderr: &str) -> impl Iterator<Item = Value> {
    stderr.lines().filter_map(|line| Some(serde_json::from_str::<Value>(line).ok()?.get_mut("fields")?.take()))
}

fn listening(stderr: &str, kind: &str) -> Option<SocketAddr> {
    let line = events(stderr).find(|event| event["message"] == "listening" && event["kind"] == kind)?;
    Some(line["address"].as_str()?.parse().expect("the logged address is one"))
}

/// Any command of the binary, while it runs. Dropped, it is killed.
pub struct Process {
    child: Child,
    stdout: Captured,
    stderr: Captured,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::start_given(command)
    }

    /// With the standard input that the command has already.
    pub(crate) fn start_given(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = Captured::from(child.stdout.take().expect("it is piped"));
        let stderr = Captured::from(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr }
    }

    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// The way it ended, once it has, with all it printed.
    pub fn ended(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().expect("it is our child")?;
        Some(Ended { code: status.code(), stdout: self.stdout.whole(), stderr: self.stderr.whole() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process prints, read as it comes so that the pipe never fills.
struct Captured {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn from(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&text);
        let reader = thread(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                sink.lock().expect("no test panics in here").push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.text.lock().expect("no test panics in here").clone()
    }

    /// All of it, once the process has closed its end.
    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.text()
    }
}
