//! What is measured: a case is one row of a table, and says how one round of it is run against a server.

mod connect;
mod fan;
mod ingest;
mod paced;
mod resume;
mod scale;

use crate::server::{Server, Setting};
use crate::table::Reading;

pub type Round = Result<Vec<Reading>, String>;

pub struct Case {
    pub group: &'static str,
    pub name: String,
    pub setting: Setting,
    /// Rounds that are enough, where one tells as much as ten.
    pub most_rounds: usize,
    pub run: Box<dyn Fn(&Server) -> Round>,
}

/// The groups; and those that are run when none is named, which takes some three minutes on a machine that does nothing
/// else.
pub const GROUPS: [&str; 9] = ["lockstep", "stream", "burst", "paced", "ingest", "connect", "idle", "resume", "scale"];
pub const DEFAULT: &[&str] = &["lockstep", "stream", "burst", "ingest", "connect", "idle"];

/// The cases of a group, over TLS or not. `clients` is as many as were asked for, if that was said.
pub fn cases(group: &'static str, tls: bool, clients: Option<usize>) -> Vec<Case> {
    match group {
        "lockstep" => fan::lockstep(tls, clients.unwrap_or(1_000)),
        "stream" => fan::stream(tls, clients.unwrap_or(1_000)),
        "burst" => fan::burst(tls, clients.unwrap_or(1_000)),
        "paced" => paced::cases(tls, clients.unwrap_or(1_000)),
        "ingest" => ingest::cases(tls),
        "connect" => connect::connect(tls),
        "idle" => connect::idle(tls, clients.unwrap_or(5_000)),
        "resume" => resume::cases(tls, clients.unwrap_or(1_000)),
        _ => scale::cases(tls, clients),
    }
}

/// A case of one stream that dispatches.
fn case(group: &'static str, name: String, tls: bool, run: impl Fn(&Server) -> Round + 'static) -> Case {
    let setting = Setting { tls, streams: 1, dispatch: true };
    let name = if tls { format!("{name}, TLS") } else { name };
    Case { group, name, setting, most_rounds: usize::MAX, run: Box::new(run) }
}
