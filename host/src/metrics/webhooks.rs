//! What is counted of one webhook's requests and events. The handles are found once, not once a request: to find one takes
//! a lock and a hash of its labels.

use super::{EventLabels, EventOutcome, Metrics, PerWebhook, WebhookLabels, WebhookOutcome};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Of requests. A counter is there from the first time something is counted on it.
pub struct WebhookTally {
    webhook: Arc<str>,
    metrics: Metrics,
    outcomes: [OnceLock<Counter>; WebhookOutcome::ALL.len()],
    stored: OnceLock<Stored>,
}

struct Stored {
    seconds: Histogram,
    events: Counter,
    duplicates: Counter,
}

/// Of events that dispatch has judged.
pub struct EventTally {
    webhook: Arc<str>,
    metrics: Metrics,
    outcomes: [OnceLock<Counter>; EventOutcome::ALL.len()],
}

impl WebhookTally {
    pub fn new(metrics: &Metrics, webhook: &Arc<str>) -> Self {
        let outcomes = [const { OnceLock::new() }; WebhookOutcome::ALL.len()];
        Self { webhook: webhook.clone(), metrics: metrics.clone(), outcomes, stored: OnceLock::new() }
    }

    /// A request is answered.
    pub fn answered(&self, outcome: WebhookOutcome, took: Duration) {
        let labels = || WebhookLabels { webhook: self.webhook.clone(), outcome };
        self.outcomes[outcome as usize].get_or_init(|| self.metrics.webhooks.get_or_create_owned(&labels())).inc();
        self.metrics.webhook_seconds.observe(took.as_secs_f64());
    }

    /// A delivery is on disk.
    pub fn stored(&self, took: Duration, new: u32, duplicates: u32) {
        let Stored { seconds, events, duplicates: again } = self.stored.get_or_init(|| {
            let labels = PerWebhook { webhook: self.webhook.clone() };
            Stored {
                seconds: self.metrics.webhook_inbox_seconds.get_or_create_owned(&labels),
                events: self.metrics.inbox_events.get_or_create_owned(&labels),
                duplicates: self.metrics.inbox_duplicates.get_or_create_owned(&labels),
            }
        });
        seconds.observe(took.as_secs_f64());
        events.inc_by(new.into());
        again.inc_by(duplicates.into());
    }
}

impl EventTally {
    pub fn new(metrics: &Metrics, webhook: &Arc<str>) -> Self {
        let outcomes = [const { OnceLock::new() }; EventOutcome::ALL.len()];
        Self { webhook: webhook.clone(), metrics: metrics.clone(), outcomes }
    }

    pub fn judged(&self, outcome: EventOutcome) {
        let labels = || EventLabels { webhook: self.webhook.clone(), outcome };
        self.outcomes[outcome as usize].get_or_init(|| self.metrics.events.get_or_create_owned(&labels())).inc();
    }
}
