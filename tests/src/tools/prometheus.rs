//! A real Prometheus and its `promtool`, as Debian packs them.

use super::{debian, wanting};
use crate::{Process, Sender, eventually};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Dropped, it is gone with all that it keeps.
pub struct Prometheus {
    address: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

fn program(name: &str) -> Option<PathBuf> {
    match debian::program("prometheus", name) {
        Ok(program) => Some(program),
        Err(why) => {
            wanting(&format!("a test needs `{name}`: {why}"), "apt-get install prometheus");
            None
        }
    }
}

impl Prometheus {
    /// One that scrapes this admin listener five times a second; `None`, reported, where there is no such program.
    pub async fn scraping(target: SocketAddr) -> Option<Self> {
        let program = program("prometheus")?;
        let directory =
            tempfile::Builder::new().prefix("postern-prometheus-").tempdir().expect("a temporary directory");
        let config = format!(
            "scrape_configs:\n- job_name: postern\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  \
             static_configs: [{{targets: [\"{target}\"]}}]\n"
        );
        let file = directory.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("a temporary directory is writable");
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()));
        command.arg("--web.listen-address=127.0.0.1:0");
        let mut process = Process::start(command);
        let address = eventually("Prometheus's address", async || {
            if let Some(ended) = process.ended() {
                panic!("Prometheus ended at once: {}", ended.stderr);
            }
            let log = process.stderr();
            let line = log.lines().find(|line| line.contains("msg=\"Listening on\""))?;
            line.split(' ').find_map(|word| word.strip_prefix("address=")?.parse().ok())
        })
        .await;
        Some(Self { address, _process: process, _directory: directory })
    }

    /// What it is asked for, as JSON.
    pub async fn get(&self, path: &str) -> Value {
        let reply = Sender::plain(self.address).await.get(path).await;
        serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{path}: {}", reply.text()))
    }

    /// What a query comes to: the value of each series; none, when there is nothing of it.
    pub async fn query(&self, query: &str) -> Vec<f64> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = self.get(&format!("/api/v1/query?query={encoded}")).await;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array().expect("a vector");
        let value = |one: &Value| one["value"][1].as_str()?.parse::<f64>().ok();
        series.iter().filter_map(value).collect()
    }
}

/// Runs `promtool check` on a file, and gives what it finds fault with; `None`, reported, where there is no such program.
pub fn faults(arguments: &[&str], given: Option<&std::path::Path>) -> Option<String> {
    let mut command = Command::new(program("promtool")?);
    command.arg("check").args(arguments);
    if let Some(given) = given {
        let file = std::fs::File::open(given).expect("the file is there");
        command.stdin(Stdio::from(file));
    }
    let ran = command.output().expect("promtool runs");
    let words = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    Some(if ran.status.success() { String::new() } else { words })
}
