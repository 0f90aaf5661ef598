//! `postern config`: every value in force, and where it came from; and what there is to configure, for editors.

use super::check::{self, Overrides};
use super::{Failure, print};
use crate::config::{self, Place, Setting, Shown};
use serde::Serialize;
use std::path::PathBuf;

/// Show every value in force and where it came from: default, file and line, environment, flag
///
/// Nothing is checked but the text itself (see `postern check`). Secrets are neither shown nor fetched, and what filters
/// are told is not shown either: only the filter knows whether that is secret.
#[derive(clap::Args)]
pub struct Show {
    /// The configuration [default: postern.toml]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only what is not a default
    #[arg(long)]
    changed: bool,
    /// Print a JSON array, an object a key
    #[arg(long)]
    json: bool,
    /// Print a JSON Schema of what can be configured instead, for editors
    #[arg(long, conflicts_with_all = ["config", "changed", "json", "listen", "data", "log"])]
    schema: bool,
    #[command(flatten)]
    overrides: Overrides,
}

/// A wider value does not push all others' origins out of sight.
const WIDEST: usize = 40;

impl Show {
    pub fn execute(self) -> Result<(), Failure> {
        if self.schema {
            let schema = config::json_schema().map_err(|problem| Failure::config(&[problem]))?;
            return print(format_args!("{schema:#}"));
        }
        let mut settings = check::read(self.config, self.overrides, config::explain)?;
        settings.retain(|setting| !self.changed || setting.place != Place::Default);
        if self.json {
            let settings: Vec<Told> = settings.iter().map(Told::of).collect();
            let text = serde_json::to_string_pretty(&settings).expect("strings and numbers are serialisable");
            return print(format_args!("{text}"));
        }
        let rows: Vec<[String; 3]> = settings.iter().map(row).collect();
        let width = |column: usize, most: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count()).filter(|width| *width <= most);
            widths.max().unwrap_or_default()
        };
        let (key, value) = (width(0, 2 * WIDEST), width(1, WIDEST));
        for row in &rows {
            print(format_args!("{:key$}  {:value$}  {}", row[0], row[1], row[2]))?;
        }
        Ok(())
    }
}

fn row(setting: &Setting) -> [String; 3] {
    let value = match &setting.value {
        Shown::Value { toml, .. } => toml.clone(),
        Shown::Secret(None) => "(secret)".to_owned(),
        Shown::Secret(Some(origin)) => format!("(secret: {origin})"),
    };
    // What was written does nothing to a terminal.
    let value = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    [setting.key.clone(), value, setting.place.to_string()]
}

/// A setting, for programs.
#[derive(Serialize)]
struct Told<'a> {
    key: &'a str,
    /// `null` when it is a secret.
    value: Option<&'a serde_json::Value>,
    secret: bool,
    /// `default`, `built-in`, `file`, `environment` or `flag`.
    layer: &'static str,
    /// As people read it: `postern.toml:12`.
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

impl<'a> Told<'a> {
    fn of(setting: &'a Setting) -> Self {
        let value = match &setting.value {
            Shown::Value { json, .. } => Some(json),
            Shown::Secret(_) => None,
        };
        let layer = match setting.place {
            Place::Default => "default",
            Place::Embedded { .. } => "built-in",
            Place::File { .. } => "file",
            Place::Environment { .. } => "environment",
            Place::Flag { .. } => "flag",
        };
        Self {
            key: &setting.key,
            value,
            secret: value.is_none(),
            layer,
            from: setting.place.to_string(),
            line: setting.place.line(),
        }
    }
}
