//! Many at once.

use super::*;
use crate::task;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

#[test]
fn every_lane_publishes_in_the_one_order_of_the_outbox_and_each_event_once() {
    const EACH: usize = 300;
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a", "b", "c"]);
    let published = Arc::new(Mutex::new(Vec::new()));
    let judges: Vec<_> = ["a", "b", "c"]
        .map(|name| {
            let (journal, lane, published) = (journal.clone(), lane(&journal, name), published.clone());
            let judge = move || {
                let mut left = EACH;
                while left > 0 {
                    left -= deliver_pending(&journal, &lane, |entries| published.lock().unwrap().extend(entries));
                    lane.wait(journal.done(&lane), Duration::from_millis(10));
                }
            };
            task::thread(name, judge).expect("a thread")
        })
        .into();
    let ids = runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime").block_on(async {
        let mut tasks = JoinSet::new();
        for number in 0..EACH * 3 {
            let (journal, lane) = (journal.clone(), lane(&journal, ["a", "b", "c"][number % 3]));
            tasks.spawn(async move {
                journal.append(&lane, delivery(&lane, &[number.to_string()])).await.expect("taken").first
            });
        }
        tasks.join_all().await
    });
    judges.into_iter().for_each(|judge| judge.join().expect("it does not panic"));
    let outbox = whole_outbox(&journal);
    assert_eq!(*published.lock().unwrap(), outbox);
    assert!(outbox.iter().map(|entry| entry.offset.0).eq(1..=EACH as u64 * 3));
    for name in ["a", "b", "c"] {
        assert!(outbox.iter().filter(|entry| &*entry.webhook == name).is_sorted_by_key(|entry| entry.event));
    }
    let events: BTreeSet<EventId> = outbox.iter().map(|entry| entry.event).collect();
    assert_eq!(events, ids.into_iter().collect());
    assert_eq!(events.len(), outbox.len());
}

#[test]
fn what_is_refused_is_not_in_the_inbox_and_what_is_taken_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open_with(&Config { waiting: 1, ..config(directory.path(), &["a"]) });
    let lane = lane(&journal, "a");
    let answers = one_thread().block_on(async {
        let mut tasks = JoinSet::new();
        for number in 0..200 {
            let (journal, lane) = (journal.clone(), lane.clone());
            tasks.spawn(async move { (number, journal.append(&lane, delivery(&lane, &[number.to_string()])).await) });
        }
        tasks.join_all().await
    });
    let mut taken = BTreeMap::new();
    for (number, answer) in answers {
        match answer {
            Ok(appended) => assert_eq!(taken.insert(appended.first, number.to_string()), None),
            Err(refused) => assert_eq!(refused, Refused::Busy),
        }
    }
    assert!(!taken.is_empty() && taken.len() < 200, "{} taken of 200 through a queue of one", taken.len());
    let pending = pending(&journal, &lane).into_iter().map(|event| (event.id, event.body));
    assert!(pending.eq(taken.into_iter().map(|(event, body)| (event, Bytes::from(body)))));
    assert!(journal.healthy(), "a full queue is not a broken disk");
}

#[test]
fn a_large_batch_is_written_in_frames_and_read_as_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    let lane = lane(&journal, "a");
    let long: Vec<String> = (0..40).map(|number| number.to_string().repeat(50_000)).collect();
    append(&journal, &lane, &long);
    let events = pending(&journal, &lane);
    assert_eq!(texts(&events), long);
    let three = |event: &Event| {
        let part = || (Payload::of(event.body.clone()), Audience::default());
        decision(event, Judged::Deliver(vec![part(), part(), part()]))
    };
    let mut published = Vec::new();
    journal.decide(&lane, events.iter().map(three).collect(), |entries| published = entries).expect("written");
    assert_eq!(published.len(), 120);
    assert_eq!(published, whole_outbox(&journal));
    let mut stepped = Vec::new();
    let mut from = Offset(1);
    while from < journal.tail() {
        let piece = journal.outbox(from, 7, 100_000).expect("readable");
        assert!(piece.entries.len() <= 7 && piece.next > from && piece.gap.is_none());
        stepped.extend(piece.entries);
        from = piece.next;
    }
    assert_eq!(stepped, published);
    assert_eq!(state(&journal, EventId(2)), State::Delivered { first: Offset(4), count: 3 });

    append(&journal, &lane, &["x"]);
    let event = pending(&journal, &lane).remove(0);
    let much = Payload::of(Bytes::from(vec![b'x'; 33 << 20]));
    let too_much = decision(&event, Judged::Deliver(vec![(much, Audience::default())]));
    journal.decide(&lane, vec![too_much], |entries| assert!(entries.is_empty())).expect("written");
    let held = journal.held(EventId(0), 10).expect("readable");
    assert!(held[0].reason.contains("34603008 bytes"), "{}", held[0].reason);
}
