//! `postern check`: all that `run` does before it opens a socket, and what it would warn of, and nothing else.

use super::{Failure, outward, print};
use crate::app::{self, Plan, Warning};
use crate::config::{self, Config, Override, Problem, Source};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Check the configuration, certificates, filters and data directory, and print every problem
///
/// It does what `postern run` does before it opens a socket: reads the file, fetches secrets, opens certificates, compiles and
/// configures every filter, tries the data directory. Each problem has its file and line, and a hint. It can be run beside a
/// gateway that is at work. Exit code 0: it would start; 78: it would not, or to no avail; warnings are told either way.
#[derive(clap::Args)]
pub struct Check {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let warnings fail too, with 78
    #[arg(long)]
    strict: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    overrides: Overrides,
}

/// What may be said of this start on the command line; the rest is for the file.
#[derive(clap::Args, Default)]
pub struct Overrides {
    /// Listen here instead; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Keep data here instead
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<String>,
    /// What to log: error, warn, info, debug, trace, or directives such as postern=debug
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

impl From<Overrides> for Vec<Override> {
    fn from(overrides: Overrides) -> Self {
        let Overrides { listen, data, log } = overrides;
        let listen = (!listen.is_empty()).then(|| listen.join(","));
        [("--listen", "listen", listen), ("--data", "data", data), ("--log", "log.level", log)]
            .into_iter()
            .filter_map(|(flag, key, value)| Some(Override { flag, key, value: value? }))
            .collect()
    }
}

impl Check {
    pub fn execute(self) -> Result<(), Failure> {
        let (source, hint) = source(self.config, self.overrides);
        let found = Found::of(&source);
        let errors = found.findings.iter().filter(|finding| finding.is_error).count();
        let warnings = found.findings.len() - errors;
        let fails = errors > 0 || (self.strict && warnings > 0);
        if self.json {
            let report =
                Report { ok: !fails, errors, warnings, problems: found.findings.iter().map(Told::of).collect() };
            let text = serde_json::to_string_pretty(&report).expect("strings and numbers are serialisable");
            print(format_args!("{text}"))?;
        } else {
            for Finding { problem, is_error } in &found.findings {
                outward::note(&format!("{}{problem}", if *is_error { "" } else { "warning: " }));
            }
            match (&found.config, hint) {
                (None, Some(hint)) => outward::note(hint),
                (Some(config), _) if !fails => {
                    print(format_args!("{}", ok(config, warnings)))?;
                    for intention in &found.intentions {
                        print(format_args!("{intention}"))?;
                    }
                }
                _ => {}
            }
        }
        if fails { Err(Failure::new(Failure::CONFIG, "")) } else { Ok(()) }
    }
}

/// All that is said of a configuration.
struct Found {
    findings: Vec<Finding>,
    /// Unless its text is at fault.
    config: Option<Config>,
    /// What would be done first that is not seen from here.
    intentions: Vec<String>,
}

struct Finding {
    problem: Problem,
    is_error: bool,
}

impl Found {
    fn of(source: &Source) -> Self {
        let error = |problem| Finding { problem, is_error: true };
        let config = match config::load(source) {
            Ok(config) => config,
            Err(problems) => {
                return Self { findings: problems.into_iter().map(error).collect(), config: None, intentions: vec![] };
            }
        };
        // Looked at first: a plan opens files of its own.
        let foreseen = app::foreseen(&config);
        let (problems, warnings, intentions) = match Plan::new(config.clone()) {
            Ok(plan) => (Vec::new(), plan.warnings.clone(), app::intentions(&plan)),
            Err(problems) => (problems, app::warnings(&config), vec![]),
        };
        let warning = |Warning { problem, grave }| Finding { problem, is_error: grave };
        let mut findings: Vec<Finding> =
            problems.into_iter().map(error).chain(warnings.into_iter().chain(foreseen).map(warning)).collect();
        findings.sort_by_key(|finding| finding.problem.place.order());
        Self { findings, config: Some(config), intentions }
    }
}

fn ok(config: &Config, warnings: usize) -> String {
    let Config { webhooks, streams, filters, .. } = config;
    let warnings = match warnings {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        some => format!(", {some} warnings"),
    };
    let (webhooks, streams, filters) = (webhooks.len(), streams.len(), filters.len());
    format!("ok{warnings} (webhooks: {webhooks}, streams: {streams}, filters: {filters})")
}

/// What was found, for programs.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    errors: usize,
    warnings: usize,
    problems: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    severity: &'static str,
    /// As people read it: `postern.toml:12`.
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    key: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> Told<'a> {
    fn of(finding: &'a Finding) -> Self {
        let Problem { place, key, message, hint } = &finding.problem;
        Self {
            severity: if finding.is_error { "error" } else { "warning" },
            place: place.to_string(),
            line: place.line(),
            key,
            message,
            hint: hint.as_deref(),
        }
    }
}

/// Reads the file named, or else `postern.toml` where there is one; the environment may be enough by itself.
pub(super) fn load(file: Option<PathBuf>, overrides: Overrides) -> Result<Config, Failure> {
    read(file, overrides, config::load)
}

/// The same, for whatever is to be known of it.
pub(super) fn read<T>(
    file: Option<PathBuf>,
    overrides: Overrides,
    read: impl FnOnce(&Source) -> Result<T, Vec<Problem>>,
) -> Result<T, Failure> {
    let (source, hint) = source(file, overrides);
    read(&source).map_err(|problems| advised(&problems, hint))
}

/// All that is wrong, and advice.
pub(super) fn advised(problems: &[Problem], hint: Option<&str>) -> Failure {
    let mut failure = Failure::config(problems);
    if let Some(hint) = hint {
        failure.message.push('\n');
        failure.message.push_str(hint);
    }
    failure
}

/// What is to be read; and advice, for when there is no file and the environment is not enough.
pub(super) fn source(file: Option<PathBuf>, overrides: Overrides) -> (Source, Option<&'static str>) {
    const HINT: &str = "hint: there is no `postern.toml` here; name a file with `-c FILE`, or try `postern run --dev`";
    let default = Path::new(config::DEFAULT_FILE);
    let file = file.or_else(|| default.exists().then(|| default.to_owned()));
    let hint = file.is_none().then_some(HINT);
    (Source { overrides: overrides.into(), ..Source::of_process(file) }, hint)
}
