//! The forward targets, made of their configuration.

use super::plan::problem;
use crate::config::{self, Config, Problem};
use crate::error::Chain;
use crate::filter::Shelf;
use crate::forward::{Backoff, Begin, Key, Settings};
use crate::outward::{Destination, Kind, Trust};
use std::net::IpAddr;

/// All of them that are well, with the filters that `shelf` has. URLs are taken apart, authorities read; nobody is asked
/// anything yet.
pub fn settings(config: &Config, shelf: &Shelf, problems: &mut Vec<Problem>) -> Vec<Settings> {
    let mut all = Vec::new();
    for (name, forward) in &config.forward {
        match target(name, forward, shelf) {
            Ok(settings) => all.push(settings),
            Err((key, why)) => {
                let key = format!("forward.{name}.{key}");
                problems.push(problem(config, &key, format!("`{key}`: {why}")));
            }
        }
    }
    all
}

/// Or the key that is wrong, and why.
fn target(name: &str, forward: &config::Forward, shelf: &Shelf) -> Result<Settings, (&'static str, String)> {
    let trust = Trust { ca: forward.ca.clone(), insecure: false };
    let destination = Destination::new(&forward.url, Kind::Http, &trust);
    let keys = forward.secret.iter().map(Key::parse).collect::<Result<_, _>>();
    Ok(Settings {
        name: name.into(),
        destination: destination.map_err(|error| ("url", Chain(&error).to_string()))?,
        keys: keys.map_err(|error| ("secret", Chain(&error).to_string()))?,
        webhooks: forward.webhooks.iter().cloned().collect(),
        filter: forward.filter.as_ref().and_then(|filter| shelf.filter(filter)).cloned(),
        from: if forward.from_earliest { Begin::Earliest } else { Begin::Now },
        concurrency: forward.concurrency,
        timeout: forward.timeout,
        backoff: Backoff { first: forward.backoff.first, longest: forward.backoff.longest },
        attempts: forward.attempts,
        give_up: forward.give_up,
        breaker: forward.breaker,
    })
}

/// What an operator should know who may not have meant it.
pub fn warn(all: &[Settings]) {
    for Settings { name, destination, concurrency, .. } in all {
        let host = &destination.address.host;
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !destination.address.secure && !is_here {
            let url = &destination.address;
            tracing::warn!(target = %name, %url, "events go to a target without TLS: whoever is on the way can read them");
        }
        if *concurrency > 1 {
            tracing::info!(target = %name, concurrency, "a target gets events out of order: several at once");
        }
    }
}
