//! Spaces against a model, through restarts, torn logs and kills.

mod kill;
mod model;

use super::*;
use crate::keyspace::Fault;
use std::time::Instant;

fn now() -> Timestamp {
    Timestamp(1_000_000)
}

fn config(directory: &std::path::Path) -> Config {
    Config { quota: 10_000, key: 20, value: 1000, clock: now, ..Config::new(directory, 0) }
}

fn store(directory: &std::path::Path) -> Store {
    Store::open(config(directory)).expect("it opens")
}

#[test]
fn the_same_name_is_the_same_space_and_another_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let (one, same, other) = (store.space("a").unwrap(), store.space("a").unwrap(), store.space("b").unwrap());
    one.set("key", b"value", None).unwrap();
    assert_eq!(same.get("key"), Ok(Some("value".into())));
    assert_eq!(other.get("key"), Ok(None));
}

#[test]
fn a_space_is_full_at_its_quota_and_what_is_there_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let space = store.space("a").unwrap();
    for key in 0..9 {
        space.set(&format!("key {key}"), &[b'x'; 1000], None).unwrap();
    }
    assert_eq!(space.set("one more", &[b'x'; 1000], None), Err(Fault::Full));
    assert_eq!(space.add("one more", &[b'x'; 1000], None), Err(Fault::Full));
    assert_eq!(space.get("one more"), Ok(None));
    space.set("key 0", &[b'y'; 999], None).expect("what gets smaller always has room");
    space.delete("key 0").unwrap();
    space.set("one more", &[b'x'; 1000], None).expect("there is room again");
    assert_eq!(space.set("a key that is longer than twenty", b"", None), Err(Fault::TooLarge));
    assert_eq!(space.set("key", &[0; 1001], None), Err(Fault::TooLarge));
}

#[test]
fn many_threads_that_count_count_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = store(directory.path());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let space = store.space("a").unwrap();
            task::thread("count", move || (0..1000).for_each(|_| assert!(space.increment("n", 1, None).is_ok())))
                .unwrap()
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(store.space("a").unwrap().get("n"), Ok(Some("8000".into())));
}

#[test]
fn a_log_that_is_mostly_of_the_past_is_written_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let opened = store(directory.path());
    let space = opened.open_space("a").unwrap();
    let length = || std::fs::metadata(directory.path().join("a.log")).expect("it is there").len();
    for number in 0..3000 {
        space.set("key", format!("{number:01000}").as_bytes(), None).unwrap();
    }
    space.set("other", b"stays", None).unwrap();
    assert!(length() > 3_000_000);
    space.tend();
    assert!(length() < 2_000, "{}", length());
    space.set("third", b"comes", None).unwrap();
    drop((space, opened));
    let again = store(directory.path()).space("a").unwrap();
    assert_eq!(again.get("key"), Ok(Some(format!("{:01000}", 2999).into())));
    assert_eq!((again.get("other"), again.get("third")), (Ok(Some("stays".into())), Ok(Some("comes".into()))));
}

#[test]
fn a_log_cut_or_damaged_anywhere_keeps_what_is_whole_and_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.log");
    let ends: Vec<u64> = {
        let store = store(directory.path());
        let space = store.space("a").unwrap();
        let end = |number: u64| {
            space.set(&format!("{number}"), format!("value {number}").as_bytes(), None).unwrap();
            std::fs::metadata(&path).expect("it is there").len()
        };
        (0..6).map(end).collect()
    };
    let whole = std::fs::read(&path).expect("it is there");
    for length in 0..=whole.len() {
        // Cut there, or with a bit flipped there.
        for flip in [false, true] {
            let mut bytes = whole.clone();
            match flip {
                true if length < whole.len() => bytes[length] ^= 1,
                _ => bytes.truncate(length),
            }
            std::fs::write(&path, &bytes).expect("it can be written");
            let store = store(directory.path());
            // A version that is not known is no damage.
            if flip && length == 3 {
                assert!(store.space("a").is_err());
                assert_eq!(std::fs::read(&path).expect("it is there"), bytes, "left as it is");
                continue;
            }
            let space = store.space("a").unwrap();
            let good = ends.iter().filter(|end| **end <= length as u64).count();
            let begun = good.checked_sub(1).map_or(8, |last| ends[last] as usize);
            // One damaged record costs itself; a damaged name or length, or the last, what is behind it too.
            let stepped = flip && (4..8).contains(&length) || flip && length >= begun + 4 && good < 5;
            for number in 0..6 {
                let kept = space.get(&format!("{number}")).unwrap().is_some();
                let lost = length >= 8 && number == good;
                let whole = flip && length == whole.len();
                assert_eq!(kept, number < good || whole || stepped && !lost, "{length} {flip} {number}");
            }
            space.set("new", b"value", None).unwrap();
            drop((space, store));
            assert_eq!(self::store(directory.path()).space("a").unwrap().get("new"), Ok(Some("value".into())));
        }
    }
}

#[test]
fn what_is_written_while_a_log_is_written_anew_is_in_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let opened = store(directory.path());
    let space = opened.open_space("a").unwrap();
    for number in 0..2000 {
        space.set("key", format!("{number:01000}").as_bytes(), None).unwrap();
    }
    std::thread::scope(|scope| {
        scope.spawn(|| (0..2000).for_each(|_| assert!(space.increment("n", 1, None).is_ok())));
        (0..20).for_each(|_| space.tend());
    });
    let waste = std::fs::metadata(directory.path().join("a.log")).expect("it is there").len();
    assert!(waste < 1 << 20, "it was written anew meanwhile: {waste}");
    drop((space, opened));
    assert_eq!(store(directory.path()).space("a").unwrap().get("n"), Ok(Some("2000".into())));
}

#[test]
fn after_a_failed_sync_nothing_is_written_until_all_of_it_is_on_the_disk_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let opened = store(directory.path());
    let space = opened.open_space("a").unwrap();
    space.set("before", b"stays", None).unwrap();
    space.doubt();
    assert_eq!(space.set("after", b"", None), Err(Fault::Unavailable));
    assert_eq!(space.get("before"), Ok(Some("stays".into())));
    space.tend();
    space.set("after", b"comes", None).unwrap();
    drop((space, opened));
    let again = store(directory.path()).space("a").unwrap();
    assert_eq!((again.get("before"), again.get("after")), (Ok(Some("stays".into())), Ok(Some("comes".into()))));
}

#[test]
fn what_it_costs() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(Config::new(directory.path(), 64 << 20)).expect("it opens");
    let space = store.space("a").unwrap();
    let measure = |what: &str, work: &dyn Fn(u64)| {
        let began = Instant::now();
        (0..20_000).for_each(work);
        println!("{what}: {:.2} us", began.elapsed().as_secs_f64() * 1e6 / 20_000.0);
    };
    measure("set, 100 bytes", &|number| space.set(&format!("key {number}"), &[b'x'; 100], None).unwrap());
    measure("get, 100 bytes", &|number| assert!(space.get(&format!("key {number}")).unwrap().is_some()));
    measure("increment", &|_| assert!(space.increment("count", 1, Some(Duration::from_secs(60))).is_ok()));
    drop(space);
    drop(store);
    let began = Instant::now();
    let store = Store::open(Config::new(directory.path(), 64 << 20)).expect("it opens");
    assert_eq!(store.space("a").unwrap().get("count"), Ok(Some("20000".into())));
    println!("opening 20 001 keys after 40 000 writes: {:?}", began.elapsed());
}
