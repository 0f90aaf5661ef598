//! Postern as its users meet it, a module for each of its promises.
//!
//! Every test starts the real binary in a directory of its own, on ports the system chose. The harness is the library of
//! this package.

mod acme;
mod admin;
mod admission;
mod behaviour;
mod browser;
mod chat;
mod check;
mod cli;
mod clients;
mod compression;
mod conversation;
mod crash;
mod crash_resume;
mod delivery;
mod dev;
mod editors;
mod fanout;
mod faults;
mod filter_test;
mod filter_tools;
mod filters;
mod forms;
mod forward;
mod handover;
mod handshake;
mod harness;
mod held;
mod hostile;
mod languages;
mod metrics;
mod mutual;
mod openapi;
mod operate;
mod original;
mod packaging;
mod page;
mod prometheus;
mod providers;
mod proxy;
mod registry;
mod regressions;
mod reload;
mod resume;
mod retention;
mod secrets;
mod shutdown;
mod slow;
mod split;
mod standby;
mod startup;
mod supervisor;
mod swap;
mod tidy;
mod tls;
mod traces;
mod webhook;

use postern_tests::{Config, Gateway, Home};
use std::sync::Arc;

/// A directory for a gateway to live in.
fn home(config: &Config) -> Arc<Home> {
    Home::new(env!("CARGO_BIN_EXE_postern-under-test"), config)
}

/// A gateway that is ready.
async fn start(config: &Config) -> Gateway {
    home(config).start().await
}
