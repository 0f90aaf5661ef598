//! Retention: what is too old or too much goes, what is pending or held stays, and who asks for what went is told.

use super::*;
use crate::message::{Cursor, Gap, Loss};
use bytes::Bytes;

const MIB: u64 = 1 << 20;

/// A journal of two lanes that keeps 8 MiB.
fn small(directory: &Path) -> Config {
    let little = Retention { age: HOUR, size: 8 * MIB };
    Config { inbox: little, outbox: little, ..config(directory, &["a", "b"]) }
}

/// Appends and delivers about this much.
fn flood(journal: &Journal, lane: &Lane, mib: u64, word: &str) {
    for number in 0..mib {
        let text = |part: u64| format!("{word} {number:03} {part} ").repeat(1 << 15);
        append(journal, lane, &(0..4).map(text).collect::<Vec<_>>());
        while deliver_pending(journal, lane, |_| ()) > 0 {}
    }
}

fn now(journal: &Journal) -> Freed {
    journal.retain(Timestamp::now()).expect("retained")
}

#[test]
fn what_is_too_much_goes_and_who_asks_for_it_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open_with(&small(directory.path()));
    let begin = journal.cursor(Offset(1));
    flood(&journal, &lane(&journal, "a"), 20, "x");
    assert_eq!(state(&journal, EventId(1)), State::Delivered { first: Offset(1), count: 1 });
    let freed = now(&journal);
    assert!(freed.inbox > 8 * MIB && freed.outbox > 8 * MIB, "{freed:?}");
    assert!(journal.0.inbox.bytes() <= 10 * MIB && journal.0.outbox.bytes() <= 10 * MIB);
    assert_eq!(now(&journal), Freed::default());

    let earliest = journal.earliest();
    let to = journal.cursor(earliest);
    let expired = Some(Gap { from: begin, to, loss: Loss::Expired });
    assert_eq!(journal.resume(begin), (earliest, expired));
    let piece = journal.outbox(Offset(1), 3, usize::MAX).expect("readable");
    assert_eq!((piece.gap, piece.next), (expired, Offset(earliest.0 + 3)));
    let tail = journal.cursor(journal.tail());
    assert_eq!(journal.resume(tail), (journal.tail(), None));
    let unknown = Cursor { epoch: tail.epoch ^ 1, ..tail };
    assert_eq!(journal.resume(unknown).1.map(|gap| gap.loss), Some(Loss::Reset));

    assert_eq!(journal.record(EventId(1)).expect("readable"), None);
    let left = journal.0.keeper.read(|store| store.verdicts.first_key_value().expect("some").key()).expect("readable");
    assert_eq!(left.as_ref(), journal.0.inbox.first().to_be_bytes(), "verdicts go with their events");
}

#[test]
fn what_is_old_goes_even_when_nothing_arrives() {
    let directory = tempfile::tempdir().expect("a directory");
    let none = Retention { age: Duration::ZERO, size: 1 << 30 };
    let journal = open_with(&Config { inbox: none, outbox: none, ..config(directory.path(), &["a"]) });
    flood(&journal, &lane(&journal, "a"), 2, "x");
    let later = Timestamp(Timestamp::now().0 + 3_600_000);
    for _ in 0..2 {
        journal.retain(later).expect("retained");
    }
    assert_eq!(journal.earliest(), journal.tail());
    assert_eq!(journal.event(EventId(1)).expect("readable"), None);
    assert_eq!(append(&journal, &lane(&journal, "a"), &["y"]).first, EventId(9), "positions go on");
}

#[test]
fn what_is_pending_or_held_stays_until_it_is_decided() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = small(directory.path());
    let mut journal = open_with(&config);
    append(&journal, &lane(&journal, "b"), &["pending"]);
    append(&journal, &lane(&journal, "a"), &["held"]);
    let event = pending(&journal, &lane(&journal, "a")).remove(0);
    journal.decide(&lane(&journal, "a"), vec![held(&event)], |_| ()).expect("written");
    flood(&journal, &lane(&journal, "a"), 12, "x");
    assert_eq!(now(&journal).inbox, 0);
    assert_eq!(texts(&pending(&journal, &lane(&journal, "b"))), ["pending"]);
    deliver_pending(&journal, &lane(&journal, "b"), |_| ());
    flood(&journal, &lane(&journal, "b"), 12, "y");
    assert_eq!(now(&journal).inbox, 0, "what is held stays, and all behind it");

    // Its verdict has left the outbox; it is held still, after a restart without the index too.
    assert!(journal.earliest() > Offset(1));
    for loss in [false, true] {
        drop(journal);
        if loss {
            std::fs::remove_dir_all(directory.path().join("index")).expect("removable");
        }
        journal = open_with(&config);
        let found = journal.held(EventId(0), 10).expect("readable");
        assert_eq!(found.iter().map(|held| held.event).collect::<Vec<_>>(), [event.id]);
        let blocked = journal.first_held(&lane(&journal, "a"), &event.keys).expect("readable");
        assert_eq!(blocked, Some(event.id));
        assert_eq!(journal.event(event.id).expect("readable"), Some(event.clone()));
        for name in ["a", "b"] {
            assert_eq!(pending(&journal, &lane(&journal, name)), [], "nothing is judged a second time");
        }
    }
    assert_eq!(state(&journal, EventId(1)), State::Judged, "how is forgotten, that it was is not");
    journal.decide(&lane(&journal, "a"), vec![delivered(&event)], |_| ()).expect("written");
    assert_eq!(journal.count_held(), 0);
    assert!(now(&journal).inbox > 12 * MIB);
}

#[test]
fn a_lane_that_is_not_configured_keeps_nothing_and_begins_with_what_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = small(directory.path());
    let journal = open_with(&config);
    append(&journal, &lane(&journal, "b"), &["early"]);
    drop(journal);
    let journal = open_with(&Config { webhooks: vec!["a".into()], ..config.clone() });
    flood(&journal, &lane(&journal, "a"), 12, "x");
    assert!(now(&journal).inbox > 0);
    drop(journal);
    let journal = open_with(&config);
    let b = lane(&journal, "b");
    assert_eq!(pending(&journal, &b), []);
    assert_eq!(b.lag(), 0, "nobody waits for what is gone");
}

#[test]
fn time_and_steps_back_find_their_way_in_both_logs() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open_with(&small(directory.path()));
    flood(&journal, &lane(&journal, "a"), 3, "x");
    assert_eq!(journal.event_at(Timestamp(0)), EventId(1));
    assert_eq!(journal.offset_at(Timestamp(0)), Offset(1));
    let later = Timestamp(Timestamp::now().0 + 1000);
    assert_eq!((journal.event_at(later), journal.offset_at(later)), (EventId(13), journal.tail()));
    let mut from = journal.tail();
    let mut steps = 0;
    while let Some(before) = journal.back(from) {
        assert!(before < from);
        from = before;
        steps += 1;
    }
    assert_eq!(from, journal.earliest());
    assert!((2..=12).contains(&steps), "{steps}");
    let wanted = |found: &Summary, _: &dyn Fn() -> Option<Bytes>| found.id.0.is_multiple_of(5);
    let (found, next) = journal.search(EventId(1), &wanted, 1, usize::MAX).expect("readable");
    assert_eq!((found[0].id, next), (EventId(5), Some(EventId(6))));
    let (found, next) = journal.search(EventId(6), &wanted, 9, 1).expect("readable");
    assert_eq!((found.len(), next), (0, Some(EventId(9))), "it goes on behind what was looked at");
    let (found, next) = journal.search_back(EventId(1)..EventId(10), &wanted, 1, usize::MAX).expect("readable");
    assert_eq!((found[0].id, next), (EventId(5), Some(EventId(5))), "and from behind before it");
    let (found, next) = journal.search_back(EventId(1)..EventId(5), &wanted, 1, usize::MAX).expect("readable");
    assert_eq!((found.len(), next), (0, None));
}
