//! Why a call came to nothing.

use super::effects::Breach;
use super::limits::Excess;
use super::ticker::Overrun;
use super::words::one_line;
use std::time::Duration;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

/// The longest text of a filter's own that is kept.
pub(super) const WORDS: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("ran past its deadline of {0:?}")]
    Deadline(Duration),
    #[error("{0}")]
    Memory(String),
    #[error("trapped: {0}")]
    Trap(String),
    /// The filter's own words.
    #[error("gave up: {0}")]
    Refused(String),
    #[error("answered with more than the {0} bytes it may")]
    Output(usize),
    #[error("answered with {0}")]
    Invalid(String),
    /// The filter was never asked.
    #[error("was not asked: too many calls are under way")]
    Busy,
    #[error("exports no `{0}`")]
    Missing(&'static str),
    #[error("postern itself failed while serving it, which is a bug in postern: {0}")]
    Bug(String),
}

impl Failure {
    /// A word for a metric's label.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Deadline(_) => "deadline",
            Self::Memory(_) => "memory",
            Self::Trap(_) => "trap",
            Self::Refused(_) => "refused",
            Self::Output(_) => "output",
            Self::Invalid(_) => "invalid",
            Self::Busy => "busy",
            Self::Missing(_) => "missing",
            Self::Bug(_) => "bug",
        }
    }

    pub(super) fn refused(words: &str) -> Self {
        Self::Refused(one_line(words, WORDS).into_owned())
    }

    /// What wasmtime's error means. `output` is what a call may return: the engine counts the bytes it copies out, and
    /// has no error type of its own for too many.
    pub(super) fn of(error: &wasmtime::Error, output: usize) -> Self {
        let causes = || error.chain();
        if let Some(Overrun(limit)) = causes().find_map(|cause| cause.downcast_ref()) {
            return Self::Deadline(*limit);
        }
        if let Some(excess) = causes().find_map(|cause| cause.downcast_ref::<Excess>()) {
            return Self::Memory(excess.to_string());
        }
        if let Some(Breach(failure)) = causes().find_map(|cause| cause.downcast_ref()) {
            return failure.clone();
        }
        if causes().any(|cause| cause.is::<PoolConcurrencyLimitError>()) {
            return Self::Busy;
        }
        let root = error.root_cause().to_string();
        if root.contains("fuel allocated for hostcalls has been exhausted") {
            return Self::Output(output);
        }
        if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
            tracing::debug!(target: "filter", %backtrace, "where a filter failed");
        }
        match causes().find_map(|cause| cause.downcast_ref::<Trap>()) {
            Some(trap) => Self::Trap(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
            None => Self::Trap(root),
        }
    }
}
