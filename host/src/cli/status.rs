//! `postern status`: how a gateway that runs is, in a few lines, from what its admin listener tells.

mod samples;

use super::events::gateway::Gateway;
use super::events::source::Place;
use super::outward::first_line;
use super::{Failure, print};
use http::StatusCode;
use samples::Samples;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Show how the gateway is: its phase, clients, what waits and what is held, filters, targets, its certificate
///
/// Exit code 1: no gateway answers.
#[derive(clap::Args)]
pub struct Status {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Told {
    gateway: String,
    /// `ready`, `starting`, `draining`, `paused`, or what else keeps it from taking webhooks.
    phase: String,
    connections: u64,
    /// By stream.
    clients: BTreeMap<String, u64>,
    /// Events received and not judged yet, by webhook.
    waiting: BTreeMap<String, u64>,
    held: u64,
    damage: u64,
    filters: Vec<Filter>,
    /// The forward targets, by name.
    targets: BTreeMap<String, Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
}

#[derive(Deserialize, Serialize)]
struct Filter {
    name: String,
    #[serde(default)]
    answered: u64,
    #[serde(default)]
    failed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_aside_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probation_s: Option<u64>,
}

#[derive(Serialize)]
struct Target {
    /// Entries of the outbox behind its cursor.
    behind: u64,
    /// Dead letters.
    dead: u64,
}

#[derive(Serialize)]
struct Certificate {
    /// When it ends.
    until: String,
    /// Whole days that are left; less than none when it has expired.
    days: i64,
}

impl Status {
    pub async fn execute(self) -> Result<(), Failure> {
        let mut gateway = self.place.running()?;
        let told = Told::ask(&mut gateway).await?;
        if self.json {
            let text = serde_json::to_string_pretty(&told).expect("strings and numbers are serialisable");
            return print(format_args!("{text}"));
        }
        for (name, value) in told.rows() {
            print(format_args!("{name:<12} {}", first_line(&value)))?;
        }
        Ok(())
    }
}

impl Told {
    async fn ask(gateway: &mut Gateway) -> Result<Self, Failure> {
        let ready = gateway.look("/ready").await?;
        let metrics = gateway.look("/metrics").await?;
        if !metrics.status.is_success() {
            let text =
                format!("the gateway refused its metrics with {}: {}", metrics.status, first_line(&metrics.text));
            return Err(Failure::new(Failure::FAILED, text));
        }
        let samples = Samples::of(&metrics.text);
        let filters: Option<Vec<Filter>> = gateway.get("/v1/filters").await?;
        Ok(Self {
            gateway: gateway.address(),
            phase: if ready.status == StatusCode::OK { "ready".to_owned() } else { first_line(&ready.text) },
            connections: samples.sum("postern_connections"),
            clients: samples.by("postern_clients", "stream"),
            waiting: samples.by("postern_inbox_lag", "webhook"),
            held: samples.sum("postern_events_held"),
            damage: samples.sum("postern_journal_damage"),
            filters: filters.unwrap_or_default(),
            targets: targets(&samples),
            certificate: samples
                .by("postern_certificate_expiry_seconds", "source")
                .into_values()
                .min()
                .map(Certificate::ending),
        })
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let numbers = |all: &BTreeMap<String, u64>| {
            let all: Vec<String> = all.iter().map(|(name, number)| format!("{name} {number}")).collect();
            if all.is_empty() { "none".to_owned() } else { all.join(", ") }
        };
        let mut rows = vec![
            ("gateway", self.gateway.clone()),
            ("phase", self.phase.clone()),
            ("connections", self.connections.to_string()),
            ("clients", numbers(&self.clients)),
            ("waiting", numbers(&self.waiting)),
            (
                "held",
                match self.held {
                    0 => "0".to_owned(),
                    held => format!("{held}, see `postern events ls --held`"),
                },
            ),
        ];
        if self.damage > 0 {
            rows.push(("damage", format!("{} places of the journal, see the log", self.damage)));
        }
        rows.push(("filters", self.filters.len().to_string()));
        for filter in &self.filters {
            let Filter { name, answered, failed, set_aside_ms, probation_s } = filter;
            let mut text = format!("{name}: {answered} answered, {failed} failed");
            if let Some(left) = set_aside_ms {
                text += &format!(
                    ", set aside for {}",
                    humantime::format_duration(Duration::from_secs(left.div_ceil(1000)))
                );
            }
            if let Some(since) = probation_s {
                text += &format!(", on probation since {}", humantime::format_duration(Duration::from_secs(*since)));
            }
            rows.push(("", text));
        }
        for (name, Target { behind, dead }) in &self.targets {
            let more = if *dead > 0 {
                format!(", {dead} dead letters, see `postern targets dead {name}`")
            } else {
                String::new()
            };
            rows.push(("target", format!("{name}: {behind} behind{more}")));
        }
        if let Some(Certificate { until, days }) = &self.certificate {
            let left = if *days < 0 { "has expired".to_owned() } else { format!("{days} days left") };
            rows.push(("certificate", format!("{left}, valid until {until}")));
        }
        rows
    }
}

fn targets(samples: &Samples<'_>) -> BTreeMap<String, Target> {
    let dead = samples.by("postern_forward_dead", "target");
    let behind = samples.by("postern_forward_behind", "target").into_iter();
    let target = |(name, behind): (String, u64)| {
        let dead = dead.get(&name).copied().unwrap_or_default();
        (name, Target { behind, dead })
    };
    behind.map(target).collect()
}

impl Certificate {
    /// One that ends then, in seconds since 1970.
    fn ending(until: u64) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(until);
        let days = |time: Duration| i64::try_from(time.as_secs() / DAY).unwrap_or(i64::MAX);
        let days = match until.duration_since(SystemTime::now()) {
            Ok(left) => days(left),
            Err(over) => -1 - days(over.duration()),
        };
        Self { until: humantime::format_rfc3339_seconds(until).to_string(), days }
    }
}
