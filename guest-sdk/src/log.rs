//! Words for the operator. Lines carry the filter's name and the id of the message already.
//!
//! The text is best a constant, and what differs from call to call a field: operators search by the one and count by
//! the other. `println!` goes nowhere in a component.

use crate::gateway;

/// How much an operator should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Whether a line at this level would go anywhere. Ask before building a costly one.
pub fn enabled(level: Level) -> bool {
    gateway::log_enabled(level)
}

/// Writes a line: `log::write(Level::Info, "out of hours", &[("zone", "Europe/Amsterdam")])`.
pub fn write(level: Level, text: &str, fields: &[(&str, &str)]) {
    gateway::log_write(level, text, fields);
}

pub fn debug(text: impl AsRef<str>) {
    write(Level::Debug, text.as_ref(), &[]);
}

pub fn info(text: impl AsRef<str>) {
    write(Level::Info, text.as_ref(), &[]);
}

pub fn warn(text: impl AsRef<str>) {
    write(Level::Warn, text.as_ref(), &[]);
}

pub fn error(text: impl AsRef<str>) {
    write(Level::Error, text.as_ref(), &[]);
}
