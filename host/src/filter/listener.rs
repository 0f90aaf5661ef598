//! Who hears at once what filters say, and tells them the time: in service the log and the clock, and nobody else. A trial
//! puts itself in their place.

use crate::message::Timestamp;
use crate::metrics::Number;
use tracing::Level;

pub trait Listener: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// Whether a line at this level is wanted.
    fn enabled(&self, level: Level) -> bool;
    /// A line as the log would have it.
    fn line(&self, level: Level, line: &str);
    /// A number of the filter's own, which is a right one.
    fn number(&self, name: &str, number: Number);
}
