//! `postern filter diff`: two builds of a filter over what a gateway has received, and where they differ.

use super::component::{cache, component};
use super::configured::Configured;
use crate::admin::events::{Shown, State, Summary};
use crate::cli::events::chosen::{self, Filters};
use crate::cli::events::show::pretty;
use crate::cli::events::source::{Pages, Place, Source};
use crate::cli::{Failure, outward, print};
use crate::error::Chain;
use crate::filter::Question;
use crate::message::{Audience, EventId, Message, Payload, SENT, Timestamp};
use crate::trial::{self, Case, Stage, World};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

/// Run two builds of a filter over what a gateway has received, and show where their verdicts differ
///
/// Reads the data directory, or asks the gateway that runs on it. Nothing is sent to anybody, and nothing is kept from one
/// event to the next. Ends with 1 when they differ.
#[derive(clap::Args)]
pub struct Diff {
    /// The component as it was, or `builtin:NAME`
    old: PathBuf,
    /// The component as it is to be
    new: PathBuf,
    /// Configure both as the configuration has this filter, secrets included
    #[arg(long, value_name = "NAME", conflicts_with = "filter_config")]
    name: Option<String>,
    /// Configure both by this file of TOML or JSON
    #[arg(long, value_name = "FILE")]
    filter_config: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
    /// No more than this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// One JSON object for each event that is judged differently, and one for all
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What both had to say.
#[derive(Default)]
struct Tally {
    events: u64,
    /// By what they went from and to.
    differ: BTreeMap<String, u64>,
    /// What each took, in all.
    micros: [u64; 2],
}

impl Diff {
    pub fn execute(self) -> Result<(), Failure> {
        outward::block_on(self.compare())
    }

    async fn compare(self) -> Result<(), Failure> {
        let world = self.world()?;
        let stage = |component| Stage::new(component, &cache()).map_err(|error| failed(&error));
        let (old, new) = (component(&self.old, None)?, component(&self.new, None)?);
        let mut stages = [stage(old)?, stage(new)?];
        for stage in &mut stages {
            let filter = stage.filter(&world).map_err(|error| failed(&error))?;
            if !filter.handles("message-handler") {
                let text = format!("`{}` judges no messages: it exports no `message-handler`", filter.name());
                return Err(Failure::new(Failure::FAILED, text));
            }
        }
        let mut source = Source::open(self.place).await?;
        let mut pages = Pages::new(self.filters.query(), self.limit);
        let mut tally = Tally::default();
        while let Some(events) = pages.next(&mut source).await? {
            // What filters sent, and what was sent again, no filter is asked about.
            for event in events.iter().filter(|event| event.webhook != SENT && event.state != State::Duplicate) {
                let Some(id) = chosen::id(&event.id).ok() else { continue };
                // Retention may have taken it since it was listed.
                let Some(shown) = source.show(id).await? else { continue };
                let Some(message) = message(id, &shown) else { continue };
                tally.judge(&mut stages, &world, &shown, &message, self.json)?;
            }
        }
        tally.tell(self.json)?;
        if tally.differ.is_empty() { Ok(()) } else { Err(Failure::new(Failure::FAILED, "")) }
    }

    fn world(&self) -> Result<World, Failure> {
        if let Some(file) = &self.filter_config {
            return Ok(World { config: Configured::of(file.clone()).value()?, ..World::usual() });
        }
        let Some(name) = &self.name else { return Ok(World::usual()) };
        let config = self.place.config()?;
        let filter = config.filters.get(name).ok_or_else(|| {
            let known = config.filters.keys().cloned().collect::<Vec<_>>().join("`, `");
            let text = format!("the configuration has no filter `{}`\nhint: it has `{known}`", name.escape_debug());
            Failure::new(Failure::FAILED, text)
        })?;
        Ok(World {
            config: filter.config.clone(),
            secrets: filter.secrets.clone(),
            deadline: filter.deadline,
            memory: filter.memory as u64,
            ..World::usual()
        })
    }
}

fn failed(error: &crate::filter::Error) -> Failure {
    Failure::new(Failure::FAILED, Chain(error).to_string())
}

fn message(id: EventId, shown: &Shown) -> Option<Message> {
    let received = humantime::parse_rfc3339_weak(&shown.summary.received).ok();
    let received = received.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Some(Message {
        id,
        webhook: shown.summary.webhook.as_str().into(),
        received: Timestamp(u64::try_from(received.as_millis()).unwrap_or(0)),
        content_type: shown.content_type.clone(),
        payload: Payload::of(shown.bytes()?.into()),
        audience: Audience::default(),
    })
}

impl Tally {
    fn judge(
        &mut self,
        stages: &mut [Stage; 2],
        world: &World,
        shown: &Shown,
        message: &Message,
        json: bool,
    ) -> Result<(), Failure> {
        let case = Case {
            name: String::new(),
            world: World { now: message.received, ..world.clone() },
            asked: trial::Asked::Question(Question::Message(message.clone())),
            expect: trial::Expect::default(),
        };
        let mut told = [Map::new(), Map::new()];
        for (index, stage) in stages.iter_mut().enumerate() {
            let happened = stage.run(&case).map_err(|error| failed(&error))?;
            self.micros[index] += happened.cost.micros;
            told[index] = decided(trial::told(&happened));
        }
        self.events += 1;
        let [old, new] = told;
        if old == new {
            return Ok(());
        }
        let change = format!("{} → {}", trial::short(&old["verdict"]), trial::short(&new["verdict"]));
        let Summary { id, webhook, kind, .. } = &shown.summary;
        if json {
            let line = json!({ "id": id, "webhook": webhook, "kind": kind, "old": old, "new": new });
            print(format_args!("{line}"))?;
        } else {
            print(format_args!("{}", outward::first_line(&format!("{id}  {kind}  {webhook}  {change}"))))?;
            for line in differing(&old, &new, message) {
                let clean: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
                print(format_args!("    {clean}"))?;
            }
        }
        *self.differ.entry(change).or_default() += 1;
        Ok(())
    }

    fn tell(&self, json: bool) -> Result<(), Failure> {
        let differ: u64 = self.differ.values().sum();
        let [old, new] = self.micros.map(|micros| micros / self.events.max(1));
        if json {
            let all = json!({
                "events": self.events, "differ": differ, "changes": self.differ, "old_micros": old, "new_micros": new,
            });
            return print(format_args!("{all}"));
        }
        let changes = self.differ.iter().map(|(change, count)| format!("; {count} {change}")).collect::<String>();
        let Self { events, .. } = self;
        let what = if *events == 1 { "event" } else { "events" };
        print(format_args!("{events} {what}, {differ} judged differently{changes}; {old} us a call, now {new} us"))
    }
}

/// What clients would notice. The words of a trap are the engine's, and no decision.
fn decided(told: Map<String, Value>) -> Map<String, Value> {
    let kept = told.into_iter().filter(|(key, _)| ["verdict", "sends", "clients"].contains(&key.as_str()));
    kept.map(|(key, value)| if key == "verdict" { (key, trial::kind_of(&value)) } else { (key, value) }).collect()
}

/// Where they differ, for a person to read: of bodies, the lines that do.
fn differing(old: &Map<String, Value>, new: &Map<String, Value>, message: &Message) -> Vec<String> {
    let mut lines = Vec::new();
    let (before, after) = (&old["verdict"], &new["verdict"]);
    match (body(before, message), body(after, message)) {
        (Some(before), Some(after)) => lines.extend(trial::changes(&before, &after)),
        _ if before != after => lines.push(format!("{before} → {after}")),
        _ => {}
    }
    for key in ["sends", "clients"].into_iter().filter(|key| old[*key] != new[*key]) {
        lines.push(format!("{key}: {} → {}", old[key], new[key]));
    }
    lines
}

/// What goes on to everyone by this verdict, on lines of its own.
fn body(verdict: &Value, message: &Message) -> Option<String> {
    let text = match (verdict.as_str(), verdict.get("rewrite").and_then(Value::as_str)) {
        (Some("pass"), _) => String::from_utf8(message.payload.data.to_vec()).ok()?,
        (_, Some(text)) => text.to_owned(),
        _ => return None,
    };
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    Some(if is_json { pretty(&text) } else { text })
}
