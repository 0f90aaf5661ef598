//! Applies to the index what the logs have and it has not, frame by frame as it was applied when they were written.

use super::Error;
use super::dedupe::Window;
use super::index::{Applied, Judgement, Noted, Store};
use super::log::{Found, Frame, Log, Place};
use super::record::{DeliveryHeader, decode_delivery, decode_verdicts};
use crate::message::EventId;

/// How much of a log is read in one go.
const CHUNK: usize = 4 << 20;

/// Where the oldest frame of any log is, or before it.
const BEGINNING: Place = Place { segment: 0, at: 0 };

/// Brings the index up to the end of both logs. What cannot be read is told to `damage` and passed.
pub(super) fn replay(
    store: &Store,
    inbox: &Log,
    outbox: &Log,
    window: &Window,
    damage: &dyn Fn(String),
) -> Result<(), Error> {
    walk(store, "inbox", inbox, damage, |frames, applied| {
        let headers = frames.iter().filter_map(|frame| match decode_delivery(frame.payload.clone()) {
            Ok((header, _)) => Some((EventId(frame.position), header)),
            Err(error) => {
                damage(format!("the inbox, from event {}: {error}", EventId(frame.position)));
                None
            }
        });
        let headers: Vec<_> = headers.collect();
        let noted: Vec<_> = headers.iter().map(|(first, header)| Noted::of(*first, header)).collect();
        store.note(window, &noted, applied)
    })?;
    walk(store, "outbox", outbox, damage, |frames, applied| {
        let batches = frames.iter().filter_map(|frame| match decode_verdicts(frame.payload.clone()) {
            Ok((webhook, verdicts)) => Some((frame.place, webhook, verdicts)),
            Err(error) => {
                damage(format!("the outbox, from offset {}: {error}", frame.position));
                None
            }
        });
        let batches: Vec<_> = batches.collect();
        let judgements: Vec<_> =
            batches.iter().map(|(place, webhook, verdicts)| Judgement { place: *place, webhook, verdicts }).collect();
        store.judge(&judgements, applied)
    })
}

/// Reads a log from where it was applied to its end. The frame applied last is applied again, which changes nothing.
fn walk(
    store: &Store,
    name: &str,
    log: &Log,
    damage: &dyn Fn(String),
    apply: impl Fn(&[Frame], Applied) -> fjall::Result<()>,
) -> Result<(), Error> {
    let mut place = store.applied(name).map_err(Error::Index)?.map_or(BEGINNING, |applied| applied.place);
    loop {
        let (found, next) = log.frames(place, CHUNK).map_err(Error::Read)?;
        if found.is_empty() {
            return Ok(());
        }
        let mut frames = Vec::with_capacity(found.len());
        let mut last = None;
        for found in found {
            match found {
                Found::Hole { from, to } => damage(format!("the {name} has lost positions {from} to {to}")),
                Found::Frame(frame) => {
                    last = Some(Applied { place: frame.place, end: end_of(&frame) });
                    if !frame.payload.is_empty() {
                        frames.push(frame);
                    }
                }
            }
        }
        if let Some(applied) = last {
            apply(&frames, applied).map_err(Error::Index)?;
        }
        if next == place {
            return Ok(());
        }
        place = next;
    }
}

/// The position behind a frame.
pub(super) fn end_of(frame: &Frame) -> u64 {
    frame.position + u64::from(frame.count)
}

impl Noted {
    pub fn of(first: EventId, header: &DeliveryHeader) -> Self {
        let events = (first.0..).map(EventId).zip(&header.items);
        let new = events.filter(|(_, item)| item.is_new()).map(|(event, item)| (item.fingerprint(), event));
        Self { webhook: header.webhook.as_str().into(), received: header.received, new: new.collect() }
    }
}
