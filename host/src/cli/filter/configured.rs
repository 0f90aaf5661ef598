//! A filter's configuration, as it is given on the command line.

use crate::cli::{Failure, outward};
use crate::trial;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args, Clone, Debug, Default)]
pub struct Configured {
    /// The filter's configuration, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "filter_config")]
    config: Option<String>,
    /// The filter's configuration, as a file of TOML or JSON
    #[arg(long, value_name = "FILE")]
    filter_config: Option<PathBuf>,
}

impl Configured {
    pub fn of(file: PathBuf) -> Self {
        Self { config: None, filter_config: Some(file) }
    }

    /// An empty one, when none is given.
    pub fn value(&self) -> Result<Value, Failure> {
        let (text, from) = match (&self.config, &self.filter_config) {
            (Some(text), _) => (text.clone(), "`--config`".to_owned()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| outward::unreadable(file, &error))?;
                (text, format!("`{}`", file.display()))
            }
            (None, None) => return Ok(json!({})),
        };
        let json = if text.trim_start().starts_with('{') {
            serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))
        } else {
            trial::toml(&text).map_err(|why| format!("it is not TOML: {why}"))
        };
        let why = match json {
            Ok(json @ Value::Object(_)) => return Ok(json),
            Ok(_) => "it is not a table".to_owned(),
            Err(why) => why,
        };
        Err(Failure::new(Failure::USAGE, format!("failed to read {from}: {why}")))
    }
}
