//! Every metric postern has: its name, its help, and its labels, which are closed enums or names from the
//! configuration and never text from outside. Organs and mouths are given handles; `admin` prints them.

mod labels;
mod numbers;
mod plain;
mod process;
mod standings;
mod tally;
mod webhooks;

pub use labels::*;
pub use numbers::{Number, Numbers};
pub use standings::{Behind, Standings};
pub use tally::FilterTally;
pub use webhooks::{EventTally, WebhookTally};

use crate::journey::{Journey, Journeys};
use prometheus_client::encoding;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Handles to all of it. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    pub webhooks: Family<WebhookLabels, Counter>,
    pub webhook_seconds: Histogram,
    pub webhook_inbox_seconds: PerWebhookSeconds,
    pub webhook_first_socket_seconds: PerWebhookSeconds,
    pub webhook_last_socket_seconds: PerWebhookSeconds,
    pub inbox_events: Family<PerWebhook, Counter>,
    pub inbox_duplicates: Family<PerWebhook, Counter>,
    pub inbox_lag: Family<PerWebhook, Gauge>,
    pub inbox_lag_seconds: Family<PerWebhook, Gauge<f64, AtomicU64>>,
    pub events: Family<EventLabels, Counter>,
    pub events_unparsed: Family<PerWebhook, Counter>,
    pub events_held: Gauge,
    pub events_foreign: Family<PerWebhook, Counter>,
    pub events_retried: Family<EventLabels, Counter>,
    pub journal_bytes: Family<LogLabels, Gauge>,
    pub journal_damage: Gauge,
    pub journal_writable: Gauge,
    pub filter_calls: Family<FilterLabels, Counter>,
    pub filter_shadow_calls: Family<FilterLabels, Counter>,
    pub filter_failures: Family<FilterFailureLabels, Counter>,
    pub filter_seconds: Family<PerFilter, Histogram, fn() -> Histogram>,
    pub filter_memory: Family<PerFilter, Gauge>,
    pub filter_set_aside: Family<PerFilter, Gauge>,
    pub filter_swaps: Family<FilterSwapLabels, Counter>,
    pub clients: Family<PerStream, Gauge>,
    pub clients_behind: Family<PerStream, Gauge>,
    pub client_lag: Family<PerStream, Gauge>,
    pub connects: Family<ConnectLabels, Counter>,
    pub closes: Family<CloseLabels, Counter>,
    pub client_messages: Family<ClientMessageLabels, Counter>,
    pub frames_sent: Counter,
    pub bytes_sent: Counter,
    pub catch_ups: Counter,
    pub connections: Gauge,
    pub connections_refused: Family<RefusalLabels, Counter>,
    pub certificate_expiry: Family<CertificateLabels, Gauge>,
    pub acme_renewals: Family<RenewalLabels, Counter>,
    pub trace_spans: Family<SpanLabels, Counter>,
    /// How far clients are behind, shard by shard.
    pub standings: Standings,
    /// How long each event takes.
    pub journeys: Journeys,
    pub forward_deliveries: Family<ForwardLabels, Counter>,
    pub forward_seconds: Family<PerTarget, Histogram, fn() -> Histogram>,
    pub forward_missed: Family<PerTarget, Counter>,
    pub forward_behind: Family<PerTarget, Gauge>,
    pub forward_dead: Family<PerTarget, Gauge>,
    /// Filters' own.
    pub numbers: Numbers,
    registry: Arc<Registry>,
}

type PerWebhookSeconds = Family<PerWebhook, Histogram, fn() -> Histogram>;

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// From a tenth of a millisecond to some ten seconds, each bucket about twice the one before.
const SECONDS: [f64; 17] =
    [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];

/// From five microseconds: most filters take some tens of them.
const SHORT_SECONDS: [f64; 15] =
    [5e-6, 1e-5, 2e-5, 5e-5, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1.0, 10.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut r = Registry::with_prefix("postern");
        let webhooks = Family::default();
        r.register("webhooks", "Webhook requests, by what became of them", webhooks.clone());
        let webhook_seconds = Histogram::new(SECONDS);
        let help = "From a webhook's head to its answer";
        r.register_with_unit("webhook", help, Unit::Seconds, webhook_seconds.clone());
        let webhook_inbox_seconds = PerWebhookSeconds::new_with_constructor(seconds);
        let help = "From a webhook's head to its delivery being on disk";
        r.register_with_unit("webhook_inbox", help, Unit::Seconds, webhook_inbox_seconds.clone());
        let webhook_first_socket_seconds = PerWebhookSeconds::new_with_constructor(seconds);
        let help = "From a webhook's head to an event of it having been written to the socket of a first client; of each \
                    event that was given to one, once, a second after it was published, unless it was judged again";
        r.register_with_unit("webhook_first_socket", help, Unit::Seconds, webhook_first_socket_seconds.clone());
        let webhook_last_socket_seconds = PerWebhookSeconds::new_with_constructor(seconds);
        let help = "The same, to the last client of those that keep up: whose socket took all it was given before, and \
                    that are live; read when a shard has written to all of its clients";
        r.register_with_unit("webhook_last_socket", help, Unit::Seconds, webhook_last_socket_seconds.clone());
        let inbox_events = Family::default();
        r.register("inbox_events", "Events made durable in the inbox", inbox_events.clone());
        let inbox_duplicates = Family::default();
        let help = "Items that had been sent before, and are not delivered again";
        r.register("inbox_duplicates", help, inbox_duplicates.clone());
        let inbox_lag = Family::default();
        r.register("inbox_lag", "Inbox positions between the youngest event and the last judged", inbox_lag.clone());
        let inbox_lag_seconds = Family::default();
        let help = "How long ago the oldest event that is not judged yet was received";
        r.register_with_unit("inbox_lag", help, Unit::Seconds, inbox_lag_seconds.clone());
        let events = Family::default();
        r.register("events", "Events judged, by what became of them", events.clone());
        let events_unparsed = Family::default();
        r.register("events_unparsed", "Signed events that are not what their provider sends", events_unparsed.clone());
        let events_held = Gauge::default();
        r.register("events_held", "Events held because a filter could not judge them", events_held.clone());
        let events_foreign = Family::default();
        let help = "Events held because they are about a number that is not the webhook's";
        r.register("events_foreign", help, events_foreign.clone());
        let events_retried = Family::default();
        r.register("events_retried", "Held events judged once more, by what became of them", events_retried.clone());
        let journal_bytes = Family::default();
        r.register_with_unit("journal", "What the journal keeps on disk", Unit::Bytes, journal_bytes.clone());
        let journal_damage = Gauge::default();
        r.register("journal_damage", "Places of the journal found damaged since the start", journal_damage.clone());
        let journal_writable = Gauge::default();
        r.register(
            "journal_writable",
            "1 while the journal can be written, else webhooks get 503",
            journal_writable.clone(),
        );
        let filter_calls = Family::default();
        r.register("filter_calls", "Calls of filters, by what they said", filter_calls.clone());
        let filter_shadow_calls = Family::default();
        let help = "Calls of filters in shadow, by what they said, which was not done";
        r.register("filter_shadow_calls", help, filter_shadow_calls.clone());
        let filter_failures = Family::default();
        r.register("filter_failures", "Calls of filters that came to nothing, by why", filter_failures.clone());
        let filter_seconds = Family::new_with_constructor((|| Histogram::new(SHORT_SECONDS)) as fn() -> Histogram);
        r.register_with_unit("filter", "Time of a filter's call", Unit::Seconds, filter_seconds.clone());
        let filter_memory = Family::default();
        let help = "Memory of a filter's instance at the end of its last call";
        r.register_with_unit("filter_memory", help, Unit::Bytes, filter_memory.clone());
        let filter_set_aside = Family::default();
        let help = "1 while a filter is not asked, because it failed so often";
        r.register("filter_set_aside", help, filter_set_aside.clone());
        let filter_swaps = Family::default();
        r.register("filter_swaps", "New versions of filters, by what became of them", filter_swaps.clone());
        let clients = Family::default();
        r.register("clients", "Clients connected now", clients.clone());
        let clients_behind = Family::default();
        let help = "Clients that lack entries of the outbox, as last seen, about once a second";
        r.register("clients_behind", help, clients_behind.clone());
        let client_lag = Family::default();
        let help = "Entries that the client lacks that is furthest behind, as last seen, about once a second";
        r.register("client_lag_entries", help, client_lag.clone());
        let connects = Family::default();
        r.register("connects", "Requests to connect to a stream, by what became of them", connects.clone());
        let closes = Family::default();
        r.register("closes", "Clients gone, by why", closes.clone());
        let client_messages = Family::default();
        let help = "Messages that clients said and filters were asked about, by what became of them";
        r.register("client_messages", help, client_messages.clone());
        let frames_sent = Counter::default();
        r.register("frames_sent", "Event frames given to client sockets", frames_sent.clone());
        let bytes_sent = Counter::default();
        r.register("bytes_sent", "Bytes of frames given to client sockets, before TLS", bytes_sent.clone());
        let catch_ups = Counter::default();
        r.register("catch_ups", "Reads of the outbox for clients that fell out of the ring", catch_ups.clone());
        let connections = Gauge::default();
        r.register("connections", "Connections open now", connections.clone());
        let connections_refused = Family::default();
        r.register("connections_refused", "Connections refused, by why", connections_refused.clone());
        let certificate_expiry = Family::default();
        let help = "When the certificate in use ends, in seconds since 1970";
        r.register_with_unit("certificate_expiry", help, Unit::Seconds, certificate_expiry.clone());
        let acme_renewals = Family::default();
        r.register("acme_renewals", "Certificates asked for by ACME, by what became of it", acme_renewals.clone());
        let trace_spans = Family::default();
        r.register("trace_spans", "Spans of traces, by what became of them", trace_spans.clone());
        r.register("build", "Which postern this is", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let forward_deliveries = Family::default();
        let help = "Attempts to deliver to forward targets, and events that took none, by what became of them";
        r.register("forward_deliveries", help, forward_deliveries.clone());
        let forward_seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let help = "Time of an attempt to deliver to a forward target";
        r.register_with_unit("forward", help, Unit::Seconds, forward_seconds.clone());
        let forward_missed = Family::default();
        let help = "Entries of the outbox that were gone before a forward target came to them";
        r.register("forward_missed", help, forward_missed.clone());
        let forward_behind = Family::default();
        r.register("forward_behind", "Entries of the outbox behind a forward target's cursor", forward_behind.clone());
        let forward_dead = Family::default();
        r.register("forward_dead", "Dead letters of a forward target", forward_dead.clone());
        Self {
            webhooks,
            webhook_seconds,
            webhook_inbox_seconds,
            webhook_first_socket_seconds,
            webhook_last_socket_seconds,
            inbox_events,
            inbox_duplicates,
            inbox_lag,
            inbox_lag_seconds,
            events,
            events_unparsed,
            events_held,
            events_foreign,
            events_retried,
            journal_bytes,
            journal_damage,
            journal_writable,
            filter_calls,
            filter_shadow_calls,
            filter_failures,
            filter_seconds,
            filter_memory,
            filter_set_aside,
            filter_swaps,
            clients,
            clients_behind,
            client_lag,
            connects,
            closes,
            client_messages,
            frames_sent,
            bytes_sent,
            catch_ups,
            connections,
            connections_refused,
            certificate_expiry,
            acme_renewals,
            trace_spans,
            standings: Standings::default(),
            journeys: Journeys::default(),
            forward_deliveries,
            forward_seconds,
            forward_missed,
            forward_behind,
            forward_dead,
            numbers: Numbers::default(),
            registry: Arc::new(r),
        }
    }
}

impl Metrics {
    pub fn connect(&self, stream: &Arc<str>, outcome: ConnectOutcome) {
        self.connects.get_or_create(&ConnectLabels { stream: stream.clone(), outcome }).inc();
    }

    /// How long an event took, once that is known.
    pub fn journey(&self, journey: &Journey) {
        if journey.retried {
            return;
        }
        let labels = PerWebhook { webhook: journey.webhook.clone() };
        for (at, seconds) in [
            (journey.sockets.first, &self.webhook_first_socket_seconds),
            (journey.sockets.last, &self.webhook_last_socket_seconds),
        ] {
            if let Some(at) = at {
                let took = at.saturating_duration_since(journey.begun);
                seconds.get_or_create(&labels).observe(took.as_secs_f64());
            }
        }
    }

    pub fn spans(&self, outcome: SpanOutcome, count: usize) {
        self.trace_spans.get_or_create(&SpanLabels { outcome }).inc_by(count as u64);
    }

    pub fn refused(&self, reason: ConnectionRefusal) {
        self.connections_refused.get_or_create(&RefusalLabels { reason }).inc();
    }

    /// All of it in the text form that Prometheus had before OpenMetrics, for whoever knows no other.
    pub fn plain_text(&self) -> String {
        plain::plain(&self.text())
    }

    /// All of it in the text form of OpenMetrics 1.0, which Prometheus reads.
    pub fn text(&self) -> String {
        self.standings.show(self);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encoding::text::encode_registry(&mut text, &self.registry);
        self.numbers.encode(&mut text);
        process::encode(&mut text);
        let _ = encoding::text::encode_eof(&mut text);
        text
    }
}
