//! Random histories of the journal, told to the journal and to a model of a few lists, which must agree at every step.

use super::*;
use proptest::collection::vec;
use proptest::sample::Index;
use std::fs::File;
use tempfile::TempDir;

const LANES: [&str; 4] = ["whatsapp", "w", "whatsapp-2", "z/0"];

#[derive(Clone, Debug)]
enum Action {
    Append {
        lane: Index,
        bodies: Vec<Vec<u8>>,
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
    /// Closes and opens again, with the lanes whose bit is set.
    Restart {
        lanes: u8,
    },
    /// Opens what lies on disk while the journal is still open, as after a crash.
    Crash {
        lanes: u8,
    },
}

#[derive(Clone, Debug)]
enum Judgement {
    Deliver(Vec<Vec<u8>>),
    Hold(String),
}

#[derive(Default)]
struct Model {
    boot: u32,
    youngest: u64,
    lanes: [ModelLane; LANES.len()],
    outbox: Vec<Entry>,
    held: BTreeMap<EventId, Held>,
    verdicts: BTreeMap<EventId, Outcome>,
}

#[derive(Default)]
struct ModelLane {
    events: Vec<(EventId, Delivery)>,
    judged: usize,
}

struct Subject {
    /// None for the instant between two openings.
    journal: Option<Journal>,
    directory: TempDir,
    open: Vec<usize>,
    model: Model,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let judgement = || {
        prop_oneof![
            4 => vec(vec(any::<u8>(), 0..20), 0..4).prop_map(Judgement::Deliver),
            1 => ".{0,8}".prop_map(Judgement::Hold),
        ]
    };
    let action = prop_oneof![
        6 => (any::<Index>(), vec(vec(any::<u8>(), 0..200), 1..5))
            .prop_map(|(lane, bodies)| Action::Append { lane, bodies }),
        6 => (any::<Index>(), vec(judgement(), 0..5))
            .prop_map(|(lane, judgements)| Action::Judge { lane, judgements }),
        2 => (any::<Index>(), judgement()).prop_map(|(which, judgement)| Action::Retry { which, judgement }),
        2 => (0..40u64, 1..10usize, 1..100usize).prop_map(|(from, most, bytes)| Action::Read { from, most, bytes }),
        1 => any::<u8>().prop_map(|lanes| Action::Restart { lanes }),
        1 => any::<u8>().prop_map(|lanes| Action::Crash { lanes }),
    ];
    vec(action, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_journal_does_what_the_model_does_through_restarts_and_crashes(actions in actions()) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut subject =
            Subject { journal: Some(open(directory.path(), &LANES[..1])), directory, open: vec![0], model: Model::default() };
        subject.model.boot = 1;
        for action in actions {
            subject.act(action);
            subject.agrees();
        }
    }
}

impl Subject {
    fn act(&mut self, action: Action) {
        match action {
            Action::Append { lane, bodies } => {
                let at = *lane.get(&self.open);
                bodies.into_iter().for_each(|body| self.append(at, body));
            }
            Action::Judge { lane, judgements } => {
                let at = *lane.get(&self.open);
                let lane = &mut self.model.lanes[at];
                let decisions: Vec<_> =
                    lane.events[lane.judged..].iter().map(|(event, _)| *event).zip(judgements).collect();
                lane.judged += decisions.len();
                self.judge(at, decisions);
            }
            Action::Retry { which, judgement } => {
                let open = |held: &&Held| self.open.iter().any(|at| LANES[*at] == held.webhook);
                let held: Vec<&Held> = self.model.held.values().filter(open).collect();
                if held.is_empty() {
                    return;
                }
                let (event, webhook) = (which.get(&held).event, &which.get(&held).webhook);
                let at = LANES.iter().position(|name| name == webhook).expect("one of them");
                self.judge(at, vec![(event, judgement)]);
            }
            Action::Read { from, most, bytes } => self.read(from, most, bytes),
            Action::Restart { lanes } => self.reopen(lanes, false),
            Action::Crash { lanes } => self.reopen(lanes, true),
        }
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().expect("open between actions")
    }

    fn append(&mut self, at: usize, body: Vec<u8>) {
        let lane = lane(self.journal(), LANES[at]);
        let content_type = body.len().is_multiple_of(2).then(|| "text/plain".to_owned());
        let received = Timestamp(body.len() as u64);
        let delivery = Delivery { webhook: LANES[at].into(), received, content_type, body: body.into() };
        let event = one_thread().block_on(self.journal().append(&lane, delivery.clone())).expect("the disk takes it");
        assert!(event.0 > self.model.youngest, "{event} is not younger than {}", self.model.youngest);
        self.model.youngest = event.0;
        self.model.lanes[at].events.push((event, delivery));
    }

    fn judge(&mut self, at: usize, judgements: Vec<(EventId, Judgement)>) {
        let old = self.model.outbox.len();
        let mut decisions = Vec::new();
        for (event, judgement) in judgements {
            let delivery = &self.model.lanes[at].events.iter().find(|(id, _)| *id == event).expect("appended").1;
            let Delivery { received, content_type, .. } = delivery.clone();
            let unparsed = event.0 % 2 == 0;
            self.model.held.remove(&event);
            let (judged, outcome) = match judgement {
                Judgement::Hold(reason) => {
                    let filter = "f".to_owned();
                    let (webhook, reason_held) = (LANES[at].to_owned(), reason.clone());
                    let held = Held { event, webhook, received, filter: filter.clone(), reason: reason_held };
                    self.model.held.insert(event, held);
                    (Judged::Hold { filter: filter.clone(), reason: reason.clone() }, Outcome::Held { filter, reason })
                }
                Judgement::Deliver(parts) => {
                    let first = Offset(self.model.outbox.len() as u64 + 1);
                    let count = parts.len() as u32;
                    let parts = parts.into_iter().map(|part| (Payload::of(part.into()), audience_of(event)));
                    let parts: Vec<_> = parts.collect();
                    for (payload, audience) in parts.clone() {
                        let offset = Offset(self.model.outbox.len() as u64 + 1);
                        let (webhook, content_type) = (LANES[at].into(), content_type.clone());
                        let entry =
                            Entry { offset, event, webhook, received, content_type, unparsed, payload, audience };
                        self.model.outbox.push(entry);
                    }
                    let outcome = if count == 0 { Outcome::Dropped } else { Outcome::Delivered { first, count } };
                    (Judged::Deliver(parts), outcome)
                }
            };
            self.model.verdicts.insert(event, outcome);
            decisions.push(Decision { received, content_type, unparsed, ..decision(event, judged) });
        }
        let mut published = Vec::new();
        let lane = lane(self.journal(), LANES[at]);
        self.journal().decide(&lane, decisions, |entries| published = entries).expect("the disk takes it");
        assert_eq!(published, self.model.outbox[old..]);
    }

    fn read(&self, from: u64, most: usize, bytes: usize) {
        let found = self.journal().outbox(Offset(from), most, bytes).expect("readable");
        let rest = &self.model.outbox[(from.saturating_sub(1) as usize).min(self.model.outbox.len())..];
        assert_eq!(found, rest[..found.len()]);
        assert!(found.len() <= most);
        let total = |entries: &[Entry]| entries.iter().map(|entry| entry.payload.data.len()).sum::<usize>();
        assert!(found.len() == most.min(rest.len()) || total(&found) >= bytes, "it ended too early");
        assert!(found.len() < 2 || total(&found[..found.len() - 1]) < bytes, "it ended too late");
    }

    fn reopen(&mut self, lanes: u8, crash: bool) {
        self.open = (0..LANES.len()).filter(|at| lanes & 1 << at != 0).collect();
        if self.open.is_empty() {
            self.open.push(0);
        }
        let names: Vec<&str> = self.open.iter().map(|at| LANES[*at]).collect();
        if crash {
            let copy = tempfile::tempdir().expect("a directory");
            copy_store(self.directory.path(), copy.path());
            self.journal = Some(open(copy.path(), &names));
            self.directory = copy;
        } else {
            self.journal = None;
            self.journal = Some(open(self.directory.path(), &names));
        }
        self.model.boot += 1;
    }

    fn agrees(&self) {
        let (journal, model) = (self.journal(), &self.model);
        assert_eq!(journal.boot(), model.boot);
        assert_eq!(journal.tail(), Offset(model.outbox.len() as u64 + 1));
        self.read(0, usize::MAX, usize::MAX);
        assert!(journal.held(usize::MAX).expect("readable").iter().eq(model.held.values()));
        assert_eq!(journal.count_held(), model.held.len() as u64);
        for (at, known) in model.lanes.iter().enumerate() {
            for (event, _) in &known.events {
                let verdict = journal.verdict(*event).expect("readable").map(|(outcome, _)| outcome);
                assert_eq!(verdict.as_ref(), model.verdicts.get(event));
            }
            let Some(lane) = journal.lane(LANES[at]) else {
                assert!(!self.open.contains(&at));
                continue;
            };
            let pending = |most| {
                let found = journal.pending(&lane, most).expect("readable").into_iter();
                found.map(|(event, delivery)| (event, delivery.expect("whole"))).collect::<Vec<_>>()
            };
            let expected = &known.events[known.judged..];
            assert_eq!(pending(usize::MAX), expected);
            assert_eq!(pending(2), expected[..expected.len().min(2)]);
            let done = known.events[..known.judged].last().map_or(EventId(0), |(event, _)| *event);
            assert_eq!(journal.done(&lane), done);
            assert_eq!(lane.lag() == 0, expected.is_empty());
            assert!(lane.lag() >= expected.len() as u64);
        }
    }
}

fn audience_of(event: EventId) -> Audience {
    Audience(vec![Narrowing { to: Selector::Clients(vec![ClientId(event.0)]), except: vec![] }])
}

/// Copies a store. Its log has room reserved at its end, which is not read.
fn copy_store(from: &Path, to: &Path) {
    for item in std::fs::read_dir(from).expect("readable") {
        let item = item.expect("readable");
        let to = to.join(item.file_name());
        if item.file_type().expect("readable").is_dir() {
            std::fs::create_dir(&to).expect("writable");
            copy_store(&item.path(), &to);
            continue;
        }
        let (mut from, mut to) = (File::open(item.path()).expect("readable"), File::create(to).expect("writable"));
        let mut chunk = Vec::new();
        loop {
            chunk.clear();
            Read::by_ref(&mut from).take(1 << 16).read_to_end(&mut chunk).expect("readable");
            if chunk.iter().all(|byte| *byte == 0) {
                break;
            }
            to.write_all(&chunk).expect("writable");
        }
        to.set_len(from.metadata().expect("readable").len()).expect("writable");
    }
}
