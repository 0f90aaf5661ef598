//! `postern filter inspect`: what a component is, and whether postern would have it as a filter.

use super::component::{cache, component};
use super::configured::Configured;
use crate::cli::{Failure, print};
use crate::error::Chain;
use crate::filter::{self, Config, Cost, Host, HostConfig, Inspection, Interface, Source};
use crate::trial::Component;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Say what a component exports and imports, how large it is, and whether postern would have it as a filter
///
/// Ends with 1 when it would be refused.
#[derive(clap::Args)]
pub struct Inspect {
    /// The component, or `builtin:NAME`
    file: PathBuf,
    #[command(flatten)]
    configured: Configured,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What each interface of the package is for: those a filter exports, and those it imports.
const MEANING: [(&str, &str); 17] = [
    ("setup", "checks its configuration before any traffic"),
    ("message-handler", "judges messages bound for clients"),
    ("admission-handler", "judges whether a client may connect"),
    ("client-handler", "judges what clients say"),
    ("event-handler", "hears what becomes of clients"),
    ("audience-handler", "chooses which clients get a message"),
    ("http-handler", "answers plain HTTP requests"),
    ("timer-handler", "is woken by the clock"),
    ("types", "looks at what it is asked about"),
    ("config", "reads its configuration"),
    ("log", "writes to the log"),
    ("metrics", "counts and measures"),
    ("clock", "asks the time"),
    ("outbox", "sends messages of its own"),
    ("clients", "looks at clients, labels and closes them"),
    ("kv", "keeps keys and values"),
    ("signing", "signs and verifies with secrets it is given"),
];

struct Looked {
    component: Component,
    inspection: Option<Inspection>,
    /// How it started and whether its instances would be used again; or why it would be refused.
    started: Result<(Cost, bool), String>,
}

impl Inspect {
    pub fn execute(self) -> Result<(), Failure> {
        let component = component(&self.file, None)?;
        let config = Config { config: self.configured.value()?, ..Config::default() };
        let failed = |error: filter::Error| Failure::new(Failure::FAILED, Chain(&error).to_string());
        let host = Host::new(&HostConfig { slots: 1, ..HostConfig::new(cache()) }).map_err(failed)?;
        let looked = look(component, &host, &config);
        if self.json {
            print(format_args!("{}", looked.json()))?;
        } else {
            looked.lines().iter().try_for_each(|line| print(format_args!("{line}")))?;
        }
        match looked.started {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure::new(Failure::FAILED, "")),
        }
    }
}

fn look(component: Component, host: &Host, config: &Config) -> Looked {
    let Component { name, origin, bytes, sha256, .. } = &component;
    let inspection = host.inspect(sha256, bytes);
    let started = host.load(name, Source { origin, bytes }, config).map_err(|error| match error {
        filter::Error::Load { problem, .. } => Chain(&problem).to_string(),
        error => Chain(&error).to_string(),
    });
    let started = started.and_then(|filter| match filter.start() {
        (Ok(()), cost) => Ok((cost, filter.keeps_instances())),
        (Err(failure), _) => Err(format!("it did not start: it {failure}")),
    });
    Looked { inspection: inspection.ok(), started, component }
}

impl Looked {
    fn lines(&self) -> Vec<String> {
        let Component { origin, bytes, sha256, .. } = &self.component;
        let mut lines =
            vec![origin.clone(), format!("  sha256   {sha256}"), format!("  size     {}", size(bytes.len() as u64))];
        if let Some(Inspection { imports, exports, modules, core_instances, memories, tables, memory }) =
            &self.inspection
        {
            let package = version(imports, exports).unwrap_or("none of postern's");
            lines.push(format!("  package  {package}"));
            lines.extend(listed("exports", exports));
            lines.extend(listed("imports", imports));
            let some = |count: &u32, one: &str, many: &str| format!("{count} {}", if *count == 1 { one } else { many });
            lines.push(format!(
                "  parts    {}, {}, {}, {}",
                some(modules, "core module", "core modules"),
                some(core_instances, "core instance", "core instances"),
                some(memories, "memory", "memories"),
                some(tables, "table", "tables"),
            ));
            let started = self.started.as_ref().map_or_else(
                |_| String::new(),
                |(cost, _)| {
                    format!(", {} when it has started, of the {} it may have", size(cost.memory), size(allowed()))
                },
            );
            lines.push(format!("  memory   {}{started}", size(*memory)));
        }
        match &self.started {
            Ok((cost, kept)) => {
                lines.push(format!("  start    {} us: {}", cost.micros, instances(*kept)));
                lines.push("  postern would have it as a filter".to_owned());
            }
            Err(why) => {
                let mut why = why.lines();
                lines.push(format!("  postern would refuse it: {}", why.next().unwrap_or_default()));
                lines.extend(why.map(|line| format!("  {line}")));
            }
        }
        lines
    }

    fn json(&self) -> Value {
        let Component { origin, bytes, sha256, .. } = &self.component;
        let mut told = json!({ "file": origin, "sha256": sha256, "size": bytes.len() });
        if let Some(Inspection { imports, exports, modules, core_instances, memories, tables, memory }) =
            &self.inspection
        {
            let all = |interfaces: &[Interface]| {
                let pairs = interfaces.iter().map(|Interface { name, functions }| (name.clone(), json!(functions)));
                Value::Object(pairs.collect())
            };
            told["package"] = json!(version(imports, exports));
            told["exports"] = all(exports);
            told["imports"] = all(imports);
            told["modules"] = json!(modules);
            told["core_instances"] = json!(core_instances);
            told["memories"] = json!(memories);
            told["tables"] = json!(tables);
            told["memory"] = json!({ "initial": memory });
        }
        match &self.started {
            Ok((cost, kept)) => {
                told["instances"] = json!(if *kept { "reuse" } else { "fresh" });
                told["start_micros"] = json!(cost.micros);
                told["memory"]["started"] = json!(cost.memory);
                told["refused"] = Value::Null;
            }
            Err(why) => told["refused"] = json!(why),
        }
        told
    }
}

/// How calls would be given instances, and why.
fn instances(kept: bool) -> &'static str {
    if kept { "too long for each call, so instances are used again" } else { "each call has an instance of its own" }
}

fn allowed() -> u64 {
    Config::default().memory
}

/// Of the package, as the names have it.
fn version<'a>(imports: &'a [Interface], exports: &'a [Interface]) -> Option<&'a str> {
    let names = exports.iter().chain(imports).map(|interface| interface.name.as_str());
    names.filter(|name| name.starts_with("postern:filter/")).find_map(|name| Some(name.split_once('@')?.1))
}

fn listed(heading: &str, interfaces: &[Interface]) -> Vec<String> {
    let line = |(index, Interface { name, functions }): (usize, &Interface)| {
        let heading = if index == 0 { heading } else { "" };
        let short = name.strip_prefix("postern:filter/").and_then(|name| name.split('@').next());
        let meaning =
            short.and_then(|short| MEANING.iter().find(|(known, _)| *known == short)).map(|(_, words)| *words);
        // What a tool left there: postern does not look at it.
        let meaning = meaning.unwrap_or("is none of postern's");
        let functions = functions.iter().map(|name| name.rsplit(']').next().unwrap_or(name)).collect::<Vec<_>>();
        let functions = if functions.is_empty() { String::new() } else { format!(": {}", functions.join(", ")) };
        format!("  {heading:<8} {:<18} {meaning}{functions}", short.unwrap_or(name))
    };
    if interfaces.is_empty() {
        return vec![format!("  {heading:<8} nothing")];
    }
    interfaces.iter().enumerate().map(line).collect()
}

/// For a person to read.
pub fn size(bytes: u64) -> String {
    match bytes {
        ..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
