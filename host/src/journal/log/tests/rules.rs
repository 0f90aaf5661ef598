//! The rules of damage, recovery and cursors, one by one.

use super::super::{AppendError, Config, Found, Frame, Log, NewFrame, Opened, Place, segment};
use super::simulated::{Faults, Simulated};
use crate::message::{Loss, Timestamp};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

fn open(disk: &Simulated) -> Opened {
    let config = Config { segment_bytes: 1000, segment_age: Duration::MAX, ahead: 500 };
    Log::open(Arc::new(disk.clone()), Path::new("/log"), config).unwrap()
}

/// Appends frames of one position and 64 bytes each, one by one; of them ten fill a segment… less one.
fn fill(log: &Log, count: usize) {
    for number in 0..count {
        let payload = Bytes::from(vec![number as u8 | 0x80; 64]);
        log.append(&[NewFrame { count: 1, payload, body: Bytes::new() }], Timestamp(log.end())).unwrap();
    }
}

fn frame_bytes(at: usize) -> usize {
    segment::HEADER + at * 100
}

fn positions(log: &Log) -> Vec<(u64, u64)> {
    let range = |found: Found| match found {
        Found::Hole { from, to } => (from, to),
        Found::Frame(Frame { position, .. }) => (position, position),
    };
    log.read(1, usize::MAX).unwrap().into_iter().map(range).collect()
}

/// Makes a segment one of another version.
fn version(bytes: &mut [u8], version: u8) {
    bytes[11] = version;
    let check = crc32fast::hash(&bytes[..segment::HEADER - 4]);
    bytes[segment::HEADER - 4..segment::HEADER].copy_from_slice(&check.to_be_bytes());
}

fn path(disk: &Simulated, number: usize) -> PathBuf {
    disk.files()[number].0.clone()
}

#[test]
fn the_first_position_is_one_and_an_empty_log_has_none() {
    let log = open(&Simulated::default()).log;
    assert_eq!((log.first(), log.end(), log.healthy()), (1, 1, true));
    assert_eq!(log.read(1, 100).unwrap(), vec![]);
    assert_eq!(log.append(&[], Timestamp(1)).unwrap(), vec![]);
    assert_eq!((log.at(Timestamp(0)), log.back(1), log.resume(log.epoch(), 1)), (1, None, (1, None)));
    let payload = Bytes::from(vec![0; 81 << 20]);
    assert!(matches!(
        log.append(&[NewFrame { count: 1, payload, body: Bytes::new() }], Timestamp(1)),
        Err(AppendError::TooLong(_))
    ));
    assert!(log.healthy());
}

#[test]
fn zeros_and_an_unfinished_frame_at_the_end_are_cut_silently() {
    type Cut = fn(&mut Vec<u8>);
    let cuts: [(&str, Cut); 4] = [
        ("zeros", |bytes| bytes.extend([0; 5000])),
        ("the payload's end is missing", |bytes| bytes.truncate(frame_bytes(3) - 1)),
        ("the header's end is missing", |bytes| bytes.truncate(frame_bytes(2) + 20)),
        ("all but a byte is missing", |bytes| bytes.truncate(frame_bytes(2) + 1)),
    ];
    for (what, cut) in cuts {
        let disk = Simulated::default();
        let log = open(&disk).log;
        fill(&log, 3);
        disk.damage(&path(&disk, 0), cut);
        let Opened { log: opened, damage } = open(&disk);
        assert_eq!((opened.epoch(), damage), (log.epoch(), vec![]), "{what}");
        assert_eq!(opened.end(), if what == "zeros" { 4 } else { 3 });
        fill(&opened, 1);
        assert_eq!(positions(&open(&disk).log).last(), Some(&(opened.end() - 1, opened.end() - 1)));
        assert_eq!(disk.files().len(), 1);
    }
}

#[test]
fn a_damaged_end_is_kept_beside_and_the_log_goes_on_in_a_new_epoch_behind_a_hole() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 3);
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(2) + 5] ^= 1);
    let opened = open(&disk);
    assert_eq!(opened.damage.len(), 1, "{:?}", opened.damage);
    assert_ne!(opened.log.epoch(), log.epoch());
    let end = opened.log.end();
    assert!(end > 3);
    assert_eq!(positions(&opened.log), [(1, 1), (2, 2), (3, end)]);
    let names: Vec<_> = disk.files().into_iter().map(|(path, _)| path.extension().unwrap().to_owned()).collect();
    assert_eq!(names, ["log", "torn", "log"]);
    // Who had not got what is lost is told by the hole; who had, that offsets are meant anew.
    assert_eq!(opened.log.resume(log.epoch(), 3), (3, None));
    assert_eq!(opened.log.resume(log.epoch(), end + 1), (end, Some((end + 1, end, Loss::Reset))));
    fill(&opened.log, 1);
    let again = open(&disk);
    assert_eq!((again.damage, again.log.epoch()), (vec![], opened.log.epoch()));
    assert_eq!(positions(&again.log), [(1, 1), (2, 2), (3, end), (end, end)]);
    assert_eq!((again.log.epoch_at(2), again.log.epoch_at(end)), (log.epoch(), opened.log.epoch()));
}

#[test]
fn a_damaged_payload_at_the_end_costs_exactly_its_positions() {
    let disk = Simulated::default();
    fill(&open(&disk).log, 3);
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(2) + 50] ^= 1);
    assert_eq!(positions(&open(&disk).log), [(1, 1), (2, 2), (3, 4)]);
}

#[test]
fn a_zeroed_page_in_the_middle_is_a_hole_and_changes_no_epoch() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 6);
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(1) + 10..frame_bytes(4) - 10].fill(0));
    let opened = open(&disk);
    assert_eq!(opened.damage.len(), 1);
    assert!(opened.damage[0].to_string().ends_with("positions 2 to 4 are lost"), "{}", opened.damage[0]);
    assert_eq!((opened.log.epoch(), opened.log.end()), (log.epoch(), 7));
    assert_eq!(positions(&opened.log), [(1, 1), (2, 5), (5, 5), (6, 6)]);
    assert_eq!(opened.log.read(3, 1).unwrap()[0], Found::Hole { from: 3, to: 5 });
}

#[test]
fn a_missing_segment_is_a_hole_and_a_damaged_header_is_none() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 35);
    assert_eq!(disk.files().len(), 4);
    disk.damage(&path(&disk, 1), |bytes| bytes[20] ^= 1);
    let opened = open(&disk);
    assert_eq!((opened.damage.len(), opened.log.epoch_at(12)), (1, log.epoch()));
    assert_eq!(positions(&opened.log).len(), 35);
    let removed = path(&disk, 1);
    super::super::Disk::remove(&disk, &removed).unwrap();
    let opened = open(&disk);
    assert_eq!(opened.damage.len(), 1);
    assert_eq!(positions(&opened.log)[8..11], [(9, 9), (10, 19), (19, 19)]);
}

#[test]
fn what_is_lost_is_told_though_no_segment_has_a_header_left() {
    let disk = Simulated::default();
    fill(&open(&disk).log, 1);
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(0) + 50] ^= 1);
    assert_eq!(positions(&open(&disk).log), [(1, 2)]);
    for (file, _) in disk.files().into_iter().filter(|(path, _)| path.extension().unwrap() == "log") {
        disk.damage(&file, |bytes| bytes[20] ^= 1);
        let opened = open(&disk).log;
        assert_eq!((positions(&opened), opened.end()), (vec![(1, 2)], 2), "{file:?}");
    }
}

#[test]
fn what_comes_back_because_a_header_is_damaged_stays_in_a_power_cut() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 1);
    disk.fail(Faults { write: Some((100, 5)), truncate: true, ..Faults::default() });
    let frame = || NewFrame { count: 0, payload: Bytes::from(vec![7; 64]), body: Bytes::new() };
    log.append(&[frame(), frame()], Timestamp(2)).unwrap_err();
    fill(&log, 1);
    disk.damage(&path(&disk, 1), |bytes| bytes[20] ^= 1);
    let count = |log: &Log| log.frames(Place { segment: 0, at: 0 }, usize::MAX).unwrap().0.len();
    let shown = count(&open(&disk).log);
    assert_eq!(shown, 3);
    disk.crash(|_| 3);
    assert_eq!(count(&open(&disk).log), shown);
}

#[test]
fn what_is_shown_before_a_damaged_end_stays_in_a_power_cut() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 1);
    // The first frame and a bit of the second, so that no sector is without a byte of it.
    disk.fail(Faults { write: Some((360, 5)), truncate: true, ..Faults::default() });
    let frame = || NewFrame { count: 1, payload: Bytes::from(vec![7; 200]), body: Bytes::new() };
    log.append(&[frame(), frame()], Timestamp(2)).unwrap_err();
    let shown = positions(&open(&disk).log);
    assert_eq!(shown, [(1, 1), (2, 2), (3, 4)]);
    disk.crash(|_| 3);
    assert_eq!(positions(&open(&disk).log), shown);
}

#[test]
fn a_block_that_the_disk_does_not_give_is_a_hole() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    log.append(&[NewFrame { count: 1, payload: vec![1; 9000].into(), body: Bytes::new() }], Timestamp(1)).unwrap();
    fill(&log, 12);
    let bad = (path(&disk, 0), 4096..8192);
    disk.world().bad = Some(bad);
    assert_eq!(positions(&log)[..2], [(1, 2), (2, 2)]);
    let opened = open(&disk).log;
    assert_eq!(positions(&opened).len(), 13);
    let place = Place { segment: 1, at: segment::BEGIN };
    assert_eq!(opened.frame_at(place).unwrap(), None);
}

#[test]
fn files_of_others_are_left_alone_and_a_later_format_is_refused() {
    let disk = Simulated::default();
    super::super::Disk::create(&disk, Path::new("/log/notes.txt")).unwrap();
    fill(&open(&disk).log, 1);
    assert_eq!(positions(&open(&disk).log), [(1, 1)]);
    assert_eq!(disk.files().len(), 2);
    disk.damage(&path(&disk, 0), |bytes| version(bytes, 3));
    let config = Config::default();
    let error = Log::open(Arc::new(disk.clone()), Path::new("/log"), config).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}

/// Three frames of one group behind two others, in a file with zeros ahead; the second lies in two sectors.
fn with_a_group_at_the_end() -> Simulated {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 2);
    let frame = |number| NewFrame { count: 1, payload: Bytes::from(vec![number; 164]), body: Bytes::new() };
    log.append(&[frame(1), frame(2), frame(3)], Timestamp(5)).unwrap();
    disk
}

#[test]
fn a_group_of_which_a_sector_was_never_written_is_cut_from_there_and_no_position_is_lost() {
    for (sector, end) in [(0..512, 3), (512..860, 4)] {
        let disk = with_a_group_at_the_end();
        disk.damage(&path(&disk, 0), |bytes| bytes[sector.start.max(frame_bytes(2))..sector.end].fill(0));
        let Opened { log, damage } = open(&disk);
        assert_eq!((log.end(), damage), (end, vec![]), "{sector:?}");
        fill(&log, 1);
        let all: Vec<_> = (1..=end).map(|position| (position, position)).collect();
        assert_eq!(positions(&open(&disk).log), all, "{sector:?}");
        assert_eq!(disk.files().len(), 1);
    }
}

#[test]
fn a_damaged_frame_of_the_last_group_is_a_hole_and_so_are_zeros_before_a_later_group() {
    let disk = with_a_group_at_the_end();
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(2) + 250] ^= 1);
    assert_eq!(positions(&open(&disk).log), [(1, 1), (2, 2), (3, 3), (4, 5), (5, 5)]);
    let disk = with_a_group_at_the_end();
    fill(&open(&disk).log, 1);
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(2)..512].fill(0));
    let opened = open(&disk);
    assert_eq!((opened.damage.len(), positions(&opened.log)), (1, vec![(1, 1), (2, 2), (3, 5), (5, 5), (6, 6)]));
}

#[test]
fn a_segment_of_the_first_version_is_read_and_followed_by_one_of_this() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 3);
    disk.damage(&path(&disk, 0), |bytes| version(bytes, 1));
    let again = open(&disk).log;
    fill(&again, 1);
    assert_eq!((again.epoch(), disk.files().len()), (log.epoch(), 2));
    assert_eq!(positions(&open(&disk).log), [(1, 1), (2, 2), (3, 3), (4, 4)]);
}

#[test]
fn a_cursor_of_another_log_is_reset_and_one_older_than_retention_has_expired() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 35);
    assert!(log.retain(Some(Timestamp(20)), u64::MAX, u64::MAX).unwrap() > 0);
    let first = log.first();
    assert!(first > 1 && first <= 20);
    assert_eq!(log.resume(log.epoch(), 1), (first, Some((1, first, Loss::Expired))));
    assert_eq!(log.resume(log.epoch() ^ 1, 30), (first, Some((30, first, Loss::Reset))));
    assert_eq!(log.resume(log.epoch(), 36), (36, None));
    assert_eq!(log.resume(log.epoch(), 40), (36, Some((40, 36, Loss::Reset))));
    assert_eq!(log.retain(None, 0, first).unwrap(), 0);
    assert!(log.retain(None, 0, u64::MAX).unwrap() > 0);
    assert_eq!(log.end(), 36);
}

#[test]
fn an_old_open_segment_is_followed_by_another_so_that_it_can_go() {
    let disk = Simulated::default();
    let config = Config { segment_bytes: 1000, segment_age: Duration::ZERO, ahead: 500 };
    let log = Log::open(Arc::new(disk.clone()), Path::new("/log"), config).unwrap().log;
    log.append(&[NewFrame { count: 1, payload: Bytes::new(), body: Bytes::new() }], Timestamp(1)).unwrap();
    assert!(log.retain(Some(Timestamp(2)), u64::MAX, 2).unwrap() > 0);
    assert_eq!((log.first(), log.end(), disk.files().len()), (2, 2, 1));
    assert_eq!(log.retain(Some(Timestamp(2)), u64::MAX, 2).unwrap(), 0);
}

#[test]
fn a_disk_that_keeps_failing_is_not_littered_and_the_log_goes_on_by_itself() {
    let disk = Simulated::default();
    let log = open(&disk).log;
    fill(&log, 2);
    let frame = [NewFrame { count: 1, payload: Bytes::from_static(b"refused"), body: Bytes::new() }];
    for turn in 0..60 {
        let none = Faults::default();
        disk.fail(match turn % 4 {
            0 => Faults { sync: true, truncate: true, ..none },
            1 => Faults { write: Some((30, 28)), ..none },
            2 => Faults { directory: true, sync: true, ..none },
            _ => Faults { create: true, write: Some((0, 5)), ..none },
        });
        assert!(log.append(&frame, Timestamp(9)).is_err(), "turn {turn}");
        assert!(!log.healthy());
        assert!(disk.files().len() <= 3, "{:?}", disk.files());
    }
    disk.fail(Faults::default());
    fill(&log, 1);
    assert!(log.healthy());
    assert_eq!(positions(&log), [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(positions(&open(&disk).log), [(1, 1), (2, 2), (3, 3)]);
}

#[test]
fn a_full_disk_keeps_no_damaged_log_from_opening() {
    let disk = Simulated::default();
    fill(&open(&disk).log, 3);
    disk.damage(&path(&disk, 0), |bytes| bytes[frame_bytes(2) + 50] ^= 1);
    disk.fail(Faults { write: Some((0, 28)), create: true, ..Faults::default() });
    let opened = open(&disk);
    // The copy could not be made; whether the segment could, no position is given again.
    assert_eq!((opened.damage.len(), opened.log.end()), (1, 4));
    assert_eq!(positions(&opened.log), [(1, 1), (2, 2), (3, 4)]);
    disk.fail(Faults::default());
    fill(&opened.log, 1);
    assert_eq!(positions(&open(&disk).log), [(1, 1), (2, 2), (3, 4), (4, 4)]);
}
