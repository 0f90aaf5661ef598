//! Hears what a filter says at once, for the trial under way.

use crate::filter::Listener;
use crate::message::Timestamp;
use crate::metrics::Number;
use serde_json::{Map, Number as JsonNumber, Value};
use std::sync::{Mutex, MutexGuard};
use tracing::Level;

pub struct Ear(Mutex<Heard>);

pub struct Heard {
    now: Timestamp,
    level: Level,
    /// `LEVEL: TEXT key=value …`
    pub lines: Vec<String>,
    /// A counter's sum, a gauge's last value, all that a histogram was told.
    pub numbers: Map<String, Value>,
}

impl Default for Ear {
    fn default() -> Self {
        Self(Mutex::new(Heard { now: Timestamp(0), level: Level::TRACE, lines: vec![], numbers: Map::new() }))
    }
}

impl Ear {
    /// Begins anew.
    pub fn reset(&self, now: Timestamp, level: Level) {
        *self.lock() = Heard { now, level, lines: vec![], numbers: Map::new() };
    }

    /// Takes what was heard since.
    pub fn take(&self) -> (Vec<String>, Map<String, Value>) {
        let mut heard = self.lock();
        (std::mem::take(&mut heard.lines), std::mem::take(&mut heard.numbers))
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Listener for Ear {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn enabled(&self, level: Level) -> bool {
        level <= self.lock().level
    }

    fn line(&self, level: Level, line: &str) {
        let mut heard = self.lock();
        if level <= heard.level {
            let level = level.as_str().to_ascii_lowercase();
            heard.lines.push(format!("{level}: {line}"));
        }
    }

    fn number(&self, name: &str, number: Number) {
        let mut heard = self.lock();
        let before = heard.numbers.remove(name);
        let after = match (number, before) {
            (Number::Count(by), before) => {
                let sum = before.and_then(|before| before.as_u64()).unwrap_or(0).saturating_add(by);
                Value::Number(sum.into())
            }
            (Number::Gauge(value), _) => json(value),
            (Number::Observe(value), Some(Value::Array(mut all))) => {
                all.push(json(value));
                Value::Array(all)
            }
            (Number::Observe(value), _) => Value::Array(vec![json(value)]),
        };
        heard.numbers.insert(name.to_owned(), after);
    }
}

/// What JSON has no number for is told as text.
fn json(value: f64) -> Value {
    JsonNumber::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}
