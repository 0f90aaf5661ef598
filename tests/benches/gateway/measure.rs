//! What a process costs: the processor time of its threads, and the memory that it keeps.
//!
//! The kernel's softirq threads are counted in: on a busy machine they do a part of the network work that is otherwise
//! done in a sender's name. What others make them do is counted too, which is why the least of the rounds is the figure.

use std::fs;
use std::path::{Path, PathBuf};

/// One process, looked at from outside.
pub struct Meter {
    process: PathBuf,
    softirq: Vec<PathBuf>,
}

impl Meter {
    pub fn new(process: u32) -> Self {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        let name = |path: &PathBuf| fs::read_to_string(path.join("comm")).unwrap_or_default();
        let softirq = all.filter(|path| name(path).starts_with("ksoftirqd/")).collect();
        Self { process: PathBuf::from(format!("/proc/{process}")), softirq }
    }

    /// Microseconds of processor time so far, of the threads that live.
    pub fn cpu(&self) -> f64 {
        let threads = fs::read_dir(self.process.join("task")).into_iter().flatten().flatten();
        let own: u64 = threads.map(|thread| ran(&thread.path())).sum();
        let kernel: u64 = self.softirq.iter().map(|path| ran(path)).sum();
        (own + kernel) as f64 / 1_000.0
    }

    /// KiB of memory that it has now.
    pub fn resident(&self) -> f64 {
        let status = fs::read_to_string(self.process.join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
    }
}

/// Nanoseconds on a processor; none for a thread that has just gone.
fn ran(thread: &Path) -> u64 {
    let line = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
    line.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Which machine, and which commit: without them a table says nothing.
pub fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".into());
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    let changed = if changed { " with changes" } else { "" };
    format!("{model}, {cores} cores, Linux {}, commit {commit}{changed}", kernel.trim())
}
