//! One webhook's events, from the inbox through the filter chain to the outbox and the hub.
//!
//! A thread a webhook, which judges its lane's events in order. A filter that loops or fails so takes time from nobody
//! but its own webhook; nothing here stands between a webhook and its 200. What is decided is written before it is
//! published, several events at once when several wait.

use crate::error::Chain;
use crate::filter::{self, Filter};
use crate::hub::{Frame, Hub};
use crate::journal::{Decision, Error, Journal, Judged, Lane};
use crate::message::{Audience, Delivery, EventId, Message, Payload, Timestamp};
use crate::metrics::{EventLabels, EventOutcome, FilterVerdict, Metrics, PerWebhook};
use crate::task;
use crate::ws::encode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many events are judged before what was decided is written, and how long that may take: what is ready should
/// not wait for an event whose filter is slow.
const BATCH: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(5);

/// A lane is looked at this often even when nothing says that something arrived.
const PATIENCE: Duration = Duration::from_millis(500);

pub struct Dispatch {
    pub lane: Lane,
    /// The webhook's index in the configuration's order.
    pub webhook: usize,
    pub chain: Arc<[Filter]>,
    pub journal: Journal,
    pub hub: Hub,
    pub metrics: Metrics,
}

/// When a dispatcher is to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

const WHEN_IDLE: u8 = 1;
const AT_ONCE: u8 = 2;

impl Stop {
    /// When nothing is pending any more.
    pub fn when_idle(&self) {
        self.0.fetch_max(WHEN_IDLE, Ordering::AcqRel);
    }

    /// After the event in hand. What is pending then is judged after the next start.
    pub fn at_once(&self) {
        self.0.fetch_max(AT_ONCE, Ordering::AcqRel);
    }

    fn asked(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

impl Dispatch {
    pub fn start(self, stop: Stop) -> io::Result<JoinHandle<()>> {
        let name = format!("judge-{}", self.lane.name());
        task::thread(&name, move || self.run(&stop))
    }

    fn run(&self, stop: &Stop) {
        while stop.asked() < AT_ONCE {
            // What is judged now could not be written. It is judged after the next start.
            if !self.journal.healthy() {
                if stop.asked() >= WHEN_IDLE {
                    return;
                }
                self.lane.wait(EventId(u64::MAX), PATIENCE);
                continue;
            }
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(stop)));
            let Ok(turn) = turn else {
                tracing::error!(webhook = %self.lane.name(), "a dispatcher panicked and goes on: this is a bug of postern");
                self.lane.wait(EventId(u64::MAX), PATIENCE);
                continue;
            };
            match turn {
                Ok(0) if stop.asked() >= WHEN_IDLE => return,
                Ok(0) => self.lane.wait(self.journal.done(&self.lane), PATIENCE),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(webhook = %self.lane.name(), error = %Chain(&error), "dispatch stands still");
                    self.lane.wait(EventId(u64::MAX), PATIENCE);
                }
            }
        }
    }

    /// Judges what is pending, a batch of it, and says how much that was.
    fn turn(&self, stop: &Stop) -> Result<usize, Error> {
        let pending = self.journal.pending(&self.lane, BATCH)?;
        let began = Instant::now();
        let mut decisions = Vec::with_capacity(pending.len());
        for (event, delivery) in pending {
            decisions.push(match delivery {
                Ok(delivery) => self.judge(event, delivery),
                Err(error) => self.set_aside(event, &error),
            });
            if began.elapsed() >= BATCH_TIME || stop.asked() >= AT_ONCE {
                break;
            }
        }
        let judged = decisions.len();
        let judgements: Vec<Judgement> = decisions.iter().map(Judgement::of).collect();
        self.journal.decide(&self.lane, decisions, |entries| {
            let frames: Vec<Arc<Frame>> = entries.iter().map(|entry| encode::raw(entry, self.webhook)).collect();
            self.hub.publish(&frames);
        })?;
        self.count(judgements);
        Ok(judged)
    }

    fn judge(&self, event: EventId, delivery: Delivery) -> Decision {
        let Delivery { webhook, received, content_type, body } = delivery;
        let unparsed = !is_meta_envelope(&body);
        let payload = Payload::of(body);
        let message = Message {
            id: event,
            webhook,
            received,
            content_type: content_type.clone(),
            payload,
            audience: Audience::default(),
        };
        let outcome = filter::run(&self.chain, message);
        let judged = match outcome.held {
            Some(held) => {
                tracing::warn!(%event, webhook = %self.lane.name(), filter = %held.filter, why = held.failure.kind(), "event held");
                Judged::Hold { filter: held.filter, reason: Chain(&held.failure).to_string() }
            }
            None => Judged::Deliver(outcome.deliveries.into_iter().map(|part| (part.payload, part.audience)).collect()),
        };
        Decision { event, received, content_type, unparsed, trail: outcome.trail, judged }
    }

    /// A record that cannot be read is held, so that those behind it go on.
    fn set_aside(&self, event: EventId, error: &Error) -> Decision {
        tracing::error!(%event, webhook = %self.lane.name(), error = %Chain(error), "event set aside");
        Decision {
            event,
            received: Timestamp::now(),
            content_type: None,
            unparsed: true,
            trail: Vec::new(),
            judged: Judged::Hold { filter: String::new(), reason: Chain(error).to_string() },
        }
    }

    fn count(&self, judgements: Vec<Judgement>) {
        let webhook = self.lane.name().clone();
        for Judgement { outcome, unparsed, steps } in judgements {
            for (filter, verdict, took) in steps {
                self.metrics.filter(&filter, verdict, took);
            }
            self.metrics.events.get_or_create(&EventLabels { webhook: webhook.clone(), outcome }).inc();
            if unparsed {
                self.metrics.events_unparsed.get_or_create(&PerWebhook { webhook: webhook.clone() }).inc();
            }
        }
    }
}

/// What is counted of a decision, once it is written.
struct Judgement {
    outcome: EventOutcome,
    unparsed: bool,
    steps: Vec<(Arc<str>, FilterVerdict, Duration)>,
}

impl Judgement {
    fn of(decision: &Decision) -> Self {
        let outcome = match &decision.judged {
            Judged::Hold { .. } => EventOutcome::Held,
            Judged::Deliver(parts) if parts.is_empty() => EventOutcome::Dropped,
            Judged::Deliver(_) => EventOutcome::Delivered,
        };
        let steps = decision.trail.iter().map(|step| {
            (step.filter.as_str().into(), FilterVerdict::of(&step.verdict), Duration::from_micros(step.micros))
        });
        Self { outcome, unparsed: decision.unparsed, steps: steps.collect() }
    }
}

/// Whether a body is what Meta sends: a JSON object with a string `object` and an array `entry`. Nothing in it is
/// built, and nothing nested deeply is descended into.
fn is_meta_envelope(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow, rename = "object")]
        _object: std::borrow::Cow<'a, str>,
        #[serde(rename = "entry")]
        _entry: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Envelope<'_>>(body).is_ok() && std::str::from_utf8(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_meta_envelope;

    #[test]
    fn an_envelope_is_an_object_with_a_name_and_entries_in_utf8() {
        assert!(is_meta_envelope(br#"{"object":"page","entry":[]}"#));
        assert!(is_meta_envelope(br#" {"entry":[{"x":[[[]]]}],"object":"page","more":1} "#));
        for bad in [&b"{}"[..], b"[]", b"1", br#"{"object":1,"entry":[]}"#, br#"{"object":"page","entry":{}}"#, b"{"] {
            assert!(!is_meta_envelope(bad), "{}", String::from_utf8_lossy(bad));
        }
        assert!(!is_meta_envelope(b"{\"object\":\"page\",\"entry\":[\"\xff\"]}"));
        let deep = format!(r#"{{"object":"page","entry":[{}{}]}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(is_meta_envelope(deep.as_bytes()), "depth is no fault, and no danger");
    }
}
