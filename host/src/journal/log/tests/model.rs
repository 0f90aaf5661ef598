//! The log against a model, on a disk that crashes, fails and rots.
//!
//! What must hold after every step: frames and holes together are all positions from the first to the end, each once
//! and in order; what was acknowledged is there with its bytes, place, epoch and time, unless its own bytes were
//! damaged, and then a hole names its positions; and what is there was acknowledged, or was refused and came back at
//! positions that nothing acknowledged ever had.

use super::super::frame::HEADER;
use super::super::{Config, Found, Frame, Log, NewFrame, Place, segment};
use super::simulated::{Faults, Simulated};
use crate::message::Timestamp;
use crate::random::cases;
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DIRECTORY: &str = "/log";
const CONFIG: Config = Config { segment_bytes: 3_000, segment_age: Duration::MAX, ahead: 1_400 };

/// What the size of a payload is multiplied by: groups are to fall into several sectors.
const SCALE: usize = 5;

#[derive(Clone, Debug)]
enum Action {
    /// Sizes of frames; every size stands for a count as well.
    Append(Vec<u8>, u8),
    Fail(Vec<u8>, Fault),
    /// The process is killed and started again.
    Restart,
    Crash(u64),
    /// A crash within an append that then was never answered.
    CrashIn(Vec<u8>, u64),
    Rot(u64),
    Retain(Option<u8>, u16, u8),
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Short,
    NoSpace(usize),
    Device(usize),
    DeviceAndCut(usize),
    Sync,
    SyncAndCut,
    Create,
    Directory,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let sizes = || prop::collection::vec(0..250_u8, 1..5);
    let fault = prop_oneof![
        Just(Fault::Short),
        (0..3000_usize).prop_map(Fault::NoSpace),
        (0..3000_usize).prop_map(Fault::Device),
        (0..3000_usize).prop_map(Fault::DeviceAndCut),
        Just(Fault::Sync),
        Just(Fault::SyncAndCut),
        Just(Fault::Create),
        Just(Fault::Directory),
    ];
    let action = prop_oneof![
        8 => (sizes(), 0..20_u8).prop_map(|(sizes, time)| Action::Append(sizes, time)),
        3 => (sizes(), fault).prop_map(|(sizes, fault)| Action::Fail(sizes, fault)),
        1 => Just(Action::Restart),
        2 => any::<u64>().prop_map(Action::Crash),
        2 => (sizes(), any::<u64>()).prop_map(|(sizes, seed)| Action::CrashIn(sizes, seed)),
        1 => any::<u64>().prop_map(Action::Rot),
        1 => (prop::option::of(0..25_u8), 0..16_000_u16, 0..60_u8).prop_map(|(age, most, keep)| Action::Retain(age, most, keep)),
    ];
    prop::collection::vec(action, 1..40)
}

/// Numbers without end from a seed.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    }
}

struct Model {
    disk: Simulated,
    log: Log,
    /// By place: what is in the log.
    known: BTreeMap<Place, Frame>,
    /// The payloads, each of its own, that were refused or never answered for.
    refused: BTreeMap<Bytes, u32>,
    rotten: BTreeSet<Place>,
    /// Segments whose header is damaged: their epoch is not what it was.
    headless: BTreeSet<u32>,
    /// All that ever was acknowledged, by position.
    given: BTreeMap<u64, Bytes>,
    serial: u64,
    /// A process that was only killed would believe what a failed sync left: the next restart is a crash.
    doubtful: bool,
}

impl Model {
    fn new() -> Self {
        let disk = Simulated::default();
        let log = open(&disk);
        let (known, refused, given) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (rotten, headless) = (BTreeSet::new(), BTreeSet::new());
        Self { disk, log, known, refused, rotten, headless, given, serial: 0, doubtful: false }
    }

    fn frames(&mut self, sizes: &[u8]) -> Vec<NewFrame> {
        let frame = |size: &u8| {
            self.serial += 1;
            // Not a byte of zero, or it might be taken for one that was never written.
            let mut payload = format!("{:08}", self.serial).into_bytes();
            payload.resize(8 + usize::from(*size) * SCALE, size | 1);
            // No more positions than a damaged end is given up for.
            NewFrame {
                count: u32::from(*size % 3).min(1 + u32::from(*size) / 36),
                payload: payload.into(),
                body: Bytes::new(),
            }
        };
        sizes.iter().map(frame).collect()
    }

    fn append(&mut self, sizes: &[u8], time: u8) {
        let frames = self.frames(sizes);
        let (position, written) = (self.log.end(), Timestamp(u64::from(time)));
        match self.log.append(&frames, written) {
            Err(_) => {
                assert!(!self.log.healthy());
                assert_eq!(self.log.end(), position);
                self.refused.extend(frames.into_iter().map(|frame| (frame.payload, frame.count)));
            }
            Ok(places) => {
                assert!(self.log.healthy());
                let (mut position, epoch) = (position, self.log.epoch());
                for (frame, place) in frames.into_iter().zip(places) {
                    let NewFrame { count, payload, .. } = frame;
                    let known = Frame { position, count, epoch, written, place, payload };
                    self.give(&known);
                    assert_eq!(self.log.frame_at(place).unwrap().as_ref(), Some(&known));
                    self.known.insert(place, known);
                    position += u64::from(count);
                }
                assert_eq!(self.log.end(), position);
            }
        }
    }

    /// No position is ever given to two things.
    fn give(&mut self, frame: &Frame) {
        for position in frame.position..frame.position + u64::from(frame.count) {
            let before = self.given.insert(position, frame.payload.clone());
            assert!(before.is_none_or(|before| before == frame.payload), "position {position} is given twice");
        }
    }

    fn rot(&mut self, seed: u64) {
        let mut choose = numbers(seed);
        let files = self.disk.files();
        let Some((path, length)) = files.get(choose(files.len().max(1))).filter(|(_, length)| *length > 0) else {
            return;
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some((number, _)) = segment::parse(name) else { return };
        let (byte, bit) = (choose(*length as usize), choose(8));
        self.disk.damage(path, |bytes| bytes[byte] ^= 1 << bit);
        if byte < segment::HEADER {
            self.headless.insert(number);
        }
        let hit = |frame: &&Frame| {
            let at = frame.place.at as usize;
            frame.place.segment == number && (at..at + HEADER + frame.payload.len()).contains(&byte)
        };
        self.rotten.extend(self.known.values().filter(hit).map(|frame| frame.place));
    }

    fn reopen(&mut self) {
        self.log = open(&self.disk);
        let all = everything(&self.log);
        // What came back is in the log from now on.
        for found in &all {
            if let Found::Frame(frame) = found
                && let Some(count) = self.refused.remove(&frame.payload)
            {
                assert_eq!(frame.count, count);
                self.give(frame);
                self.known.insert(frame.place, frame.clone());
            }
        }
    }

    fn check(&self) {
        let all = everything(&self.log);
        let (mut position, mut holes) = (self.log.first(), BTreeSet::new());
        let mut found = BTreeMap::new();
        for one in &all {
            match one {
                Found::Hole { from, to } => {
                    assert_eq!(*from, position, "{}", brief(&all));
                    holes.extend(*from..*to);
                    position = *to;
                }
                Found::Frame(frame) => {
                    assert_eq!(frame.position, position, "{}", brief(&all));
                    position += u64::from(frame.count);
                    found.insert(frame.place, frame);
                }
            }
        }
        assert_eq!(position, self.log.end());
        for (place, known) in &self.known {
            match found.get(place) {
                Some(found) => {
                    let epoch = if self.headless.contains(&place.segment) { found.epoch } else { known.epoch };
                    assert_eq!(**found, Frame { epoch, ..known.clone() });
                }
                None => {
                    assert!(self.rotten.contains(place), "{:?} is lost: {}", known.place, brief(&all));
                    let lost = known.position..known.position + u64::from(known.count);
                    assert!(lost.clone().all(|position| holes.contains(&position)), "{:?}: {holes:?}", known.place);
                }
            }
        }
        for place in found.keys() {
            assert!(self.known.contains_key(place), "{place:?} was never appended: {}", brief(&all));
        }
        let whole = |found: &&Found| !matches!(found, Found::Frame(frame) if frame.count == 0);
        let by_position: Vec<_> = all.iter().filter(whole).filter(|one| !is_empty(one)).cloned().collect();
        assert_eq!(read_all(&self.log), merged(by_position));
        self.check_seeking(&all);
    }

    fn check_seeking(&self, all: &[Found]) {
        for time in 0..21 {
            let since = |found: &Found| match found {
                Found::Frame(frame) if frame.written.0 >= time => Some(frame.position),
                _ => None,
            };
            let expected = all.iter().find_map(since).unwrap_or(self.log.end());
            assert_eq!(self.log.at(Timestamp(time)), expected, "time {time}: {}", brief(all));
        }
        for found in all {
            if let Found::Frame(frame) = found {
                assert_eq!(self.log.resume(frame.epoch, frame.position), (frame.position, None));
                if frame.count > 0 {
                    assert_eq!(self.log.epoch_at(frame.position), frame.epoch);
                    let back = self.log.back(frame.position);
                    assert_eq!(back, Some(self.log.first()).filter(|first| *first < frame.position));
                }
            }
        }
    }

    fn retain(&mut self, age: Option<u8>, most: u16, keep: u8) {
        let before = self.log.0.view();
        let newest: Vec<_> = (0..before.segments.len()).map(|at| self.log.0.newest(&before, at)).collect();
        let sizes: Vec<_> = (0..before.segments.len()).map(|at| before.bounds(at).limit).collect();
        let (age, most) = (age.map(|age| Timestamp(age.into())), u64::from(most));
        let freed = self.log.retain(age, most, keep.into()).unwrap();
        let (mut gone, mut expected, mut total) = (0, 0, sizes.iter().sum::<u64>());
        while gone + 1 < sizes.len()
            && before.segments[gone + 1].first <= u64::from(keep)
            && (total > most || age.is_some_and(|age| newest[gone] < age))
        {
            total -= sizes[gone];
            expected += sizes[gone];
            gone += 1;
        }
        assert_eq!(freed, expected);
        let oldest = before.segments.get(gone).map_or(0, |segment| segment.number);
        self.known.retain(|place, _| place.segment >= oldest);
    }

    fn step(&mut self, action: &Action) {
        match action {
            Action::Append(sizes, time) => self.append(sizes, *time),
            Action::Fail(sizes, fault) => {
                let (device, none) = (5, Faults::default());
                self.disk.fail(match *fault {
                    Fault::Short => Faults { short: true, ..none },
                    Fault::NoSpace(after) => Faults { write: Some((after, 28)), ..none },
                    Fault::Device(after) => Faults { write: Some((after, device)), ..none },
                    Fault::DeviceAndCut(after) => Faults { write: Some((after, device)), truncate: true, ..none },
                    Fault::Sync => Faults { sync: true, ..none },
                    Fault::SyncAndCut => Faults { sync: true, truncate: true, ..none },
                    Fault::Create => Faults { create: true, ..none },
                    Fault::Directory => Faults { directory: true, ..none },
                });
                self.append(sizes, 3);
                self.doubtful |= matches!(fault, Fault::SyncAndCut);
                self.disk.fail(none);
            }
            Action::Restart if !self.doubtful => self.reopen(),
            Action::Restart => {}
            Action::Crash(seed) => {
                self.disk.crash(numbers(*seed));
                self.doubtful = false;
                self.reopen();
            }
            Action::CrashIn(sizes, seed) => {
                // Written, and the machine gone before the sync: which then seems to fail.
                self.disk.fail(Faults { sync: true, truncate: true, ..Faults::default() });
                self.append(sizes, 4);
                self.disk.crash(numbers(*seed));
                self.doubtful = false;
                self.reopen();
            }
            Action::Rot(seed) if !self.doubtful => {
                self.rot(*seed);
                self.reopen();
            }
            Action::Rot(_) => {}
            Action::Retain(age, most, keep) => self.retain(*age, *most, *keep),
        }
        self.check();
    }
}

fn is_empty(found: &Found) -> bool {
    matches!(found, Found::Hole { from, to } if from == to)
}

/// For people: positions and places.
fn brief(all: &[Found]) -> String {
    let one = |found: &Found| match found {
        Found::Hole { from, to } => format!("({from}..{to})"),
        Found::Frame(Frame { position, count, place, payload, .. }) => {
            format!("{position}+{count} at {}:{} of {}", place.segment, place.at, payload.len())
        }
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Frames without positions may lie between two holes; without them the holes touch.
fn merged(all: Vec<Found>) -> Vec<Found> {
    let mut merged: Vec<Found> = Vec::new();
    for one in all {
        match (merged.last_mut(), one) {
            (Some(Found::Hole { to, .. }), Found::Hole { from, to: next }) if *to == from => *to = next,
            (_, one) => merged.push(one),
        }
    }
    merged
}

fn open(disk: &Simulated) -> Log {
    Log::open(Arc::new(disk.clone()), Path::new(DIRECTORY), CONFIG).unwrap().log
}

/// All frames and holes, fetched a few at a time.
fn everything(log: &Log) -> Vec<Found> {
    let (mut all, mut place) = (Vec::new(), Place { segment: 0, at: 0 });
    loop {
        let (found, next) = log.frames(place, 300).unwrap();
        assert!(next > place || (found.is_empty() && next == log.last_place()));
        all.extend(found);
        if next == place || next == log.last_place() {
            break;
        }
        place = next;
    }
    merged(all)
}

/// All that hold positions.
fn read_all(log: &Log) -> Vec<Found> {
    let (mut all, mut position) = (Vec::new(), log.first());
    while position < log.end() {
        let found = log.read(position, 300).unwrap();
        position = match found.last().unwrap() {
            Found::Hole { to, .. } => *to,
            Found::Frame(frame) => frame.position + u64::from(frame.count),
        };
        all.extend(found);
    }
    merged(all)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_was_acknowledged_is_there_and_what_is_lost_is_told(actions in actions()) {
        let mut model = Model::new();
        for action in &actions {
            model.step(action);
        }
    }
}
