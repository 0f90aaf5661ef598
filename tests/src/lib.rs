//! The harness: everything a test needs to stand where users stand.
//!
//! A [`Home`] is a directory with a configuration, certificates and data; a [`Gateway`] is the real binary running in it.
//! A [`Sender`] posts as Meta does, a [`Client`] receives as a user's program does, an [`Admin`] looks as an operator
//! does. Nothing here reaches into the gateway: what a test knows, it learned from a socket, a log line, an exit code or a
//! file. Ports are always 0 and read back; nothing sleeps for a guessed time, see [`eventually`].

mod admin;
mod authority;
mod background;
mod browser;
mod client;
mod config;
mod crowd;
mod door;
mod eventually;
mod faulty;
mod feed;
pub mod fixtures;
pub mod guests;
mod home;
mod paced;
mod port;
mod process;
mod raw;
mod receiver;
mod sender;
mod service;
mod socket;
mod stalled;
mod stampede;
mod supervisor;
mod tap;
pub mod tools;

pub use admin::Admin;
pub use authority::{Authority, Issued, encrypted};
pub use background::{spawn, together};
pub use browser::{Browser, empty_page};
pub use client::{Client, refusal};
pub use config::Config;
pub use crowd::{Crowd, Witness, numbered_body};
pub use door::Door;
pub use eventually::{eventually, patience, patiently};
pub use faulty::{Fault, FaultyDisk};
pub use feed::{Failure, Feed, Form, Got, News, from_base64};
pub use home::Home;
pub use paced::{Paced, Sent};
pub use port::lasting_port;
pub use process::{Ended, Gateway, Process};
pub use raw::{Raw, signed_head};
pub use receiver::{Push, PushAnswer, Receiver};
pub use sender::{Protocol, Reply, Sender, sign};
pub use service::{Service, respond};
pub use socket::{Frame, Socket};
pub use stalled::{Load, Outcome, stalled};
pub use stampede::{Returned, stampede};
pub use supervisor::Supervisor;
pub use tap::Tap;

/// What Meta and the gateway share in these tests; the fixtures are signed with it.
pub const APP_SECRET: &str = "postern-test-app-secret-0123456789";
/// The verify token of the handshake fixtures.
pub const VERIFY_TOKEN: &str = "s3cret-verify-token";

/// Takes the machine for a test that measures or that fills both cores, so that two of those never run at once. The
/// lighter tests go on beside it.
pub async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static MACHINE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    MACHINE.lock().await
}

/// Tells the tester a measurement, past the capture of tests that pass.
pub fn report(measured: impl std::fmt::Display) {
    use std::io::Write;
    // A tester without a stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "measured: {measured}");
}
