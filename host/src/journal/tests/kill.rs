//! Real kills: a child of this very binary appends and judges until it is killed.

use super::*;
use crate::task;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use tokio::task::JoinSet;

const DIRECTORY: &str = "POSTERN_TEST_JOURNAL";
const APPENDERS: u64 = 16;

fn body_of(task: u64, boot: u32, number: u64) -> Bytes {
    let word = format!("{task}.{boot}.{number};");
    word.repeat(1 + (task * 7 + number * 13) as usize % 300).into()
}

/// Not a test of its own: what the next test starts and kills. Without its variable it has nothing to do.
#[test]
fn appends_and_judges_until_killed_when_told_where() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let journal = open(Path::new(&directory), &["even", "odd"]);
    for name in ["even", "odd"] {
        let (journal, lane) = (journal.clone(), lane(&journal, name));
        let judge = move || loop {
            if deliver_pending(&journal, &lane, |_| ()) == 0 {
                lane.wait(journal.done(&lane), Duration::from_millis(10));
            }
        };
        task::thread("judge", judge).expect("a thread");
    }
    runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime").block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..APPENDERS {
            let journal = journal.clone();
            tasks.spawn(async move {
                let lane = lane(&journal, if task % 2 == 0 { "even" } else { "odd" });
                for number in 0.. {
                    let body = body_of(task, journal.boot(), number);
                    let appended = journal.append(&lane, delivery(&lane, &[&body])).await.expect("on disk");
                    let again = journal.append(&lane, delivery(&lane, &[&body])).await.expect("on disk");
                    assert_eq!((appended.new, again.duplicates), (1, 1));
                    // In one write each, past the test harness, so that a line is whole or not there.
                    let line = format!("ack {} {task} {} {number}\n", appended.first.0, journal.boot());
                    if std::io::stdout().write_all(line.as_bytes()).is_err() {
                        std::process::exit(1); // Whoever was to kill it has failed before it could.
                    }
                }
            });
        }
        tasks.join_all().await;
    });
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_pending_or_wholly_decided_after_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let child = module_path!().split_once("::").expect("below a crate").1.to_owned()
        + "::appends_and_judges_until_killed_when_told_where";
    let mut acknowledged = BTreeMap::new();
    let mut outbox: Vec<Entry> = Vec::new();
    for round in 1..=8 {
        let mut process = Command::new(std::env::current_exe().expect("its own path"))
            .args([&child, "--exact", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("itself can be started");
        let before = acknowledged.keys().next_back().copied().unwrap_or(0);
        let mut lines = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        let mut left = RandomState::new().hash_one(round) % 1000;
        // What is still in the pipe after the kill was acknowledged too.
        while lines.read_line(&mut line).expect("readable") > 0 {
            if let Some(ack) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("ack ")) {
                let [event, task, boot, number] =
                    ack.split(' ').map(|word| word.parse().expect("a number")).collect::<Vec<u64>>()[..]
                else {
                    panic!("{line}")
                };
                assert!(event > before, "an id that was given before the restart came again: {event}");
                let body = body_of(task, boot as u32, number);
                assert_eq!(acknowledged.insert(event, body), None, "an id was given twice: {event}");
                if left == 0 {
                    process.kill().expect("it runs");
                }
                left = left.wrapping_sub(1);
            }
            line.clear();
        }
        process.wait().expect("it has ended");
        assert!(left > u64::MAX / 2, "it ended before it was killed");

        let journal = open(directory.path(), &["even", "odd"]);
        assert_eq!(journal.damage(), [""; 0], "a kill damages nothing");
        assert_eq!(journal.boot(), round * 2, "every start counts, the killed ones too");
        let old = std::mem::replace(&mut outbox, whole_outbox(&journal));
        assert_eq!(old, outbox[..old.len()], "what was published is still there, and the same");
        assert!(outbox.iter().map(|entry| entry.offset.0).eq(1..journal.tail().0));
        let mut found = BTreeMap::new();
        for entry in &outbox {
            assert_eq!(found.insert(entry.event.0, entry.payload.data.clone()), None, "an event was delivered twice");
            assert_eq!(state(&journal, entry.event), State::Delivered { first: entry.offset, count: 1 });
        }
        for name in ["even", "odd"] {
            for event in pending(&journal, &lane(&journal, name)) {
                assert_eq!(state(&journal, event.id), State::Pending);
                assert_eq!(found.insert(event.id.0, event.body), None, "pending, and delivered too");
            }
        }
        for (event, body) in &acknowledged {
            assert_eq!(found.get(event), Some(body), "event {event} of round {round} or before");
        }
    }
}
