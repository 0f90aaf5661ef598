//! Random histories of the journal, told to the journal and to a model of a few lists, which must agree at every step:
//! through restarts, crashes, and the loss of the index.

use super::*;
use crate::random::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use tempfile::TempDir;

const LANES: [&str; 4] = ["whatsapp", "w", "whatsapp-2", "z/0"];
const WINDOW: u64 = 16;

#[derive(Clone, Debug)]
enum Action {
    /// One delivery, some seconds after the last one.
    Append {
        lane: Index,
        later: u64,
        texts: Vec<u8>,
    },
    /// Judges as many of a lane's oldest pending as there are judgements.
    Judge {
        lane: Index,
        judgements: Vec<Judgement>,
    },
    /// Judges a held event once more.
    Retry {
        which: Index,
        judgement: Judgement,
    },
    Read {
        from: u64,
        most: usize,
        bytes: usize,
    },
    /// What is due now and then, but for what it deletes: a bucket of fingerprints is read.
    Recall,
    /// Closes and opens again, with the lanes whose bit is set.
    Restart {
        lanes: u8,
        index: Loss,
    },
    /// Opens what lies on disk while the journal is still open, as after a crash.
    Crash {
        lanes: u8,
        index: Loss,
    },
}

/// What becomes of the index while nobody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    None,
    Gone,
    /// A file of it, which one, and from where on it is garbage.
    Garbled(u16, u16),
}

#[derive(Clone, Debug)]
enum Judgement {
    Deliver(Vec<Vec<u8>>),
    Hold(String),
}

struct Known {
    event: Event,
    /// A place in `LANES`.
    lane: usize,
    state: State,
}

struct Subject {
    /// None for the instant between two openings.
    journal: Option<Journal>,
    directory: TempDir,
    open: Vec<usize>,
    boot: u32,
    second: u64,
    events: BTreeMap<EventId, Known>,
    /// By what is said and where: the event it came with first, and the second.
    seen: BTreeMap<(usize, u8), (EventId, u64)>,
    outbox: Vec<Entry>,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let judgement = || {
        prop_oneof![
            4 => vec(vec(any::<u8>(), 0..20), 0..4).prop_map(Judgement::Deliver),
            1 => ".{0,8}".prop_map(Judgement::Hold),
        ]
    };
    let loss = || {
        prop_oneof![
            3 => Just(Loss::None),
            1 => Just(Loss::Gone),
            2 => any::<(u16, u16)>().prop_map(|(file, at)| Loss::Garbled(file, at)),
        ]
    };
    let action = prop_oneof![
        8 => (any::<Index>(), 0..6u64, vec(0..24u8, 1..6))
            .prop_map(|(lane, later, texts)| Action::Append { lane, later, texts }),
        6 => (any::<Index>(), vec(judgement(), 0..5))
            .prop_map(|(lane, judgements)| Action::Judge { lane, judgements }),
        2 => (any::<Index>(), judgement()).prop_map(|(which, judgement)| Action::Retry { which, judgement }),
        2 => (1..40u64, 1..10usize, 1..100usize).prop_map(|(from, most, bytes)| Action::Read { from, most, bytes }),
        2 => Just(Action::Recall),
        1 => (any::<u8>(), loss()).prop_map(|(lanes, index)| Action::Restart { lanes, index }),
        1 => (any::<u8>(), loss()).prop_map(|(lanes, index)| Action::Crash { lanes, index }),
    ];
    vec(action, 1..30)
}

fn opened(directory: &Path, lanes: &[usize]) -> Journal {
    let names: Vec<&str> = lanes.iter().map(|at| LANES[*at]).collect();
    open_with(&Config { dedupe_window: Duration::from_secs(WINDOW), ..config(directory, &names) })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..cases(16) })]
    #[test]
    fn the_journal_does_what_the_model_does_through_restarts_crashes_and_losses(actions in actions()) {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Some(opened(directory.path(), &[0]));
        let (events, seen, outbox) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut subject = Subject { journal, directory, open: vec![0], boot: 1, second: 1000, events, seen, outbox };
        for action in actions {
            subject.act(action);
            subject.agrees();
        }
    }
}

impl Subject {
    fn act(&mut self, action: Action) {
        match action {
            Action::Append { lane, later, texts } => self.append(*lane.get(&self.open), later, &texts),
            Action::Judge { lane, judgements } => {
                let at = *lane.get(&self.open);
                let events: Vec<_> = self.pending(at).into_iter().zip(judgements).collect();
                self.judge(at, events);
            }
            Action::Retry { which, judgement } => {
                let held =
                    |known: &&Known| matches!(known.state, State::Held { .. }) && self.open.contains(&known.lane);
                let held: Vec<_> = self.events.values().filter(held).collect();
                if !held.is_empty() {
                    let (event, at) = (which.get(&held).event.clone(), which.get(&held).lane);
                    self.judge(at, vec![(event, judgement)]);
                }
            }
            Action::Read { from, most, bytes } => self.read(from, most, bytes),
            Action::Recall => self.journal().0.keeper.read(bucket::recall).expect("readable"),
            Action::Restart { lanes, index } => self.reopen(lanes, index, false),
            Action::Crash { lanes, index } => self.reopen(lanes, index, true),
        }
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().expect("open between actions")
    }

    fn pending(&self, at: usize) -> Vec<Event> {
        let known = self.events.values().filter(|known| known.lane == at && known.state == State::Pending);
        known.map(|known| known.event.clone()).collect()
    }

    fn append(&mut self, at: usize, later: u64, texts: &[u8]) {
        self.second += later;
        let lane = lane(self.journal(), LANES[at]);
        let words: Vec<String> = texts.iter().map(|text| format!("{}{text}", LANES[at])).collect();
        let delivery = delivery_at(&lane, self.second * 1000, &words);
        let appended = try_append(self.journal(), delivery.clone()).expect("the disk takes it");
        let youngest = self.events.keys().next_back().map_or(0, |event| event.0);
        assert_eq!(appended.first.0, youngest + 1);
        let mut duplicates = 0;
        for ((id, text), item) in (appended.first.0..).map(EventId).zip(texts).zip(&delivery.items) {
            let event = Event {
                sending: None,
                changes: crate::message::Changes::default(),
                id,
                webhook: delivery.webhook.clone(),
                received: delivery.received,
                content_type: delivery.content_type.clone(),
                unparsed: delivery.unparsed,
                kind: item.kind.as_str().into(),
                keys: Arc::new(item.keys.clone()),
                body: match &item.pieces[..] {
                    [] => delivery.body.clone(),
                    pieces => {
                        let piece = |(from, to): &(u32, u32)| &delivery.body[*from as usize..*to as usize];
                        pieces.iter().map(piece).collect::<Vec<_>>().concat().into()
                    }
                },
            };
            let before = self.seen.get(&(at, *text)).filter(|(_, second)| self.second - second < WINDOW);
            let state = match before {
                Some((of, _)) => State::Duplicate { of: *of },
                None => State::Pending,
            };
            duplicates += u32::from(before.is_some());
            if before.is_none() {
                self.seen.insert((at, *text), (id, self.second));
            }
            self.events.insert(id, Known { event, lane: at, state });
        }
        assert_eq!((appended.new, appended.duplicates), (texts.len() as u32 - duplicates, duplicates));
    }

    fn judge(&mut self, at: usize, judgements: Vec<(Event, Judgement)>) {
        let old = self.outbox.len();
        let mut decisions = Vec::new();
        for (event, judgement) in judgements {
            let (judged, state) = match judgement {
                Judgement::Hold(reason) => {
                    let filter = "f".to_owned();
                    (Judged::Hold { filter: filter.clone(), reason: reason.clone() }, State::Held { filter, reason })
                }
                Judgement::Deliver(parts) => {
                    let (first, count) = (Offset(self.outbox.len() as u64 + 1), parts.len() as u32);
                    let parts: Vec<_> =
                        parts.into_iter().map(|part| (Payload::of(part.into()), Audience::default())).collect();
                    let entries: Vec<_> = (first.0..).zip(&parts).map(|part| self.entry(&event, part)).collect();
                    self.outbox.extend(entries);
                    let state = if count == 0 { State::Dropped } else { State::Delivered { first, count } };
                    (Judged::Deliver(parts), state)
                }
            };
            self.events.get_mut(&event.id).expect("appended").state = state;
            decisions.push(decision(&event, judged));
        }
        let mut published = Vec::new();
        let lane = lane(self.journal(), LANES[at]);
        self.journal().decide(&lane, decisions, |entries| published = entries).expect("the disk takes it");
        assert_eq!(published, self.outbox[old..]);
    }

    fn entry(&self, event: &Event, (offset, (payload, audience)): (u64, &(Payload, Audience))) -> Entry {
        let Event { id, webhook, received, content_type, unparsed, kind, keys, .. } = event.clone();
        let (offset, epoch) = (Offset(offset), self.journal().cursor(Offset(offset)).epoch);
        let (payload, audience) = (payload.clone(), audience.clone());
        Entry { offset, epoch, event: id, webhook, received, content_type, unparsed, kind, keys, payload, audience }
    }

    fn read(&self, from: u64, most: usize, bytes: usize) {
        let piece = self.journal().outbox(Offset(from), most, bytes).expect("readable");
        let rest = &self.outbox[(from as usize - 1).min(self.outbox.len())..];
        let found = piece.entries;
        assert_eq!(found, rest[..found.len()]);
        assert_eq!((piece.gap, piece.next), (None, Offset(from + found.len() as u64)));
        assert!(found.len() <= most);
        let total = |entries: &[Entry]| entries.iter().map(|entry| entry.payload.data.len()).sum::<usize>();
        assert!(found.len() == most.min(rest.len()) || total(&found) >= bytes, "it ended too early");
        assert!(found.len() < 2 || total(&found[..found.len() - 1]) < bytes, "it ended too late");
    }

    fn reopen(&mut self, lanes: u8, index: Loss, crash: bool) {
        self.open = (0..LANES.len()).filter(|at| lanes & 1 << at != 0).collect();
        if self.open.is_empty() {
            self.open.push(0);
        }
        if crash {
            let to = tempfile::tempdir().expect("a directory");
            copy(self.directory.path(), to.path());
            self.journal = None;
            self.directory = to;
        }
        self.journal = None;
        let directory = self.directory.path();
        match index {
            Loss::None => {}
            Loss::Gone => std::fs::remove_dir_all(directory.join("index")).expect("removable"),
            Loss::Garbled(file, at) => damage::garble(&directory.join("index"), file.into(), at.into()),
        }
        self.journal = Some(opened(directory, &self.open));
        self.boot += 1;
    }

    fn agrees(&self) {
        let journal = self.journal();
        assert_eq!((journal.boot(), journal.healthy()), (self.boot, true));
        assert_eq!(journal.tail(), Offset(self.outbox.len() as u64 + 1));
        self.read(1, usize::MAX, usize::MAX);
        let is_held = |known: &&Known| matches!(known.state, State::Held { .. });
        let held: Vec<_> = self.events.values().filter(is_held).map(|known| known.event.id).collect();
        let ids = |held: Vec<Held>| held.into_iter().map(|held| held.event).collect::<Vec<_>>();
        assert_eq!(ids(journal.held(EventId(0), usize::MAX).expect("readable")), held);
        assert_eq!(journal.count_held(), held.len() as u64);
        for (id, known) in &self.events {
            let record = journal.record(*id).expect("readable").expect("it is there");
            assert_eq!((&record.event, &record.state), (&known.event, &known.state));
            let judged = !matches!(known.state, State::Pending | State::Duplicate { .. });
            assert_eq!((record.decided.is_some(), record.trail.len()), (judged, usize::from(judged)));
        }
        let (all, next) = journal.search(EventId(1), &|_, _| true, usize::MAX, usize::MAX).expect("readable");
        let states = self.events.iter().map(|(id, known)| (*id, known.event.body.len() as u64, &known.state));
        assert!(all.iter().map(|found| (found.id, found.bytes, &found.state)).eq(states) && next.is_none());
        let mut back = Vec::new();
        let mut within = EventId(1)..EventId(u64::MAX);
        loop {
            let (found, next) = journal.search_back(within.clone(), &|_, _| true, 3, 64).expect("readable");
            back.extend(found);
            match next {
                Some(next) => within.end = next,
                None => break,
            }
        }
        back.reverse();
        assert_eq!(back, all, "from behind it is the same");
        for (at, name) in LANES.iter().enumerate() {
            let Some(lane) = journal.lane(name) else {
                assert!(!self.open.contains(&at));
                continue;
            };
            let expected = self.pending(at);
            assert!(lane.lag() >= expected.len() as u64);
            assert_eq!(journal.pending(&lane, 2).expect("readable"), expected[..expected.len().min(2)]);
            assert_eq!(journal.pending(&lane, usize::MAX).expect("readable"), expected);
            assert_eq!(lane.lag() == 0, expected.is_empty());
            let of_lane = journal.held_of(&lane, EventId(0), usize::MAX).expect("readable");
            let first =
                |known: &Known| of_lane.iter().find(|held| held.keys == *known.event.keys).map(|held| held.event);
            for known in self.events.values().filter(|known| known.lane == at) {
                let found = journal.first_held(&lane, &known.event.keys).expect("readable");
                assert_eq!(found, first(known));
                let held_as = journal.held_as(&lane, known.event.id).expect("readable");
                assert_eq!(held_as.is_some(), is_held(&known));
            }
            assert!(ids(of_lane).into_iter().eq(held.iter().copied().filter(|id| self.events[id].lane == at)));
        }
    }
}
