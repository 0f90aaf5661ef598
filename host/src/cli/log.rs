//! Where log lines go: standard error, as text on a terminal and as JSON otherwise.

use super::Failure;
use crate::app::{Level, Warning};
use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, reload};

/// Starts to log. What it gives changes from then on what is logged.
pub fn start(log: &Log) -> Result<Level, Failure> {
    let filter = read(&log.level).map_err(|why| Failure::new(Failure::CONFIG, why))?;
    let text = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // It only fails when a logger is there already, as in a test that starts several gateways in one process.
    if text {
        let builder = builder.with_ansi(ansi).with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = builder.try_init();
        Ok(level(move |filter| handle.reload(filter)))
    } else {
        let builder = builder.json().with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = builder.try_init();
        Ok(level(move |filter| handle.reload(filter)))
    }
}

fn level(set: impl Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync + 'static) -> Level {
    Box::new(move |level| {
        let set = read(level).and_then(|filter| set(filter).map_err(|error| error.to_string()));
        if let Err(why) = set {
            tracing::error!(why, "what is logged stays as it was");
        }
    })
}

fn read(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(level).map_err(|error| format!("`log.level` cannot be read: {error}"))
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
