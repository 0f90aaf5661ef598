//! Events that `postern events export` wrote, as cases: the message that came, and what this filter said of it then.

use super::Component;
use super::case::{Asked, Case, Expect, World};
use super::read::{Origin, Wrong};
use crate::filter::Question;
use crate::message::{Audience, EventId, Message, Payload, Step, Timestamp};
use bytes::Bytes;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::UNIX_EPOCH;

#[derive(Deserialize)]
struct Event<'a> {
    id: String,
    webhook: String,
    kind: String,
    received: String,
    content_type: Option<String>,
    /// Byte for byte, unless `base64` has the bytes.
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    base64: Option<String>,
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    trail: Vec<Step>,
}

/// A line of an export as a case; `None` when it is no such line.
pub fn case(line: &str, origin: &Origin<'_>, usual: &World) -> Option<Result<Case, Wrong>> {
    let event: Event<'_> = serde_json::from_str(line).ok()?;
    Some(made(&event, usual, origin.component).map_err(|what| {
        let (file, id) = (origin.name, event.id.escape_debug());
        Wrong(format!("{file}: event `{id}`: {what}\nhint: it is not as `postern events export` wrote it"))
    }))
}

fn made(event: &Event<'_>, usual: &World, component: &Component) -> Result<Case, &'static str> {
    let id = u64::from_str_radix(&event.id, 16).map_err(|_| "its id is not 16 hexadecimal digits")?;
    let received = humantime::parse_rfc3339_weak(&event.received).ok();
    let received = received.and_then(|time| u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok());
    let received = Timestamp(received.ok_or("its time cannot be read")?);
    let data = match (&event.base64, event.body) {
        (Some(text), _) => BASE64.decode(text.as_bytes()).map(Bytes::from).map_err(|_| "its body is not base64")?,
        (None, Some(body)) => Bytes::copy_from_slice(body.get().as_bytes()),
        (None, None) => return Err("it has no body"),
    };
    let message = Message {
        id: EventId(id),
        webhook: event.webhook.as_str().into(),
        received,
        content_type: event.content_type.clone(),
        payload: Payload::of(data),
        audience: Audience::default(),
    };
    let expect = Expect { verdict: then(&event.verdict.trail, component), ..Expect::default() };
    Ok(Case {
        name: format!("event {} ({})", event.id, event.kind),
        // The clock stands where it stood.
        world: World { now: received, ..usual.clone() },
        asked: Asked::Question(Question::Message(message)),
        expect,
    })
}

/// What this filter said then, where that was of this message: no filter before it had changed it, and it did not fail.
fn then(trail: &[Step], component: &Component) -> Option<Value> {
    let is_this = |step: &&Step| match component.is_named {
        true => step.filter == component.name,
        false => step.sha256 == component.sha256,
    };
    let place = trail.iter().position(|step| is_this(&step))?;
    let untouched = trail[..place].iter().all(|step| step.verdict == "pass");
    let verdict = trail[place].verdict.as_str();
    let known = ["pass", "drop", "rewrite", "send"].contains(&verdict);
    (untouched && known).then(|| Value::String(verdict.to_owned()))
}
