//! What is told of how events fare: to the metrics, and to a collector of traces where one is configured.

use super::plan::problem;
use crate::config::{self, Config, Problem};
use crate::error::Chain;
use crate::metrics::Metrics;
use crate::outward::{Destination, Kind, Trust};
use crate::task;
use crate::trace::{self, Exporter};
use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often what has come to its end is told.
const EVERY: Duration = Duration::from_millis(250);

/// Where traces go, if anywhere. Nobody is asked anything yet.
pub(super) fn traces(config: &Config, problems: &mut Vec<Problem>) -> Option<trace::Config> {
    let settings = config.traces.as_ref()?;
    exporter(settings)
        .map_err(|(key, why)| {
            let key = format!("telemetry.traces.{key}");
            problems.push(problem(config, &key, format!("`{key}`: {why}")));
        })
        .ok()
}

/// Tells whoever is to be told now.
pub(super) struct Telemetry {
    metrics: Metrics,
    exporter: Arc<ArcSwapOption<Exporter>>,
}

impl Telemetry {
    /// Starts to tell the metrics; it ends with the process. Must be called within a tokio runtime.
    pub fn start(metrics: Metrics) -> Self {
        let exporter = Arc::<ArcSwapOption<Exporter>>::default();
        let (told, journeys) = (exporter.clone(), metrics.clone());
        task::background(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                for journey in journeys.journeys.settle(Instant::now()) {
                    journeys.journey(&journey);
                    if let Some(exporter) = &*told.load() {
                        exporter.tell(&journey);
                    }
                }
            }
        });
        Self { metrics, exporter }
    }

    /// From now on traces go there. Must be called within a tokio runtime.
    pub fn exchange(&self, traces: Option<trace::Config>) {
        self.metrics.journeys.sample(traces.as_ref().map(|traces| traces.sample));
        let exporter = traces.map(|traces| Arc::new(Exporter::start(traces, &self.metrics)));
        self.exporter.store(exporter);
    }
}

/// Or the key that is wrong, and why.
fn exporter(settings: &config::Traces) -> Result<trace::Config, (&'static str, String)> {
    let mut headers = HeaderMap::new();
    for (name, secret) in &settings.headers {
        let known: HeaderName =
            name.parse().map_err(|_| ("headers", format!("`{}` is no name of a header", name.escape_debug())))?;
        let mut value = HeaderValue::from_str(secret.reveal())
            .map_err(|_| ("headers", format!("the value of `{known}` has other than visible characters")))?;
        value.set_sensitive(true);
        headers.insert(known, value);
    }
    let trust = Trust { ca: settings.ca.clone(), insecure: false };
    let destination = Destination::new(&settings.endpoint, Kind::Http, &trust);
    Ok(trace::Config {
        destination: destination.map_err(|error| ("endpoint", Chain(&error).to_string()))?,
        headers,
        service: settings.service.clone(),
        sample: settings.sample,
    })
}
