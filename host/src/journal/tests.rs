//! The journal against a model, under real kills, with damaged records, and in the hands of many at once.

use super::record::{VerdictHeader, decode_delivery, decode_entry, decode_verdict};
use super::record::{encode_delivery, encode_entry, encode_verdict};
use super::*;
use crate::error::Chain;
use crate::message::{Audience, ClientId, Entry, Format, Label, Narrowing, Offset, Payload, Selector, Step, Timestamp};
use crate::task;
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use tokio::runtime;
use tokio::task::JoinSet;

mod model;

fn open(directory: &Path, webhooks: &[&str]) -> Journal {
    let webhooks: Vec<String> = webhooks.iter().map(|name| (*name).to_owned()).collect();
    Journal::open(directory, &webhooks, 1024).unwrap_or_else(|error| panic!("{}", Chain(&error)))
}

fn lane(journal: &Journal, webhook: &str) -> Lane {
    journal.lane(webhook).expect("it was opened with this lane")
}

fn delivery(lane: &Lane, body: impl Into<Bytes>) -> Delivery {
    let content_type = Some("application/json".to_owned());
    Delivery { webhook: lane.name().clone(), received: Timestamp(1), content_type, body: body.into() }
}

fn one_thread() -> runtime::Runtime {
    runtime::Builder::new_current_thread().build().expect("a runtime without drivers")
}

fn append(journal: &Journal, lane: &Lane, body: &str) -> EventId {
    one_thread().block_on(journal.append(lane, delivery(lane, body.to_owned()))).expect("the disk takes it")
}

fn decision(event: EventId, judged: Judged) -> Decision {
    let step = Step { filter: "f".into(), sha256: "00".into(), verdict: "pass".into(), micros: 1 };
    Decision { event, received: Timestamp(1), content_type: None, unparsed: false, trail: vec![step], judged }
}

fn delivered(event: EventId, body: Bytes) -> Decision {
    decision(event, Judged::Deliver(vec![(Payload::of(body), Audience::default())]))
}

/// Judges all that is pending: each event goes out once, as it came.
fn deliver_pending(journal: &Journal, lane: &Lane, publish: impl FnOnce(Vec<Entry>)) -> usize {
    let pending = journal.pending(lane, 64).expect("readable");
    let decisions: Vec<_> =
        pending.into_iter().map(|(event, found)| delivered(event, found.expect("whole").body)).collect();
    let count = decisions.len();
    journal.decide(lane, decisions, publish).expect("the disk takes it");
    count
}

// ---- kill -9 ----

const DIRECTORY: &str = "POSTERN_TEST_JOURNAL";
const APPENDERS: u64 = 16;

fn body_of(task: u64, number: u64) -> Bytes {
    let word = format!("{task}.{number};");
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
                lane.wait(journal.done(&lane), std::time::Duration::from_millis(10));
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
                    let event = journal.append(&lane, delivery(&lane, body_of(task, number))).await.expect("on disk");
                    // In one write each, past the test harness, so that a line is whole or not there.
                    let line = format!("ack {} {task} {number}\n", event.0);
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
        let mut left = RandomState::new().hash_one(round) % 1500;
        // What is still in the pipe after the kill was acknowledged too.
        while lines.read_line(&mut line).expect("readable") > 0 {
            if let Some(ack) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("ack ")) {
                let [event, task, number] =
                    ack.split(' ').map(|word| word.parse().expect("a number")).collect::<Vec<u64>>()[..]
                else {
                    panic!("{line}")
                };
                assert!(event > before, "an id that was given before the restart came again: {event}");
                assert_eq!(acknowledged.insert(event, body_of(task, number)), None, "an id was given twice: {event}");
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
        assert_eq!(journal.boot(), round * 2, "every start counts, the killed ones too");
        let old = outbox.len();
        outbox = journal.outbox(Offset(0), usize::MAX, usize::MAX).expect("readable");
        assert!(outbox.len() >= old && outbox.iter().map(|entry| entry.offset.0).eq(1..journal.tail().0));
        let mut found = BTreeMap::new();
        for entry in &outbox {
            assert_eq!(found.insert(entry.event.0, entry.payload.data.clone()), None, "an event was delivered twice");
            let outcome = journal.verdict(entry.event).expect("readable").expect("judged").0;
            assert_eq!(outcome, Outcome::Delivered { first: entry.offset, count: 1 });
        }
        for name in ["even", "odd"] {
            for (event, delivery) in journal.pending(&lane(&journal, name), usize::MAX).expect("readable") {
                assert_eq!(found.insert(event.0, delivery.expect("whole").body), None, "pending, and delivered too");
                assert_eq!(journal.verdict(event).expect("readable"), None);
            }
        }
        for (event, body) in &acknowledged {
            assert_eq!(found.get(event), Some(body), "event {event} of round {round} or before");
        }
    }
}

// ---- many at once ----

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
                    lane.wait(journal.done(&lane), std::time::Duration::from_millis(10));
                }
            };
            task::thread(name, judge).expect("a thread")
        })
        .into();
    let ids = runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime").block_on(async {
        let mut tasks = JoinSet::new();
        for number in 0..EACH * 3 {
            let (journal, lane) = (journal.clone(), lane(&journal, ["a", "b", "c"][number % 3]));
            tasks
                .spawn(async move { journal.append(&lane, delivery(&lane, number.to_string())).await.expect("taken") });
        }
        tasks.join_all().await
    });
    judges.into_iter().for_each(|judge| judge.join().expect("it does not panic"));
    let outbox = journal.outbox(Offset(0), usize::MAX, usize::MAX).expect("readable");
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
    let journal = Journal::open(directory.path(), &["a".to_owned()], 1).expect("a journal");
    let lane = lane(&journal, "a");
    let answers = one_thread().block_on(async {
        let mut tasks = JoinSet::new();
        for number in 0..200 {
            let (journal, lane) = (journal.clone(), lane.clone());
            tasks.spawn(async move { (number, journal.append(&lane, delivery(&lane, number.to_string())).await) });
        }
        tasks.join_all().await
    });
    let mut taken = BTreeMap::new();
    for (number, answer) in answers {
        match answer {
            Ok(event) => assert_eq!(taken.insert(event, number.to_string()), None),
            Err(refused) => assert_eq!(refused, Refused::Busy),
        }
    }
    assert!(!taken.is_empty() && taken.len() < 200, "{} taken of 200 through a queue of one", taken.len());
    let pending = journal.pending(&lane, usize::MAX).expect("readable").into_iter();
    let pending = pending.map(|(event, found)| (event, found.expect("whole").body));
    assert!(pending.eq(taken.into_iter().map(|(event, body)| (event, Bytes::from(body)))));
    assert!(journal.healthy(), "a full queue is not a broken disk");
}

// ---- damage, and what stands in the way ----

/// Changes the store behind the journal's back.
fn tamper(directory: &Path, change: impl FnOnce(&dyn Fn(&str) -> Keyspace)) {
    let database = Database::builder(directory).open().expect("nobody has it open");
    change(&|name| database.keyspace(name, KeyspaceCreateOptions::default).expect("it is there"));
    database.persist(fjall::PersistMode::SyncAll).expect("the disk takes it");
}

#[test]
fn a_damaged_record_is_told_in_its_place_and_those_behind_it_go_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    let events = ["one", "two", "three", "four"].map(|body| append(&journal, &lane(&journal, "a"), body));
    drop(journal);
    tamper(directory.path(), |space| {
        let inbox = space("inbox");
        let keys: Vec<_> = inbox.iter().map(|item| item.key().expect("readable")).collect();
        inbox.insert(keys[1].clone(), b"garbage, not a record").expect("writable");
        let mut future = inbox.get(&keys[2]).expect("readable").expect("there").to_vec();
        future[0] = 2;
        inbox.insert(keys[2].clone(), future).expect("writable");
    });
    let journal = open(directory.path(), &["a"]);
    let lane = lane(&journal, "a");
    let pending = journal.pending(&lane, 10).expect("the rest is readable");
    assert!(pending.iter().map(|(event, _)| *event).eq(events));
    let texts: Vec<_> = pending
        .into_iter()
        .map(|(_, found)| found.map_or_else(|error| Chain(&error).to_string(), |found| format!("{:?}", found.body)))
        .collect();
    let unknown = "a record of the journal is damaged: of a version this postern does not know";
    assert_eq!(texts, ["b\"one\"", unknown, unknown, "b\"four\""]);
    let hold = || Judged::Hold { filter: String::new(), reason: unknown.to_owned() };
    let decisions = vec![delivered(events[0], "one".into()), decision(events[1], hold()), decision(events[2], hold())];
    journal.decide(&lane, decisions, |_| ()).expect("writable");
    assert_eq!(journal.held(10).expect("readable").iter().map(|held| held.event).collect::<Vec<_>>(), events[1..3]);
    assert_eq!(journal.pending(&lane, 10).expect("readable").len(), 1);
}

#[test]
fn a_journal_of_another_format_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path(), &["a"]));
    let set =
        |number: u64| tamper(directory.path(), |space| space("meta").insert("format", number.to_be_bytes()).unwrap());
    set(2);
    let error = Journal::open(directory.path(), &["a".to_owned()], 1).err().expect("it is of the future");
    assert!(matches!(&error, Error::Format(path, 2) if path == directory.path()), "{error}");
    let text = error.to_string();
    assert!(text.contains(&*directory.path().to_string_lossy()) && text.contains("format 2"), "{text}");
    set(1);
    assert_eq!(open(directory.path(), &["a"]).boot(), 2, "the refused start left no trace");
}

#[test]
fn a_directory_in_use_is_refused_by_its_name_until_the_last_handle_goes() {
    let directory = tempfile::tempdir().expect("a directory");
    let journal = open(directory.path(), &["a"]);
    let error = Journal::open(directory.path(), &["a".to_owned()], 1).err().expect("it is in use");
    assert!(matches!(&error, Error::InUse(path) if path == directory.path()), "{error}");
    assert!(error.to_string().contains(&format!("`{}`", directory.path().display())), "{error}");
    append(&journal, &lane(&journal, "a"), "still writable");
    drop(journal);
    assert_eq!(open(directory.path(), &["a"]).boot(), 2);
}

#[test]
fn a_directory_that_cannot_be_made_is_told_with_its_cause() {
    let directory = tempfile::tempdir().expect("a directory");
    let below = directory.path().join("file").join("data");
    std::fs::write(directory.path().join("file"), "in the way").expect("writable");
    let error = Journal::open(&below, &[], 1).err().expect("a file is no directory");
    assert!(matches!(&error, Error::Create(path, _) if *path == below), "{error}");
    let text = Chain(&error).to_string();
    assert!(text.contains(&format!("`{}`", below.display())) && text.contains("\nhint: "), "{text}");
}

// ---- records ----

fn audience() -> impl Strategy<Value = Audience> {
    let label = || (".*", ".*").prop_map(|(key, value)| Label { key, value });
    let selector = prop_oneof![
        Just(Selector::Everyone),
        prop::collection::vec(any::<u64>().prop_map(ClientId), 0..4).prop_map(Selector::Clients),
        prop::collection::vec(label(), 0..3).prop_map(Selector::AnyLabel),
        prop::collection::vec(label(), 0..3).prop_map(Selector::AllLabels),
    ];
    let except = prop::collection::vec(any::<u64>().prop_map(ClientId), 0..3);
    let narrowing = (selector, except).prop_map(|(to, except)| Narrowing { to, except });
    prop::collection::vec(narrowing, 0..3).prop_map(Audience)
}

proptest! {
    #[test]
    fn a_record_read_is_the_record_written(
        numbers in any::<[u64; 3]>(), webhook in ".*", content_type in any::<Option<String>>(), unparsed in any::<bool>(),
        text in any::<bool>(), audience in audience(), body in any::<Vec<u8>>(),
    ) {
        let (received, webhook, data) = (Timestamp(numbers[0]), Arc::from(webhook), Bytes::from(body));
        let (event, offset) = (EventId(numbers[1]), Offset(numbers[2]));
        let format = if text { Format::Text } else { Format::Binary };
        let payload = Payload { format, data: data.clone() };
        let delivery = Delivery { webhook: Arc::clone(&webhook), received, content_type: content_type.clone(), body: data };
        prop_assert_eq!(decode_delivery(encode_delivery(&delivery)).expect("whole"), delivery);
        let entry = Entry { offset, event, webhook, received, content_type, unparsed, payload, audience };
        prop_assert_eq!(decode_entry(offset, encode_entry(&entry)).expect("whole"), entry.clone());
        let outcome = Outcome::Delivered { first: offset, count: 3 };
        let verdict = VerdictHeader { webhook: entry.webhook.to_string(), received, outcome, trail: vec![] };
        let read = decode_verdict(encode_verdict(&verdict)).expect("whole");
        prop_assert_eq!((read.webhook, read.outcome), (verdict.webhook, verdict.outcome));

        // Cut short or with a byte turned, it is another record or a damaged one, and never a panic.
        let mut record = encode_entry(&entry).to_vec();
        let at = numbers[0] as usize % record.len();
        record[at] ^= 1 << (numbers[1] % 8);
        let _ = decode_entry(offset, record.clone().into());
        record.truncate(numbers[2] as usize % record.len());
        let _ = decode_entry(offset, record.into());
    }

    #[test]
    fn no_bytes_whatever_make_a_decoder_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), shape in any::<bool>()) {
        // Half of them get past the version and the length.
        if shape && bytes.len() > 5 {
            let header = (bytes.len() - 5) as u8;
            bytes[..5].copy_from_slice(&[1, 0, 0, 0, header]);
        }
        let bytes = Bytes::from(bytes);
        let _ = (decode_delivery(bytes.clone()), decode_entry(Offset(1), bytes.clone()), decode_verdict(bytes));
    }
}
