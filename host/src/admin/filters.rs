//! The filters at work: what there are, and how a component is exchanged for another.

use super::{Admin, json};
use crate::error::Chain;
use crate::filter::{Change, Refusal};
use crate::http::{Arrived, Reply, Unread};
use ::http::StatusCode;
use serde::Serialize;
use std::time::Duration;

/// The largest component, and how long it may take to arrive.
const BODY: usize = 64 << 20;
const BODY_TIME: Duration = Duration::from_secs(60);

pub(super) const BUSY: &str = "the component is looked at by one thread, and several wait for it already\n";

#[derive(Serialize)]
struct Put {
    #[serde(flatten)]
    change: Change,
    /// Whether the next start will have it too.
    kept: bool,
}

pub fn list(admin: &Admin) -> Reply {
    json(&admin.shelf.report())
}

/// Puts the component in the body in a filter's place.
pub async fn put(admin: &Admin, name: &str, request: Arrived) -> Reply {
    let Arrived { head, body, .. } = request;
    let bytes = match body.read(&head.headers, BODY, BODY_TIME).await {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) => return Reply::text(StatusCode::PAYLOAD_TOO_LARGE, "the component is too large\n"),
        Err(Unread::TooSlow) => return Reply::text(StatusCode::REQUEST_TIMEOUT, "the component took too long\n"),
        Err(Unread::Broken) => return Reply::text(StatusCode::BAD_REQUEST, "the component broke off\n"),
    };
    let (shelf, filter) = (admin.shelf.clone(), name.to_owned());
    match admin.exchanges.run(move || shelf.put(&filter, &bytes)).await {
        Ok(Ok((change, kept))) => json(&Put { change, kept: kept.is_ok() }),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => Reply::later(BUSY),
    }
}

/// Puts the version before the present one back.
pub async fn back(admin: &Admin, name: &str) -> Reply {
    let (shelf, filter) = (admin.shelf.clone(), name.to_owned());
    match admin.exchanges.run(move || shelf.back(&filter)).await {
        Ok(Ok(change)) => json(&change),
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => Reply::later(BUSY),
    }
}

fn refused(refusal: &Refusal) -> Reply {
    let status = match refusal {
        Refusal::Unknown(_) => StatusCode::NOT_FOUND,
        Refusal::NothingBefore(_) | Refusal::Reloaded(_) => StatusCode::CONFLICT,
        Refusal::Unfit(_) | Refusal::Lacks { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Reply::text(status, Chain(refusal).to_string() + "\n")
}
