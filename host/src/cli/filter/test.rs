//! `postern filter test`: a filter against cases, under the gateway's own engine.

use super::component::{cache, component};
use super::configured::Configured;
use crate::cli::{Failure, outward, print};
use crate::error::Chain;
use crate::trial::{self, Case, Component, Stage, Update, World};
use serde_json::{Map, json};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Try a filter against cases: what comes in, and what is to come of it
///
/// A case file is TOML or JSON; what `postern events export` writes is one too. Ends with 1 when a case fails.
#[derive(clap::Args)]
pub struct Test {
    /// The component, or `builtin:NAME`
    #[arg(required_unless_present = "fixtures")]
    file: Option<PathBuf>,
    /// Case files, directories of them, or `-` for standard input [default: cases]
    cases: Vec<PathBuf>,
    /// Write what comes out into the case files, as what is expected
    #[arg(long)]
    update: bool,
    /// One JSON object a case
    #[arg(long)]
    json: bool,
    /// What the filter is called in the trails of exported events [default: the same component, by its digest]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    configured: Configured,
    /// List the bodies that cases may name by `fixture`
    #[arg(long, exclusive = true)]
    fixtures: bool,
}

/// The largest case file.
const SIZE: u64 = 256 << 20;

#[derive(Default)]
struct Count {
    right: usize,
    wrong: usize,
    updated: usize,
    micros: u64,
}

impl Test {
    pub fn execute(self) -> Result<(), Failure> {
        let Some(file) = self.file.as_deref().filter(|_| !self.fixtures) else {
            return trial::fixtures::FIXTURES
                .iter()
                .try_for_each(|(name, what, body)| print(format_args!("{name:<20}  {:>5} bytes  {what}", body.len())));
        };
        let component = component(file, self.name.clone())?;
        let usual = World { config: self.configured.value()?, ..World::usual() };
        let files = files(&self.cases)?;
        // All are read before the first is tried: a slip in the last costs no time.
        let read = files.iter().map(|file| Cases::read(file, &component, &usual)).collect::<Result<Vec<_>, _>>()?;
        let mut stage = Stage::new(component, &cache()).map_err(|error| failed(&error))?;
        let mut count = Count::default();
        for cases in read {
            cases.run(&mut stage, &self, &mut count)?;
        }
        if !self.json {
            print(format_args!("{}", count.summary()))?;
        }
        if count.wrong > 0 { Err(Failure::new(Failure::FAILED, "")) } else { Ok(()) }
    }
}

/// The files that were named, those of directories in the order of their names.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let usual = [PathBuf::from("cases")];
    let named = match named {
        [] if usual[0].is_dir() => &usual[..],
        [] => {
            let text = "no cases are named\nhint: name case files, a directory of them, or `-` for standard input";
            return Err(Failure::new(Failure::USAGE, text));
        }
        named => named,
    };
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|error| outward::unreadable(path, &error))?;
        let mut within: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        let ends = ["toml", "json", "jsonl", "ndjson"];
        within.retain(|path| path.extension().is_some_and(|end| ends.iter().any(|known| end == *known)));
        within.sort();
        if within.is_empty() {
            let text = format!(
                "there are no case files in `{}`\nhint: they end in `.toml`, `.json` or `.jsonl`",
                path.display()
            );
            return Err(Failure::new(Failure::FAILED, text));
        }
        files.extend(within);
    }
    Ok(files)
}

fn failed(error: &crate::filter::Error) -> Failure {
    Failure::new(Failure::FAILED, Chain(error).to_string())
}

/// One file, read.
struct Cases {
    /// `None` is standard input.
    file: Option<PathBuf>,
    name: String,
    text: String,
    cases: Vec<Case>,
}

impl Cases {
    fn read(path: &Path, component: &Component, usual: &World) -> Result<Self, Failure> {
        let is_input = path == Path::new("-");
        let name = if is_input { "standard input".to_owned() } else { path.display().to_string() };
        let mut text = String::new();
        let read = match is_input {
            true => std::io::stdin().lock().take(SIZE).read_to_string(&mut text),
            false => File::open(path).and_then(|file| file.take(SIZE).read_to_string(&mut text)),
        };
        read.map_err(|error| Failure::new(Failure::FAILED, format!("failed to read `{name}`: {error}")))?;
        let directory = if is_input { Path::new("") } else { path.parent().unwrap_or(Path::new("")) };
        let origin = trial::Origin { name: &name, directory, component };
        let cases = trial::cases(&text, &origin, usual).map_err(|wrong| Failure::new(Failure::FAILED, wrong.0))?;
        Ok(Self { file: (!is_input).then(|| path.to_owned()), name, text, cases })
    }

    fn run(&self, stage: &mut Stage, how: &Test, count: &mut Count) -> Result<(), Failure> {
        let mut updates = Vec::new();
        for (index, case) in self.cases.iter().enumerate() {
            let happened = stage.run(case).map_err(|error| failed(&error))?;
            let told = trial::told(&happened);
            let differences = trial::differences(&case.expect, &told);
            let update = if how.update { trial::expected(&case.expect, &differences, &told) } else { Map::new() };
            let outcome = match (differences.is_empty(), update.is_empty()) {
                (_, false) => "new",
                (true, true) => "ok",
                (false, true) => "FAIL",
            };
            count.add(outcome, happened.cost.micros);
            let micros = happened.cost.micros;
            if how.json {
                let line = json!({
                    "file": self.name, "case": case.name, "ok": outcome != "FAIL", "micros": micros,
                    "memory": happened.cost.memory, "got": told, "differences": differences,
                });
                print(format_args!("{line}"))?;
            } else {
                let name = clean(&case.name);
                print(format_args!("{outcome:<4}  {micros:>6} us  {}: {name}", self.name))?;
                if outcome == "FAIL" {
                    for line in differences.iter().flat_map(trial::Difference::lines) {
                        print(format_args!("      {}", clean(&line)))?;
                    }
                }
            }
            if !update.is_empty() {
                updates.push(Update { index, expect: update });
            }
        }
        if updates.is_empty() { Ok(()) } else { self.write(&updates) }
    }

    fn write(&self, updates: &[Update]) -> Result<(), Failure> {
        let failed = |why: String| Failure::new(Failure::FAILED, format!("failed to update `{}`: {why}", self.name));
        let file = self.file.as_deref().ok_or_else(|| failed("it is not a file".to_owned()))?;
        let text = trial::update(&self.text, updates).ok_or_else(|| {
            failed("it is not a case file\nhint: of exported events there is nothing to update".to_owned())
        })?;
        std::fs::write(file, text).map_err(|error| failed(error.to_string()))
    }
}

/// What filters say does nothing to a terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

impl Count {
    fn add(&mut self, outcome: &str, micros: u64) {
        *match outcome {
            "ok" => &mut self.right,
            "new" => &mut self.updated,
            _ => &mut self.wrong,
        } += 1;
        self.micros += micros;
    }

    fn summary(&self) -> String {
        let Self { right, wrong, updated, micros } = self;
        let all = right + wrong + updated;
        let each = micros / u64::try_from(all.max(1)).unwrap_or(u64::MAX);
        let updated = if *updated > 0 { format!(", {updated} updated") } else { String::new() };
        let what = if all == 1 { "case" } else { "cases" };
        format!("{all} {what}: {right} right, {wrong} wrong{updated}; {each} us a case")
    }
}
