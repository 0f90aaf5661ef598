//! Forwarding: each event POSTed to a server nearby, byte for byte, one after the other, so in order. What it answers
//! is shown.
//!
//! - 2xx: taken.
//! - No answer, 5xx, 408 or 429: it is down, or has too much to do. The same event is sent again, later each time, and
//!   the others wait: a few times without a cursor file, and with one until it is taken, for the file says that what
//!   came before is done with.
//! - Any other answer is about the event itself, and would be the same again: told, and gone on.
//!
//! Events wait in a bounded queue, so that a short pause of that server does not hold up the answers to pings. When the
//! queue is full the next event is not read before there is room, and the gateway sees a slow client.

use super::backoff::Backoff;
use super::event::{About, Event};
use super::keeper::Keeper;
use super::place::Place;
use crate::cli::outward::{self, Answer, Client, Destination};
use crate::error::Chain;
use crate::task::{self, Guard, Tracker};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use std::future::Future;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Events that may wait.
const QUEUE: usize = 256;

/// After the user has asked to stop, those under way get this long.
const GRACE: Duration = Duration::from_secs(2);

/// How often an event is sent when there is no cursor file.
const TRIES: u32 = 5;

/// What is done in order.
enum Job {
    Event(Box<Event>, Option<Place>, Guard),
    /// What came before is done with.
    Mark(Place),
}

/// How forwarding is done.
pub struct Manner {
    pub first_wait: Duration,
    /// Where to keep how far it has got.
    pub keeper: Option<Keeper>,
    /// Whether to tell what went well too.
    pub show: bool,
}

pub struct Forward {
    queue: mpsc::Sender<Job>,
    waiting: Tracker,
}

/// Room for one event.
pub struct Room<'a> {
    permit: mpsc::Permit<'a, Job>,
    waiting: &'a Tracker,
}

impl Room<'_> {
    pub fn put(self, event: Event, place: Option<Place>) {
        self.permit.send(Job::Event(Box::new(event), place, self.waiting.begin()));
    }
}

impl Forward {
    pub fn start(to: Destination, manner: Manner) -> Self {
        let (queue, mut jobs) = mpsc::channel(QUEUE);
        task::background(async move {
            let mut client = Client::new(to);
            while let Some(job) = jobs.recv().await {
                match job {
                    Job::Event(event, place, guard) => {
                        deliver(&mut client, &event, place, &manner).await;
                        keep(&manner, place);
                        drop(guard);
                    }
                    Job::Mark(place) => keep(&manner, Some(place)),
                }
            }
        });
        Self { queue, waiting: Tracker::default() }
    }

    /// Waits for room. Cancel safe. `None` cannot be: the task that receives lives as long as this sender.
    pub async fn room(&self) -> Option<Room<'_>> {
        let permit = self.queue.reserve().await.ok()?;
        Some(Room { permit, waiting: &self.waiting })
    }

    /// Notes a place without an event, unless too much waits: then the next event brings a later one.
    pub fn mark(&self, place: Place) {
        let _ = self.queue.try_send(Job::Mark(place));
    }

    /// Returns when all that was taken is forwarded, or soon after `stop`.
    pub async fn finish(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.waiting.idle() => return,
            () = stop => {}
        }
        if timeout(GRACE, self.waiting.idle()).await.is_err() {
            outward::note(&format!("not forwarded: {} events", self.waiting.count()));
        }
    }
}

fn keep(manner: &Manner, place: Option<Place>) {
    if let (Some(keeper), Some(place)) = (&manner.keeper, place) {
        keeper.keep(place);
    }
}

/// Sends an event until it is taken, or until that is given up.
async fn deliver(client: &mut Client, event: &Event, place: Option<Place>, manner: &Manner) {
    let headers = headers(event, place);
    let summary = event.summary(SystemTime::now());
    let mut backoff = Backoff::new(manner.first_wait);
    for attempt in 1.. {
        let began = Instant::now();
        let result = client.post(&headers, event.bytes.clone()).await;
        let milliseconds = began.elapsed().as_secs_f64() * 1e3;
        let (told, asked) = match result {
            Ok(Answer { status, .. }) if status.is_success() => {
                if manner.show {
                    outward::note(&format!("{summary} -> {status} in {milliseconds:.1} ms"));
                }
                return;
            }
            Ok(answer) => {
                let told = format!("{summary} -> {} in {milliseconds:.1} ms", answer.status);
                if !passing(answer.status) {
                    return outward::note(&format!("{told}; not forwarded"));
                }
                (told, outward::retry_after(&answer.headers))
            }
            Err(error) => (format!("{summary} -> {}", Chain(&error)), None),
        };
        if manner.keeper.is_none() && attempt == TRIES {
            return outward::note(&format!("{told}; not forwarded after {TRIES} tries"));
        }
        let wait = backoff.wait(asked);
        outward::note(&format!("{told}; again in {:.1} s", wait.as_secs_f64()));
        sleep(wait).await;
    }
}

/// Whether another answer may come later.
fn passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS
}

fn headers(event: &Event, place: Option<Place>) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static("postern-listen"))]);
    let place = place.map(|place| place.to_string());
    let mut all =
        vec![("content-type", event.content_type()), ("postern-cursor", place.as_deref().unwrap_or_default())];
    if let Some(About { id, webhook, kind, received, .. }) = &event.about {
        let said = [id, webhook, kind, received].map(String::as_str);
        all.extend(["postern-event-id", "postern-webhook", "postern-kind", "postern-received"].into_iter().zip(said));
    }
    for (name, value) in all {
        // What cannot stand in a header, such as a line break in what a sender called its content, is left out.
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_bytes(value.as_bytes())) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
    headers
}
