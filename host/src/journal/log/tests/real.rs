//! On a real disk.

use super::super::{Config, Found, Log, NewFrame, RealDisk};
use crate::message::Timestamp;
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn open(directory: &Path, segment_bytes: u64) -> Log {
    let config = Config { segment_bytes, segment_age: Duration::MAX, ..Config::default() };
    let opened = Log::open(Arc::new(RealDisk), directory, config).unwrap();
    assert!(opened.damage.is_empty(), "{:?}", opened.damage);
    opened.log
}

fn group(size: usize, count: usize) -> Vec<NewFrame> {
    (0..count)
        .map(|number| NewFrame { count: 1, payload: vec![number as u8; size].into(), body: Bytes::new() })
        .collect()
}

#[test]
fn what_was_appended_is_there_after_a_restart_however_large() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("a/b");
    let log = open(&inside, 1 << 20);
    let sizes = [0, 1, 1000, 65_500, 65_536, 700_000, 3 << 20, 5];
    for (number, size) in sizes.into_iter().enumerate() {
        log.append(&group(size, 1), Timestamp(number as u64)).unwrap();
    }
    for log in [log.clone(), open(&inside, 1 << 20)] {
        let found = log.read(1, usize::MAX).unwrap();
        let read = |found: &Found| match found {
            Found::Frame(frame) => frame.payload.len(),
            Found::Hole { .. } => usize::MAX,
        };
        assert_eq!(found.iter().map(read).collect::<Vec<_>>(), sizes);
        assert_eq!(log.at(Timestamp(5)), 6);
    }
    assert!(log.retain(Some(Timestamp(6)), u64::MAX, 7).unwrap() > 0);
    assert!(log.first() > 1 && log.first() <= 7);
}

#[test]
fn going_back_is_a_quarter_of_a_mebibyte_or_all_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 200_000);
    log.append(&group(1000, 400), Timestamp(1)).unwrap();
    for _ in 0..1600 {
        log.append(&group(1000, 1), Timestamp(1)).unwrap();
    }
    for log in [log.clone(), open(directory.path(), 200_000)] {
        assert_eq!(log.back(1), None);
        assert_eq!(log.back(2), Some(1));
        for from in [300, 900, 1333, 2001] {
            let back = log.back(from).unwrap();
            assert!((150..350).contains(&(from - back)), "{from} {back}");
        }
    }
}

#[test]
fn readers_see_whole_groups_in_order_while_others_append_and_delete() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 20_000);
    let (writer, reader) = (log.clone(), log.clone());
    crate::task::thread("writer", move || {
        for _ in 0..300 {
            writer.append(&group(500, 3), Timestamp(1)).unwrap();
            writer.retain(None, 100_000, u64::MAX).unwrap();
        }
    })
    .unwrap();
    let mut position = 1;
    while position <= 900 {
        for found in reader.read(position, 5000).unwrap() {
            let Found::Frame(frame) = found else { panic!("{found:?}") };
            assert!(frame.position == position || (frame.position > position && position < reader.first()));
            assert_eq!(frame.payload, Bytes::from(vec![((frame.position - 1) % 3) as u8; 500]));
            position = frame.position + 1;
        }
    }
}

/// Not a test of right and wrong: it prints what `cargo test -- --nocapture measure` is asked for.
#[test]
fn measure_appends_and_opening() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path(), 64 << 20);
    for (count, turns) in [(1, 200), (64, 50), (512, 10)] {
        let (group, begin) = (group(1024, count), Instant::now());
        for _ in 0..turns {
            log.append(&group, Timestamp::now()).unwrap();
        }
        let each = begin.elapsed() / turns;
        println!("groups of {count} × 1 KiB: {each:?} each, {:.0} frames/s", count as f64 / each.as_secs_f64());
    }
    let most = if std::env::var_os("MEASURE").is_some() { 300 } else { 20 };
    let large = group(16 << 10, 64);
    while log.bytes() < most << 20 {
        log.append(&large, Timestamp::now()).unwrap();
    }
    drop(log);
    let begin = Instant::now();
    let log = open(directory.path(), 64 << 20);
    println!("opening {most} MiB: {:?}", begin.elapsed());
    let begin = Instant::now();
    let found = log.read(log.first() + 100, 1 << 20).unwrap().len();
    println!("first read of an old segment: {found} frames in {:?}", begin.elapsed());
    let begin = Instant::now();
    let found = log.read(log.first() + 200, 100 << 10).unwrap().len();
    println!("second: {found} frames in {:?}", begin.elapsed());
    let (mut position, begin) = (log.first(), Instant::now());
    while position < log.end() {
        position += log.read(position, 1 << 20).unwrap().len() as u64;
    }
    println!("reading all: {:?}", begin.elapsed());
}
