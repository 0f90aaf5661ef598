//! The forward targets: how they fare, their dead letters, and what an operator does about them.

use super::{Admin, json};
use crate::forward::Refused;
use crate::http::{Arrived, Reply};
use crate::message::Cursor;
use ::http::StatusCode;
use ::http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub use crate::forward::{Dead, Report};

/// All dead letters of a target have 30 KB of cursors.
const BODY: usize = 1 << 20;
const BODY_TIME: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
pub struct Targets {
    pub targets: Vec<Report>,
}

#[derive(Serialize, Deserialize)]
pub struct DeadLetters {
    pub dead: Vec<Dead>,
}

/// Which dead letters: these, or all.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhichDead {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursors: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
pub struct Queued {
    /// How many are tried once more; what becomes of them is seen in the target and its dead letters.
    pub queued: usize,
}

#[derive(Serialize, Deserialize)]
pub struct Resumed {
    /// Whether it was set aside.
    pub resumed: bool,
}

pub fn list(admin: &Admin) -> Reply {
    json(&Targets { targets: admin.targets.list(admin.journal.tail()) })
}

pub fn dead(admin: &Admin, name: &str) -> Reply {
    match admin.targets.dead(name) {
        Ok(dead) => json(&DeadLetters { dead: dead.to_vec() }),
        Err(refused) => refusal(&refused),
    }
}

pub async fn retry(admin: &Admin, name: &str, request: Arrived) -> Reply {
    let Arrived { head, body, .. } = request;
    // A page in the operator's browser cannot say this of its own accord: it would have to ask for leave first.
    if head.headers.get(CONTENT_TYPE).is_none_or(|found| !found.as_bytes().starts_with(b"application/json")) {
        return Reply::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json, and say so\n");
    }
    let Ok(body) = body.read(&head.headers, BODY, BODY_TIME).await else {
        return Reply::text(StatusCode::BAD_REQUEST, "the body is too long, too slow, or broke off\n");
    };
    let which = match read(&body) {
        Ok(which) => which,
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    };
    match admin.targets.retry(name, which).await {
        Ok(queued) => json(&Queued { queued }),
        Err(refused) => refusal(&refused),
    }
}

pub async fn resume(admin: &Admin, name: &str) -> Reply {
    match admin.targets.resume(name).await {
        Ok(resumed) => json(&Resumed { resumed }),
        Err(refused) => refusal(&refused),
    }
}

fn read(body: &[u8]) -> Result<Option<Vec<Cursor>>, String> {
    let which: WhichDead = serde_json::from_slice(body).map_err(|error| {
        format!("the body is not what is understood here: {error}\nit is {{\"cursors\":[…]}}, or {{}} for all\n")
    })?;
    let cursors = which.cursors.map(|cursors| cursors.iter().map(|cursor| cursor.parse()).collect());
    cursors.transpose().map_err(|_| "`cursors` has one that is none: they are listed by `dead`\n".to_owned())
}

fn refusal(refused: &Refused) -> Reply {
    let status = match refused {
        Refused::Unknown(_) => StatusCode::NOT_FOUND,
        Refused::SetAside(_) => StatusCode::CONFLICT,
        Refused::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Reply::text(status, format!("{refused}\n"))
}
