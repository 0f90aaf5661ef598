//! Real kills: a child of this very binary counts until it is killed.

use super::*;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const DIRECTORY: &str = "POSTERN_TEST_KV";

/// Not a test of its own: what the next test starts and kills. Without its variable it has nothing to do.
#[test]
fn counts_until_killed_when_told_where() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = Store::open(Config::new(directory, 64 << 20)).expect("it opens");
    let space = store.space("a").expect("it opens");
    loop {
        let number = space.increment("count", 1, None).expect("it is kept");
        space.set(&format!("key {}", number % 100), number.to_string().as_bytes(), None).expect("it is kept");
        // In one write, so that a line is whole or not there.
        if std::io::stdout().write_all(format!("ack {number}\n").as_bytes()).is_err() {
            std::process::exit(1);
        }
    }
}

#[test]
fn what_was_kept_before_a_kill_is_there_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let child =
        module_path!().split_once("::").expect("below a crate").1.to_owned() + "::counts_until_killed_when_told_where";
    let mut last = 0;
    for round in 0..8 {
        let mut process = Command::new(std::env::current_exe().expect("its own path"))
            .args([&child, "--exact", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("itself can be started");
        let before = last;
        let mut left = 1 + RandomState::new().hash_one(round) % 2000;
        for line in BufReader::new(process.stdout.take().expect("piped")).lines() {
            if let Some(number) = line.expect("readable").strip_prefix("ack ") {
                last = number.parse::<i64>().expect("a number");
                left = left.saturating_sub(1);
            }
            if left == 0 {
                // What is still in the pipe was kept too: it is read on.
                process.kill().expect("it can be killed");
            }
        }
        process.wait().expect("it ends");
        assert!(last > before, "it went on where it was");
        let store = Store::open(Config::new(directory.path(), 64 << 20)).expect("it opens");
        let space = store.space("a").expect("it opens");
        let kept = space.increment("count", 0, None).expect("a number");
        assert!(kept == last || kept == last + 1, "{kept} after {last}");
        let at = |number: i64| space.get(&format!("key {}", number % 100)).expect("it answers");
        assert_eq!(at(last), Some(last.to_string().into()));
        last = kept;
    }
}
