//! Where events go: a line each to standard output, then to the server nearby, and when both have it, the place behind
//! it to the cursor file.

use super::event::Event;
use super::forward::Forward;
use super::frame::Gap;
use super::keeper::Keeper;
use super::place::Place;
use crate::cli::{Failure, outward};
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::time::SystemTime;

pub struct Output<'a, W> {
    pub out: &'a mut W,
    pub forward: Option<Forward>,
    pub keeper: Option<Keeper>,
    /// How many events are still wanted; `None`: all.
    pub left: Option<u64>,
    /// Whether somebody looks on who wants a line for each event on standard error.
    pub show: bool,
}

/// Why no more is to be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// As many events as were wanted, or nobody reads them any more.
    Enough,
    Stopped,
}

impl<W: Write> Output<'_, W> {
    /// Shows an event and forwards it.
    pub async fn take<S>(
        &mut self,
        event: Event,
        place: Option<Place>,
        stop: Pin<&mut S>,
    ) -> Result<Option<Over>, Failure>
    where
        S: Future<Output = ()>,
    {
        // There must be room before it is shown, so that one that is not taken because of a stop was not shown either.
        let room = match &self.forward {
            None => None,
            Some(forward) => tokio::select! {
                room = forward.room() => room,
                () = stop => return Ok(Some(Over::Stopped)),
            },
        };
        let now = SystemTime::now();
        if let Some(over) = print(self.out, &event.line(now))? {
            return Ok(Some(over));
        }
        match room {
            Some(room) => room.put(event, place),
            None => {
                if self.show {
                    outward::note(&event.summary(now));
                }
                if let Some(place) = place {
                    self.mark(place);
                }
            }
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok((self.left == Some(0)).then_some(Over::Enough))
    }

    /// Tells what will not come, both to whoever looks on and to the program that reads the events.
    pub fn gap(&mut self, gap: &Gap) -> Result<Option<Over>, Failure> {
        let Gap { from, to, reason } = gap;
        outward::note(&format!("warning: a gap: what was between {from} and {to} is no longer to be had ({reason})"));
        let reason = serde_json::Value::from(reason.as_str());
        print(self.out, &format!("{{\"gap\":{{\"from\":\"{from}\",\"to\":\"{to}\",\"reason\":{reason}}}}}"))
    }

    /// Notes that all before `place` is done with, once what waits to be forwarded is.
    pub fn mark(&self, place: Place) {
        match (&self.forward, &self.keeper) {
            (Some(forward), _) => forward.mark(place),
            (None, Some(keeper)) => keeper.keep(place),
            (None, None) => {}
        }
    }

    /// Whether there is a cursor file.
    pub fn keeps(&self) -> bool {
        self.keeper.is_some()
    }
}

fn print(out: &mut impl Write, line: &str) -> Result<Option<Over>, Failure> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(None),
        // As with `head`: whoever read has what he wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Some(Over::Enough)),
        Err(error) => Err(Failure::new(Failure::FAILED, format!("failed to write to standard output: {error}"))),
    }
}
