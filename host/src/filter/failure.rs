//! Why a call came to nothing.

use super::effects::Breach;
use super::limits::Excess;
use super::ticker::Overrun;
use super::words::one_line;
use crate::metrics::FilterFailure;
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
    /// Nor was it now: it failed so often before.
    #[error("was not asked: it failed {0} times in a row, and is tried again by itself")]
    SetAside(u32),
    #[error("exports no `{0}`")]
    Missing(&'static str),
    #[error("postern itself failed while serving it, which is a bug in postern: {0}")]
    Bug(String),
}

impl Failure {
    /// Which kind it is, for a metric.
    pub fn label(&self) -> FilterFailure {
        match self {
            Self::Deadline(_) => FilterFailure::Deadline,
            Self::Memory(_) => FilterFailure::Memory,
            Self::Trap(_) => FilterFailure::Trap,
            Self::Refused(_) => FilterFailure::Refused,
            Self::Output(_) => FilterFailure::Output,
            Self::Invalid(_) => FilterFailure::Invalid,
            Self::Busy => FilterFailure::Busy,
            Self::SetAside(_) => FilterFailure::SetAside,
            Self::Missing(_) => FilterFailure::Missing,
            Self::Bug(_) => FilterFailure::Bug,
        }
    }

    /// The same as a word.
    pub fn kind(&self) -> &'static str {
        self.label().name()
    }

    /// Whether it was said already, when the filter was set aside: it is not said again of each message.
    pub fn was_told(&self) -> bool {
        matches!(self, Self::SetAside(_))
    }

    /// Whether the filter itself has failed: it was asked.
    pub(super) fn is_its_own(&self) -> bool {
        !matches!(self, Self::Busy | Self::SetAside(_) | Self::Missing(_))
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
