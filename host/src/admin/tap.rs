//! Looking on: each decision as it is made, as server-sent events.

use super::events::{About, State, date};
use crate::http::Reply;
use crate::message::Step;
use crate::phase::Phases;
use crate::pipe::{self, Near};
use crate::tap::{Became, Seen, Tap, Told, Watching};
use crate::task;
use serde::Serialize;
use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

/// How much waits for a watcher that does not read. Then it misses some.
const PIPE: usize = 256 << 10;

/// About how much is written at once.
const AT_ONCE: usize = 64 << 10;

/// Something is said this often, so that whoever is between, and the page, see that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Who reads nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(30);

/// One decision, as it is told: what a list has of an event, and its trail.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    webhook: &'a str,
    kind: &'a str,
    keys: About,
    received: String,
    decided: String,
    unparsed: bool,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Of a delivered event: as how many entries, and for how many of the clients that were connected then.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<usize>,
    trail: &'a [Step],
}

/// A stream of every decision from now on.
pub fn answer(tap: &Tap, phases: &Phases) -> Reply {
    let Some(watching) = tap.watch() else { return Reply::later("as many look on already as may\n") };
    let (near, far) = pipe::pair(PIPE);
    task::background(feed(watching, near, phases.clone()));
    Reply::stream("text/event-stream", far)
}

async fn feed(mut watching: Watching, near: Near, phases: Phases) {
    let mut text = ": decisions, as they are made\nretry: 2000\n\n".to_owned();
    loop {
        let written = tokio::time::timeout(PATIENCE, write(&near, text.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
        text.clear();
        let first = tokio::select! {
            seen = watching.next() => Some(seen),
            () = tokio::time::sleep(HEARTBEAT) => None,
            () = phases.draining() => return,
        };
        let Some(first) = first else {
            text.push_str(": alive\n\n");
            continue;
        };
        let mut seen = Some(first);
        while let Some(next) = seen {
            match next {
                Seen::Told(told) => tell(&told, &mut text),
                Seen::Missed(missed) => text.push_str(&format!("event: missed\ndata: {{\"missed\":{missed}}}\n\n")),
                Seen::Over => return,
            }
            seen = if text.len() < AT_ONCE { watching.at_once() } else { None };
        }
    }
}

/// Writes all of it. Not cancel safe: who gives up does so for good.
async fn write(near: &Near, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match near.try_write_vectored(&[IoSlice::new(bytes)]) {
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => near.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn tell(told: &Told, text: &mut String) {
    let (state, count, clients) = match &told.became {
        Became::Delivered { parts, clients } => (State::Delivered, Some(*parts), *clients),
        Became::Dropped => (State::Dropped, None, None),
        Became::Held { .. } => (State::Held, None, None),
    };
    let held = match &told.became {
        Became::Held { filter, reason } => Some((filter.as_str(), reason.as_str())),
        Became::Delivered { .. } | Became::Dropped => None,
    };
    let line = Line {
        id: told.event.to_string(),
        webhook: &told.webhook,
        kind: &told.kind,
        keys: About::from(&*told.keys),
        received: date(told.received),
        decided: date(told.decided),
        unparsed: told.unparsed,
        state,
        filter: held.map(|(filter, _)| filter),
        reason: held.map(|(_, reason)| reason),
        count,
        clients,
        trail: &told.trail,
    };
    let line = serde_json::to_string(&line).expect("strings and numbers are serialisable");
    text.push_str("event: event\ndata: ");
    text.push_str(&line);
    text.push_str("\n\n");
}
