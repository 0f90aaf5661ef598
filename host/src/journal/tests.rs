//! The journal against a model, under real kills, with lost and damaged files, on a failing disk, and in the hands of
//! many at once.

use super::*;
use crate::error::Chain;
use crate::message::{Audience, Delivery, Entry, Event, Fingerprint, Item, Keys, Offset, Payload, Step, Timestamp};
use bytes::Bytes;
use std::path::Path;
use tokio::runtime;

mod damage;
mod dedupe;
mod faults;
mod files;
mod kill;
mod many;
mod measure;
mod model;
mod records;
mod retention;

const HOUR: Duration = Duration::from_secs(3600);

fn config(directory: &Path, webhooks: &[&str]) -> Config {
    let plenty = Retention { age: 24 * HOUR, size: 1 << 40 };
    Config {
        directory: directory.to_owned(),
        webhooks: webhooks.iter().map(|name| (*name).to_owned()).collect(),
        waiting: 1024,
        inbox: plenty,
        outbox: plenty,
        dedupe_window: HOUR,
    }
}

fn open(directory: &Path, webhooks: &[&str]) -> Journal {
    open_with(&config(directory, webhooks))
}

fn open_with(config: &Config) -> Journal {
    Journal::open(config).unwrap_or_else(|error| panic!("{}", Chain(&error)))
}

fn lane(journal: &Journal, webhook: &str) -> Lane {
    journal.lane(webhook).expect("it was opened with this lane")
}

fn keys(user: &str) -> Keys {
    Keys { waba: Some("1".into()), phone_number_id: None, user: Some(user.to_owned()) }
}

/// An item that is known again by what it says.
fn item(text: &[u8], pieces: Vec<(u32, u32)>) -> Item {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&ring::digest::digest(&ring::digest::SHA256, text).as_ref()[..16]);
    let user = String::from_utf8_lossy(text).chars().take(1).collect::<String>();
    Item { kind: "messages".into(), keys: keys(&user), pieces, fingerprint: Fingerprint(fingerprint) }
}

/// A delivery of items that say this, in a body that is one behind the other.
fn delivery_at<T: AsRef<[u8]>>(lane: &Lane, received: u64, texts: &[T]) -> Delivery {
    let (mut body, mut items) = (Vec::new(), Vec::new());
    for text in texts {
        let from = body.len() as u32;
        body.extend(text.as_ref());
        let pieces = if texts.len() == 1 { vec![] } else { vec![(from, body.len() as u32)] };
        items.push(item(text.as_ref(), pieces));
    }
    Delivery {
        webhook: lane.name().clone(),
        received: Timestamp(received),
        content_type: Some("application/json".into()),
        unparsed: texts.len() == 2,
        items,
        body: body.into(),
        orders: None,
    }
}

fn delivery<T: AsRef<[u8]>>(lane: &Lane, texts: &[T]) -> Delivery {
    delivery_at(lane, 1_000_000, texts)
}

fn one_thread() -> runtime::Runtime {
    runtime::Builder::new_current_thread().build().expect("a runtime without drivers")
}

fn try_append(journal: &Journal, delivery: Delivery) -> Result<Appended, Refused> {
    let lane = lane(journal, &delivery.webhook.clone());
    one_thread().block_on(journal.append(&lane, delivery))
}

/// Appends one delivery of items that say this.
fn append<T: AsRef<[u8]>>(journal: &Journal, lane: &Lane, texts: &[T]) -> Appended {
    try_append(journal, delivery(lane, texts)).expect("the disk takes it")
}

fn decision(event: &Event, judged: Judged) -> Decision {
    let step = Step { filter: "f".into(), sha256: "00".into(), verdict: "pass".into(), micros: event.id.0 };
    Decision {
        event: event.id,
        received: event.received,
        content_type: event.content_type.clone(),
        unparsed: event.unparsed,
        kind: event.kind.clone(),
        keys: event.keys.clone(),
        trail: vec![step],
        judged,
    }
}

fn delivered(event: &Event) -> Decision {
    decision(event, Judged::Deliver(vec![(Payload::of(event.body.clone()), Audience::default())]))
}

fn held(event: &Event) -> Decision {
    decision(event, Judged::Hold { filter: "f".into(), reason: "it trapped".into() })
}

fn pending(journal: &Journal, lane: &Lane) -> Vec<Event> {
    journal.pending(lane, usize::MAX).expect("readable")
}

/// What pending events say.
fn texts(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| String::from_utf8_lossy(&event.body).into_owned()).collect()
}

/// Judges all that is pending: each event goes out once, as it came.
fn deliver_pending(journal: &Journal, lane: &Lane, publish: impl FnOnce(Vec<Entry>)) -> usize {
    let decisions: Vec<_> = journal.pending(lane, 64).expect("readable").iter().map(delivered).collect();
    let count = decisions.len();
    journal.decide(lane, decisions, publish).expect("the disk takes it");
    count
}

/// Everything that clients could get, without gaps.
fn whole_outbox(journal: &Journal) -> Vec<Entry> {
    let piece = journal.outbox(Offset(1), usize::MAX, usize::MAX).expect("readable");
    assert_eq!((piece.gap, piece.next), (None, journal.tail()));
    piece.entries
}

fn state(journal: &Journal, event: EventId) -> State {
    journal.record(event).expect("readable").expect("it is there").state
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("writable");
    for item in std::fs::read_dir(from).expect("readable") {
        let item = item.expect("readable");
        let to = to.join(item.file_name());
        if item.file_type().expect("readable").is_dir() {
            copy(&item.path(), &to);
        } else {
            match std::fs::copy(item.path(), to) {
                // The index tidies up while it is copied.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.expect("writable")),
            }
        }
    }
}
