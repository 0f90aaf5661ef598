//! Looking in the journal. Blocks.

use super::query::{Begin, MOST, Query};
use super::which::Which;
use super::{About, Page, Shown, State, Summary, Whole, date, told};
use crate::journal::{Error, Journal, Record, State as Outcome, Summary as Found};
use crate::message::{EventId, Timestamp};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

/// How much of the inbox one answer looks through.
const SCAN: usize = 64 << 20;

/// An event is written to the inbox a moment after it is received. This moment is never longer.
const MOMENT: u64 = 60_000;

/// The events that a query is for.
pub fn list(journal: &Journal, query: &Query) -> Result<Page, Error> {
    let (found, next) = find(journal, query)?;
    let mut events = Vec::with_capacity(found.len());
    for id in found {
        events.extend(record(journal, id)?.as_ref().map(Summary::of));
    }
    Ok(Page { events, next: next.map(|next| next.to_string()) })
}

/// All that is known of an event.
pub fn show(journal: &Journal, id: EventId) -> Result<Option<Shown>, Error> {
    Ok(journal.record(id)?.map(|record| Shown::of(&record)))
}

/// The events that are to be judged again: some of them, and from where to go on.
pub fn choose(
    journal: &Journal,
    which: &Which,
    after: Option<EventId>,
) -> Result<(Vec<EventId>, Option<EventId>), Error> {
    match which {
        Which::These(ids) => Ok((ids.clone(), None)),
        Which::Matching(query) => find(journal, &Query { after, ..query.clone() }),
    }
}

/// Ids in order, and the last that was looked at if there may be more.
fn find(journal: &Journal, query: &Query) -> Result<(Vec<EventId>, Option<EventId>), Error> {
    let from = begin(journal, query)?;
    if query.held {
        return find_held(journal, query, from);
    }
    let end = query.until.map(|until| journal.event_at(Timestamp(until.0.saturating_add(MOMENT))));
    let wanted = |event: &Found| {
        end.is_none_or(|end| event.id < end) && query.fits(&event.webhook, &event.kind, &event.keys, event.received)
    };
    let (found, next) = journal.search(from, &wanted, query.limit, SCAN)?;
    let next = next.filter(|next| end.is_none_or(|end| *next < end)).map(|next| EventId(next.0.saturating_sub(1)));
    Ok((found.iter().map(|event| event.id).collect(), next))
}

fn find_held(journal: &Journal, query: &Query, from: EventId) -> Result<(Vec<EventId>, Option<EventId>), Error> {
    let mut found = Vec::new();
    let mut after = EventId(from.0.saturating_sub(1));
    loop {
        let held = journal.held(after, MOST)?;
        let Some(last) = held.last() else { return Ok((found, None)) };
        after = last.event;
        for held in held {
            if query.fits(&held.webhook, &held.kind, &held.keys, held.received) {
                found.push(held.event);
                if found.len() >= query.limit {
                    return Ok((found, Some(held.event)));
                }
            }
        }
    }
}

/// The first event that may be meant.
fn begin(journal: &Journal, query: &Query) -> Result<EventId, Error> {
    let since = match query.since {
        None => EventId(0),
        Some(Begin::Event(id)) => id,
        // It was written at that time or later: what was received then was not written before.
        Some(Begin::Time(time)) => journal.event_at(time),
        Some(Begin::Cursor(cursor)) => {
            let (offset, _) = journal.resume(cursor);
            let next = journal.outbox(offset, 1, 1)?.entries.first().map(|entry| entry.event);
            next.unwrap_or(EventId(u64::MAX))
        }
    };
    Ok(query.after.map_or(since, |after| since.max(EventId(after.0.saturating_add(1)))))
}

/// One that retention has taken meanwhile, or that the disk has damaged, is left out and hides no other.
fn record(journal: &Journal, id: EventId) -> Result<Option<Record>, Error> {
    match journal.record(id) {
        Err(Error::Damaged(_)) => Ok(None),
        found => found,
    }
}

impl Summary {
    fn of(record: &Record) -> Self {
        let event = &record.event;
        let mut summary = Self {
            id: event.id.to_string(),
            webhook: event.webhook.to_string(),
            kind: event.kind.to_string(),
            keys: About::from(&*event.keys),
            received: date(event.received),
            unparsed: event.unparsed,
            bytes: event.body.len() as u64,
            body_sha256: HEXLOWER.encode(digest(&SHA256, &event.body).as_ref()),
            state: State::Pending,
            filter: None,
            reason: None,
            offset: None,
            count: None,
            duplicate_of: None,
        };
        match &record.state {
            Outcome::Pending => {}
            Outcome::Dropped => summary.state = State::Dropped,
            Outcome::Judged => summary.state = State::Judged,
            Outcome::Delivered { first, count } => {
                summary.state = State::Delivered;
                (summary.offset, summary.count) = (Some(first.0), Some(*count));
            }
            Outcome::Held { filter, reason } => {
                summary.state = State::Held;
                (summary.filter, summary.reason) = (Some(filter.clone()), Some(reason.clone()));
            }
            Outcome::Duplicate { of } => {
                summary.state = State::Duplicate;
                summary.duplicate_of = Some(of.to_string());
            }
        }
        summary
    }
}

impl Shown {
    fn of(record: &Record) -> Self {
        let (body, base64) = told(&record.event.body);
        Self {
            summary: Summary::of(record),
            content_type: record.event.content_type.clone(),
            delivery: Whole { first: record.delivery.to_string(), items: record.items, bytes: record.delivery_bytes },
            decided: record.decided.map(date),
            trail: record.trail.clone(),
            sockets: None,
            body,
            base64,
        }
    }
}
