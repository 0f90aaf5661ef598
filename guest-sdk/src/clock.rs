//! The time. `std::time` panics in a component; this does not.

use crate::gateway;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> u64 {
    gateway::now()
}

/// The time since some fixed point; it never goes back.
pub fn monotonic() -> Duration {
    Duration::from_nanos(gateway::monotonic())
}
