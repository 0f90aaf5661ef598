//! Appending to the inbox.
//!
//! Group commit without a timer: one thread takes all that waits, asks what of it was seen before, writes it with one
//! sync, answers all, and tells the index. While it syncs, the next group gathers by itself.

use super::answer::{Answer, Waiter, answer};
use super::dedupe::{Group, Window};
use super::index::{Applied, Noted};
use super::keeper::Keeper;
use super::log::{Log, NewFrame};
use super::record::{encode_delivery, events_of};
use super::{Appended, Error, Lane, Refused};
use crate::error::Chain;
use crate::journey::Receipt;
use crate::message::{Delivery, Event, EventId, Fingerprint, Item, Keys, Timestamp};
use crate::task;
use bytes::Bytes;
use ring::digest;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// One group is bounded, so that the first of many waits no longer than this much takes to write.
const GROUP_DELIVERIES: usize = 4096;
const GROUP_BYTES: usize = 16 << 20;

pub(super) struct Committer {
    /// `None` only while it is dropped.
    sender: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    gone: AtomicBool,
    answered: Arc<AtomicU64>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are deliveries, which a box would make dearer")]
enum Work {
    Append(Waiting),
    /// Somebody wants to know whether the thread still turns.
    Beat(oneshot::Sender<()>),
}

struct Waiting {
    lane: Lane,
    delivery: Delivery,
    /// Whose times are kept.
    receipt: Option<Receipt>,
    /// The record without the body, if nothing of the delivery was seen before.
    record: Bytes,
    answer: Waiter,
}

impl Committer {
    pub fn start(log: Log, keeper: Arc<Keeper>, window: Window, waiting: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(waiting.max(1));
        let answered = Arc::new(AtomicU64::new(log.end()));
        let inbox = Inbox { log, keeper, window, answered: answered.clone(), told: false };
        let thread = task::thread("inbox", move || inbox.run(receiver))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), gone: AtomicBool::new(false), answered })
    }

    pub async fn append(
        &self,
        lane: &Lane,
        mut delivery: Delivery,
        receipt: Option<Receipt>,
    ) -> Result<Appended, Refused> {
        if delivery.items.is_empty() {
            delivery.items.push(whole(&delivery.body));
        }
        let (answer, answered) = oneshot::channel();
        let (record, _) = encode_delivery(&delivery, &[]);
        let Some(sender) = &self.sender else { return Err(self.gone()) };
        let waiting = Waiting { lane: lane.clone(), delivery, receipt, record, answer: Waiter::Task(answer) };
        sender.try_send(Work::Append(waiting)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Busy,
            mpsc::error::TrySendError::Closed(_) => self.gone(),
        })?;
        answered.await.map_or_else(|_| Err(self.gone()), |answered| answered.answer)
    }

    /// As `append`, for one that would rather wait for room than be refused: the order in which threads come here is
    /// the order in the inbox. Blocks as long as the disk is behind. The answer comes when it is on disk.
    pub fn submit(&self, lane: &Lane, delivery: Delivery) -> Result<Answer, Refused> {
        let (answer, answered) = oneshot::channel();
        let (record, _) = encode_delivery(&delivery, &[]);
        let Some(sender) = &self.sender else { return Err(self.gone()) };
        let waiting = Waiting { lane: lane.clone(), delivery, receipt: None, record, answer: Waiter::Other(answer) };
        sender.blocking_send(Work::Append(waiting)).map_err(|_| self.gone())?;
        Ok(answered)
    }

    /// The first event of which its lane may not know yet.
    pub fn answered(&self) -> EventId {
        EventId(self.answered.load(Ordering::Acquire))
    }

    /// Returns when the thread has come to this, behind what waits for the disk already. False when it has ended. Cancel
    /// safe.
    pub async fn beat(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        let Some(sender) = &self.sender else { return false };
        sender.send(Work::Beat(answer)).await.is_ok() && answered.await.is_ok()
    }

    /// Whether there still is somebody to write.
    pub fn healthy(&self) -> bool {
        !self.gone.load(Ordering::Acquire)
    }

    /// The thread has ended before its time: it panicked, and nothing will be written any more.
    fn gone(&self) -> Refused {
        self.gone.store(true, Ordering::Release);
        Refused::Storage
    }
}

/// Whoever drops the journal's last handle may open its directory again at once: the thread has let go of it.
impl Drop for Committer {
    fn drop(&mut self) {
        self.sender = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's thread had panicked: this is a bug of postern");
        }
    }
}

/// A delivery that nobody has split is one event: what was acknowledged must not vanish for want of an item.
fn whole(body: &Bytes) -> Item {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&digest::digest(&digest::SHA256, body).as_ref()[..16]);
    let fingerprint = Fingerprint(fingerprint);
    Item { kind: "unparsed".to_owned(), keys: Keys::default(), pieces: Vec::new(), fingerprint }
}

struct Inbox {
    log: Log,
    keeper: Arc<Keeper>,
    window: Window,
    answered: Arc<AtomicU64>,
    /// That it cannot be written was logged: every webhook would tell it again.
    told: bool,
}

/// A delivery on its way into the log.
struct Placed {
    waiting: Waiting,
    appended: Appended,
    /// What is no duplicate.
    new: Vec<(Fingerprint, EventId)>,
}

impl Inbox {
    fn run(mut self, mut receiver: mpsc::Receiver<Work>) {
        while let Some(first) = receiver.blocking_recv() {
            let mut bytes = 0;
            let mut group = Vec::new();
            let mut work = Some(first);
            while let Some(next) = work {
                match next {
                    Work::Append(waiting) => {
                        bytes += waiting.record.len() + waiting.delivery.body.len();
                        group.push(waiting);
                    }
                    // Whoever asked may have had enough.
                    Work::Beat(answer) => drop(answer.send(())),
                }
                let room = group.len() < GROUP_DELIVERIES && bytes < GROUP_BYTES;
                work = if room { receiver.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.commit(group);
            }
        }
    }

    fn commit(&mut self, group: Vec<Waiting>) {
        let seen = match self.ask(&group) {
            Ok(seen) => seen,
            Err(error) => return self.refuse(group, &error),
        };
        let mut next = self.log.end();
        let mut frames = Vec::with_capacity(group.len());
        let mut placed = Vec::with_capacity(group.len());
        for (waiting, seen) in group.into_iter().zip(seen) {
            let count = u32::try_from(seen.len()).expect("a body has fewer items than bytes");
            let (place, (payload, body)) = place(waiting, EventId(next), &seen);
            next += u64::from(count);
            frames.push(NewFrame { count, payload, body });
            placed.push(place);
        }
        let places = match self.log.append(&frames, Timestamp::now()) {
            Ok(places) => places,
            Err(error) => {
                let group = placed.into_iter().map(|placed| placed.waiting).collect();
                return self.refuse(group, &Error::Write(error));
            }
        };
        if std::mem::take(&mut self.told) {
            tracing::info!("the inbox can be written again");
        }
        // Before whoever is answered goes on: what it received into may be used again.
        drop(frames);
        let noted = tell(placed);
        self.answered.store(next, Ordering::Release);
        if let Some(place) = places.last() {
            self.keeper.tell(|store| store.note(&self.window, &noted, Applied { place: *place, end: next }));
        }
    }

    /// What of a group was seen before.
    fn ask(&self, group: &[Waiting]) -> Result<Vec<Vec<Option<EventId>>>, Error> {
        self.keeper.ensure()?;
        let mut gathered = Group::default();
        let mut next = self.log.end();
        self.keeper.read(|store| {
            let judge = |waiting: &Waiting| {
                let first = EventId(next);
                next += waiting.delivery.items.len() as u64;
                self.window.judge(store, &mut gathered, &waiting.delivery, first)
            };
            group.iter().map(judge).collect()
        })
    }

    fn refuse(&mut self, group: Vec<Waiting>, error: &Error) {
        if !std::mem::replace(&mut self.told, true) {
            tracing::error!(error = %Chain(error), "the inbox cannot be written, webhooks are answered 503");
        }
        answer(group.into_iter().map(|waiting| (waiting.answer, Err(Refused::Storage))));
    }
}

fn place(waiting: Waiting, first: EventId, seen: &[Option<EventId>]) -> (Placed, (Bytes, Bytes)) {
    let duplicates = seen.iter().flatten().count();
    let payload = match duplicates {
        0 => (waiting.record.clone(), waiting.delivery.body.clone()),
        _ => encode_delivery(&waiting.delivery, seen),
    };
    let items = (first.0..).map(EventId).zip(&waiting.delivery.items).zip(seen);
    let new: Vec<_> =
        items.filter(|(_, before)| before.is_none()).map(|((event, item), _)| (item.fingerprint, event)).collect();
    // No more than the items of one delivery.
    let appended = Appended { first, new: new.len() as u32, duplicates: duplicates as u32 };
    (Placed { waiting, appended, new }, payload)
}

/// Tells whom it concerns of deliveries that are on disk: each once, however many they are. What is left of them is for
/// the index.
fn tell(mut placed: Vec<Placed>) -> Vec<Noted> {
    let receipts = placed.iter_mut().filter_map(|Placed { waiting, new, .. }| {
        let receipt = waiting.receipt.take()?;
        Some((receipt, waiting.lane.name().clone(), new.iter().map(|(_, event)| *event)))
    });
    // Before their dispatchers can hear of them.
    Receipt::arrived(receipts, Instant::now());
    let mut lanes: Vec<News> = Vec::new();
    let mut noted = Vec::with_capacity(placed.len());
    let mut answers = Vec::with_capacity(placed.len());
    for Placed { waiting: Waiting { lane, delivery, answer, .. }, appended, new } in placed {
        answers.push((answer, Ok(appended)));
        noted.push(Noted { webhook: delivery.webhook.clone(), received: delivery.received, new });
        let Some(Noted { new, .. }) = noted.last() else { continue };
        let Some((_, youngest)) = new.last() else { continue };
        let known = lanes.iter().position(|news| news.lane.is(&lane));
        let known = known.unwrap_or_else(|| {
            let events = lane.wants_events().then(Vec::new);
            lanes.push(News { lane, youngest: *youngest, events });
            lanes.len() - 1
        });
        let news = &mut lanes[known];
        news.youngest = *youngest;
        if let Some(events) = &mut news.events {
            match events_of(delivery, appended.first, new) {
                Some(more) => events.extend(more),
                None => news.events = None,
            }
        }
    }
    lanes.into_iter().for_each(|News { lane, youngest, events }| lane.arrived(youngest, events));
    answer(answers.into_iter());
    noted
}

/// What has arrived in a lane; the events themselves where they are wanted.
struct News {
    lane: Lane,
    youngest: EventId,
    events: Option<Vec<Event>>,
}
