//! Traces to a collector: each journey that is traced becomes spans, and they go out by OTLP over HTTP, as JSON.
//!
//! ```text
//! webhook NAME        from its head to its being on disk; its parent is the sender's span, if the sender named one
//! ├─ receive, verify, split, inbox
//! └─ event            one for each item, from the inbox to the last client
//!    ├─ filter NAME   what it said, and which version of it
//!    ├─ outbox        what was decided is written
//!    └─ clients       how many, and when the first and the last of them had it
//! ```
//!
//! Nobody waits for a collector. What it does not take in time is dropped and counted; that it is down is said once.
//!
//! `spans` makes spans of a journey, `otlp` writes them down, `export` sends them.

mod export;
mod otlp;
mod spans;

pub use export::{Config, Exporter};
