//! What a filter may ask of postern, an interface a file; here its configuration, the time, and a line in the log.

mod clients;
mod kv;
mod metrics;
mod outbox;
mod signing;

use super::bindings::postern::filter::{clock, config, log};
use super::state::{State, text_of};
use super::words::one_line;
use crate::message::Timestamp;
use std::sync::LazyLock;
use std::time::Instant;
use tracing::Level;

/// Lines a call may log, and bytes a line may have.
const LINES: u32 = 64;
const LINE: usize = 4096;

impl config::Host for State {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.settings.config.get(&key).map(text_of))
    }

    fn json(&mut self) -> wasmtime::Result<String> {
        Ok(self.settings.text.clone())
    }
}

impl clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        let listener = self.machine.listener.as_ref();
        Ok(listener.map_or_else(Timestamp::now, |listener| listener.now()).0)
    }

    fn monotonic(&mut self) -> wasmtime::Result<u64> {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        Ok(u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

impl log::Host for State {
    fn enabled(&mut self, level: log::Level) -> wasmtime::Result<bool> {
        if let Some(listener) = &self.machine.listener {
            return Ok(listener.enabled(level_of(level)));
        }
        Ok(match level {
            log::Level::Trace => tracing::enabled!(target: "filter", Level::TRACE),
            log::Level::Debug => tracing::enabled!(target: "filter", Level::DEBUG),
            log::Level::Info => tracing::enabled!(target: "filter", Level::INFO),
            log::Level::Warn => tracing::enabled!(target: "filter", Level::WARN),
            log::Level::Error => tracing::enabled!(target: "filter", Level::ERROR),
        })
    }

    fn write(&mut self, level: log::Level, text: String, fields: Vec<log::Field>) -> wasmtime::Result<()> {
        self.lines = self.lines.saturating_add(1);
        let (text, fields) = match self.lines {
            ..=LINES => (text, fields),
            // Said once, in place of the first line too many.
            lines if lines == LINES + 1 => {
                ("this call logged more lines than it may: the rest is left out".into(), vec![])
            }
            _ => return Ok(()),
        };
        let mut line = text;
        for field in &fields {
            if line.len() >= LINE {
                break;
            }
            line.push(' ');
            line.push_str(&field.key);
            line.push('=');
            line.push_str(&field.value);
        }
        let line = one_line(&line, LINE);
        match &self.machine.listener {
            Some(listener) => listener.line(level_of(level), &line),
            None => emit(self, level, &line),
        }
        Ok(())
    }
}

fn emit(state: &State, level: log::Level, line: &str) {
    let filter = &*state.settings.name;
    let subject = &state.subject;
    let about = match (&subject.client, &subject.message, &subject.request) {
        (Some(client), _, _) => client.id.to_string(),
        (None, Some(message), _) => message.message.id.to_string(),
        (None, None, Some(request)) => request.address.to_string(),
        (None, None, None) => "configure".to_owned(),
    };
    match level {
        log::Level::Trace => tracing::trace!(target: "filter", filter, about, "{line}"),
        log::Level::Debug => tracing::debug!(target: "filter", filter, about, "{line}"),
        log::Level::Info => tracing::info!(target: "filter", filter, about, "{line}"),
        log::Level::Warn => tracing::warn!(target: "filter", filter, about, "{line}"),
        log::Level::Error => tracing::error!(target: "filter", filter, about, "{line}"),
    }
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::TRACE,
        log::Level::Debug => Level::DEBUG,
        log::Level::Info => Level::INFO,
        log::Level::Warn => Level::WARN,
        log::Level::Error => Level::ERROR,
    }
}
