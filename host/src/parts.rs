//! The parts that `benches/parts` measures alone, as thin as can be: not for anybody else, and nothing to rely on.

use crate::builtin;
use crate::error::Chain;
use crate::filter::{self, Config as FilterConfig, Host, HostConfig};
use crate::hub::{Frame, Ring, Source};
use crate::journal::{Config as JournalConfig, Journal, Lane, Retention};
use crate::message::{
    Audience, Card, ClientId, Delivery, Entry, EventId, Keys, Label, Message, Narrowing, Offset, Payload, Scope,
    Selector, Timestamp,
};
use crate::provider::{Provider, Signing};
use crate::secret::Secret;
use crate::split;
use crate::tls;
use crate::verify::{Head, Scheme};
use crate::ws::encode;
use crate::ws::{Form, Manner};
use bytes::Bytes;
use http::HeaderMap;
use rustls::crypto::CryptoProvider;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// How many items a delivery of Meta's has.
pub fn split(body: &[u8]) -> usize {
    split::split("hook", body, true).items.len()
}

/// Whether a delivery is Meta's.
pub fn signature(secret: &str) -> impl Fn(&HeaderMap, &[u8]) -> bool {
    let (secrets, tolerance) = (vec![Secret::new(secret)], HOUR);
    let signing = Signing { provider: Provider::Meta, secrets, tolerance, public_url: None, recipe: None };
    let scheme = Scheme::new(&signing).expect("there is a secret");
    move |headers, body| {
        let head = Head { headers, query: None, now: 0 };
        let Ok(claim) = scheme.claim(head) else { return false };
        let mut proof = claim.begin();
        proof.update(body);
        proof.finish(body).is_ok()
    }
}

/// An entry made a frame and encoded for raw clients, or for those of postern.v1: how long that is.
pub fn encode(v1: bool) -> impl Fn(&Bytes) -> usize {
    let manner = Manner { form: if v1 { Form::V1 } else { Form::Raw }, deflate: false, frame_size: None };
    let base = entry(1, Bytes::new());
    move |body| {
        let frame = encode::frame(Entry { payload: Payload::of(body.clone()), ..base.clone() }, Source::Webhook(0));
        manner.view(&frame).length()
    }
}

/// Whether a client with so many labels is in an audience chosen by its last.
pub fn audience(labels: usize) -> impl Fn() -> bool {
    let label = |number: usize| Label { key: "room".into(), value: format!("room-{number}") };
    let wanted = vec![label(labels.saturating_sub(1))];
    let audience = Audience(vec![Narrowing { to: Selector::AnyLabel(wanted), except: vec![] }]);
    let card = Card {
        id: ClientId(1),
        stream: "main".into(),
        subject: None,
        labels: (0..labels).map(label).collect(),
        address: ([127, 0, 0, 1], 4000).into(),
        since: Timestamp(0),
    };
    move || audience.includes(&card)
}

/// `drop-statuses` asked about a message: whether it lets it pass.
pub fn filter(cache: &Path) -> impl Fn(&Bytes) -> bool {
    let host = Host::new(&HostConfig::new(cache)).unwrap_or_else(|error| panic!("{}", Chain(&error)));
    let bytes = builtin::filter("drop-statuses").expect("it is built in");
    let source = filter::Source { origin: "builtin", bytes };
    let loaded = host.load("drop-statuses", source, &FilterConfig::default());
    let chain = [loaded.unwrap_or_else(|error| panic!("{}", Chain(&error)))];
    move |body| {
        let message = Message { payload: Payload::of(body.clone()), ..entry(1, Bytes::new()).message() };
        filter::run(&chain, message, &Scope::default()).deliveries.len() == 1
    }
}

/// What handshakes are reckoned by.
pub fn arithmetic() -> CryptoProvider {
    tls::provider()
}

/// An inbox on disk, and deliveries appended to it that wait for the disk together.
pub struct Inbox(Journal, Lane);

impl Inbox {
    pub fn open(directory: &Path) -> Self {
        let retention = Retention { age: HOUR, size: 1 << 30 };
        let config = JournalConfig {
            directory: directory.to_owned(),
            webhooks: vec!["hook".into()],
            waiting: 1024,
            inbox: retention,
            outbox: retention,
            dedupe_window: HOUR,
        };
        let journal = Journal::open(&config).unwrap_or_else(|error| panic!("{}", Chain(&error)));
        let lane = journal.lane("hook").expect("it was opened with this lane");
        Self(journal, lane)
    }

    /// Returns when all are on disk.
    pub fn append(&self, bodies: &[Bytes]) {
        let submit = |body: &Bytes| self.0.submit(&self.1, delivery(body)).expect("the disk takes it");
        let answers: Vec<_> = bodies.iter().map(submit).collect();
        for answer in answers {
            answer.blocking_recv().expect("the committer runs").expect("the disk takes it");
        }
    }
}

/// A ring of so many events: how many it gives from an offset on.
pub fn ring(events: u64, size: usize) -> impl Fn(u64) -> usize {
    let mut ring = Ring::new(Offset(0), usize::MAX);
    let body = Bytes::from(vec![b'x'; size]);
    (0..events).for_each(|offset| ring.push(encode::frame(entry(offset, body.clone()), Source::Webhook(0))));
    move |offset| {
        let frames = ring.since(Offset(offset)).expect("the ring keeps all");
        frames.map(|frame: &Arc<Frame>| frame.led().len()).sum()
    }
}

fn entry(offset: u64, body: Bytes) -> Entry {
    let keys = Keys { waba: Some("102290129340398".into()), phone_number_id: None, user: Some("16315551181".into()) };
    Entry {
        offset: Offset(offset),
        epoch: 1,
        event: EventId(offset),
        webhook: "hook".into(),
        received: Timestamp(1_789_000_000_000),
        content_type: Some("application/json".into()),
        unparsed: false,
        kind: "messages".into(),
        keys: Arc::new(keys),
        payload: Payload::of(body),
        audience: Audience::default(),
    }
}

fn delivery(body: &Bytes) -> Delivery {
    let split::Split { items, unparsed } = split::split("hook", body, true);
    Delivery {
        webhook: "hook".into(),
        received: Timestamp::now(),
        content_type: Some("application/json".into()),
        unparsed,
        items,
        body: body.clone(),
        orders: None,
    }
}
