//! Lost and garbled files: what is intact is given, what is not is told, and nothing is a reason not to start.

use super::*;
use crate::message::{Cursor, Gap, Loss};
use std::path::PathBuf;

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(directory).expect("readable") {
        let path = item.expect("readable").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Makes garbage of the rest of one of the files below a directory.
pub fn garble(directory: &Path, file: usize, at: usize) {
    let files = files(directory);
    let file = &files[file % files.len()];
    let mut content = std::fs::read(file).expect("readable");
    if content.is_empty() {
        content = vec![0];
    }
    let at = at % content.len();
    content[at..].iter_mut().enumerate().for_each(|(place, byte)| *byte ^= 0x55 ^ place as u8);
    std::fs::write(file, content).expect("writable");
}

/// The files of a log, with the text of each changed where it says so.
fn flip(log: &Path, needle: &str) {
    for file in files(log) {
        let mut content = std::fs::read(&file).expect("readable");
        if let Some(at) = content.windows(needle.len()).position(|window| window == needle.as_bytes()) {
            content[at] ^= 1;
            std::fs::write(file, content).expect("writable");
            return;
        }
    }
    panic!("`{needle}` is nowhere in {}", log.display());
}

#[test]
fn every_file_of_the_index_may_be_garbage_and_the_answers_stay_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a", "b"]);
    for name in ["a", "b"] {
        for number in 0..50 {
            append(&journal, &lane(&journal, name), &[format!("{name}{number}"), format!("{name}{}", number + 1)]);
        }
    }
    let events = pending(&journal, &lane(&journal, "a"));
    let decide = |event| if event == &events[7] { held(event) } else { delivered(event) };
    journal.decide(&lane(&journal, "a"), events[..30].iter().map(decide).collect(), |_| ()).expect("written");
    journal.sync().expect("synced");
    let ask = |journal: &Journal| {
        let search = journal.search(EventId(1), &|_, _| true, usize::MAX, usize::MAX).expect("readable").0;
        (search, whole_outbox(journal), journal.held(EventId(0), 9).expect("readable"))
    };
    let before = ask(&journal);
    drop(journal);
    let count = files(&directory.path().join("index")).len();
    let mut rebuilt = 0;
    for file in 0..count {
        for at in [0, 40] {
            let to = tempfile::tempdir().expect("a directory");
            copy(directory.path(), to.path());
            garble(&to.path().join("index"), file, at);
            let journal = open(to.path(), &["a", "b"]);
            assert_eq!(ask(&journal), before, "file {file} from {at}");
            assert_eq!(append(&journal, &lane(&journal, "a"), &["a9"]).duplicates, 1, "file {file} from {at}");
            rebuilt += usize::from(!journal.damage().is_empty());
            assert_eq!(to.path().join("index.damaged-1").exists(), !journal.damage().is_empty());
        }
    }
    assert!(rebuilt > 0, "garbage in {count} files was never noticed");
}

#[test]
fn no_more_than_two_damaged_indexes_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..5 {
        drop(open(directory.path(), &["a"]));
        let version = directory.path().join("index").join("version");
        assert!(version.exists(), "fjall's own file");
        std::fs::write(version, format!("garbage {round}")).expect("writable");
    }
    let names = std::fs::read_dir(directory.path()).expect("readable").map(|item| item.unwrap().file_name());
    let mut aside: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("index.")).collect();
    aside.sort();
    assert_eq!(aside, ["index.damaged-3", "index.damaged-4"]);
}

#[test]
fn a_flipped_bit_in_the_inbox_hides_one_delivery_and_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    for text in ["first", "second", "third"] {
        append(&journal, &lane(&journal, "a"), &[text]);
    }
    drop(journal);
    flip(&directory.path().join("inbox"), "second");
    let journal = open(directory.path(), &["a"]);
    let lane = lane(&journal, "a");
    assert_eq!(texts(&pending(&journal, &lane)), ["first", "third"]);
    assert!(!journal.damage().is_empty());
    assert_eq!(journal.event(EventId(2)).expect("readable"), None);
    assert_eq!(deliver_pending(&journal, &lane, |_| ()), 2);
    assert_eq!(lane.lag(), 0, "nobody waits for what is lost");
}

#[test]
fn an_inbox_that_lost_its_end_gives_no_position_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    for text in ["first", "second", "third"] {
        append(&journal, &lane(&journal, "a"), &[text]);
    }
    deliver_pending(&journal, &lane(&journal, "a"), |_| ());
    drop(journal);
    for file in files(&directory.path().join("inbox")) {
        let content = std::fs::read(&file).expect("readable");
        let at = content.windows(6).position(|window| window == b"second").expect("in the only segment");
        std::fs::write(file, &content[..at]).expect("writable");
    }
    for round in 0..2 {
        let journal = open(directory.path(), &["a"]);
        assert_eq!(journal.damage().is_empty(), round == 1, "told when it is found: {:?}", journal.damage());
        assert_eq!(pending(&journal, &lane(&journal, "a")), []);
        assert_eq!(whole_outbox(&journal).len(), 3);
    }
    let journal = open(directory.path(), &["a"]);
    assert_eq!(append(&journal, &lane(&journal, "a"), &["fourth"]).first, EventId(4));
    assert_eq!(texts(&pending(&journal, &lane(&journal, "a"))), ["fourth"]);
    assert_eq!(deliver_pending(&journal, &lane(&journal, "a"), |_| ()), 1);
}

#[test]
fn a_flipped_bit_in_the_outbox_is_a_gap_and_what_lies_behind_it_is_given() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    for text in ["first", "second", "third"] {
        append(&journal, &lane(&journal, "a"), &[text]);
        deliver_pending(&journal, &lane(&journal, "a"), |_| ());
    }
    let entries = whole_outbox(&journal);
    drop(journal);
    flip(&directory.path().join("outbox"), "second");
    let journal = open(directory.path(), &["a"]);
    assert_eq!(pending(&journal, &lane(&journal, "a")), [], "what was decided stays so");
    let first = journal.outbox(Offset(1), 10, 1 << 20).expect("readable");
    assert_eq!((first.gap, first.next, &first.entries[..]), (None, Offset(2), &entries[..1]));
    let second = journal.outbox(first.next, 10, 1 << 20).expect("readable");
    let (from, to) = (journal.cursor(Offset(2)), journal.cursor(Offset(3)));
    assert_eq!(second.gap, Some(Gap { from, to, loss: Loss::Damaged }));
    assert_eq!((second.next, second.entries.len()), (Offset(4), 1));
    assert_eq!(second.entries[0].payload, entries[2].payload);
}

#[test]
fn an_outbox_that_lost_its_end_is_decided_again_and_tells_its_clients() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    for text in ["first", "second", "third"] {
        append(&journal, &lane(&journal, "a"), &[text]);
        deliver_pending(&journal, &lane(&journal, "a"), |_| ());
    }
    let has_all = journal.cursor(journal.tail());
    drop(journal);
    for file in files(&directory.path().join("outbox")) {
        let content = std::fs::read(&file).expect("readable");
        let at = content.windows(6).position(|window| window == b"second").expect("in the only segment");
        std::fs::write(file, &content[..at]).expect("writable");
    }
    let journal = open(directory.path(), &["a"]);
    assert_eq!(texts(&pending(&journal, &lane(&journal, "a"))), ["second", "third"]);
    deliver_pending(&journal, &lane(&journal, "a"), |_| ());
    let (from, to) = (has_all, journal.cursor(Offset(2)));
    assert_ne!(from.epoch, to.epoch, "no offset is given twice in one epoch");
    assert_eq!(journal.resume(has_all), (Offset(2), Some(Gap { from, to, loss: Loss::Reset })));
    assert_eq!(journal.resume(Cursor { offset: Offset(2), ..has_all }), (Offset(2), None), "it has all that is left");
    let after = journal.outbox(Offset(2), 10, 1 << 20).expect("readable");
    assert_eq!(after.gap, None);
    let entries = after.entries.iter().map(|entry| (entry.offset.0, &entry.payload.data[..]));
    assert!(entries.eq([(2, &b"second"[..]), (3, b"third")]));
}
