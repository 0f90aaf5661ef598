//! The configuration read again, as an operator asks for it.

use super::filters::BUSY;
use super::{Admin, JSON, json};
use crate::filter::Change;
use crate::http::Reply;
use ::http::StatusCode;
use serde::Serialize;

/// What became of a configuration that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reloaded {
    /// What it says otherwise than the one before.
    pub changed: Vec<Difference>,
    /// Filters that have another component.
    pub filters: Vec<Change>,
}

/// A value that is another now. Secrets are never told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub key: String,
    /// `None`: it was not said.
    pub from: Option<String>,
    pub to: Option<String>,
}

#[derive(Serialize)]
struct Refused<'a> {
    problems: &'a [String],
}

/// Reads it again: all of it is taken, or nothing.
pub async fn reload(admin: &Admin) -> Reply {
    let reload = admin.reload.clone();
    match admin.exchanges.run(move || reload()).await {
        Ok(Ok(reloaded)) => json(&reloaded),
        Ok(Err(problems)) => {
            let body = serde_json::to_vec(&Refused { problems: &problems }).expect("strings are serialisable");
            Reply::of(StatusCode::UNPROCESSABLE_ENTITY, JSON, body)
        }
        Err(_) => Reply::later(BUSY),
    }
}
