//! Judging events again: a page of them at a time, each given to the dispatcher of its webhook, until all are done. So
//! the answer may take long, and tells what became of them; whoever goes away before has those judged that were begun.

use super::events::{self, Again, Which};
use super::{Admin, json};
use crate::dispatch::{Counts, Unanswered, Work};
use crate::error::Chain;
use crate::http::{Arrived, Reply};
use crate::journal;
use crate::message::EventId;
use ::http::StatusCode;
use ::http::header::CONTENT_TYPE;
use std::time::Duration;

/// A list of a thousand ids has 20 KB.
const BODY: usize = 1 << 20;
const BODY_TIME: Duration = Duration::from_secs(10);

/// So many are given to a dispatcher at a time: what is new has its turn in between.
const PORTION: usize = 64;

enum Refusal {
    Busy,
    Journal(journal::Error),
    Unanswered(Unanswered),
}

pub async fn answer(admin: &Admin, work: Work, request: Arrived) -> Reply {
    let Arrived { head, body, .. } = request;
    // A page in the operator's browser cannot say this of its own accord: it would have to ask for leave first.
    if head.headers.get(CONTENT_TYPE).is_none_or(|found| !found.as_bytes().starts_with(b"application/json")) {
        return Reply::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json, and say so\n");
    }
    let Ok(body) = body.read(&head.headers, BODY, BODY_TIME).await else {
        return Reply::text(StatusCode::BAD_REQUEST, "the body is too long, too slow, or broke off\n");
    };
    let which = match Which::read(&body) {
        Ok(which) => which,
        Err(wrong) => return Reply::text(StatusCode::BAD_REQUEST, wrong),
    };
    match all(admin, work, which).await {
        Ok((tried, Counts { delivered, dropped, held, .. })) => {
            let (retried, replayed) = match work {
                Work::Retry => (Some(tried), None),
                Work::Replay => (None, Some(tried)),
            };
            json(&Again { retried, replayed, delivered, dropped, held })
        }
        Err(Refusal::Busy) => Reply::later("too many readers at once\n"),
        Err(Refusal::Unanswered(why @ Unanswered::NoDispatcher)) => {
            Reply::text(StatusCode::CONFLICT, format!("{why}\n"))
        }
        Err(Refusal::Unanswered(Unanswered::Busy)) => Reply::later("too many such requests wait already\n"),
        Err(Refusal::Unanswered(Unanswered::GaveUp)) => {
            Reply::later("the gateway stops, or could not write what was decided\n")
        }
        Err(Refusal::Journal(error)) => {
            tracing::error!(error = %Chain(&error), "the journal cannot be read for an operator");
            Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the journal cannot be read, see the log\n")
        }
    }
}

/// Has all of them judged, and says how many there were to judge.
async fn all(admin: &Admin, work: Work, which: Which) -> Result<(u64, Counts), Refusal> {
    let which = match (which, work) {
        // Only what is held can be retried.
        (Which::Matching(query), Work::Retry) => Which::Matching(events::Query { held: true, ..query }),
        (which, _) => which,
    };
    // What is replayed may be held by that, and come up again: only what is there now is meant.
    let newest = admin.journal.next_event();
    let (mut after, mut counts) = (None, Counts::default());
    let alone = matches!(&which, Which::These(ids) if ids.len() == 1);
    loop {
        let (journal, asked) = (admin.journal.clone(), which.clone());
        let found = admin.readers.run(move || {
            let (ids, next) = events::choose(&journal, &asked, after)?;
            let webhook = |id| journal.event(id).map(|event| event.map(|event| (id, event.webhook)));
            let named: Result<Vec<_>, _> = ids.into_iter().map(webhook).collect();
            Ok((named?.into_iter().flatten().collect::<Vec<_>>(), next))
        });
        let (events, next) = found.await.map_err(|_| Refusal::Busy)?.map_err(Refusal::Journal)?;
        let events = events.into_iter().filter(|(id, _)| *id < newest);
        let mut portions: Vec<(_, Vec<EventId>)> = Vec::new();
        for (id, webhook) in events {
            match portions.last_mut() {
                Some((name, ids)) if *name == webhook && ids.len() < PORTION => ids.push(id),
                _ => portions.push((webhook, vec![id])),
            }
        }
        for (webhook, ids) in portions {
            let done = match admin.desk.ask(&webhook, work, ids).await {
                // Those of a webhook that is no longer configured stay as they are, and hold up no others.
                Err(Unanswered::NoDispatcher) if !alone => continue,
                done => done.map_err(Refusal::Unanswered)?,
            };
            counts = counts.plus(done);
        }
        match next.filter(|next| *next < newest) {
            Some(next) => after = Some(next),
            None => return Ok((counts.delivered + counts.dropped + counts.held, counts)),
        }
    }
}
