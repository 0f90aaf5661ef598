//! Where log lines go: standard error, as text on a terminal and as JSON otherwise.

use super::Failure;
use crate::app::Warning;
use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

pub fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.level)
        .map_err(|error| Failure::new(Failure::CONFIG, format!("`log.level` cannot be read: {error}")))?;
    let text = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // Only fails when a logger is there already, as in a test that starts several gateways in one process.
    let _ = if text { builder.with_ansi(ansi).try_init() } else { builder.json().try_init() };
    Ok(())
}

/// What is not right about a configuration that is served all the same.
pub fn warning(warning: &Warning) {
    let problem = &warning.problem;
    let (place, hint) = (problem.place.to_string(), problem.hint.as_deref().unwrap_or_default());
    if warning.grave {
        tracing::error!(place, hint, "{}", problem.message);
    } else {
        tracing::warn!(place, hint, "{}", problem.message);
    }
}
