//! What was seen before is recorded as such and judged by nobody.

use super::*;
use tokio::task::JoinSet;

#[test]
fn the_same_delivery_twice_is_delivered_once_and_recorded_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    let lane = lane(&journal, "a");
    let first = append(&journal, &lane, &["one", "two", "three"]);
    assert_eq!((first.first, first.new, first.duplicates), (EventId(1), 3, 0));
    let again = append(&journal, &lane, &["one", "two", "three"]);
    assert_eq!((again.first, again.new, again.duplicates), (EventId(4), 0, 3));
    assert_eq!(texts(&pending(&journal, &lane)), ["one", "two", "three"]);
    let record = journal.record(EventId(5)).expect("readable").expect("recorded");
    assert_eq!(record.state, State::Duplicate { of: EventId(2) });
    assert_eq!((record.delivery, record.items, record.delivery_bytes), (EventId(4), 3, 11));
    assert_eq!(record.event.body, "two", "the body of the first stands for its own");
    assert_eq!(journal.event(EventId(7)).expect("readable"), None);
    while deliver_pending(&journal, &lane, |_| ()) > 0 {}
    append(&journal, &lane, &["two"]);
    assert_eq!(lane.lag(), 0, "nothing is pending when only duplicates follow");
    assert_eq!(deliver_pending(&journal, &lane, |_| ()), 0);
    assert_eq!(whole_outbox(&journal).len(), 3);
}

#[test]
fn a_retry_in_other_batches_delivers_only_what_is_new() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut journal = open(directory.path(), &["a"]);
    append(&journal, &lane(&journal, "a"), &["one", "two"]);
    let mixed = append(&journal, &lane(&journal, "a"), &["two", "three", "three", "one"]);
    assert_eq!((mixed.new, mixed.duplicates), (1, 3));
    assert_eq!(state(&journal, EventId(5)), State::Duplicate { of: EventId(4) }, "within one delivery too");
    for round in 0..2 {
        drop(journal);
        if round == 1 {
            std::fs::remove_dir_all(directory.path().join("index")).expect("removable");
        }
        journal = open(directory.path(), &["a"]);
        let again = append(&journal, &lane(&journal, "a"), &["three", "two"]);
        assert_eq!((again.new, again.duplicates), (0, 2), "round {round}");
        assert_eq!(texts(&pending(&journal, &lane(&journal, "a"))), ["one", "two", "three"]);
    }
}

#[test]
fn of_many_that_bring_the_same_at_once_one_is_the_first() {
    const TASKS: usize = 50;
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    let items: Vec<String> = (0..100).map(|number| format!("item {number}")).collect();
    let answers = runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime").block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let (journal, lane) = (journal.clone(), lane(&journal, "a"));
            let mut items = items.clone();
            items.rotate_left(task * 7 % 100);
            items.truncate(60);
            tasks.spawn(async move { journal.append(&lane, delivery(&lane, &items)).await.expect("taken") });
        }
        tasks.join_all().await
    });
    assert_eq!(answers.iter().map(|answer| answer.new).sum::<u32>(), 100);
    assert_eq!(answers.iter().map(|answer| answer.duplicates).sum::<u32>() as usize, TASKS * 60 - 100);
    let mut found = texts(&pending(&journal, &lane(&journal, "a")));
    found.sort();
    let mut items = items;
    items.sort();
    assert_eq!(found, items);
}

#[test]
fn what_was_seen_is_forgotten_when_the_window_has_passed_and_not_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config { dedupe_window: Duration::from_secs(80), ..config(directory.path(), &["a"]) };
    let mut journal = open_with(&config);
    let at = |journal: &Journal, second: u64| {
        let appended = try_append(journal, delivery_at(&lane(journal, "a"), second * 1000, &["x"])).expect("taken");
        appended.new == 1
    };
    assert!(at(&journal, 1000));
    assert!(!at(&journal, 1079));
    assert!(!at(&journal, 900), "a clock that was set back");
    assert!(at(&journal, 1080));
    assert!(!at(&journal, 1159), "counted from the last one that was new");
    for (now, kept) in [(1081, 2), (1095, 1), (1160, 1), (1170, 0)] {
        journal.retain(Timestamp(now * 1000)).expect("retained");
        let buckets = journal.0.keeper.read(|store| Ok(store.seen.lock().expect("whole").len())).expect("readable");
        assert_eq!(buckets, kept, "at {now}");
    }
    drop(journal);
    journal = open_with(&config);
    let buckets = journal.0.keeper.read(|store| Ok(store.seen.lock().expect("whole").len())).expect("readable");
    assert_eq!(buckets, 0, "what was deleted stays so");
    assert!(at(&journal, 1159), "its memory is gone with its bucket");
}

#[test]
fn without_a_window_nothing_is_a_duplicate() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config { dedupe_window: Duration::ZERO, ..config(directory.path(), &["a"]) };
    let journal = open_with(&config);
    for _ in 0..2 {
        assert_eq!(append(&journal, &lane(&journal, "a"), &["x", "x"]).new, 2);
    }
}

#[test]
fn what_was_seen_before_a_restart_is_recognised_before_and_after_it_was_read() {
    const BUCKETS: u64 = 3;
    const EACH: usize = 3000;
    let directory = tempfile::tempdir().expect("a directory");
    let config = Config { dedupe_window: Duration::from_secs(80), ..config(directory.path(), &["a"]) };
    let deliver = |journal: &Journal, second: u64, items: &[String]| {
        let delivery = delivery_at(&lane(journal, "a"), second * 1000, items);
        try_append(journal, delivery).map(|appended| (appended.new, appended.duplicates)).expect("taken")
    };
    let words = |bucket: u64, what: &str| -> Vec<String> {
        (0..EACH).map(|number| format!("{what} {bucket} {number}")).collect()
    };
    let mut journal = open_with(&config);
    for bucket in 0..BUCKETS {
        assert_eq!(deliver(&journal, 1000 + 10 * bucket, &words(bucket, "old")), (EACH as u32, 0));
    }
    for recalled in 0..=BUCKETS as usize {
        drop(journal);
        journal = open_with(&config);
        for _ in 0..recalled {
            journal.0.keeper.read(bucket::recall).expect("readable");
        }
        for bucket in 0..BUCKETS {
            let again = deliver(&journal, 1030, &words(bucket, "old"));
            assert_eq!(again, (0, EACH as u32), "bucket {bucket} with {recalled} of them read");
        }
        // Into the youngest, whether it was read or not.
        let new = words(recalled as u64, "new");
        assert_eq!(deliver(&journal, 1025, &new), (EACH as u32, 0));
        assert_eq!(deliver(&journal, 1026, &new), (0, EACH as u32));
    }
}
